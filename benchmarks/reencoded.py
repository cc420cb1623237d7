"""How far a copy's score is from its original's: `make bench NAME=reencoded`.

Saving a photo again takes something away, however little, so a copy should never score higher. Every photo is saved
again as JPEG of several qualities, as WebP and as AVIF, and scored where its face was found before and where it is
found in the copy. Prints, for each way to save it: the mean difference of the scores with its 95 % interval,
bootstrapped over people, the largest gain and the share of copies that score higher by more than 0.01.

People: the bundled astronaut, and whoever is in the photos of a folder (`--photos`), one photo a person.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from benchmarks.script import run_benchmark
from fiqa.errors import FiqaError
from fiqa.loading import load_predictor
from fiqa.photos.images import decode_photo
from fiqa.photos.sources import find_photos
from fiqa.predictor import QualityPredictor

Photo = NDArray[np.uint8]
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"JPEG {quality}": ("JPEG", {"quality": quality}) for quality in (98, 95, 90, 85)},
    "WebP 95": ("WEBP", {"quality": 95}),
    "AVIF 95": ("AVIF", {"quality": 95}),
}
NOTICEABLE = 0.01
RESAMPLES = 2000


@dataclass(frozen=True)
class Change:
    """Score of a copy less its original's: `found` with the face found in the copy, `same` with the original's."""

    found: float
    same: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="a photo of each person, besides the astronaut")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth photo of the folder")
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    people = list(photos_of(options.photos, options.every))
    measured = {name: [change for photo in people if (change := measure(predictor, photo, name))] for name in FORMATS}
    print(report(measured))


def photos_of(folder: Path | None, every: int) -> Iterator[Photo]:
    """Yield a photo (H, W, 3) of each person; files that cannot be read are left out."""
    yield np.asarray(astronaut())
    for path in find_photos([str(folder)]).paths[::every] if folder else ():
        try:
            yield decode_photo(path).pixels
        except FiqaError:
            continue


def save_again(photo: Photo, name: str) -> Photo:
    """Return a photo as it comes back from a format of `FORMATS`."""
    kind, options = FORMATS[name]
    buffer = BytesIO()
    Image.fromarray(photo).save(buffer, kind, **options)
    return decode_photo(buffer.getvalue()).pixels


def measure(predictor: QualityPredictor, photo: Photo, name: str) -> Change | None:
    """Return how the score of a photo changes when it is saved again; None where no face is found."""
    copy = save_again(photo, name)
    try:
        before, after = (predictor.find_faces(each).face for each in (photo, copy))
    except FiqaError:
        return None
    views = [(photo, before), (copy, after), (copy, before)]
    original, found, same = predictor.crop_scores([predictor.face_crops(*view) for view in views]).mean(axis=1).tolist()
    return Change(found - original, same - original)


def report(measured: dict[str, list[Change]]) -> str:
    """Return the table, in units of the score."""
    heads = f"{'mean change':>14}{'95 % interval':>20}{'largest gain':>14}{'higher':>8}{'same face':>11}"
    lines = [f"{'saved as':10}{'people':>8}{heads}"]
    for name, changes in measured.items():
        found = np.array([change.found for change in changes])
        low, high = interval_of_mean(found)
        higher = float((found > NOTICEABLE).mean())
        same = float(np.mean([change.same for change in changes]))
        lines.append(
            f"{name:10}{len(found):8}{found.mean():+14.4f}{f'{low:+.4f} to {high:+.4f}':>20}"
            f"{found.max():+14.4f}{higher:8.1%}{same:+11.4f}"
        )
    return "\n".join(lines)


def interval_of_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values (P,) of people, bootstrapped."""
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975)).tolist()
    return low, high


if __name__ == "__main__":
    run_benchmark(main)
