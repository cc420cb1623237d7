"""What a detector has to be shown more often: faces that are turned aside, and what it takes for a face and is none.

Turned faces are few in photos, and the detector that marked them left out some: those must not be taught as
background.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.faces.finders import FaceDetector
from fiqa.faces.landmarks import LandmarkPredictor
from training.data.face_scenes import randomly_degraded
from training.data.face_shape import FaceShape, five_points
from training.data.group_faces import TURNED_MORE, beside_known
from training.data.group_photos import Emphasis, GroupPhoto, GroupStock
from training.data.photos import FacePhoto

TURNED_SHARE, MISTAKEN_SHARE = 0.3, 0.2
"""Shares of squares about a turned face and about a mistake."""
SURE_MISTAKE = 0.2
"""Least score of a mistake that is shown more often."""
MINED_SEVERITY = 0.85
"""Highest severity of the damage under which mistakes are looked for, too: a face may come of it where none is."""
LEAST_PX = 24
"""Longer side of the smallest face whose five points tell how it is turned."""


def emphasised_stock(photos: Sequence[GroupPhoto], shape: FaceShape, detector: FaceDetector) -> GroupStock:
    """Return group photos that show turned faces and the detector's mistakes more often.

    What the present landmark network takes for a face although nobody marked it becomes unsure.
    """
    judge, rng = LandmarkPredictor(), np.random.default_rng(0)
    mistakes: list[tuple[int, NDArray[np.float64]]] = []
    marked = []
    for index, photo in enumerate(tqdm(photos)):
        picture = photo.read()
        proposed, believed = beside_known(photo, picture, detector, judge)
        unsure = replace(photo, unsure=np.concatenate([photo.unsure, proposed.boxes[believed]]))
        damaged, _ = beside_known(unsure, randomly_degraded(picture, rng, highest=MINED_SEVERITY), detector, judge)
        for found in (proposed.take(np.flatnonzero(~believed)), damaged):
            mistakes += [(index, box) for box in found.boxes[found.scores >= SURE_MISTAKE]]
        marked.append(unsure)
    turned = [(index, box) for index, photo in enumerate(photos) for box in turned_boxes(photo, shape)]
    return GroupStock(marked, [Emphasis(TURNED_SHARE, turned), Emphasis(MISTAKEN_SHARE, mistakes)])


def turned_boxes(photo: GroupPhoto, shape: FaceShape) -> list[NDArray[np.float64]]:
    """Return the boxes of the faces that are seen from the side; none where their points are not all known."""
    if len(photo.points) != len(photo.faces):
        return []
    large = (photo.faces[:, 2:] - photo.faces[:, :2]).max(axis=1) >= LEAST_PX
    return [
        box
        for box, points in zip(photo.faces[large], photo.points[large], strict=True)
        if shape.fitted(points).is_turned
    ]


def often_turned(photos: Sequence[FacePhoto], shape: FaceShape) -> NDArray[np.float64]:
    """Return how much more often each face photo (N,) is to be drawn."""
    points = five_points(torch.from_numpy(np.stack([photo.landmarks for photo in photos]))).numpy()
    return np.array([TURNED_MORE if shape.fitted(each).is_turned else 1.0 for each in points])
