"""A task of a few parameters, and a script that trains it: `python -m tests.training.line_task RUN`.

The script is what tests kill and what they launch several of. Environment: LINE_KILL is the number of the batch at
which it dies as by kill -9 while it writes its state.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from training.fit.loop import LoopOptions, train

OPTIONS = LoopOptions(
    steps=12,
    batch=16,
    learning_rate=0.05,
    warmup_steps=2,
    validate_every=4,
    ema_decay=0.5,
    report_every=1,
    checkpoint_minutes=1e-9,
)


class LineNetwork(nn.Module):
    """Layers that make generators and running statistics matter, and one that no loss reaches."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(dropout), nn.Linear(8, 1))
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 4) to (B,)."""
        y: Tensor = self.layers(x).squeeze(1)
        return y


class Line:
    """Fit a sum. The loss is infinite at batch `spoil`; at batch `stop` a signal arrives."""

    metric = "accuracy"

    def __init__(self, *, spoil: int = -1, stop: int = -1, kill: int = -1, dropout: float = 0.5) -> None:
        torch.manual_seed(0)
        self.network = LineNetwork(dropout)
        self.spoil, self.stop, self.kill = spoil, stop, kill
        self.losses: list[float] = []
        self.draws: list[int] = []

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        if draw == self.kill:
            vars(os)["fsync"] = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # written, but not yet in its place
        if draw == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)
        loss = self.error(network, seed=draw, size=16) * (float("inf") if draw == self.spoil else 1)
        self.losses.append(loss.item())
        self.draws.append(draw)
        return {"loss": loss}

    def validate(self, network: nn.Module) -> dict[str, float]:
        return {"accuracy": -float(self.error(network, seed=99, size=64))}

    def error(self, network: nn.Module, *, seed: int, size: int) -> Tensor:
        x = torch.randn(size, 4, generator=torch.Generator().manual_seed(seed))
        error: Tensor = (network(x) - x.sum(1)).square().mean()
        return error


def main() -> None:
    """Train; print what this process drew and where its weights ended."""
    task = Line(kill=int(os.environ.get("LINE_KILL", "-1")))
    train(task, OPTIONS, Path(sys.argv[1]))
    total = sum(float(parameter.sum()) for parameter in task.network.parameters())
    Path(sys.argv[1], f"process{os.environ.get('RANK', '0')}.json").write_text(json.dumps([task.draws, total]))


if __name__ == "__main__":
    main()
