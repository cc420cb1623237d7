"""The training loop: resumes exactly, stops in order, keeps the best, and says what went wrong."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.app_process import free_port
from tests.training.line_task import OPTIONS, Line
from training.errors import DivergenceError, RunError, StorageError
from training.fit.loop import StoppedError, commit, moving_average, schedule, train

ROOT = Path(__file__).parents[3]


@pytest.fixture
def any_precision() -> Iterator[None]:
    """Accelerate remembers the precision of a process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def history(run: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's history without what depends on the clock."""
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "elapsed_s"} for row in rows]


def assert_same_best(first: Path, second: Path) -> None:
    best = [load_file(run / "best.safetensors") for run in (first, second)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_a_resumed_run_repeats_the_uninterrupted_one_exactly(tmp_path: Path) -> None:
    whole = Line()
    train(whole, OPTIONS, tmp_path / "whole")
    interrupted = Line(stop=6)
    with pytest.raises(StoppedError, match="step 7"):
        train(interrupted, OPTIONS, tmp_path / "halves")
    resumed = Line()
    train(resumed, OPTIONS, tmp_path / "halves")
    assert interrupted.losses + resumed.losses == whole.losses
    assert history(tmp_path / "halves") == history(tmp_path / "whole")
    assert_same_best(tmp_path / "whole", tmp_path / "halves")


@dataclass(frozen=True)
class Processes:
    """The folders of a run that was killed and of one by two processes, and the statuses of all three."""

    killed: Path
    together: Path
    statuses: list[int]


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    folder = tmp_path_factory.mktemp("processes")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.line_task", str(folder), str(free_port())],
        cwd=ROOT, env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
        check=True, timeout=120,
    )  # fmt: skip
    return Processes(folder / "killed", folder / "together", [int(line) for line in done.stdout.split()])


def test_a_run_killed_while_it_writes_its_state_goes_on_from_the_state_before(
    processes: Processes, tmp_path: Path
) -> None:
    killed = processes.killed
    assert processes.statuses[0] == -signal.SIGKILL
    assert (killed / "state.pt.part").exists()
    assert torch.load(killed / "state.pt", weights_only=True)["step"] == 6
    train(Line(), OPTIONS, tmp_path)
    resumed = Line()
    train(resumed, OPTIONS, killed)
    assert resumed.draws == list(range(6, 12))
    assert history(killed) == history(tmp_path)
    assert_same_best(tmp_path, killed)
    assert not list(killed.glob("*.part"))


def test_two_processes_see_different_batches_and_keep_the_same_weights(processes: Processes) -> None:
    assert processes.statuses[1:] == [0, 0]
    run = processes.together
    (first, one), (second, other) = (json.loads((run / f"process{rank}.json").read_text()) for rank in (0, 1))
    assert (first, second) == (list(range(0, 24, 2)), list(range(1, 24, 2)))
    assert one == other
    assert [row["step"] for row in history(run) if "accuracy" in row] == [4, 8, 12]


def test_the_history_has_losses_and_validations_and_the_best_is_kept(tmp_path: Path) -> None:
    kept: list[float] = []
    task = Line()
    options = replace(OPTIONS, report_every=3, checkpoint_minutes=60.0)
    best = train(task, options, tmp_path, keep=lambda _, figures: kept.append(figures["accuracy"]))
    rows = history(tmp_path)
    validations = [row for row in rows if "accuracy" in row]
    reports = [row for row in rows if "loss" in row]
    assert [row["step"] for row in validations] == [4, 8, 12]
    assert [row["step"] for row in reports] == [3, 6, 9, 12]
    assert reports[1]["loss"] == pytest.approx(sum(task.losses[3:6]) / 3, abs=1e-5)
    assert best["accuracy"] == pytest.approx(max(row["accuracy"] for row in validations), abs=1e-4)
    assert kept[-1] == best["accuracy"]
    assert kept == sorted(kept)


def test_the_record_says_what_was_trained_and_how_well(tmp_path: Path) -> None:
    best = train(Line(), OPTIONS, tmp_path, about={"config": {"widths": (4, 8)}, "data": {"mos_range": [1, 5]}})
    record = json.loads((tmp_path / "training.json").read_text())
    assert (record["config"], record["data"]) == ({"widths": [4, 8]}, {"mos_range": [1, 5]})
    assert record["options"]["steps"] == 12
    assert record["metrics"] == {"accuracy": pytest.approx(best["accuracy"], abs=1e-4), "step": best["step"]}
    assert list((tmp_path / "tensorboard").glob("events*"))


def test_a_run_is_not_resumed_on_other_data_or_with_another_network(tmp_path: Path) -> None:
    train(Line(), OPTIONS, tmp_path, about={"config": 1, "data": {"name": "faces"}})
    with pytest.raises(RunError, match=r"holds a run with another data: choose another --output"):
        train(Line(), OPTIONS, tmp_path, about={"config": 1, "data": {"name": "others"}})
    wider = Line()
    wider.network.layers = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 1))
    with pytest.raises(RunError, match="a run of another network"):
        train(wider, OPTIONS, tmp_path, about={"config": 1, "data": {"name": "faces"}})


def test_a_damaged_state_is_named_with_a_way_out(tmp_path: Path) -> None:
    train(Line(), OPTIONS, tmp_path)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(RunError, match=r"state.pt is damaged: delete it to start again"):
        train(Line(), OPTIONS, tmp_path)


def test_figures_of_numpy_can_be_resumed_from(tmp_path: Path) -> None:
    class Measured(Line):
        def validate(self, network: nn.Module) -> dict[str, float]:
            return {"accuracy": np.float64(super().validate(network)["accuracy"])}

    best = train(Measured(), OPTIONS, tmp_path)
    assert train(Measured(), OPTIONS, tmp_path) == best


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_state(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        train(Line(stop=5), OPTIONS, tmp_path)
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(DivergenceError, match=r"step 8.*--learning-rate"):
        train(Line(spoil=8), replace(OPTIONS, checkpoint_minutes=60.0), tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_a_full_disk_stops_the_run_with_a_sentence_and_keeps_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoppedError):
        train(Line(stop=5), OPTIONS, tmp_path)
    before = (tmp_path / "state.pt").read_bytes()

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr("os.fsync", no_space)
        with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\); free some space"):
            train(Line(), OPTIONS, tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
    train(Line(), OPTIONS, tmp_path)


def test_a_figure_that_is_no_number_never_becomes_the_best(tmp_path: Path) -> None:
    class Undefined(Line):
        def validate(self, network: nn.Module) -> dict[str, float]:
            return {"accuracy": float("nan") if len(self.losses) < 6 else 0.5}

    assert train(Undefined(), OPTIONS, tmp_path) == {"accuracy": 0.5, "step": 8.0}
    assert history(tmp_path)[4] == {"step": 4, "accuracy": None}


def test_a_finished_run_does_nothing_when_started_again(tmp_path: Path) -> None:
    best = train(Line(), OPTIONS, tmp_path)
    again = Line()
    assert train(again, OPTIONS, tmp_path) == best
    assert again.losses == []


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path: Path) -> None:
    class Split(Line):
        """Half of the other's batch at a time."""

        def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
            x = torch.randn(16, 4, generator=torch.Generator().manual_seed(draw // 2)).chunk(2)[draw % 2]
            return {"loss": (network.eval()(x) - x.sum(1)).square().mean()}

    class Whole(Line):
        def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
            return super().loss(network.eval(), draw)

    halves, whole = Split(), Whole()
    train(halves, replace(OPTIONS, accumulate=2), tmp_path / "halves")
    train(whole, OPTIONS, tmp_path / "whole")
    for one, other in zip(halves.network.parameters(), whole.network.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert [row["step"] for row in history(tmp_path / "halves") if "loss" in row] == list(range(1, 13))


@pytest.mark.usefixtures("any_precision")
def test_bfloat16_trains_full_precision_weights_to_nearly_the_same_place(tmp_path: Path) -> None:
    full, half = Line(dropout=0.0), Line(dropout=0.0)
    train(full, OPTIONS, tmp_path / "full")
    AcceleratorState._reset_state(reset_partial_state=True)
    train(half, replace(OPTIONS, precision="bf16"), tmp_path / "half")
    assert half.losses != full.losses
    assert half.losses == pytest.approx(full.losses, rel=0.05)
    assert {tensor.dtype for tensor in load_file(tmp_path / "half" / "best.safetensors").values()} == {
        torch.float32,
        torch.int64,
    }


def test_moving_average_forgets_the_start_and_settles_at_its_decay() -> None:
    update = moving_average(0.9)
    average, counter = torch.ones(1), torch.zeros(1, dtype=torch.int64)
    update([average], [torch.zeros(1)], torch.tensor(0))
    assert average.item() == pytest.approx(0.1)
    average.fill_(1)
    update([average], [torch.zeros(1)], torch.tensor(1000))
    assert average.item() == pytest.approx(0.9)
    update([counter], [torch.tensor([7])], torch.tensor(3))
    assert counter.item() == 7


def test_learning_rate_warms_up_and_ends_at_zero() -> None:
    rates = [schedule(step, OPTIONS) for step in range(OPTIONS.steps + 1)]
    assert rates[0] == 0.5
    assert max(rates) == rates[1] == rates[2] == 1.0
    assert rates[-1] == pytest.approx(0)
    assert rates[2:] == sorted(rates[2:], reverse=True)


def test_the_commit_is_a_hash_or_unknown() -> None:
    found = commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{40}\+?", found)
