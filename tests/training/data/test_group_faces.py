"""Faces of group photos stand where their five points are, and what is shown as no face overlaps none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from training.data.face_shape import FaceShape, PosedFace, five_points
from training.data.group_faces import GroupFaces
from training.data.group_photos import GroupPhoto

ASTRONAUT = np.array([[206, 109], [244, 109], [227, 131], [210, 148], [241, 148]], dtype=np.float32)
"""Eyes, tip of the nose and corners of the mouth in scikit-image's picture."""


@pytest.fixture(scope="module")
def shape() -> FaceShape:
    """A flat shape whose five points lie as a face's do, the others between them."""
    points = np.zeros((68, 3))
    points[:, :2] = np.random.default_rng(1).uniform(-1, 1, (68, 2))
    wanted = (ASTRONAUT - ASTRONAUT.mean(axis=0)) / 60
    for first, end, place in zip((36, 42, 30, 48, 54), (42, 48, 31, 49, 55), wanted, strict=True):
        points[first:end, :2] = place
    return FaceShape(points)


def photo(tmp_path: Path, *, faces: bool) -> GroupPhoto:
    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    box = np.array([[175.0, 80, 275, 190]])
    none = np.empty((0, 4))
    points = ASTRONAUT[None] if faces else np.empty((0, 5, 2), np.float32)
    return GroupPhoto(path, "somebody", box if faces else none, none, points)


def test_a_drawn_face_has_its_five_points_where_the_folder_says(tmp_path: Path, shape: FaceShape) -> None:
    drawn = GroupFaces([photo(tmp_path, faces=True)], shape).draw_face(np.random.default_rng(0))
    assert drawn.pixels.shape == (512, 512, 3)
    np.testing.assert_allclose(five_points(torch.from_numpy(drawn.landmarks)).numpy(), ASTRONAUT, atol=0.01)


def test_small_faces_can_be_left_out(tmp_path: Path, shape: FaceShape) -> None:
    groups = GroupFaces([photo(tmp_path, faces=True)], shape)
    longest = float(np.ptp(groups.faces(at_least_px=0)[0].landmarks, axis=0).max())
    assert len(groups.faces(at_least_px=longest - 1)) == 1
    assert groups.faces(at_least_px=longest + 1) == []


def test_what_the_landmark_network_believes_in_is_no_mistake_although_no_box_marks_it(
    tmp_path: Path, shape: FaceShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmarked = photo(tmp_path, faces=False)
    marked = GroupPhoto(unmarked.path, "somebody", np.empty((0, 4)), np.empty((0, 4)), ASTRONAUT[None])
    believed = len(GroupFaces([marked], shape).mistakes)
    monkeypatch.setattr("training.data.group_faces.PROBABLY_A_FACE", 1.1)
    assert len(GroupFaces([marked], shape).mistakes) > believed


def test_turned_faces_are_drawn_more_often(tmp_path: Path, shape: FaceShape, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = photo(tmp_path, faces=True)
    beside = np.stack([ASTRONAUT, ASTRONAUT + np.float32(200)])
    groups = GroupFaces([GroupPhoto(ahead.path, "somebody", ahead.faces, ahead.unsure, beside)], shape)
    rng = np.random.default_rng(0)
    assert 0.3 < np.mean([groups.draw_face(rng).landmarks.min() > 200 for _ in range(200)]) < 0.7
    poses = iter([0.0, 1.2])
    monkeypatch.setattr(shape, "fitted", lambda points: PosedFace(points.repeat(14, axis=0)[:68], next(poses)))
    groups = GroupFaces([GroupPhoto(ahead.path, "somebody", ahead.faces, ahead.unsure, beside)], shape)
    assert np.mean([groups.draw_face(rng).landmarks.min() > 200 for _ in range(200)]) > 0.7


def test_what_the_detector_is_surer_of_is_shown_more_often_as_no_face(
    tmp_path: Path, shape: FaceShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [np.full((160, 160, 3), shade, np.uint8) for shade in (0, 1)]
    monkeypatch.setattr("training.data.group_faces._mistakes", lambda *_: zip(views, (0.1, 0.5), strict=True))
    groups = GroupFaces([photo(tmp_path, faces=True)], shape)
    rng = np.random.default_rng(0)
    assert np.mean([groups.draw_mistake(rng).max() for _ in range(300)]) == pytest.approx(25 / 26, abs=0.05)
