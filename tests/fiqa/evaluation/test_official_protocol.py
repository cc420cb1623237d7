"""The authors' protocol: their layout in, their table out, and the scores of their script."""

import csv
import json
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import SettingError
from fiqa.evaluation import official_protocol
from fiqa.evaluation.official_protocol import read_test_set, run_official_protocol, score_as_released
from fiqa.loading import load_predictor
from fiqa.models.landmark_encoding import index_vector
from fiqa.photos.crops import ReleasedOffsets

pytestmark = pytest.mark.slow

Form = Literal["NFC", "NFD"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "GFIQA" / "test"
    (folder / "img").mkdir(parents=True)
    (folder / "landmark").mkdir()
    photo = Image.fromarray(skimage.data.astronaut())
    for index, blur in enumerate((0, 2, 5)):
        small = photo.resize((512 // (blur + 1), 512 // (blur + 1))).resize((512, 512))
        small.save(folder / "img" / f"img_{index}.png")
        np.save(folder / "landmark" / f"img_{index}.npy", np.full((68, 2), 200.0, dtype=np.float32))
    labels = {"Image": ["img_1.png", "img_0.png", "img_2.png"], "MOS": [0.5, 0.9, 0.1]}
    (folder / "label.json").write_text(json.dumps(labels))
    return folder.parent


def test_writes_the_authors_table_in_the_order_of_the_labels(data: Path, tmp_path: Path) -> None:
    figures = run_official_protocol("lite", data, device="cpu", output=tmp_path / "result", progress=False)
    assert set(figures) == {"PLCC", "SRCC", "KRCC", "RMSE"}
    with (tmp_path / "result" / "GFIQA" / "prediction.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["Name", "Predict", "GT", "Error"]
    assert [row["Name"] for row in rows] == ["img_1", "img_0", "img_2"]
    for row in rows:
        assert float(row["Error"]) == pytest.approx((float(row["Predict"]) - float(row["GT"])) ** 2)


def test_a_photos_score_depends_on_its_place_in_the_list_as_in_the_released_script(data: Path) -> None:
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    photo = read_test_set(data)[0]
    offsets = ReleasedOffsets()
    first, second = (score_as_released(predictor, photo, offsets) for _ in range(2))
    assert first != second
    assert score_as_released(predictor, photo, ReleasedOffsets()) == first


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"label\.json is missing"):
        read_test_set(tmp_path)


def test_a_label_without_its_picture_is_named(data: Path) -> None:
    (data / "test" / "img" / "img_2.png").unlink()
    with pytest.raises(SettingError, match=r"img_2\.png"):
        read_test_set(data)


@pytest.mark.parametrize("content", ["{", '{"Image": ["a.png"]}', '{"Image": ["a.png"], "MOS": [1, 2]}', "[]"])
def test_malformed_labels_are_refused(data: Path, content: str) -> None:
    (data / "test" / "label.json").write_text(content)
    with pytest.raises(SettingError, match="parallel lists"):
        read_test_set(data)


def test_a_label_cannot_name_a_file_outside_the_data_set(data: Path) -> None:
    (data / "secret.png").write_bytes(b"")
    (data / "test" / "label.json").write_text(json.dumps({"Image": ["../../secret.png", "img_0.png"], "MOS": [1, 2]}))
    with pytest.raises(SettingError, match="lacks 1 labelled"):
        read_test_set(data)


@pytest.mark.parametrize(
    ("landmarks", "said"),
    [
        (None, "it is missing"),
        (np.zeros((1, 68, 2)), r"it holds float64 of shape \(1, 68, 2\)"),
        (np.zeros((68, 3)), r"it holds float64 of shape \(68, 3\)"),
        (np.array([["a", "b"]]), "it holds <U1"),
        (np.zeros((98, 2)), "it holds 98 rows"),
        (np.full((68, 2), np.nan), "it holds values that are no finite numbers"),
        (np.array([{}], dtype=object), "it cannot be read"),
    ],
    ids=["missing", "nested", "three columns", "words", "too many", "no numbers", "pickled"],
)
def test_landmarks_that_are_missing_or_of_another_shape_are_named_before_the_first_score(
    data: Path, landmarks: NDArray[Any] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = data / "test" / "landmark" / "img_2.npy"
    path.unlink()
    if landmarks is not None:
        np.save(path, landmarks)
    monkeypatch.setattr(official_protocol, "score_as_released", lambda *_: pytest.fail("a photo was scored"))
    with pytest.raises(SettingError, match=rf"img_2\.npy must hold .*68 rows of x and y in pixels; {said}"):
        run_official_protocol("lite", data, device="cpu", progress=False)


def test_a_network_that_takes_no_landmarks_needs_no_files(data: Path) -> None:
    for path in (data / "test" / "landmark").iterdir():
        path.unlink()
    assert [photo.landmarks for photo in read_test_set(data, points=0)] == [None] * 3


def test_whether_a_landmark_lies_in_a_crop_is_decided_in_the_precision_of_its_file(data: Path) -> None:
    outside = np.full((68, 2), 200.0)
    outside[0] = (np.nextafter(384.0, 385.0), 100.0)  # in single precision it would be on the border, and seen
    np.save(data / "test" / "landmark" / "img_1.npy", outside)
    landmarks = read_test_set(data)[0].landmarks
    assert landmarks is not None
    vector = index_vector(landmarks, 0, 0, 384, 100)
    assert not np.array_equal(vector, index_vector(landmarks.astype(np.float32), 0, 0, 384, 100))
    assert np.array_equal(vector, index_vector(np.where(outside > 300, 999.0, outside), 0, 0, 384, 100))


@pytest.mark.parametrize("folder", ["img/", "img\\", "D:\\faces\\img\\", "../../"])
def test_folders_before_a_label_are_ignored_whichever_system_wrote_them(data: Path, folder: str) -> None:
    labels = {"Image": [f"{folder}img_0.png", f"{folder}img_1.png"], "MOS": [0.9, 0.5]}
    (data / "test" / "label.json").write_text(json.dumps(labels))
    assert [photo.path for photo in read_test_set(data)] == [data / f"test/img/img_{index}.png" for index in (0, 1)]


@pytest.mark.parametrize(("on_disk", "named"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_labels_and_landmarks_are_found_in_the_unicode_form_of_another_system(
    data: Path, on_disk: Form, named: Form
) -> None:
    photo, points = normalize(on_disk, "ü.png"), normalize(named, "ü.npy")
    (data / "test/img/img_0.png").rename(data / "test/img" / photo)
    (data / "test/landmark/img_0.npy").rename(data / "test/landmark" / points)
    labels = {"Image": [normalize(named, "ü.png"), "img_1.png"], "MOS": [0.9, 0.5]}
    (data / "test/label.json").write_text(json.dumps(labels))
    first, _second = read_test_set(data)
    assert first.path.name == photo
    assert first.landmarks is not None


def test_a_table_that_cannot_be_written_is_refused_before_the_first_score(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "result").write_text("a file")
    monkeypatch.setattr(official_protocol, "score_as_released", lambda *_: pytest.fail("scored in vain"))
    with pytest.raises(SettingError, match="cannot be made"):
        run_official_protocol("lite", data, device="cpu", output=tmp_path / "result", progress=False)
