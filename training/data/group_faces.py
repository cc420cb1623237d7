"""Single faces of group photos, and what a detector takes there for a face and is none, to train landmarks on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform
from torch import Tensor
from tqdm import tqdm

from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import FaceDetector
from fiqa.faces.landmarks import LandmarkPredictor, face_view
from training.data.face_scenes import Picture, Rng, StockPhoto
from training.data.group_photos import GroupPhoto

SMALLEST_PX = 14
"""Longer side of the landmarks' box of the smallest face that is drawn."""
LEAST_SCORE, ELSEWHERE, PROBABLY_A_FACE = 0.1, 0.1, 0.5
"""A mistake: the detector gives it so much, no box overlaps it more, the present landmark network says less."""


def five_points(landmarks: Tensor) -> Tensor:
    """Return the middles of the eyes, the tip of the nose and the mouth's corners: (..., 68, 2) -> (..., 5, 2)."""
    right, left = (landmarks[..., start : start + 6, :].mean(dim=-2) for start in (36, 42))
    return torch.stack([right, left, *(landmarks[..., index, :] for index in (30, 48, 54))], dim=-2)


def fitted_shape(shape: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move, turn and scale a shape (68, 2) so that its five points come closest to `points` (5, 2)."""
    transform = SimilarityTransform.from_estimate(five_points(torch.from_numpy(shape)).numpy(), points)
    return np.asarray(transform(shape), dtype=np.float32)


class GroupFaces:
    """Faces and mistakes of group photos in memory.

    Of each face five points are known; its 68 landmarks are a mean shape (68, 2) fitted to them.
    """

    def __init__(self, photos: Sequence[GroupPhoto], shape: NDArray[np.float32]) -> None:
        self._pictures = [photo.read() for photo in photos]
        self._faces = [
            (index, fitted_shape(shape, points)) for index, photo in enumerate(photos) for points in photo.points
        ]
        self._faces = [(index, landmarks) for index, landmarks in self._faces if _longest(landmarks) >= SMALLEST_PX]
        self._weights = np.array([_longest(landmarks) for _, landmarks in self._faces]) ** 0.5
        self._weights /= self._weights.sum()
        detector, judge = FaceDetector(), LandmarkPredictor()
        self.mistakes = [
            view
            for photo, picture in zip(photos, tqdm(self._pictures), strict=True)
            for view in _mistakes(photo, picture, detector, judge)
        ]

    def draw_face(self, rng: Rng) -> StockPhoto:
        """Return a random face in its photo; large ones, which are rare, more often than their number says."""
        index, landmarks = self._faces[rng.choice(len(self._faces), p=self._weights)]
        return StockPhoto(self._pictures[index], landmarks)

    def draw_mistake(self, rng: Rng) -> Picture:
        """Return the view (V, V, 3) of a random place that is no face."""
        return self.mistakes[rng.integers(len(self.mistakes))]

    def faces(self, *, at_least_px: float) -> list[StockPhoto]:
        """Return every face of this size and more."""
        return [
            StockPhoto(self._pictures[index], landmarks)
            for index, landmarks in self._faces
            if _longest(landmarks) >= at_least_px
        ]


def _mistakes(
    photo: GroupPhoto, picture: Picture, detector: FaceDetector, judge: LandmarkPredictor
) -> Iterator[Picture]:
    """Yield views of what the detector proposes beside all known faces.

    What the present landmark network believes in is left out: the boxes lack faces that are turned far away.
    """
    boxes = detector.propose(picture, lowest=LEAST_SCORE).boxes
    known = np.concatenate([photo.faces, photo.unsure])
    boxes = boxes[[overlaps(box, known).max(initial=0.0) < ELSEWHERE for box in boxes]]
    _, likely = judge.predict(picture, boxes)
    yield from (face_view(picture, box).image for box in boxes[likely < PROBABLY_A_FACE])


def _longest(landmarks: NDArray[np.float32]) -> float:
    return float(np.ptp(landmarks, axis=0).max())
