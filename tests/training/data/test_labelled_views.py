"""Views of labelled photos and the crops that are drawn from them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from fiqa import load_predictor
from fiqa.checkpoints import Preprocessing
from fiqa.errors import PhotoError
from fiqa.models import LITE, DslFiqaConfig
from tests.training.face_shape import face_landmarks
from training.data import labelled_views
from training.data.datasets import Dataset, LabelledPhoto
from training.data.labelled_views import BatchLoader, LabelledCrops, LabelledViews, LandmarkStore, mirrored_landmarks
from training.data.views import CropSample
from training.errors import DataError

SMALL = replace(LITE, crop_px=32, patch_px=8)
CUT = Preprocessing(view_px=48, margin=1.7, crops=4)
FACE = face_landmarks((32, 28), 24)


class NoFinder:
    """Stands in for the finder; counts how often it is asked."""

    name, can_reject, concurrent = "none", True, True

    def __init__(self) -> None:
        self.asked = 0

    def find(self, photo: NDArray[np.uint8]) -> list[object]:
        self.asked += 1
        return []

    def find_low_confidence(self, photo: NDArray[np.uint8]) -> None:
        return None


def dataset(root: Path, count: int = 6, *, landmarks: bool = True) -> Dataset:
    """Return photos whose red value is their number, with MOS from 1 to 5."""
    if landmarks:
        np.save(root / "face.npy", FACE)
    photos = []
    for index in range(count):
        Image.new("RGB", (64, 64), (index, 0, 0)).save(root / f"{index}.png")
        known = root / "face.npy" if landmarks else None
        photos.append(LabelledPhoto(root / f"{index}.png", 1 + 4 * index / (count - 1), known))
    return Dataset(root, "six", (1, 5), {"train": tuple(photos)})


def views(data: Dataset, run: Path, *, whole: bool = False) -> LabelledViews:
    return LabelledViews(data, "train", CUT, whole=whole, store=LandmarkStore(data.root, run))


def numbers(sample: CropSample) -> list[int]:
    """Return which photos the crops of a batch are of."""
    return [int(crop[..., 0].max()) for crop in sample.crops]


def test_a_view_is_what_inference_would_cut(tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "a.png")
    photo = LabelledPhoto(tmp_path / "a.png", 0.5)
    data = Dataset(tmp_path, "one", (0, 1), {"train": (photo, photo)})
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    lite = predictor.spec.preprocessing
    cut = LabelledViews(data, "train", lite, whole=False, store=LandmarkStore(tmp_path, tmp_path / "run"))
    pixels, landmarks = cut.view(0)
    face = predictor.find_faces(skimage.data.astronaut()).faces[0]
    expected = predictor.face_crops(skimage.data.astronaut(), face)
    assert np.array_equal(pixels, expected.view.image)
    assert landmarks == pytest.approx(expected.landmarks, abs=1e-4)


def test_targets_are_shares_of_the_data_sets_own_range(tmp_path: Path) -> None:
    assert views(dataset(tmp_path), tmp_path).target == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_whole_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    pixels, landmarks = views(dataset(tmp_path), tmp_path, whole=True).view(3)
    assert pixels.shape == (48, 48, 3)
    assert landmarks == pytest.approx(FACE * 48 / 64, abs=1e-3)


def test_landmarks_are_found_once_and_kept_beside_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = NoFinder()
    monkeypatch.setattr(labelled_views, "load_face_finder", lambda _: finder)
    data = dataset(tmp_path, landmarks=False)
    assert np.isnan(views(data, tmp_path / "run").view(0)[1]).all()
    assert np.isnan(views(data, tmp_path / "run").view(0)[1]).all()
    assert finder.asked == 1
    assert [path.name for path in (tmp_path / ".landmarks").iterdir()] == ["0.png.npy"]
    os.utime(tmp_path / "0.png", (2**31, 2**31))  # another picture of that name
    views(data, tmp_path / "run").view(0)
    assert finder.asked == 2


def test_landmarks_of_data_that_cannot_be_written_are_kept_in_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled_views, "load_face_finder", lambda _: NoFinder())
    data = dataset(tmp_path, landmarks=False)
    (tmp_path / ".landmarks").write_text("in the way")  # no folder can be made, whoever runs the tests
    views(data, tmp_path / "run").view(2)
    assert [path.name for path in (tmp_path / "run" / "landmarks").iterdir()] == ["2.png.npy"]


def test_damaged_landmarks_are_named(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    np.save(tmp_path / "face.npy", np.zeros((5, 2)))
    with pytest.raises(PhotoError, match=r"face.npy holds landmarks of shape \(5, 2\), expected \(68, 2\)"):
        views(data, tmp_path).view(0)


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, landmarks="index", landmark_slots=70)])
def test_every_photo_comes_once_an_epoch_and_equal_numbers_give_equal_batches(
    tmp_path: Path, config: DslFiqaConfig
) -> None:
    source = LabelledCrops(views(dataset(tmp_path), tmp_path), config, seed=3)
    epochs = [[*numbers(source.batch(2 * epoch, 3)), *numbers(source.batch(2 * epoch + 1, 3))] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    counts = np.arange(6, dtype=np.float32)
    again = LabelledCrops(views(dataset(tmp_path), tmp_path), config, seed=3, counts=counts).batch(5, 3)
    first = source.batch(5, 3)
    assert (first.counts, again.counts.tolist() if again.counts is not None else []) == (None, numbers(first))
    assert np.array_equal(first.crops, again.crops)
    assert np.array_equal(first.landmarks, again.landmarks, equal_nan=True)
    assert first.target.tolist() == pytest.approx([number / 5 for number in numbers(first)])


def test_workers_draw_the_batches_that_one_process_draws(tmp_path: Path) -> None:
    source = LabelledCrops(views(dataset(tmp_path), tmp_path), SMALL, seed=3)
    alone, helped = BatchLoader(source, 4, workers=0), BatchLoader(source, 4, workers=1)
    for draw in (7, 8, 3):
        assert np.array_equal(alone.batch(draw).crops, helped.batch(draw).crops)


def test_a_photo_that_cannot_be_read_is_named_and_replaced(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:60])
    sample = LabelledCrops(views(data, tmp_path), SMALL, seed=0).batch(0, 6)
    assert len(sample.crops) == 6
    assert 2 not in numbers(sample)
    assert len(sample.unreadable) >= 1
    assert "2.png" in sample.unreadable[0]


def test_data_in_which_nothing_can_be_read_stops_the_training(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    for path in tmp_path.glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="20 photos in a row cannot be read"):
        LabelledCrops(views(data, tmp_path), SMALL, seed=0).batch(0, 2)


def test_mirroring_keeps_a_symmetric_face(tmp_path: Path) -> None:
    centred = face_landmarks((24, 24), 20)
    assert mirrored_landmarks(centred, 48) == pytest.approx(centred, abs=1e-4)
