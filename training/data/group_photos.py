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

from training.data.face_scenes import Rng, Scene, draw_log_uniform, randomly_degraded, recoloured
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
TILT_DEG = 8.0
"""Standard deviation of the angle by which every other square is turned."""
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


@dataclass(frozen=True)
class Emphasis:
    """Places to show in a `share` of all squares: each is the number of a photo and a box (4,) in it."""

    share: float
    places: Sequence[tuple[int, Boxes]]


class GroupStock:
    """Group photos in memory, and squares cut from them, the places of `emphases` more often than others."""

    def __init__(self, photos: Sequence[GroupPhoto], emphases: Sequence[Emphasis] = ()) -> None:
        self._photos = [(photo, Image.fromarray(photo.read())) for photo in photos]
        self._emphases = [emphasis for emphasis in emphases if emphasis.places]

    def render(self, rng: Rng, *, side_px: int) -> Scene:
        """Cut a square around a face, or anywhere, at a scale at which the network answers for it; degrade it."""
        photo, picture, scale, centre = self._aim(rng, side_px)
        scene = _cut(photo, picture, scale=scale, low=centre - side_px / scale / 2, side_px=side_px, rng=rng)
        scene = tilted(scene, rng.normal(0, TILT_DEG)) if rng.random() < 0.5 else scene
        highest = rng.choice([0.0, 0.4, 0.8])  # photos of the web are damaged already, and small faces bear little
        pixels = randomly_degraded(recoloured(scene.picture, rng), rng, highest=highest)
        return Scene(pixels, scene.boxes, scene.unsure)

    def _aim(self, rng: Rng, side_px: int) -> tuple[GroupPhoto, Image.Image, float, Boxes]:
        """Return a photo, its picture, and the scale and centre of a square in it."""
        chosen = rng.random()
        for emphasis in self._emphases:
            if chosen < emphasis.share:
                index, box = emphasis.places[int(rng.integers(len(emphasis.places)))]
                return *self._photos[index], *_about(box, rng, side_px)
            chosen -= emphasis.share
        photo, picture = self._photos[rng.integers(len(self._photos))]
        if len(photo.faces) and rng.random() <= FACE_SHARE:
            return photo, picture, *_about(photo.faces[rng.integers(len(photo.faces))], rng, side_px)
        scale = draw_log_uniform(rng, side_px / max(picture.size), 1.0)
        return photo, picture, scale, np.asarray(rng.uniform((0, 0), picture.size))


def _about(box: Boxes, rng: Rng, side_px: int) -> tuple[float, Boxes]:
    """Return the scale and centre of a square about a box."""
    corners = box.reshape(2, 2)
    scale = min(LARGEST_SCALE, draw_log_uniform(rng, *FACE_PX) / float(np.ptp(corners, axis=0).max()))
    return scale, np.asarray(corners.mean(axis=0) + rng.uniform(-0.35, 0.35, 2) * side_px / scale)


def tilted(scene: Scene, angle_deg: float) -> Scene:
    """Turn a scene clockwise about its middle; a box becomes that of its turned ellipse."""
    middle = scene.picture.shape[0] / 2
    turned = Image.fromarray(scene.picture).rotate(-angle_deg, Image.Resampling.BILINEAR, center=(middle, middle))
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))

    def turn(boxes: Boxes) -> Boxes:
        """Return the boxes (N, 4) around the turned ellipses of boxes (N, 4)."""
        corners = boxes.reshape(-1, 2, 2)
        centres = (corners.mean(axis=1) - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
        half = np.sqrt((np.ptp(corners, axis=1) / 2) ** 2 @ np.array([[cosine**2, sine**2], [sine**2, cosine**2]]))
        return np.concatenate([centres - half, centres + half], axis=1)

    return Scene(np.asarray(turned), turn(scene.boxes), turn(scene.unsure))


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
