"""Which way a face looks, estimated from six of its landmarks.

A weak-perspective camera is fitted to six points of a mean head (DeMenthon & Davis, 1995, without its iterations). That
is coarse, since heads differ, and enough to tell a frontal face from one in half profile.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiqa.photos.alignment import Landmarks, roll_deg

POINTS = (30, 8, 36, 45, 48, 54)
"""Nose tip, chin, outer corners of the eyes, corners of the mouth; left is left in the picture."""
MEAN_HEAD: NDArray[np.float64] = np.array(
    [[0, 0, 0], [0, 330, 65], [-225, -170, 135], [225, -170, 135], [-150, 150, 125], [150, 150, 125]], dtype=float
)
"""The same points (6, 3): x to the right, y down, z away from the camera, the nose tip at 0."""


@dataclass(frozen=True)
class Pose:
    """Angles in degrees, all 0 for a frontal, upright face.

    `yaw` is positive where it looks to the right of the picture, `pitch` where it looks up, `roll` where the head is
    tilted clockwise.
    """

    yaw: float
    pitch: float
    roll: float


def estimate_pose(landmarks: Landmarks) -> Pose:
    """Estimate the pose of a face from its landmarks (68, 2) in pixels."""
    points = landmarks[list(POINTS)].astype(float)
    head = MEAN_HEAD - MEAN_HEAD.mean(axis=0)
    affine = np.linalg.lstsq(head, points - points.mean(axis=0), rcond=None)[0].T  # (2, 3)
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    across, down = left @ right  # the two orthonormal rows nearest to the fit
    rotation = np.stack([across, down, np.cross(across, down)])
    x, y, z = rotation @ np.array([0.0, 0.0, -1.0])  # where the nose points
    yaw, pitch = np.arctan2(x, -z), np.arcsin(np.clip(-y, -1, 1))
    return Pose(float(np.degrees(yaw)), float(np.degrees(pitch)), roll_deg(landmarks))
