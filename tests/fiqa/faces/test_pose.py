import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.faces.pose import MEAN_HEAD, POINTS, estimate_pose


def turned(yaw: float, pitch: float) -> NDArray[np.float32]:
    """Return landmarks (68, 2) of the mean head, turned by degrees, in pixels; those that are not used are 0."""
    y, p = np.radians([yaw, pitch])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    landmarks = np.zeros((68, 2), dtype=np.float32)
    landmarks[list(POINTS)] = 0.2 * (MEAN_HEAD @ (about_y @ about_x).T)[:, :2] + 100
    landmarks[36:42], landmarks[42:48] = landmarks[36], landmarks[45]
    return landmarks


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (35, 0), (-35, 0), (0, 20), (0, -20), (25, -10)])
def test_a_head_turned_by_known_angles_has_that_pose(yaw: float, pitch: float) -> None:
    pose = estimate_pose(turned(yaw, pitch))
    assert pose.yaw == pytest.approx(yaw, abs=0.1)
    assert pose.pitch == pytest.approx(pitch, abs=0.1)


def test_a_nose_right_of_the_eyes_looks_right_and_a_nose_near_them_looks_up() -> None:
    def nose(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where the nose tip is from the middle between the eyes."""
        apart: NDArray[np.float32] = landmarks[30] - landmarks[[36, 45]].mean(axis=0)
        return apart

    assert nose(turned(30, 0))[0] > 0
    assert nose(turned(0, 20))[1] < nose(turned(0, 0))[1] < nose(turned(0, -20))[1]


def test_the_size_of_the_face_does_not_matter() -> None:
    large = estimate_pose(turned(20, 5) * 3)
    assert (large.yaw, large.pitch) == pytest.approx((20, 5), abs=0.1)
