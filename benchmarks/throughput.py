"""How many photos a second, and which step is the limit: `make bench NAME=throughput`.

Portraits of 512 x 512 pixels (the astronaut, a little changed each time) as JPEG. Prints photos a second of each step
alone (decode, find faces, the network), of the plain loop over `score`, of `score_many`, and of processes as
`fiqa score LIST --workers` has them, once they have loaded; beside the last two the largest difference of a score from
the loop's, and how many times as fast as the loop they were.
"""

import argparse
import io
import time
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut

from benchmarks.script import run_benchmark
from fiqa import load_predictor
from fiqa.bulk.workers import Scoring, score_in_processes
from fiqa.photos.images import decode_photo
from fiqa.results import QualityResult

WARM_UP = 2
BATCH = 4
"""Photos a process takes at a time here: few, so that a short measurement is not one of its beginning and end."""


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    predictor = load_predictor("lite", device=options.device)
    files = [portrait(seed) for seed in range(options.photos)]
    pixels = [decode_photo(each).pixels for each in files]
    faces = [predictor.find_faces(each).faces for each in pixels]
    crops = [predictor.face_crops(each, found[0]) for each, found in zip(pixels, faces, strict=True)]
    for each in files[:WARM_UP]:
        predictor.score(each)
    print(f"{options.threads} threads, {options.photos} photos of 512 x 512 pixels, on {options.device}")
    rate("decode alone", len(files), lambda: [decode_photo(each) for each in files])
    rate("faces alone", len(files), lambda: [predictor.find_faces(each) for each in pixels])
    rate("network alone, one by one", len(files), lambda: [predictor.crop_scores([each]) for each in crops])
    rate("network alone, all at once", len(files), lambda: predictor.crop_scores(crops))
    loop, plain = rate("loop over score", len(files), lambda: [predictor.score(each) for each in files])
    many, _ = rate("score_many", len(files), lambda: list(predictor.score_many(files, workers=options.finders)))
    print(f"{'':28} {largest_difference(loop, many):8.1e} largest difference of a score")
    found, fast = rate_of_processes(files, options)
    print(f"{'':28} {largest_difference(loop, found):8.1e} largest difference of a score")
    print(f"{'':28} {fast / plain:8.2f} times the loop")


def rate_of_processes(files: list[bytes], options: argparse.Namespace) -> tuple[list[Any], float]:
    """Score files in processes that are busy before the first and after the last; return outcomes and photos/s."""
    beside = list(islice(files, 4 * BATCH * options.workers))
    scoring = Scoring("lite", options.device, "auto")
    outcomes = score_in_processes(chain(beside, files, beside), scoring, workers=options.workers, batch=BATCH)
    for _ in islice(outcomes, len(beside)):  # until all have loaded
        pass
    name = f"{options.workers} processes"
    found, fast = rate(name, len(files), lambda: list(islice(outcomes, len(files))))
    for _ in outcomes:
        pass
    return found, fast


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N", help="of torch")
    parser.add_argument("--finders", type=int, metavar="N", help="threads of score_many that decode and find")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--device", default="cpu", help="default: cpu")
    return parser.parse_args()


def portrait(seed: int) -> bytes:
    """Return the astronaut as a JPEG file, with a little noise of her own."""
    noise = np.random.default_rng(seed).normal(0, 3, (512, 512, 3))
    pixels = (astronaut() + noise).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def rate(name: str, photos: int, work: Callable[[], Any]) -> tuple[Any, float]:
    """Do the work, print how many photos a second that was, and return what came of it and the rate."""
    started = time.perf_counter()
    done = work()
    photos_a_second = photos / (time.perf_counter() - started)
    print(f"{name:28} {photos_a_second:8.1f} photos/s", flush=True)
    return done, photos_a_second


def largest_difference(expected: Iterable[Any], found: Iterable[Any]) -> float:
    """Return the largest difference of two scores of a photo; raise TypeError where a photo has none."""
    differences: list[float] = []
    for one, other in zip(expected, found, strict=True):
        if not isinstance(other, QualityResult):
            raise TypeError(f"A portrait has no score: {other}")
        differences.append(abs(one.score - other.score))
    return max(differences)


if __name__ == "__main__":
    run_benchmark(main)
