"""One face as one checkpoint sees it: what the Attention tab has found out about it so far.

The photo is decoded and its face found once; maps are added when a visitor asks for them, crop by crop,
so that a slow checkpoint can tell how far it is and others get their turn in between.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.maps.face_maps import FaceMap, MapKey, OfferedMaps, Placement
from fiqa.maps.regions import RegionPart, altered, region_parts
from fiqa.results import Interval
from fiqa.ui.figures import png_uri
from fiqa.ui.service import PredictorService

if TYPE_CHECKING:
    from fiqa.photo_scorer import FaceCrops
    from fiqa.predictor import QualityPredictor

SHOWN_SIDE_PX = 1024
MARGIN_SHARE = 0.12
"""How much of a close-up lies around what the network was shown, as a share of that."""

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Subject:
    """What to look at: face `face` (from 1, the most prominent first) of a photo, with a checkpoint.

    `source` is the path of the photo in the upload cache or the index of an example. `right` and `down` move the
    landmarks by shares of the face; those of the parts in `without` are dropped.
    """

    source: str | int
    name: str
    checkpoint: str
    face: int = 1
    right: float = 0.0
    down: float = 0.0
    without: tuple[str, ...] = ()

    @property
    def landmarks_altered(self) -> bool:
        """Whether the network is given other landmarks than those found."""
        return bool(self.right or self.down or self.without)


@dataclass(frozen=True)
class PhotoCutout:
    """A part of a photo as it is shown: `window` (left, top, right, bottom) in its pixels, `uri` a lossless PNG."""

    window: Window
    uri: str

    def positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return photo positions x (w,) and y (h,) at which a map is drawn over the picture."""
        left, top, right, bottom = self.window
        scale = max(1.0, max(right - left, bottom - top) / SHOWN_SIDE_PX)
        columns, rows = (max(1, round(length / scale)) for length in (right - left, bottom - top))
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
        return x, y


@dataclass(eq=False)
class Inspection:
    """What is known about one face.

    `faces` counts those of the photo; `number` says which one this is. `offered` says which maps can be had. `made` is
    when it was begun, in seconds. `unguided` is the score without landmarks, None where there are none.
    """

    subject: Subject
    face: "FaceCrops"
    number: int
    faces: int
    placement: Placement
    close: PhotoCutout
    whole: PhotoCutout
    score_range: Interval
    offered: OfferedMaps
    takes_landmarks: bool
    made: float = field(default_factory=time.monotonic)
    maps: dict[MapKey, FaceMap] = field(default_factory=dict)
    unguided: float | None = None

    @property
    def score(self) -> float:
        """Score of the face, once its regions are known."""
        return float(self.maps[MapKey("contribution")].grids.sum())

    @property
    def landmarks(self) -> NDArray[np.float32] | None:
        """Landmarks (68, 2) that the network is given, in pixels of the photo."""
        known = self.face.landmarks
        return None if known is None else self.face.view.landmarks_to_photo(known)

    def parts(self) -> list[RegionPart]:
        """Return what each part of the face has to do with the score; none where no landmarks were found."""
        found = None if self.face.face is None else self.face.view.landmarks_from_photo(self.face.face.landmarks)
        return [] if found is None else region_parts(found, self.maps)


def begin(service: PredictorService, subject: Subject, pixels: NDArray[np.uint8]) -> Inspection:
    """Find the face in a photo (H, W, 3); nothing is mapped yet. Raises NoFaceError."""
    return service.ask(subject.checkpoint, lambda predictor: _begin(predictor, subject, pixels))


def fill(service: PredictorService, inspection: Inspection, kind: str) -> Iterator[float]:
    """Compute the maps of a kind, and those that come with it; yields how much is done, 0..1."""
    if any(key.kind == kind for key in inspection.maps):
        return
    from fiqa.maps.explain import map_steps, merge_crops

    checkpoint, answers = inspection.subject.checkpoint, []
    steps = service.ask(checkpoint, lambda predictor: map_steps(predictor, inspection.face, kind))
    for number, step in enumerate(steps, start=1):
        answers.append(service.ask(checkpoint, lambda _, step=step: step()))  # type: ignore[misc]
        yield number / len(steps)
    inspection.maps.update(merge_crops(answers, inspection.placement))


def score_unguided(service: PredictorService, inspection: Inspection) -> None:
    """Find out what the score would be without landmarks, where the network takes any."""
    if inspection.unguided is None and inspection.takes_landmarks and inspection.face.landmarks is not None:
        unguided = replace(inspection.face, landmarks=None)
        inspection.unguided = service.ask(
            inspection.subject.checkpoint,
            lambda predictor: float(predictor.predict([unguided]).score.mean()),
        )


def _begin(predictor: "QualityPredictor", subject: Subject, pixels: NDArray[np.uint8]) -> Inspection:
    from fiqa.maps.explain import offered_maps, placement_of

    faces = predictor.find_faces(pixels).faces
    number = min(subject.face, max(1, len(faces)))
    face = predictor.face_crops(pixels, faces[number - 1] if faces else None)
    if face.landmarks is not None:
        moved = altered(face.landmarks, right=subject.right, down=subject.down, without=subject.without)
        face = replace(face, landmarks=moved)
    placement = placement_of(predictor, pixels, face)
    return Inspection(
        subject=subject,
        face=face,
        number=number,
        faces=max(1, len(faces)),
        placement=placement,
        **_pictures(pixels, placement),
        score_range=predictor.spec.score_range,
        offered=offered_maps(predictor),
        takes_landmarks=predictor.config.landmarks != "none",
    )


def _pictures(pixels: NDArray[np.uint8], placement: Placement) -> dict[str, Any]:
    """Return the whole photo and a close-up of what the network was shown; they may be the same."""
    height, width = pixels.shape[:2]
    whole = _picture(pixels, (0, 0, width, height))
    window = _close_window(placement)
    return {"whole": whole, "close": whole if window == whole.window else _picture(pixels, window)}


def _picture(pixels: NDArray[np.uint8], window: Window) -> PhotoCutout:
    left, top, right, bottom = window
    shown = np.ascontiguousarray(pixels[top:bottom, left:right])
    return PhotoCutout(window, png_uri(shown, side_px=SHOWN_SIDE_PX))


def _close_window(placement: Placement) -> Window:
    """Return the part of the photo that the network was shown, with a margin; at least a few pixels a side."""
    width, height = placement.photo_size
    corners = placement.view_px * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    seen = corners @ placement.to_photo[:, :2].T + placement.to_photo[:, 2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = MARGIN_SHARE * (high - low)
    left, top = np.clip(np.floor(low - margin), 0, (width - 8, height - 8)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), (left + 8, top + 8), (width, height)).astype(int).tolist()
    return left, top, right, bottom
