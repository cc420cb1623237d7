"""How many photos a second, and which step is the limit: `make bench NAME=throughput`.

Portraits of 512 x 512 pixels (the astronaut, a little changed each time) as JPEG. Prints photos a second of each step
alone (decode, find faces, the network), of the plain loop over `score`, and of `score_many`, and the largest difference
between the scores of the last two.
"""

import argparse
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.photos.images import decode_photo
from fiqa.results import QualityResult

WARM_UP = 2


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
    loop = rate("loop over score", len(files), lambda: [predictor.score(each) for each in files])
    many = rate("score_many", len(files), lambda: list(predictor.score_many(files, workers=options.workers)))
    pairs = [
        (one.score, other.score) for one, other in zip(loop, many, strict=True) if isinstance(other, QualityResult)
    ]
    print(f"largest difference of a score {max(abs(one - other) for one, other in pairs):.1e} in {len(pairs)} photos")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N", help="of torch")
    parser.add_argument("--workers", type=int, metavar="N", help="threads of score_many that decode and find")
    parser.add_argument("--device", default="cpu", help="default: cpu")
    return parser.parse_args()


def portrait(seed: int) -> bytes:
    """Return the astronaut as a JPEG file, with a little noise of her own."""
    noise = np.random.default_rng(seed).normal(0, 3, (512, 512, 3))
    pixels = (astronaut() + noise).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def rate(name: str, photos: int, work: Callable[[], Any]) -> Any:
    """Do the work, print how many photos a second that was, and return what came of it."""
    started = time.perf_counter()
    done = work()
    print(f"{name:28} {photos / (time.perf_counter() - started):8.1f} photos/s", flush=True)
    return done


if __name__ == "__main__":
    main()
