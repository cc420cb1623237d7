"""Releases: a folder that loads by name, with a card made of the run's own facts; incomplete runs are refused."""

import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard

from fiqa.checkpoints import (
    CheckpointSpec,
    Preprocessing,
    find_checkpoint,
    list_checkpoints,
    read_spec,
    save_checkpoint,
)
from fiqa.errors import CheckpointError
from fiqa.loading import load_network
from fiqa.models import LITE, DslFiqa
from training import release
from training.errors import RunError

RECORD = {
    "data": {"name": "faces-2026", "mos_range": [1, 5], "train": 70},
    "options": {"steps": 100, "learning_rate": 0.0012},
    "commit": "0123456789abcdef",
    "metrics": {"srcc": 0.9, "step": 50},
}
EVALUATION = {
    "data": {"name": "faces-2026"}, "split": "test", "scored": 20,
    "figures": {"group": {"a": {"SRCC": {"value": 0.8765, "low": 0.8, "high": 0.95}}}},
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run as `training.train_quality` leaves it."""
    torch.manual_seed(0)
    spec = CheckpointSpec(
        name="run", title="run", licence="unknown", note="Predicts the mean opinion of faces-2026.", source="a run",
        preprocessing=Preprocessing(view_px=256, margin=1.7, crops=4), score_range=(1.0, 5.0), metrics={"srcc": 0.9},
    )  # fmt: skip
    save_checkpoint(DslFiqa(LITE), spec, tmp_path / "run" / "checkpoint")
    (tmp_path / "run" / "training.json").write_text(json.dumps(RECORD))
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))


def released(run: Path, *more: str) -> Path:
    output = run.parent / "released"
    release.main([str(run), "--output", str(output), "--name", "mine", "--licence", "CC-BY-4.0", *more])
    return output


def test_a_released_folder_loads_strictly_with_the_runs_weights_and_range(run: Path) -> None:
    spec = read_spec(released(run))
    trained = load_network(read_spec(run / "checkpoint")).state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in load_network(spec).state_dict().items())
    assert spec.score_range == (1.0, 5.0)
    assert (spec.licence, spec.note) == ("CC-BY-4.0", "Predicts the mean opinion of faces-2026.")
    assert spec.parameters == sum(tensor.numel() for tensor in DslFiqa(LITE).parameters())
    assert spec.gflops is not None
    assert spec.gflops > 0


def test_a_release_is_found_by_its_name_from_any_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = released(run)
    released(run)  # again, with other options say
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "mine" in [spec.name for spec in list_checkpoints()]
    assert find_checkpoint("mine").sha256 == read_spec(folder).sha256
    assert load_network("mine").config == LITE


@pytest.mark.parametrize("name", ["lite", "gfiqa", "mine"])
def test_a_name_that_another_checkpoint_has_is_refused(run: Path, name: str) -> None:
    released(run)
    other = run.rename(run.parent / "other")
    with pytest.raises(RunError, match=f"There is a checkpoint '{name}' already"):
        release.main([str(other), "--output", str(run.parent / "out"), "--name", name, "--licence", "MIT"])
    assert not (run.parent / "out").exists()


def test_a_card_tells_nothing_of_the_machine(run: Path) -> None:
    assert str(run.parent) not in (released(run) / "checkpoint.json").read_text()


def test_the_card_is_one_that_the_hub_reads_and_states_the_runs_facts(run: Path) -> None:
    card = ModelCard.load(released(run) / "README.md")
    assert card.data.license == "cc-by-4.0"
    for fact in ("faces-2026", "[1, 5]", "0.0012", "0123456789abcdef", "between 1 and 5", "Not a measure of identity"):
        assert fact in card.text


def test_an_evaluation_stands_in_the_card_by_group(run: Path) -> None:
    (run / "evaluation.json").write_text(json.dumps(EVALUATION))
    card = (released(run, "--evaluation", str(run / "evaluation.json")) / "README.md").read_text()
    assert "On 20 photos of faces-2026 (test)" in card
    assert "0.876 (0.800 to 0.950)" in card


def end_with(run: Path, step: int) -> DslFiqa:
    """Give a run an end at `step`; return the network there."""
    network = DslFiqa(LITE)
    average = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"step": step, "average": {"n_averaged": torch.tensor(step), **average}}, run / "state.pt")
    rows = ({"step": 50, "srcc": 0.9}, {"step": 60, "loss": 0.1}, {"step": 100, "srcc": 0.89})
    (run / "history.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return network


def test_the_end_of_a_run_can_be_released_instead_of_its_best(run: Path) -> None:
    end = end_with(run, 100).state_dict()
    spec = read_spec(released(run, "--last"))
    assert all(torch.equal(tensor, end[name]) for name, tensor in load_network(spec).state_dict().items())
    assert spec.metrics == {"srcc": 0.89, "step": 100}


def test_a_run_that_was_stopped_or_left_nothing_to_go_on_from_has_no_end_to_release(run: Path) -> None:
    with pytest.raises(RunError, match="holds no state"):
        released(run, "--last")
    end_with(run, 110)
    with pytest.raises(RunError, match="not come to its end"):
        released(run, "--last")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no folder"):
        released(tmp_path / "nothing")


def test_a_run_that_has_not_validated_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(RunError, match="has not validated yet"):
        released(tmp_path / "run")


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_a_run_without_a_readable_record_is_refused(run: Path, content: str | None) -> None:
    (run / "training.json").unlink() if content is None else (run / "training.json").write_text(content)
    with pytest.raises(RunError, match=r"training\.json"):
        released(run)


def test_weights_that_are_not_the_runs_are_refused_and_nothing_is_written(run: Path) -> None:
    with (run / "checkpoint" / "model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(CheckpointError, match="damaged or exchanged"):
        released(run)
    assert not (run.parent / "released").exists()


def test_gflops_grow_with_the_number_of_crops() -> None:
    network = DslFiqa(LITE).eval()
    assert release.count_gflops(network, 4) == pytest.approx(4 * release.count_gflops(network, 1), rel=0.01)
