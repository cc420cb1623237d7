"""From the ratings of a study to a checkpoint, with the bundled network and damaged copies of the astronaut."""

import csv
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from fiqa import load_predictor
from fiqa.checkpoints import find_checkpoint
from fiqa.degradation.synthetic import degrade
from training import train_on_study
from training.data.datasets import read_dataset
from training.errors import DataError, RunError
from training.evaluate import is_fitted_to
from training.fit.head_fitting import HeadFitting
from training.fit.loop import StoppedError
from training.report import study_agreement
from training.train_on_study import main

PHOTOS = 10
TYPES = ("gaussian_noise", "gaussian_blur")


def write_export(folder: Path, photos: int = PHOTOS, *, shift: float = 0.0) -> Path:
    """Write what an export of a study is; the people mind blur more than noise, and each face is of two pictures."""
    (folder / "train" / "img").mkdir(parents=True)
    images, mos, rows = [], [], []
    for number in range(photos):
        severity = 0.1 + 0.8 * number / PHOTOS
        pixels = degrade(skimage.data.astronaut()[:320, 60:380], [(TYPES[number % 2], severity)], seed=number)
        Image.fromarray(pixels).save(folder / "train" / "img" / f"{number}.png")
        images.append(f"{number}.png")
        mos.append(round(4.5 - 3 * severity * (1 + number % 2) / 2 - shift, 3))
        rows.append((f"faces/{number}.png", f"train/img/{number}.png", f"face {number // 2}"))
    (folder / "train" / "label.json").write_text(json.dumps({"Image": images, "MOS": mos}))
    (folder / "dataset.json").write_text(json.dumps({"name": "faces", "mos_range": [1, 5]}))
    with (folder / "mos.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("stimulus", "image", "source"), *rows])
    return folder


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(train_on_study, "LEAST_STEPS", 0)
    monkeypatch.setattr(study_agreement, "BOOTSTRAPS", 20)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("study") / "export")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what the network sees is kept from one test to the next."""
    return tmp_path_factory.mktemp("tokens")


def train(export: Path, run: Path, tokens: Path, name: str = "mine") -> dict[str, Any]:
    """Train, and return what came of it."""
    run.mkdir(exist_ok=True)
    if not (run / "tokens").exists():
        (run / "tokens").symlink_to(tokens)
    main([str(export), "--name", name, "--output", str(run)])
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    return result


def status(run: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((run / "status.json").read_text())
    return found


def test_ratings_become_a_checkpoint_known_by_its_name_that_scores_on_their_scale(
    export: Path, tokens: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(export, tmp_path / "run", tokens)
    spec = find_checkpoint("mine")
    assert spec.score_range == (1.0, 5.0)
    assert spec.metrics["srcc"] == result["after"]["SRCC"]["value"]
    assert spec.title == f"mine (SRCC {spec.metrics['srcc']:.2f} held out)"
    assert "the raters of faces on their scale of 1 to 5: lite, its head fitted to 10 photos" in spec.note
    first, last = (load_predictor("mine").score(export / "train" / "img" / f"{n}.png").score for n in (0, 9))
    assert 1 <= last < first <= 5
    assert capsys.readouterr().out.strip().endswith(result["sentence"])
    assert status(tmp_path / "run")["state"] == "finished"
    card = (tmp_path / "data" / "checkpoints" / "mine" / "README.md").read_text()
    assert "On 10 photos of faces (held out in turn)" in card


def test_agreement_is_told_before_and_after_with_sources_held_out_together(
    export: Path, tokens: Path, tmp_path: Path
) -> None:
    result = train(export, tmp_path / "run", tokens)
    assert (result["photos"], result["sources"], result["start"]) == (10, 5, "lite")
    lite = load_predictor("lite").score(export / "train" / "img" / "3.png").score
    told = result["predictions"][3]
    assert (told["stimulus"], told["mos"]) == ("faces/3.png", 3.48)
    assert told["before"] == pytest.approx(1 + 4 * lite, abs=0.02)  # what it sees is kept in half precision
    assert told["after"] != pytest.approx(load_predictor("mine").score(export / told["image"]).score, abs=1e-3)
    with (tmp_path / "run" / "scores.csv").open() as file:
        assert {row["stimulus"]: float(row["score"]) for row in csv.DictReader(file)}["faces/3.png"] == told["after"]
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert {"srcc", "plcc", "error"} <= {key for row in history for key in row}


def test_a_stopped_training_goes_on_as_if_it_had_not_been_stopped(
    export: Path, tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(export, tmp_path / "whole", tokens, "whole")
    loss = HeadFitting.loss

    def interrupted(self: HeadFitting, network: nn.Module, draw: int) -> dict[str, Tensor]:
        if draw == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss(self, network, draw)

    with monkeypatch.context() as stopping:
        stopping.setattr(HeadFitting, "loss", interrupted)
        with pytest.raises(StoppedError):
            train(export, tmp_path / "halves", tokens, "halves")
    assert status(tmp_path / "halves")["state"] == "stopped"
    assert not (tmp_path / "data" / "checkpoints" / "halves").exists()
    train(export, tmp_path / "halves", tokens, "halves")
    whole, halves = (load_file(tmp_path / run / "best.safetensors") for run in ("whole", "halves"))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_a_signal_while_photos_are_looked_at_stops_and_keeps_what_was_seen(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    before = signal.getsignal(signal.SIGTERM)  # a library in this process may have put its own there

    def counted(self: train_on_study.Tell, state: str, message: str, step: int = 0, steps: int = 0) -> None:
        told(self, state, message, step, steps)
        seen.append(step)
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    told = train_on_study.Tell.__call__
    monkeypatch.setattr(train_on_study.Tell, "__call__", counted)
    with pytest.raises(StoppedError):
        main([str(export), "--name", "mine", "--output", str(tmp_path / "run")])
    assert len(list((tmp_path / "run" / "tokens").glob("*.npz"))) == 2
    assert status(tmp_path / "run")["state"] == "stopped"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_a_library_turns_into_an_error_of_its_own_is_a_stop_all_the_same(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        """Load weights as C code does while a signal comes."""
        try:
            signal.raise_signal(signal.SIGTERM)
        except StoppedError:
            raise ValueError("could not determine the shape") from None

    monkeypatch.setattr(train_on_study, "load_predictor", interrupted)
    with pytest.raises(StoppedError):
        main([str(export), "--name", "mine", "--output", str(tmp_path / "run")])
    assert status(tmp_path / "run")["state"] == "stopped"


def test_other_labels_start_anew(tokens: Path, tmp_path: Path) -> None:
    train(write_export(tmp_path / "before"), tmp_path / "run", tokens)
    first = load_file(tmp_path / "run" / "best.safetensors")
    train(write_export(tmp_path / "after", shift=0.5), tmp_path / "run", tokens)
    second = load_file(tmp_path / "run" / "best.safetensors")
    assert not all(torch.equal(first[name], second[name]) for name in first)
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in history].count(1) == 2  # one row of losses and one of figures


def test_photos_without_a_face_are_left_out_and_too_few_are_said_to_be(
    tokens: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = write_export(tmp_path / "export", photos=6)
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(export / "train" / "img" / "5.png")
    with pytest.raises(DataError, match="Only 5 rated photos show a face: have 6 or more rated"):
        train(export, tmp_path / "run", tokens)
    assert "left out: 5.png: No face was found" in capsys.readouterr().err
    assert (status(tmp_path / "run")["state"], status(tmp_path / "run")["message"][:6]) == ("failed", "Only 5")


def test_figures_on_photos_that_a_checkpoint_was_fitted_to_are_said_to_flatter(export: Path, tmp_path: Path) -> None:
    predictor = load_predictor("lite")
    dataset = read_dataset(export)
    for name, data in (("mine", dataset.describe()), ("other", {"labels_sha256": "another"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "training.json").write_text(json.dumps({"trained": "head", "data": data}))
        predictor.spec = replace(predictor.spec, folder=tmp_path / name)
        assert is_fitted_to(predictor, dataset) == (name == "mine")
    assert not is_fitted_to(load_predictor("lite"), dataset)


def write_pairs(graded: Path, folder: Path) -> Path:
    """Write an export of a study in which the people of another one compared its pictures, and mind blur more."""
    label = json.loads((graded / "train" / "label.json").read_text())
    mos = dict(zip(label["Image"], label["MOS"], strict=True))
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "img").symlink_to(graded / "train" / "img")
    scale = [{"stimulus": name, "image": f"train/img/{name}", "source": f"face {int(name[0]) // 2}"} for name in mos]
    names = list(mos)
    pairs = [
        {"first": one, "second": two, "first_better": 9 * (mos[one] > mos[two]), "no_difference": 1,
         "second_better": 9 * (mos[one] < mos[two])}
        for place, one in enumerate(names) for two in names[place + 1 : place + 3]
    ]  # fmt: skip
    (folder / "scale.json").write_text(json.dumps(scale))
    (folder / "pairs.json").write_text(json.dumps(pairs))
    return folder


def test_comparisons_become_a_checkpoint_that_keeps_the_scale_of_its_start(
    export: Path, tokens: Path, tmp_path: Path
) -> None:
    compared = write_pairs(export, tmp_path / "pairs")
    result = train(compared, tmp_path / "run", tokens)
    spec = find_checkpoint("mine")
    assert (spec.score_range, result["measure"], result["data"]["pairs"]) == ((0.0, 1.0), "PAIRS", 17)
    assert set(result["after"]) == {"PAIRS"}
    assert 0.5 < result["before"]["PAIRS"]["value"] <= 1
    assert "of preferences in order on photos held out, lite has" in result["sentence"]
    assert "people who compared those of pairs would; only differences mean something" in spec.note
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert {"surprise", "pairs"} <= {key for row in history for key in row}


def test_a_name_that_is_taken_is_refused_before_anything_is_written(export: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is a checkpoint 'lite' already"):
        main([str(export), "--name", "lite", "--output", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_equal_ratings_of_all_photos_are_refused_before_anything_is_published(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export")
    label = export / "train" / "label.json"
    label.write_text(json.dumps({**json.loads(label.read_text()), "MOS": [3.0] * PHOTOS}))
    with pytest.raises(DataError, match="All 10 photos of faces have the MOS 3, so there is nothing to learn"):
        main([str(export), "--name", "mine", "--output", str(tmp_path / "run")])
    assert status(tmp_path / "run")["state"] == "failed"
    assert "nothing to learn" in status(tmp_path / "run")["message"]
    assert not (tmp_path / "data" / "checkpoints" / "mine").exists()
