"""How far scores with ONNX Runtime are from torch's: `make bench NAME=onnx_agreement ARGS="--onnx lite-onnx"`.

Photos are the bundled portrait, each time framed, turned and mirrored anew and with another damage. Prints, for the
networks in full and with the quality network in 8 bits, the mean and the largest difference of a score, the correlation
of ranks, and how many photos had other faces or other notices. A photo refused by both counts as alike.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy.stats import spearmanr
from skimage.data import astronaut

from benchmarks.script import run_benchmark
from fiqa import load_predictor
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.errors import FiqaError
from fiqa.onnx import load_onnx
from fiqa.photo_scorer import PhotoScorer
from fiqa.results import QualityResult

Photo = NDArray[np.uint8]
Outcome = QualityResult | str
SIDES_PX, LARGEST_TURN_DEG = (240, 900), 25.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--onnx", type=Path, default=Path("lite-onnx"), help="a folder that `fiqa export` wrote")
    parser.add_argument("--photos", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default: 1")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    photos = [made_photo(number) for number in range(options.photos)]
    expected = outcomes(load_predictor("lite", device="cpu", finder="bundled"), photos)
    print(f"{len(photos)} photos, {sum(isinstance(each, str) for each in expected)} of them refused")
    for name, int8 in (("onnx", False), ("onnx int8", True)):
        found = outcomes(load_onnx(options.onnx, int8=int8, threads=options.threads), photos)
        print(f"{name:10} {compared(expected, found)}", flush=True)


def made_photo(number: int) -> Photo:
    """Return the portrait as photo number N shows it."""
    random = np.random.default_rng(number)
    side = int(random.integers(*SIDES_PX))
    portrait = Image.fromarray(astronaut())
    left, top, width, height = (int(random.integers(*span)) for span in ((0, 100), (0, 60), (330, 400), (330, 400)))
    cut = portrait.crop((left, top, left + width, top + height))
    framed = (ImageOps.mirror(cut) if number % 2 else cut).resize((side, side))
    turned = framed.rotate(float(random.uniform(-LARGEST_TURN_DEG, LARGEST_TURN_DEG)), Image.Resampling.BICUBIC)
    kind = [*DEGRADATIONS][number % len(DEGRADATIONS)]
    return degrade(np.asarray(turned), [(kind, float(random.uniform(0, 1)))], seed=number)


def outcomes(predictor: PhotoScorer, photos: Sequence[Photo]) -> list[Outcome]:
    """Return the result of every photo, or why it has none."""
    return [each if isinstance(each, QualityResult) else str(each) for each in predictor.score_many(photos)]


def compared(expected: Sequence[Outcome], found: Sequence[Outcome]) -> str:
    """Say in a line how far outcomes are from those expected."""
    both = [
        (one, other)
        for one, other in zip(expected, found, strict=True)
        if isinstance(one, QualityResult) and isinstance(other, QualityResult)
    ]
    if len(both) < 2:
        raise FiqaError("Fewer than two photos have a score: ask for more photos.")
    scores = np.array([(one.score, other.score) for one, other in both])
    difference = np.abs(scores[:, 0] - scores[:, 1])
    others = sum(not is_alike(one, other) for one, other in zip(expected, found, strict=True))
    return (
        f"mean difference {difference.mean():.1e}, largest {difference.max():.1e}, "
        f"SRCC {spearmanr(*scores.T).statistic:.4f}, other faces or notices in {others}"
    )


def is_alike(one: Outcome, other: Outcome) -> bool:
    """Tell whether two outcomes have as many faces and the same notices, or the same refusal."""
    if isinstance(one, QualityResult) and isinstance(other, QualityResult):
        return (len(one.faces), one.notices) == (len(other.faces), other.notices)
    return one == other


if __name__ == "__main__":
    run_benchmark(main)
