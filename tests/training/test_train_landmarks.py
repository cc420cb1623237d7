"""The bundled networks can be trained by anyone with a folder of face photos, and a stopped training goes on."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data

from fiqa.models.detector_scale import BOX_UNIT_PX, STRIDE
from fiqa.models.face_detector import FaceDetectorNetwork
from fiqa.models.landmark_network import LandmarkNetwork
from training import train_detector, train_landmarks
from training.data.face_scenes import FaceStock, background, render_scene
from training.data.group_photos import HELD_ASIDE
from training.data.photos import read_photo_folder
from training.errors import DataError
from training.fit.small_networks import read_splits

NOWHERE = np.empty((0, 4))


@pytest.fixture(scope="module")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut with made-up landmarks in her face, from three sources so that every split has a photo."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(data.astronaut()[:300, 70:370]).save(folder / "astronaut.png")
    landmarks = np.random.default_rng(0).uniform((110, 85), (200, 190), (68, 2))
    landmarks[36], landmarks[45] = (120, 115), (185, 115)
    entries = [
        {
            "id": f"photo{index}",
            "file": "astronaut.png",
            "source_repo": f"source{index}",
            "tag": "pristine",
            "landmarks68": landmarks.tolist(),
        }
        for index in range(20)
    ]
    (folder / "faces.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def group_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut as two group photos: one to train on, one of a source that is held aside."""
    folder = tmp_path_factory.mktemp("scenes")
    Image.fromarray(data.astronaut()).save(folder / "astronaut.png")
    face = {"box_xywh": [175, 60, 100, 120], "score": 0.9}
    held_aside = next(source for source, split in HELD_ASIDE.items() if split == "val")
    entries = [{"file": "astronaut.png", "source_repo": name, "faces": [face]} for name in ("somebody", held_aside)]
    (folder / "scenes.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def stock(photo_folder: Path) -> FaceStock:
    return FaceStock(read_photo_folder(photo_folder)[:3])


@pytest.mark.parametrize(
    ("script", "network"), [(train_landmarks, LandmarkNetwork()), (train_detector, FaceDetectorNetwork())]
)
def test_a_few_steps_write_weights_that_load_and_a_longer_run_goes_on(
    script: ModuleType, network: torch.nn.Module, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "MEASURED_SCENES", 3, raising=False)
    same = [
        "--photos",
        str(photo_folder),
        "--output",
        str(tmp_path),
        "--batch",
        "4",
        "--seed",
        "3",
        "--precision",
        "no",
    ]
    for steps in ("2", "3"):
        script.main([*same, "--steps", steps])
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [2, 3]
    network.load_state_dict(load_file(tmp_path / "best.safetensors"))
    record = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert record["options"]["seed"] == 3
    assert {name for name in record["metrics"] if name.startswith("validation")}
    assert record["config"]["widths"]


def test_a_scene_is_its_seeds(stock: FaceStock) -> None:
    for seed in range(4):
        first, again = (render_scene(stock, np.random.default_rng(seed), side_px=96) for _ in range(2))
        np.testing.assert_array_equal(first.picture, again.picture)
        np.testing.assert_array_equal(first.boxes, again.boxes)


def test_scenes_are_pictures_of_the_size_asked_for_some_with_faces_and_some_without(stock: FaceStock) -> None:
    scenes = [render_scene(stock, np.random.default_rng(seed), side_px=128) for seed in range(60)]
    assert {scene.picture.shape for scene in scenes} == {(128, 128, 3)}
    assert {scene.picture.dtype for scene in scenes} == {np.dtype(np.uint8)}
    assert 5 < sum(len(scene.boxes) == 0 for scene in scenes) < 40
    assert all((scene.boxes[:, 2:] > scene.boxes[:, :2]).all() for scene in scenes)


def test_backgrounds_have_the_size_asked_for(stock: FaceStock) -> None:
    rng = np.random.default_rng(0)
    assert {background(stock, rng, side_px=75).shape for _ in range(40)} == {(75, 75, 3)}


def test_the_detector_is_asked_for_the_box_it_will_be_read_to_say() -> None:
    boxes = np.array([[20.0, 30, 70, 90], [100, 100, 118, 120]])
    centres, wanted, counts = train_detector.target_maps(boxes, NOWHERE, 160)
    rows, columns = np.nonzero(centres == 1)
    offsets, sides = wanted[:2, rows, columns].T, BOX_UNIT_PX * np.exp(wanted[2:, rows, columns].T)
    middles = STRIDE * (np.stack([columns, rows], axis=1) + 0.5 + offsets)
    np.testing.assert_allclose(np.hstack([middles - sides / 2, middles + sides / 2]), boxes, rtol=1e-5)
    assert counts.all()


def test_faces_cut_by_half_or_too_small_are_neither_asked_for_nor_forbidden() -> None:
    cut, small = [-40.0, 40, 30, 110], [100, 100, 108, 108]
    centres, _, counts = train_detector.target_maps(np.array([cut, small]), NOWHERE, 160)
    assert not centres.any()
    assert counts[9, 0] == 0
    assert counts[12, 12] == 0
    assert counts.mean() > 0.9


def test_where_a_face_is_unsure_neither_answer_counts() -> None:
    box = np.array([[40.0, 40, 80, 90]])
    centres, _, counts = train_detector.target_maps(NOWHERE, box, 160)
    assert not centres.any()
    assert counts[8, 7] == 0
    assert counts[0, 0] == 1


def test_a_run_on_group_photos_starts_from_weights_and_measures_those_held_aside(
    photo_folder: Path, group_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_detector, "MEASURED_SCENES", 3)
    start = tmp_path / "start.safetensors"
    save_file(FaceDetectorNetwork().state_dict(), start)
    run = ["--photos", str(photo_folder), "--scenes", str(group_folder), "--start", str(start)]
    train_detector.main([*run, "--output", str(tmp_path / "run"), "--batch", "4", "--precision", "no", "--steps", "1"])
    record = json.loads((tmp_path / "run" / "training.json").read_text(encoding="utf-8"))
    assert {"group_f1", "group_recall", "group_false_per_photo"} <= record["metrics"].keys()


def test_the_focal_loss_is_small_for_the_right_answer_alone() -> None:
    centres = torch.zeros(1, 5, 5)
    centres[0, 2, 2] = 1
    right = train_detector.focal_loss(torch.where(centres == 1, 8.0, -8.0), centres, torch.ones_like(centres))
    wrong = train_detector.focal_loss(torch.where(centres == 1, -8.0, 8.0), centres, torch.ones_like(centres))
    assert float(right) < 1e-3
    assert float(wrong) > 10


def test_spoilt_crops_are_not_taught_as_faces() -> None:
    rng = np.random.default_rng(0)
    views = [train_landmarks.FaceView(np.zeros((16, 16, 3), np.uint8), rng.random((68, 2), np.float32), True)] * 300
    frames, is_face = train_landmarks.jittered_frames(train_landmarks.collate(views), torch.Generator().manual_seed(0))
    assert frames.shape == (300, 4)
    assert 0.7 < float(is_face.float().mean()) < 0.95


def test_a_mirrored_crop_has_mirrored_landmarks() -> None:
    random = torch.Generator().manual_seed(0)
    crops, landmarks = torch.rand(2, 3, 8, 8, generator=random), torch.rand(2, 68, 2, generator=random)
    flipped, other = train_landmarks.mirrored(crops, landmarks, torch.tensor([True, False]))
    torch.testing.assert_close(flipped[0], crops[0].flip(2))
    torch.testing.assert_close(flipped[1], crops[1])
    torch.testing.assert_close(other[1], landmarks[1])
    torch.testing.assert_close(other[0, 36], landmarks[0, 45] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0]))


def test_photos_of_one_source_alone_are_too_few(photo_folder: Path, tmp_path: Path) -> None:
    entries = json.loads((photo_folder / "faces.json").read_text(encoding="utf-8"))
    (tmp_path / "faces.json").write_text(json.dumps([entry | {"source_repo": "one"} for entry in entries]))
    with pytest.raises(DataError, match="too few sources"):
        read_splits(tmp_path)
