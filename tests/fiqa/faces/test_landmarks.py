"""Landmarks lie on the face, whatever box they start from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from fiqa.errors import CheckpointError
from fiqa.faces import landmarks as module
from fiqa.faces.landmarks import LandmarkPredictor, bundled_file, face_view
from fiqa.models.landmark_network import (
    CROP_PX,
    MIRRORED,
    crop_to_view,
    cut_crops,
    expected_positions,
    frames_around,
    rolls_of,
    view_to_crop,
)
from fiqa.photos.alignment import roll_deg

ASTRONAUT_BOX = np.array([179.0, 85.0, 273.0, 176.0])
"""Brows to chin and ear to ear, by eye."""


@pytest.fixture(scope="module")
def predictor() -> LandmarkPredictor:
    return LandmarkPredictor()


def eye_distance(landmarks: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(landmarks[36] - landmarks[45]))


def test_eyes_and_mouth_of_the_astronaut_are_where_they_are(predictor: LandmarkPredictor) -> None:
    landmarks, likely = predictor.predict(data.astronaut(), ASTRONAUT_BOX[None])
    assert likely[0] > 0.8
    wanted = [(slice(36, 42), (205, 101)), (slice(42, 48), (247, 103)), (slice(48, 60), (223, 146))]
    for part, position in wanted:
        assert np.linalg.norm(landmarks[0, part].mean(axis=0) - position) < 5


def test_a_box_that_is_off_leads_to_the_same_landmarks(predictor: LandmarkPredictor) -> None:
    shifted = ASTRONAUT_BOX + [10, -8, 10, -8]
    wider = ASTRONAUT_BOX + [-12, -12, 12, 12]
    found, _ = predictor.predict(data.astronaut(), np.stack([ASTRONAUT_BOX, shifted, wider]))
    for other in found[1:]:
        assert np.linalg.norm(other - found[0], axis=1).mean() < 0.05 * eye_distance(found[0])


def test_each_box_is_answered_alone_however_many_there_are(predictor: LandmarkPredictor) -> None:
    many, _ = predictor.predict(data.astronaut(), np.tile(ASTRONAUT_BOX, (module.BATCH + 3, 1)))
    one, _ = predictor.predict(data.astronaut(), ASTRONAUT_BOX[None])
    np.testing.assert_allclose(many, np.broadcast_to(one, many.shape), atol=0.05)


@pytest.mark.parametrize("centre", [(1500, 1000), (40, 60), (2990, 1990)])
@pytest.mark.slow
def test_the_view_of_a_large_face_lies_where_it_says(centre: tuple[float, float]) -> None:
    x, y = np.meshgrid(np.arange(3000) / 3000, np.arange(2000) / 2000)
    photo = (255 * np.stack([x, y, 0 * x], axis=-1)).astype(np.uint8)
    view = face_view(photo, np.array([*centre, *centre]) + [-450, -450, 450, 450])
    inside = np.array([(px, py) for px in range(10, 150, 20) for py in range(10, 150, 20)], dtype=np.float32) + 0.5
    positions = view.landmarks_to_photo(inside)
    shown = view.image[inside[:, 1].astype(int), inside[:, 0].astype(int), :2].astype(float)
    within = (positions > 10).all(axis=1) & (positions < (2990, 1990)).all(axis=1)
    np.testing.assert_allclose(shown[within], 255 * positions[within] / (3000, 2000), atol=2)
    assert within.sum() >= 5


def test_no_boxes_give_no_landmarks(predictor: LandmarkPredictor) -> None:
    landmarks, likely = predictor.predict(data.astronaut(), np.empty((0, 4)))
    assert landmarks.shape == (0, 68, 2)
    assert likely.shape == (0,)


def test_what_is_no_face_is_said_to_be_none(predictor: LandmarkPredictor) -> None:
    boxes = np.array([[20.0, 300, 120, 400], [360, 100, 460, 200], [150, 330, 260, 440]])
    _, likely = predictor.predict(data.astronaut(), boxes)
    assert likely.max() < 0.5


def test_frames_take_landmarks_to_the_crop_and_back() -> None:
    generator = torch.Generator().manual_seed(0)
    landmarks = torch.rand(4, 68, 2, generator=generator)
    frames = frames_around(landmarks, torch.tensor([0.0, 0.5, -2.0, 3.0]))
    inside = view_to_crop(landmarks, frames)
    torch.testing.assert_close(crop_to_view(inside, frames), landmarks)
    assert float(inside.min()) > 0.1
    assert float(inside.max()) < 0.9


def test_a_crop_shows_what_lies_in_its_frame() -> None:
    position = (torch.arange(160) + 0.5) / 160
    view = torch.stack(torch.broadcast_tensors(position[None, :], position[:, None], torch.zeros(()))[:3])[None]
    frames = torch.tensor([[0.55, 0.45, 0.4, 0.6]])
    crop = cut_crops(view, frames)
    centres = (torch.tensor([[20.0, 30.0], [70.0, 60.0]]) + 0.5) / CROP_PX
    wanted = crop_to_view(centres[None], frames)[0]
    shown = torch.stack([crop[0, :2, 30, 20], crop[0, :2, 60, 70]])
    torch.testing.assert_close(shown, wanted, atol=5e-3, rtol=0)


def test_roll_is_measured_clockwise() -> None:
    landmarks = torch.zeros(1, 68, 2)
    landmarks[:, 42:48] = torch.tensor([1.0, 1.0])
    landmarks[:, 48:68] = torch.tensor([-0.5, 1.5])
    assert float(rolls_of(landmarks)) == pytest.approx(np.pi / 4)


def test_roll_is_that_of_the_whole_library() -> None:
    landmarks = np.random.default_rng(0).uniform(0, 1, (4, 68, 2)).astype(np.float32)
    rolls = [np.radians(roll_deg(each)) for each in landmarks]
    np.testing.assert_allclose(rolls_of(torch.from_numpy(landmarks)).numpy(), rolls, atol=1e-5)


def test_mirroring_twice_changes_nothing_and_keeps_the_parts() -> None:
    assert [MIRRORED[MIRRORED[index]] for index in range(68)] == list(range(68))
    assert set(MIRRORED[36:42]) == set(range(42, 48))
    assert MIRRORED[8] == 8
    assert [MIRRORED[index] for index in (36, 48, 60, 31, 17)] == [45, 54, 64, 35, 26]


def test_a_sharp_heatmap_is_read_at_its_peak() -> None:
    heatmaps = torch.zeros(1, 1, 24, 24)
    heatmaps[0, 0, 6, 18] = 50.0
    torch.testing.assert_close(expected_positions(heatmaps)[0, 0], torch.tensor([18.5, 6.5]) / 24)


def test_missing_bundled_files_are_named() -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.safetensors is missing"):
        bundled_file("nothing.safetensors")


def test_damaged_bundled_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("landmarks.json", "landmarks.safetensors"):
        (tmp_path / name).write_bytes(bundled_file(name).read_bytes()[:100])
    monkeypatch.setattr(module, "bundled_file", lambda name: tmp_path / name)
    with pytest.raises(CheckpointError, match="damaged"):
        LandmarkPredictor()
