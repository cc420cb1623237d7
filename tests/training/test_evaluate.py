"""Evaluation on labelled photos: the scores a user gets, figures for each group, files that can be read again."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.degradation.synthetic import degrade
from fiqa.loading import load_predictor
from training import evaluate
from training.errors import DataError

pytestmark = pytest.mark.usefixtures("few_bootstraps")

SERIES = [("jpeg", 0.3), ("jpeg", 0.9), ("gaussian_blur", 0.2), ("gaussian_blur", 0.5), ("gaussian_blur", 1.0)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut, degraded five times, rated from 1 to 5; and a picture without a face."""
    folder = tmp_path_factory.mktemp("rated")
    face = np.asarray(skimage.data.astronaut())[:320, 60:380]
    rows = ["image,mos,split,degradation,group,source"]
    for index, (name, severity) in enumerate(SERIES):
        Image.fromarray(degrade(face, [(name, severity)])).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{5 - 4 * severity},test,{name},{'ab'[index % 2]},{index}")
    Image.fromarray(np.full((200, 200, 3), 90, dtype=np.uint8)).save(folder / "grey.png")
    (folder / "ratings.csv").write_text("\n".join([*rows, "grey.png,1,test,jpeg,a,grey"]) + "\n")
    return folder


@pytest.fixture(scope="module")
def output(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    evaluate.main([*options(data), "--output", str(folder)])
    return folder


def options(data: Path) -> list[str]:
    return [
        "--checkpoint",
        "lite",
        "--data",
        str(data),
        "--mos-range",
        "1",
        "5",
        "--device",
        "cpu",
        "--finder",
        "bundled",
    ]


def test_scores_are_those_of_the_predictor_placed_in_the_range_of_the_ratings(output: Path, data: Path) -> None:
    with (output / "predictions.csv").open() as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    score = load_predictor("lite", device="cpu", finder="bundled").score(data / "3.png").score
    assert float(rows["3.png"]["score"]) == pytest.approx(1 + 4 * score, abs=1e-3)
    assert rows["3.png"]["degradation"] == "gaussian_blur"


def test_json_has_figures_for_all_photos_and_for_each_named_degradation_and_group(output: Path) -> None:
    result = json.loads((output / "evaluation.json").read_text())
    assert set(result["figures"]) == {"", "degradation", "group"}
    assert set(result["figures"]["degradation"]) == {"jpeg", "gaussian_blur"}
    assert result["figures"]["degradation"]["gaussian_blur"]["SRCC"]["value"] == 1
    assert set(result["figures"][""]["all photos"]) == {"PLCC", "SRCC", "KRCC", "RMSE", "bias"}
    assert result["data"]["mos_range"] == [1, 5]


def test_bias_is_the_mean_of_score_minus_rating(output: Path) -> None:
    result = json.loads((output / "evaluation.json").read_text())
    with (output / "predictions.csv").open() as file:
        wrong = [float(row["score"]) - float(row["mos"]) for row in csv.DictReader(file) if row["group"] == "b"]
    assert result["figures"]["group"]["b"]["bias"]["value"] == pytest.approx(np.mean(wrong), abs=1e-3)


def test_a_photo_without_a_face_is_left_out_and_named(output: Path) -> None:
    result = json.loads((output / "evaluation.json").read_text())
    assert result["scored"] == 5
    assert [Path(path).name for path in result["unscored"]] == ["grey.png"]


def test_scatter_plots_are_pictures(output: Path) -> None:
    for name in ("scatter.png", "scatter-degradation.png", "scatter-group.png"):
        with Image.open(output / name) as picture:
            assert picture.width > 400


def test_the_table_names_every_row(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate.main([*options(data), "--by", "group", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "Not scored: 1 photos" in printed
    for cell in ("| all photos |", "| a  ", "| b  ", "bias"):
        assert cell in printed


def test_an_unknown_column_is_refused_with_those_there_are(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'age': it has degradation, group"):
        evaluate.main([*options(data), "--by", "age", "--output", str(tmp_path)])


def test_the_scale_is_that_of_the_checkpoint_where_the_data_do_not_say(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rated"
    shutil.copytree(bundled(CHECKPOINT), folder)
    card = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps(card | {"score_range": [1, 5]}))
    files = ["--checkpoint", str(folder), "--data", str(data), "--output", str(tmp_path / "evaluation")]
    evaluate.main([*files, "--device", "cpu", "--finder", "bundled"])
    assert "MOS from 1 to 5" in capsys.readouterr().out
    with pytest.raises(DataError, match=r"--mos-range 1 5\.$"):
        evaluate.main(["--checkpoint", "lite", "--data", str(data)])
