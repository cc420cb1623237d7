"""The authors' protocol: their layout in, their table out, and the scores of their script."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa.crops import ReleasedOffsets
from fiqa.errors import SettingError
from fiqa.loading import load_predictor
from fiqa.protocol import read_test_set, run_official_protocol, score_as_released


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
