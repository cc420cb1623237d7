"""Faces of group photos stand where their five points are, and what is shown as no face overlaps none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from training.data.group_faces import GroupFaces, fitted_shape, five_points
from training.data.group_photos import GroupPhoto

SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (68, 2)).astype(np.float32)
"""Some shape of 68 landmarks."""
ASTRONAUT = np.array([[206, 109], [244, 109], [227, 131], [210, 148], [241, 148]], dtype=np.float32)
"""Eyes, tip of the nose and corners of the mouth in scikit-image's picture."""


def five(landmarks: np.ndarray) -> np.ndarray:
    return five_points(torch.from_numpy(landmarks)).numpy()


@pytest.fixture(scope="module")
def shape() -> np.ndarray:
    """A shape whose five points lie as a face's do, the others between them."""
    own = five(SHAPE)
    order = np.random.default_rng(1).uniform(-1, 1, (68, 2)).astype(np.float32)
    wanted = (ASTRONAUT - ASTRONAUT.mean(axis=0)) / 60
    for part, index in (((slice(36, 42)), 0), (slice(42, 48), 1), (30, 2), (48, 3), (54, 4)):
        order[part] = wanted[index]
    assert own.shape == (5, 2)
    return order


def photo(tmp_path: Path, *, faces: bool) -> GroupPhoto:
    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    box = np.array([[175.0, 80, 275, 190]])
    none = np.empty((0, 4))
    points = ASTRONAUT[None] if faces else np.empty((0, 5, 2), np.float32)
    return GroupPhoto(path, "somebody", box if faces else none, none, points)


def test_the_five_points_are_the_middles_of_the_eyes_the_nose_and_the_corners_of_the_mouth() -> None:
    points = five(SHAPE)
    np.testing.assert_allclose(points[0], SHAPE[36:42].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(points[1], SHAPE[42:48].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(points[2:], SHAPE[[30, 48, 54]])


def test_a_moved_turned_and_scaled_shape_is_recovered_from_its_five_points() -> None:
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (37.0 * SHAPE @ turn + [100, 50]).astype(np.float32)
    np.testing.assert_allclose(fitted_shape(SHAPE, five(moved)), moved, atol=1e-2)


def test_a_drawn_face_has_its_five_points_where_the_folder_says(tmp_path: Path, shape: np.ndarray) -> None:
    drawn = GroupFaces([photo(tmp_path, faces=True)], shape).draw_face(np.random.default_rng(0))
    assert drawn.pixels.shape == (512, 512, 3)
    np.testing.assert_allclose(five(drawn.landmarks), ASTRONAUT, atol=0.01)


def test_small_faces_can_be_left_out(tmp_path: Path, shape: np.ndarray) -> None:
    groups = GroupFaces([photo(tmp_path, faces=True)], shape)
    longest = float(np.ptp(groups.faces(at_least_px=0)[0].landmarks, axis=0).max())
    assert len(groups.faces(at_least_px=longest - 1)) == 1
    assert groups.faces(at_least_px=longest + 1) == []


def test_what_the_landmark_network_believes_in_is_no_mistake_although_no_box_marks_it(
    tmp_path: Path, shape: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmarked = photo(tmp_path, faces=False)
    marked = GroupPhoto(unmarked.path, "somebody", np.empty((0, 4)), np.empty((0, 4)), ASTRONAUT[None])
    believed = len(GroupFaces([marked], shape).mistakes)
    monkeypatch.setattr("training.data.group_faces.PROBABLY_A_FACE", 1.1)
    assert len(GroupFaces([marked], shape).mistakes) > believed
