"""A task of a few parameters, and a script that trains it in processes of its own:

    python -m tests.training.line_task FOLDER PORT

One of them dies as by kill -9 while it writes its state of batch 6, in FOLDER/killed; then two train together in
FOLDER/together, as `torchrun` starts them, and meet at PORT. Prints how each ended. All are forks of this process,
which has imported everything, also what a training imports late, and computed nothing.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch._dynamo
import torch.utils.tensorboard
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


def die(folder: Path) -> None:
    """Train until the state of batch 6 is written."""
    train(Line(kill=6), OPTIONS, folder)


def train_as(rank: int, port: str, folder: Path) -> None:
    """Train as one of two; write what this process drew and where its weights ended."""
    ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    os.environ.update({name: str(value) for name, value in ranks.items()}, MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    task = Line()
    train(task, OPTIONS, folder)
    total = sum(float(parameter.sum()) for parameter in task.network.parameters())
    (folder / f"process{rank}.json").write_text(json.dumps([task.draws, total]))


def fork(work: Callable[[], None]) -> int:
    """Start work in a process; return its id."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return child


def main() -> None:
    """Let one process die, and two train together."""
    folder, port = Path(sys.argv[1]), sys.argv[2]
    children = [fork(partial(die, folder / "killed"))]
    children += [fork(partial(train_as, rank, port, folder / "together")) for rank in range(2)]
    for child in children:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
