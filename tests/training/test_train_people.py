"""From a data set in the authors' layout to a checkpoint with a card: the whole way, and killed at each step."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors.torch import load_file

from fiqa import load_predictor
from tests.training.face_shape import face_landmarks
from tests.training.killed_run import STEPS
from tests.training.test_train_quality import TINY
from training import train_encoder, train_people
from training.errors import DataError
from training.fit.cost import Cost

ROOT = Path(__file__).parents[2]
PICTURES = {"train": 16, "val": 8, "test": 8}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small GFIQA, the darker the worse, and a small network; some test pictures lack landmarks."""
    folder = tmp_path_factory.mktemp("people")
    face = np.asarray(Image.fromarray(skimage.data.astronaut()[:240, 100:340]).resize((64, 64)))
    for split, count in PICTURES.items():
        images, landmarks = (folder / "dataset" / "GFIQA" / split / name for name in ("img", "landmark"))
        images.mkdir(parents=True)
        landmarks.mkdir()
        names, mos = [f"{split}{index}.png" for index in range(count)], np.linspace(0.1, 0.9, count)
        for name, share in zip(names, mos, strict=True):
            Image.fromarray((face * (0.2 + 0.8 * share)).astype(np.uint8)).save(images / name)
            if split != "test" or name != "test3.png":
                np.save(landmarks / name.replace(".png", ".npy"), face_landmarks((32, 32), 30))
        (images.parent / "label.json").write_text(json.dumps({"Image": names, "MOS": mos.tolist()}))
    (folder / "tiny.json").write_text(json.dumps(TINY))
    return folder


@pytest.fixture(autouse=True)
def in_folder(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    monkeypatch.setenv("FIQA_DATA_DIR", str(work / "data"))


def arguments(output: str) -> list[str]:
    small = ["--config", "tiny.json", "--encoder-steps", "4", "--epochs", "2", "--batch", "4"]
    return ["gfiqa", "--output", output, "--name", output.replace("/", "-"), *small]


@pytest.fixture(scope="module")
def whole(work: Path) -> Path:
    """The run that nothing stopped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        patch.setenv("FIQA_DATA_DIR", str(work / "data"))
        patch.setattr(train_encoder, "KNOWN", 3)
        patch.setattr(train_encoder, "ASKED", 2)
        train_people.main(arguments("whole"))
    return work / "whole"


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_bootstraps")]


def test_the_checkpoint_scores_and_its_card_has_our_figures_beside_the_published_ones(whole: Path) -> None:
    result = load_predictor(whole / "checkpoint", device="cpu", finder="bundled").score(skimage.data.astronaut())
    assert 0 <= result.score <= 1
    card = (whole / "checkpoint" / "README.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|")[2:] for line in card.splitlines() if line.startswith("| ")}
    assert [cell.strip() for cell in rows["DSL-FIQA (Chen et al., 2024)"][:3]] == ["0.975", "0.974", "–"]
    assert "(" in rows["this checkpoint, official protocol"][0]
    assert "On 8 photos of GFIQA (test)" in card


def test_the_quality_network_has_the_encoder_that_was_trained_first(whole: Path) -> None:
    first, second = (load_file(whole / each / "best.safetensors") for each in ("encoder", "quality"))
    names = [name for name in second if name.startswith("encoder.")]
    assert names
    assert all(torch.equal(first[name], second[name]) for name in names)


def test_test_pictures_without_landmarks_get_them(whole: Path, work: Path) -> None:
    assert np.load(work / "dataset" / "GFIQA" / "test" / "landmark" / "test3.npy").shape == (68, 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
def test_a_run_killed_in_each_of_its_steps_ends_where_the_uninterrupted_one_does(whole: Path, work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.killed_run", *arguments("killed")],
        cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, capture_output=True, check=False,
    )  # fmt: skip
    ends = [line for line in done.stdout.decode().splitlines() if line.endswith(f" -{signal.SIGKILL:d}")]
    assert [end.split()[0] for end in ends] == list(STEPS), done.stderr.decode()[-2000:]
    train_people.main(arguments("killed"))
    for part in ("quality/best.safetensors", "checkpoint/model.safetensors"):
        first, second = (load_file(run / part) for run in (whole, work / "killed"))
        assert all(torch.equal(first[name], second[name]) for name in first)
    figures = [json.loads((run / "evaluation.json").read_text())["figures"] for run in (whole, work / "killed")]
    assert figures[0] == figures[1]
    assert (work / "killed" / "checkpoint" / "README.md").is_file()


def test_hours_and_memory_are_said_before_anything_starts(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_people.main([*arguments("estimated"), "--estimate"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["degradation encoder", "quality network"]
    assert lines[0].startswith("degradation encoder: 4 steps of ")
    assert all("GiB of memory" in line for line in lines)
    assert not (work / "estimated" / "quality" / "training.json").exists()


def test_a_cost_is_said_in_units_that_suit_it() -> None:
    assert str(Cost(0.5, 20_000, 3 * 2**30, "cuda")) == (
        "20,000 steps of 0.50 s: about 2.8 hours on cuda, 3.0 GiB of memory of the GPU"
    )
    assert "about 0.5 minutes on cpu" in str(Cost(0.3, 100, 2**30, "cpu"))


def test_a_split_that_is_not_the_official_one_is_called_so(work: Path) -> None:
    (work / "other").mkdir()
    (work / "other" / "fetched.json").write_text('{"official_split": false}')
    assert train_people.split_of(work / "other").startswith("test, not the official split")
    assert train_people.split_of(work / "dataset" / "GFIQA") == "test"
    assert train_people.published(work / "other") == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [("cgfiqa", "run python -m training.fetch cgfiqa"), ("nowhere", "is no data set with train, val and test")],
)
def test_data_that_are_not_there_are_named_with_what_to_do(data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train_people.main([data])
