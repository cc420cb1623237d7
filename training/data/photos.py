"""The folder of reference photos that labels, landmarks and detectors are trained on.

A photo folder holds pictures and one `faces.json`, a list with one entry a face:

    id             unique name
    file           picture, relative to the folder
    source_repo    where it comes from; splits are made by source, never by photo
    tag            "pristine" (fit to be a reference) or anything else
    landmarks68    68 (x, y) positions in pixels, iBUG order

and, optionally, what was measured of the face: `native_face_px` (side of its box before the crop was made),
`sharpness` (variance of the Laplacian at a side of 256 px) and `noise_sigma` (of 255).

Photos of one person tend to come from one source, so a split by photo would test on people seen in training.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.errors import DataError

Split = Literal["train", "val", "test"]
LARGE_SOURCE_SHARE = 0.08
"""A source with more than this share of the photos always trains: held aside it would be the test set."""


@dataclass(frozen=True)
class FacePhoto:
    """One entry of `faces.json`; `landmarks` is (68, 2) float32 in pixels of the picture."""

    id: str
    path: Path
    source: str
    pristine: bool
    landmarks: NDArray[np.float32]
    person: str = ""
    """Who is shown: a person's name, or the source where people are not told apart."""

    @property
    def is_of_known_person(self) -> bool:
        """Whether people are told apart in the photo's source."""
        return self.person != self.source

    def read(self) -> NDArray[np.uint8]:
        """Return the picture as (H, W, 3) uint8 RGB."""
        with Image.open(self.path) as image:
            return np.asarray(image.convert("RGB"))


def read_photo_folder(folder: Path) -> list[FacePhoto]:
    """Read `faces.json` of a photo folder; raise DataError when it is missing or malformed."""
    index = folder / "faces.json"
    if not index.is_file():
        raise DataError(f"{folder} is no photo folder: it has no faces.json.")
    try:
        return [_photo(folder, entry) for entry in json.loads(index.read_text(encoding="utf-8"))]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{index} is malformed: {error!r}.") from error


def _photo(folder: Path, entry: dict[str, object]) -> FacePhoto:
    landmarks = np.asarray(entry["landmarks68"], dtype=np.float32)
    if landmarks.shape != (68, 2):
        raise ValueError(f"{entry['id']} has landmarks of shape {landmarks.shape}, expected (68, 2)")
    source = str(entry["source_repo"])
    return FacePhoto(
        id=str(entry["id"]),
        path=folder / str(entry["file"]),
        source=source,
        pristine=entry["tag"] == "pristine",
        landmarks=landmarks,
        person=str(entry.get("person") or source),
    )


def split_by_source(sources: Sequence[str], *, val: float = 0.12, test: float = 0.15) -> dict[str, Split]:
    """Assign whole sources to splits, in an order that depends on their names alone.

    `sources` names the source of every photo; `test` and `val` are the shares of photos wanted there.
    """
    counts = Counter(sources)
    wanted: dict[Split, float] = {"test": test * len(sources), "val": val * len(sources)}
    splits: dict[str, Split] = {}
    for source in sorted(counts, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        small = counts[source] <= LARGE_SOURCE_SHARE * len(sources)
        fitting: list[Split] = [name for name, left in wanted.items() if small and left >= counts[source]]
        split: Split = fitting[0] if fitting else "train"
        splits[source] = split
        if split != "train":
            wanted[split] -= counts[source]
    return splits


def split_by_person(photos: Sequence[FacePhoto], *, val: float = 0.08, test: float = 0.24) -> dict[str, Split]:
    """Assign whole people to splits, or whole sources where people are not told apart.

    Each source whose people are known is divided for itself, so that every split holds photos of every look.
    """
    units: dict[str, list[str]] = {}
    for photo in photos:
        units.setdefault(photo.source if photo.is_of_known_person else "", []).append(photo.person)
    splits: dict[str, Split] = {}
    for people in units.values():
        splits |= split_by_source(people, val=val, test=test)
    return splits
