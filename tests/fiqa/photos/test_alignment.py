"""Views lie where they say they lie."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.photos.alignment import MAX_ROLL_DEG, Square, align, cut_view, roll_deg, whole_view


def smooth_photo(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """A photo whose red grows with x and green with y, so that colours say positions."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([255 * x / width, 255 * y / height, np.full_like(x, 90)], axis=-1).astype(np.uint8)


def made_up_landmarks(centre: tuple[float, float], side_px: float, tilt_deg: float = 0.0) -> NDArray[np.float32]:
    """68 points in a square, eyes level above the mouth, and then tilted clockwise."""
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (68, 2))
    points[36:42] = (-0.2, -0.15)
    points[42:48] = (0.2, -0.15)
    points[48:68] += (0, 0.25) - points[48:68].mean(axis=0)
    points[0], points[8] = (-0.5, -0.5), (0.5, 0.5)
    angle = np.radians(tilt_deg)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(side_px * points @ rotation.T + centre, dtype=np.float32)


@pytest.mark.parametrize("tilt_deg", [-60.0, -20.0, 0.0, 5.0, 33.0, 170.0])
def test_roll_is_the_clockwise_tilt_of_the_face(tilt_deg: float) -> None:
    assert roll_deg(made_up_landmarks((100, 80), 60, tilt_deg)) == pytest.approx(tilt_deg, abs=1e-3)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_profile_is_upright_although_its_eyes_are_one(shift: float) -> None:
    landmarks = made_up_landmarks((100, 80), 60)
    landmarks[36:48] = (100, 70)
    landmarks[42:48] += (shift, 1)
    assert abs(roll_deg(landmarks)) < 5


@pytest.mark.parametrize("tilt_deg", [-60.0, 0.0, 10.0, 33.0, 170.0])
def test_landmarks_survive_the_way_into_a_view_and_back(tilt_deg: float) -> None:
    landmarks = made_up_landmarks((150, 120), 90, tilt_deg)
    view = align(smooth_photo(), landmarks, side_px=64, margin=1.4)
    back = view.landmarks_to_photo(view.landmarks_from_photo(landmarks))
    np.testing.assert_allclose(back, landmarks, atol=1e-3)


@pytest.mark.parametrize("tilt_deg", [-40.0, 0.0, 25.0])
def test_a_view_shows_at_each_position_what_the_photo_shows_there(tilt_deg: float) -> None:
    photo = smooth_photo()
    view = align(photo, made_up_landmarks((160, 120), 80, tilt_deg), side_px=96, margin=1.3)
    inner = np.array([(x + 0.5, y + 0.5) for y in range(8, 88, 16) for x in range(8, 88, 16)])
    positions = view.landmarks_to_photo(inner.astype(np.float32))
    columns, rows = (inner - 0.5).astype(int).T
    shown = view.image[rows, columns, :2].astype(float)
    np.testing.assert_allclose(shown, 255 * positions / (320, 240), atol=4)


def test_a_strongly_tilted_face_is_turned_upright() -> None:
    landmarks = made_up_landmarks((160, 120), 80, 40.0)
    view = align(smooth_photo(), landmarks, side_px=96, margin=1.3)
    assert roll_deg(view.landmarks_from_photo(landmarks)) == pytest.approx(0.0, abs=0.01)


def test_a_slightly_tilted_face_is_left_as_it_is() -> None:
    landmarks = made_up_landmarks((160, 120), 80, MAX_ROLL_DEG - 1)
    view = align(smooth_photo(), landmarks, side_px=96, margin=1.3)
    assert roll_deg(view.landmarks_from_photo(landmarks)) == pytest.approx(MAX_ROLL_DEG - 1, abs=0.01)


def test_all_landmarks_lie_inside_the_view() -> None:
    landmarks = made_up_landmarks((160, 120), 80, 25.0)
    inside = align(smooth_photo(), landmarks, side_px=96, margin=1.0).landmarks_from_photo(landmarks)
    assert inside.min() >= -1e-3
    assert inside.max() <= 96 + 1e-3


def test_beyond_the_border_the_photo_is_mirrored() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    view = cut_view(photo, Square(np.array([0.0, 32.0]), 64.0), side_px=64)
    np.testing.assert_array_equal(view.image[:, 32:], photo[:, :32])
    np.testing.assert_array_equal(view.image[:, :32], photo[:, :32][:, ::-1])


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 200), (200, 3)])
def test_any_photo_can_be_viewed_whole(shape: tuple[int, int]) -> None:
    assert whole_view(smooth_photo(*shape), side_px=32).image.shape == (32, 32, 3)
