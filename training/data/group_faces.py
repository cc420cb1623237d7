"""Single faces of group photos, and what a detector takes there for a face and is none, to train landmarks on."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import Candidates, FaceDetector
from fiqa.faces.landmarks import LandmarkPredictor, face_view
from training.data.face_scenes import Picture, Rng, StockPhoto
from training.data.face_shape import FaceShape, PosedFace
from training.data.group_photos import GroupPhoto

SMALLEST_PX = 14
"""Longer side of the landmarks' box of the smallest face that is drawn."""
TURNED_MORE = 4
"""How much more often a turned face is drawn: few of them are marked."""
LEAST_SCORE, ELSEWHERE, PROBABLY_A_FACE = 0.1, 0.1, 0.2
"""A mistake: the detector gives it so much, no box overlaps it more, the present landmark network says less."""


class GroupFaces:
    """Faces and mistakes of group photos in memory.

    Of each face five points are known; its 68 landmarks are those of a mean face turned to fit them.
    """

    def __init__(self, photos: Sequence[GroupPhoto], shape: FaceShape, portraits: Sequence[GroupPhoto] = ()) -> None:
        """Read the photos; what is beside the faces of `portraits` is no face either."""
        self._pictures = [photo.read() for photo in photos]
        posed = [(index, shape.fitted(points)) for index, photo in enumerate(photos) for points in photo.points]
        self._faces = [(index, face) for index, face in posed if face.longest_px >= SMALLEST_PX]
        self._weights = np.array([_often(face) for _, face in self._faces])
        self._weights /= self._weights.sum()
        detector, judge = FaceDetector(), LandmarkPredictor()
        mistakes = [
            mistake
            for photo in tqdm([*photos, *portraits])
            for mistake in _mistakes(photo, photo.read(), detector, judge)
        ]
        self.mistakes = [view for view, _ in mistakes]
        squares = np.array([score for _, score in mistakes]) ** 2
        self._mistaken = squares / squares.sum()

    def draw_face(self, rng: Rng) -> StockPhoto:
        """Return a random face in its photo; large and turned ones are rare, so they are drawn more often."""
        index, face = self._faces[rng.choice(len(self._faces), p=self._weights)]
        return StockPhoto(self._pictures[index], face.landmarks)

    def draw_mistake(self, rng: Rng) -> Picture:
        """Return the view (V, V, 3) of a place that is no face, mostly of those that the detector is surest of."""
        return self.mistakes[rng.choice(len(self.mistakes), p=self._mistaken)]

    def faces(self, *, at_least_px: float) -> list[StockPhoto]:
        """Return every face of this size and more."""
        return [
            StockPhoto(self._pictures[index], face.landmarks)
            for index, face in self._faces
            if face.longest_px >= at_least_px
        ]


def _mistakes(
    photo: GroupPhoto, picture: Picture, detector: FaceDetector, judge: LandmarkPredictor
) -> Iterator[tuple[Picture, float]]:
    """Yield views of what the detector proposes beside all known faces, with its scores.

    What the present landmark network believes in is left out: the boxes lack faces that are turned far away.
    """
    proposed, believed = beside_known(photo, picture, detector, judge)
    proposed = proposed.take(np.flatnonzero(~believed))
    for box, score in zip(proposed.boxes, proposed.scores, strict=True):
        yield face_view(picture, box).image, float(score)


def beside_known(
    photo: GroupPhoto, picture: Picture, detector: FaceDetector, judge: LandmarkPredictor
) -> tuple[Candidates, NDArray[np.bool_]]:
    """Return what the detector proposes beside all known faces, and which of it `judge` takes for a face."""
    known = np.concatenate([photo.faces, photo.unsure])
    proposed = detector.propose(picture, lowest=LEAST_SCORE)
    beside = [overlaps(box, known).max(initial=0.0) < ELSEWHERE for box in proposed.boxes]
    proposed = proposed.take(np.flatnonzero(beside))
    _, likely = judge.predict(picture, proposed.boxes)
    return proposed, likely >= PROBABLY_A_FACE


def _often(face: PosedFace) -> float:
    """Return how often a face is drawn, relative to others."""
    return math.sqrt(face.longest_px) * (TURNED_MORE if face.is_turned else 1)
