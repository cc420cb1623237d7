"""Train a small network for a given time, resumable, and keep it with how it was made.

The learning rate follows the share of the time that has passed (a short warm-up, then a cosine), and what
is kept is the running average of the weights, which is steadier than their last value.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

OUTPUT = Path("assets/checkpoints/lite")
SAVE_EVERY_S = 120.0
WARM_UP = 0.03
GRADIENT_NORM = 5.0
AVERAGED_STEPS = 500

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class TimedRun:
    """How long to train, from which seed, and the file that a stopped run goes on from."""

    minutes: float
    seed: int
    state_file: Path
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2

    def trained_s(self) -> float:
        """Return the seconds that a stopped run has trained, 0 for a new one."""
        return float(torch.load(self.state_file, weights_only=True)["spent_s"]) if self.state_file.is_file() else 0.0


def read_arguments(description: str, *, minutes: float) -> argparse.Namespace:
    """Read the command line that the small networks' trainings share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--photos", type=Path, required=True, help="photo folder with faces.json")
    parser.add_argument("--minutes", type=float, default=minutes, help="training time")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the finished weights")
    parser.add_argument("--state", type=Path, default=Path("runs"), help="folder of the state a stopped run resumes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    return parser.parse_args()


def fit(network: Network, batch_loss: Callable[[nn.Module], Tensor], run: TimedRun) -> Network:
    """Minimise `batch_loss(network)` for `run.minutes`; return the averaged network in evaluation mode."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.learning_rate, weight_decay=run.weight_decay)
    average = AveragedModel(network, avg_fn=_running_average, use_buffers=True)
    parts = {"network": network, "average": average, "optimiser": optimiser}
    spent_s = _restore(run.state_file, parts)
    budget_s = 60 * run.minutes
    last = saved = time.monotonic()
    with tqdm(total=round(budget_s), initial=round(spent_s), unit="s", desc=run.state_file.stem) as bar:
        while spent_s < budget_s:
            for group in optimiser.param_groups:
                group["lr"] = run.learning_rate * _rate(spent_s / budget_s)
            loss = _step(network, batch_loss, optimiser)
            average.update_parameters(network)
            now = time.monotonic()
            spent_s, last = spent_s + now - last, now
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update(round(spent_s) - bar.n)
            if now - saved > SAVE_EVERY_S or spent_s >= budget_s:
                _save(run.state_file, parts, spent_s)
                saved = now
    network.load_state_dict(average.module.state_dict())
    return network.eval()


def _running_average(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """Average over the last `AVERAGED_STEPS` steps or so; of fewer at first, to forget the random start."""
    return average + (current - average) / min(AVERAGED_STEPS, 1 + int(steps) // 4)


def look(network: nn.Module, pictures: Tensor) -> tuple[Tensor, ...]:
    """Return the network's answers to pictures (B, 3, H, W) in fp32, computed in bfloat16: twice the speed."""
    with torch.autocast("cpu", torch.bfloat16):
        answers = network(pictures.contiguous(memory_format=torch.channels_last))
    return tuple(answer.float() for answer in answers)


def _step(network: nn.Module, batch_loss: Callable[[nn.Module], Tensor], optimiser: torch.optim.Optimizer) -> float:
    network.train()
    optimiser.zero_grad(set_to_none=True)
    loss = batch_loss(network)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
    optimiser.step()
    return float(loss.detach())


def _rate(progress: float) -> float:
    """Return the learning rate as a share of its peak at `progress` in 0..1."""
    if progress < WARM_UP:
        return max(0.01, progress / WARM_UP)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _restore(state_file: Path, parts: dict[str, Any]) -> float:
    """Load a stopped run's state, if there is one; return the seconds it has trained."""
    if not state_file.is_file():
        return 0.0
    state = torch.load(state_file, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return float(state["spent_s"])


def _save(state_file: Path, parts: dict[str, Any], spent_s: float) -> None:
    """Write the state beside the file and move it there, so that a stop half-way leaves the old one whole."""
    state_file.parent.mkdir(parents=True, exist_ok=True)
    part_file = state_file.with_suffix(".part")
    torch.save({**{name: part.state_dict() for name, part in parts.items()}, "spent_s": spent_s}, part_file)
    part_file.replace(state_file)


def save_weights(network: nn.Module, folder: Path, name: str, *, config: Any, about: dict[str, Any]) -> Path:
    """Write `name`.safetensors and `name`.json (the network's config, and `about`: metrics and how it was trained)."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    part_file = folder / f"{name}.part"
    save_file(weights, part_file)
    part_file.chmod(0o644)
    part_file.replace(folder / f"{name}.safetensors")
    description = {"config": asdict(config), **about}
    (folder / f"{name}.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    return folder / f"{name}.safetensors"
