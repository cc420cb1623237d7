"""A face in three dimensions is learnt from flat landmarks, and turned to where five points say."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fiqa.faces.pose import MEAN_HEAD
from fiqa.faces.pose import POINTS as HEAD_POINTS
from fiqa.models.landmark_network import MIRRORED
from training.data.face_shape import FaceShape, five_points


@pytest.fixture(scope="module")
def head() -> NDArray[np.float64]:
    """A symmetric head (68, 3) one unit high, with eyes, nose, mouth and chin where the mean head has them."""
    points = np.random.default_rng(0).uniform((-220, -250, 0), (220, 330, 250), (68, 3))
    points = (points + points[list(MIRRORED)] * [-1, 1, 1]) / 2
    points[list(HEAD_POINTS)] = MEAN_HEAD
    points[27], points[37:42], points[42:45], points[46:48] = (0, -170, 65), (-130, -170, 110), *[(130, -170, 110)] * 2
    points[36], points[45] = MEAN_HEAD[2], MEAN_HEAD[3]
    points[37:42, 0], points[42:45, 0], points[46:48, 0] = -130, 130, 130
    return np.asarray((points - points.mean(axis=0)) / np.ptp(points[:, 1]))


def seen(head: NDArray[np.float64], yaw: float, *, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float32]:
    """Return where the head (68, 2) appears, 100 px high, turned by angles in degrees."""
    turn = Rotation.from_euler("ZXY", [roll, pitch, yaw], degrees=True)
    return np.asarray((100 * turn.apply(head))[:, :2] + [300, 200], dtype=np.float32)


def five(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(five_points(torch.from_numpy(landmarks)).numpy())


def test_the_five_points_are_the_middles_of_the_eyes_the_nose_and_the_corners_of_the_mouth() -> None:
    landmarks = np.random.default_rng(0).uniform(-0.5, 0.5, (68, 2)).astype(np.float32)
    points = five(landmarks)
    np.testing.assert_allclose(points[0], landmarks[36:42].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(points[1], landmarks[42:48].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(points[2:], landmarks[[30, 48, 54]])


def test_depth_is_learnt_from_faces_that_look_about(head: NDArray[np.float64]) -> None:
    turns = np.random.default_rng(1).normal(0, (30, 10, 10), (50, 3))
    photos = np.stack([seen(head, yaw, pitch=pitch, roll=roll) for yaw, pitch, roll in turns])
    learnt = FaceShape.from_landmarks(photos).points
    np.testing.assert_allclose(learnt - learnt.mean(axis=0), head, atol=1e-4)


def test_faces_that_all_look_ahead_make_a_flat_shape(head: NDArray[np.float64]) -> None:
    learnt = FaceShape.from_landmarks(np.stack([seen(head, 0.0)] * 5)).points
    np.testing.assert_allclose(learnt[:, :2], head[:, :2], atol=1e-5)
    np.testing.assert_array_equal(learnt[:, 2], 0)


@pytest.mark.parametrize("yaw", [-85, -50, 0, 30, 70])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, -20)])
def test_all_landmarks_of_a_turned_face_follow_from_five(
    head: NDArray[np.float64], yaw: float, pitch: float, roll: float
) -> None:
    there = seen(head, yaw, pitch=pitch, roll=roll)
    posed = FaceShape(head).fitted(five(there))
    np.testing.assert_allclose(posed.landmarks, there, atol=0.05)
    assert np.degrees(posed.yaw) == pytest.approx(yaw, abs=0.5)


def test_a_profile_is_as_high_as_the_face_from_the_front(head: NDArray[np.float64]) -> None:
    posed = FaceShape(head).fitted(five(seen(head, 80.0)))
    assert np.ptp(posed.landmarks[:, 1]) == pytest.approx(100, abs=0.5)
