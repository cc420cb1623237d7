"""The whole way, small: photos, labels, encoder, quality, evaluation, release, and a score with the result."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from fiqa import load_predictor
from training import train_quality
from training.data.photos import read_photo_folder
from training.data.rendering import TYPES
from training.data.views import read_views
from training.rehearsal import Scale, rehearse, vary, write_photos

pytestmark = pytest.mark.usefixtures("few_bootstraps")

TINY = Scale(pristine=13, real=2, views=4, levels=1, stacks=1, encoder_steps=2, quality_steps=2, batch=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that a rehearsal leaves behind."""
    folder = tmp_path_factory.mktemp("rehearsal")
    rehearse(folder, TINY)
    return folder


def test_the_chain_makes_a_checkpoint_that_scores(folder: Path) -> None:
    result = load_predictor(str(folder / "checkpoint"), device="cpu", finder="bundled").score(skimage.data.astronaut())
    assert result.checkpoint == "checkpoint"
    assert 0 <= result.score <= 1


def test_the_checkpoint_states_its_validation_and_its_evaluation(folder: Path) -> None:
    spec = json.loads((folder / "checkpoint" / "checkpoint.json").read_text())
    assert {"srcc", "plcc", "step"} == set(spec["metrics"])
    evaluation = json.loads((folder / "evaluation" / "evaluation.json").read_text())
    card = (folder / "checkpoint" / "README.md").read_text()
    assert f"On {evaluation['scored']} photos of rated (test)" in card
    assert "| jpeg " in card


def test_evaluated_views_carry_what_was_done_to_them(folder: Path) -> None:
    with (folder / "rated" / "rated.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["degradation"] for row in rows} == {"clean", "stacked", *TYPES}
    clean = [float(row["mos"]) for row in rows if row["degradation"] == "clean"]
    assert min(clean) == max(float(row["mos"]) for row in rows)


def test_photos_are_a_photo_folder_with_faces_where_the_landmarks_say(tmp_path: Path) -> None:
    write_photos(tmp_path, Scale(pristine=2, real=1))
    photos = read_photo_folder(tmp_path)
    assert [photo.pristine for photo in photos] == [True, True, False]
    for photo in photos:
        low, high = photo.landmarks.min(0), photo.landmarks.max(0)
        assert (low > 0).all()
        assert (high < photo.read().shape[0]).all()
        assert (high - low > 60).all()


def test_variations_differ_and_are_always_the_same() -> None:
    assert np.array_equal(vary(3, pristine=True), vary(3, pristine=True))
    assert not np.array_equal(vary(3, pristine=True), vary(5, pristine=True))


def test_teachers_let_a_network_learn_from_views_without_labels_too(folder: Path) -> None:
    labelled, unlabelled = (len(read_views(folder / "views", split)) for split in ("train", "real"))
    run, first = folder / "taught", str(folder / "quality")
    train_quality.main(
        ["--views", str(folder / "views"), "--output", str(run), "--start", first, "--teachers", first]
        + ["--steps", "2", "--batch", "4"]
    )
    record = json.loads((run / "training.json").read_text())
    assert record["data"]["train"] == labelled + unlabelled
    assert record["teachers"] == [first]
    losses = [json.loads(row) for row in (run / "history.jsonl").read_text().splitlines()]
    assert all(np.isfinite(row["loss"]) for row in losses if "loss" in row)


def test_the_checkpoint_is_registered_in_the_rehearsal_s_own_data_folder(folder: Path) -> None:
    assert (folder / "data" / "checkpoints" / "rehearsal" / "model.safetensors").exists()
