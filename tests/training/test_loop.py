"""The training loop: resumes exactly, stops in order, keeps the best, and says when it diverged."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.errors import DivergenceError
from training.loop import LoopOptions, StoppedError, moving_average, schedule, train


class Line:
    """Fit a line with dropout, so that generators matter; `spoil` makes the loss infinite at a step."""

    metric = "accuracy"

    def __init__(self, *, spoil: int = -1, stop: int = -1) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.spoil, self.stop = spoil, stop
        self.losses: list[float] = []

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(draw))
        loss = (network(x).squeeze(1) - x.sum(1)).square().mean()
        if draw == self.spoil:
            loss = loss * float("inf")
        if draw == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)
        self.losses.append(loss.item())
        return {"loss": loss}

    def validate(self, network: nn.Module) -> dict[str, float]:
        x = torch.randn(64, 4, generator=torch.Generator().manual_seed(99))
        return {"accuracy": -float((network(x).squeeze(1) - x.sum(1)).square().mean())}


OPTIONS = LoopOptions(steps=12, batch=16, learning_rate=0.05, warmup_steps=2, validate_every=4, ema_decay=0.5)


def test_a_resumed_run_repeats_the_uninterrupted_one_exactly(tmp_path: Path) -> None:
    whole = Line()
    train(whole, OPTIONS, tmp_path / "whole")
    interrupted = Line(stop=6)
    with pytest.raises(StoppedError, match="step 7"):
        train(interrupted, OPTIONS, tmp_path / "halves")
    resumed = Line()
    train(resumed, OPTIONS, tmp_path / "halves")
    assert interrupted.losses + resumed.losses == whole.losses
    best = [load_file(tmp_path / run / "best.safetensors") for run in ("whole", "halves")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_the_best_validation_is_kept_and_the_history_written(tmp_path: Path) -> None:
    best = train(Line(), OPTIONS, tmp_path)
    history = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    validations = [row for row in history if "accuracy" in row]
    assert [row["step"] for row in validations] == [4, 8, 12]
    assert best["accuracy"] == pytest.approx(max(row["accuracy"] for row in validations), abs=1e-4)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_state(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        train(Line(stop=5), OPTIONS, tmp_path)
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(DivergenceError, match=r"step 8.*--learning-rate"):
        train(Line(spoil=8), OPTIONS, tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    train(Line(), OPTIONS, tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_a_finished_run_does_nothing_when_started_again(tmp_path: Path) -> None:
    train(Line(), OPTIONS, tmp_path)
    again = Line()
    train(again, OPTIONS, tmp_path)
    assert again.losses == []


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
