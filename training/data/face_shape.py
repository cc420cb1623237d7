"""The mean face in three dimensions, learnt from landmarks in photos, and how it is turned to fit five points.

A flat mean face that is moved and scaled to the five points of a profile becomes far too small, since its eyes lie
apart and those of a profile do not. The depth comes from the photos themselves: people in them look left and right
("Shape and motion from image streams under orthography", Tomasi and Kanade, 1992, doi:10.1007/BF00129684).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from torch import Tensor

from fiqa.models.landmark_network import MIRRORED

Points = NDArray[np.float64]

LEAST_DEPTH = 0.05
"""Third singular value of the landmarks, as a share of the first, below which nobody was turned: the face is flat."""
FARTHEST = np.array([np.pi / 2, np.pi / 3, np.pi])
"""How far a face may be turned aside, nod and tilt: beyond a profile no face is marked."""
FIRST_YAW, TURNED = 0.7, math.radians(45)
NOSE, NOSE_BRIDGE, CHIN = 30, 27, 8
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


def five_points(landmarks: Tensor) -> Tensor:
    """Return the middles of the eyes, the tip of the nose and the mouth's corners: (..., 68, D) -> (..., 5, D)."""
    right, left = (landmarks[..., eye, :].mean(dim=-2) for eye in (RIGHT_EYE, LEFT_EYE))
    return torch.stack([right, left, *(landmarks[..., index, :] for index in (NOSE, 48, 54))], dim=-2)


@dataclass(frozen=True)
class PosedFace:
    """`landmarks` (68, 2) float32 in pixels, and the `yaw` in radians that fits, 0 for a face from the front."""

    landmarks: NDArray[np.float32]
    yaw: float

    @property
    def is_turned(self) -> bool:
        """Whether it is seen from the side rather than from the front."""
        return abs(self.yaw) > TURNED

    @property
    def longest_px(self) -> float:
        """Longer side of the landmarks' box."""
        return float(np.ptp(self.landmarks, axis=0).max())


class FaceShape:
    """A face of 68 points (x to the right of the picture, y down, z away from the camera), about one unit high."""

    def __init__(self, points: Points) -> None:
        self.points = np.asarray(points, dtype=np.float64)
        self._five: Points = five_points(torch.from_numpy(self.points)).numpy()

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.floating]) -> "FaceShape":
        """Return the shape whose turned copies come closest to landmarks (N, 68, 2) of N photos, mirrored ones too.

        It is symmetric. Where nobody is turned it is flat.
        """
        both = np.concatenate([landmarks, landmarks[:, list(MIRRORED)] * [-1, 1]]).astype(np.float64)
        both -= both.mean(axis=1, keepdims=True)
        both /= np.sqrt((both**2).sum(axis=(1, 2), keepdims=True))
        cameras, sizes, shape = np.linalg.svd(both.transpose(0, 2, 1).reshape(-1, both.shape[1]), full_matrices=False)
        if sizes[2] < LEAST_DEPTH * sizes[0]:
            flat = both.mean(axis=0) / np.ptp(both.mean(axis=0)[:, 1])
            return cls(np.column_stack([flat, np.zeros(len(flat))]))
        return cls(_facing(shape[:3].T @ np.linalg.inv(_upgrade(cameras[:, :3] * sizes[:3])).T))

    def fitted(self, points: NDArray[np.floating]) -> PosedFace:
        """Turn, scale and move the face, seen without perspective, until its five points come closest to `points`.

        `points` (5, 2) are in pixels, as `five_points` has them.
        """
        middle, size = points.mean(axis=0), np.ptp(points, axis=0).max()
        wanted = (points - middle) / size
        aside = wanted[2, 0] - wanted[[0, 1, 3, 4], 0].mean()
        start = [-FIRST_YAW * np.sign(aside), 0, _tilt(points), 0, 0, 0]
        reach = np.concatenate([FARTHEST, [np.inf] * 3])
        pose = least_squares(lambda pose: (_seen(self._five, pose) - wanted).ravel(), start, bounds=(-reach, reach)).x
        return PosedFace((_seen(self.points, pose) * size + middle).astype(np.float32), float(pose[0]))


def _seen(points: Points, pose: Points) -> Points:
    """Return where points (N, 3) appear, (N, 2): `pose` has yaw, pitch, roll, the logarithm of the scale, x and y."""
    turned = points @ Rotation.from_euler("ZXY", pose[2::-1]).as_matrix().T
    return np.asarray(np.exp(pose[3]) * turned[:, :2] + pose[4:])


def _tilt(points: NDArray[np.floating]) -> float:
    """Return the clockwise turn of the line from the eyes to the mouth, away from straight down, in radians."""
    across, down = points[3:].mean(axis=0) - points[:2].mean(axis=0)
    return float(np.arctan2(-across, down))


def _upgrade(cameras: Points) -> Points:
    """Return Q (3, 3) such that each photo's two rows of `cameras` (2N, 3) @ Q are orthogonal and equally long."""
    across, down = cameras[0::2], cameras[1::2]
    conditions = np.concatenate([_products(across, across) - _products(down, down), _products(across, down)])
    entries = np.linalg.svd(conditions, full_matrices=False)[2][-1]
    squared = entries[[0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(3, 3)
    values, vectors = np.linalg.eigh(squared * np.sign(np.trace(squared)))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 1e-6)))


def _products(left: Points, right: Points) -> Points:
    """Return the factors (N, 6) of the entries of a symmetric matrix in left @ matrix @ right, row by row."""
    rows, columns = np.triu_indices(3)
    both = left[:, rows] * right[:, columns] + left[:, columns] * right[:, rows]
    return np.asarray(np.where(rows == columns, both / 2, both))


def _facing(points: Points) -> Points:
    """Turn a shape (68, 3) to look at the camera, upright, one unit high and symmetric."""
    points = points - points.mean(axis=0)
    across = points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)
    across /= np.linalg.norm(across)
    down = points[CHIN] - points[NOSE_BRIDGE]
    down -= down @ across * across
    down /= np.linalg.norm(down)
    points = points @ np.stack([across, down, np.cross(across, down)], axis=1)
    # Landmarks alone do not tell a face from its mould seen from inside: a nose stands out.
    points[:, 2] *= 1 if points[NOSE, 2] < points[[36, 45], 2].mean() else -1
    points /= np.ptp(points[:, 1])
    return np.asarray((points + points[list(MIRRORED)] * [-1, 1, 1]) / 2)
