"""Photos of groups with the boxes that a detector gave, to train and test the face finder on.

A folder of group photos holds pictures and one `scenes.json`, a list with one entry a photo:

    file           picture, relative to the folder
    source_repo    where it comes from; photos of one source often show one event, so splits are made by source
    faces          of each face the box `box_xywh` in pixels, forehead to chin, the detector's `score`, and if known
                   `points5`, the person's right eye, left eye, nose, right and left mouth corner as x, y pairs

A box of a score above `SURE` is taken for a face; one below it is neither a face nor background.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.face_scenes import Rng, Scene, draw_log_uniform, randomly_degraded
from training.data.photos import Split
from training.errors import DataError

SURE = 0.8
HELD_ASIDE: dict[str, Split] = {
    "rladies/rladies.github.io": "val",
    "presidential-innovation-fellows/pif-website": "test",
    "PyCon/pycon": "test",
    "pyladies/pyladies": "test",
    "EuroPython/website": "test",
}
"""Sources that are never trained on; all others are."""
LANDMARK_BOX = np.array([0.0, 0.25, 1.0, 1.0])
"""The box of the 68 landmarks in shares of a detector's box: the median of 222 faces; it lacks the forehead."""
FACE_SHARE, FACE_PX, LARGEST_SCALE = 0.8, (13, 150), 1.5
Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class GroupPhoto:
    """One photo, the landmark boxes (K, 4) of its `faces` as (x0, y0, x1, y1) pixels, and those of `unsure` ones.

    `points` (K, 5, 2): eyes, tip of the nose and corners of the mouth of the faces, as (x, y) pixels, left to right in
    the picture; empty (0, 5, 2) where the folder has none.
    """

    path: Path
    source: str
    faces: Boxes
    unsure: Boxes
    points: NDArray[np.float32]

    @property
    def split(self) -> Split:
        """What the photo is for."""
        return HELD_ASIDE.get(self.source, "train")

    def read(self) -> NDArray[np.uint8]:
        """Return the picture as (H, W, 3) uint8 RGB."""
        with Image.open(self.path) as image:
            return np.asarray(image.convert("RGB"))


def read_group_photos(folder: Path) -> list[GroupPhoto]:
    """Read `scenes.json` of a folder; raise DataError when it is missing or malformed."""
    index = folder / "scenes.json"
    if not index.is_file():
        raise DataError(f"{folder} is no folder of group photos: it has no scenes.json.")
    try:
        return [_photo(folder, entry) for entry in json.loads(index.read_text(encoding="utf-8"))]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{index} is malformed: {error!r}.") from error


def _photo(folder: Path, entry: dict[str, Any]) -> GroupPhoto:
    boxes = np.array([face["box_xywh"] for face in entry["faces"]], dtype=np.float64).reshape(-1, 4)
    sure = np.array([face["score"] > SURE for face in entry["faces"]], dtype=bool)
    landmarks = np.tile(boxes[:, :2], 2) + LANDMARK_BOX * np.tile(boxes[:, 2:], 2)
    known = [face["points5"] for face in entry["faces"] if face["score"] > SURE and "points5" in face]
    points = np.array(known, dtype=np.float32).reshape(-1, 5, 2)
    return GroupPhoto(folder / str(entry["file"]), str(entry["source_repo"]), landmarks[sure], landmarks[~sure], points)


class GroupStock:
    """Group photos in memory, and squares cut from them."""

    def __init__(self, photos: Sequence[GroupPhoto]) -> None:
        self._photos = [(photo, Image.fromarray(photo.read())) for photo in photos]

    def render(self, rng: Rng, *, side_px: int) -> Scene:
        """Cut a square around a face, or anywhere, at a scale at which the network answers for it; degrade it."""
        photo, picture = self._photos[rng.integers(len(self._photos))]
        scale, centre = _place(photo, picture.size, rng, side_px)
        scene = _cut(photo, picture, scale=scale, low=centre - side_px / scale / 2, side_px=side_px, rng=rng)
        highest = rng.choice([0.0, 0.4])  # photos of the web are damaged already, and small faces bear little
        return Scene(randomly_degraded(scene.picture, rng, highest=highest), scene.boxes, scene.unsure)


def _place(photo: GroupPhoto, size: tuple[int, int], rng: Rng, side_px: int) -> tuple[float, Boxes]:
    """Return a scale and the centre of a square in the photo: about a face, mostly."""
    if not len(photo.faces) or rng.random() > FACE_SHARE:
        return draw_log_uniform(rng, side_px / max(size), 1.0), np.asarray(rng.uniform((0, 0), size))
    face = photo.faces[rng.integers(len(photo.faces))].reshape(2, 2)
    scale = min(LARGEST_SCALE, draw_log_uniform(rng, *FACE_PX) / float(np.ptp(face, axis=0).max()))
    return scale, np.asarray(face.mean(axis=0) + rng.uniform(-0.35, 0.35, 2) * side_px / scale)


def _cut(photo: GroupPhoto, picture: Image.Image, *, scale: float, low: Boxes, side_px: int, rng: Rng) -> Scene:
    """Cut the square whose corner is `low`; what lies outside the photo is plain."""
    first = np.clip(np.floor(low), 0, None).astype(int)
    last = np.minimum(np.ceil(low + side_px / scale), picture.size).astype(int)
    part = picture.crop((*first.tolist(), *last.tolist()))
    size = np.maximum(1, np.round((last - first) * scale)).astype(int)
    canvas = Image.new("RGB", (side_px, side_px), tuple(rng.integers(0, 256, 3)))
    offset = np.round((first - low) * scale).astype(int)
    canvas.paste(part.resize((int(size[0]), int(size[1])), Image.Resampling.BOX), (int(offset[0]), int(offset[1])))
    faces, unsure = ((boxes - np.tile(first, 2)) * scale + np.tile(offset, 2) for boxes in (photo.faces, photo.unsure))
    return Scene(np.asarray(canvas), _inside(faces, side_px), _inside(unsure, side_px))


def _inside(boxes: Boxes, side_px: int) -> Boxes:
    """Return the boxes of which any part lies in the square."""
    return boxes[((boxes[:, 2:] > 0) & (boxes[:, :2] < side_px)).all(axis=1)]
