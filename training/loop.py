"""The training loop, on Hugging Face Accelerate: one CPU, one GPU, or many by `accelerate launch`.

A task says what a step's loss is and how to validate; the loop does the rest. What a step sees
depends on (seed, step, process) alone, and a checkpoint holds everything else that changes
(weights, optimiser, average, generators, best score), so a resumed run repeats the uninterrupted one
exactly. Checkpoints are written to a folder of their own and renamed, so one is there whole or not at all.
"""

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from training.errors import DivergenceError

Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast to train. `batch` is per process; `checkpoint_minutes` is what a crash can cost."""

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-2
    warmup_steps: int = 200
    ema_decay: float = 0.99
    validate_every: int = 500
    checkpoint_minutes: float = 3.0
    clip_norm: float = 1.0
    accumulate: int = 1
    precision: str = "no"
    seed: int = 0


class Task(Protocol):
    """What is trained."""

    metric: str
    """Key of `validate` by which the best model is kept; higher is better."""

    @property
    def network(self) -> nn.Module:
        """The module whose parameters are trained."""
        ...

    def loss(self, network: nn.Module, step: int, process: int) -> dict[str, Tensor]:
        """Return the loss of one step under "loss", and its parts under names of their own."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return figures on held-aside data."""
        ...


class StoppedError(Exception):
    """A signal asked the run to stop; its state was saved."""


def train(task: Task, options: LoopOptions, output: Path) -> dict[str, float]:
    """Train until `options.steps`, resuming from `output` if it holds a checkpoint.

    Writes `output/best.safetensors` (averaged weights of the best validation), `output/history.jsonl`
    and `output/state/`. Returns the best validation's figures. Raises DivergenceError when the loss is
    not finite, StoppedError after SIGTERM or SIGINT.
    """
    set_seed(options.seed)
    accelerator = Accelerator(mixed_precision=options.precision, gradient_accumulation_steps=options.accumulate)
    run = _Run(task, options, output, accelerator)
    run.resume()
    with (
        _stop_requests() as stop_requested,
        tqdm(total=options.steps, initial=run.step, unit="step", disable=not accelerator.is_main_process) as bar,
    ):
        while run.step < options.steps:
            losses = run.advance()
            bar.update()
            bar.set_postfix({**losses, **run.latest}, refresh=False)
            if run.step % options.validate_every == 0 or run.step == options.steps:
                run.validate()
            if stop_requested() or run.is_checkpoint_due() or run.step == options.steps:
                run.save()
            if stop_requested():
                raise StoppedError(f"Stopped at step {run.step}; the same command goes on from there.")
    return run.best


class _Run:
    """State of one training run."""

    def __init__(self, task: Task, options: LoopOptions, output: Path, accelerator: Accelerator) -> None:
        self.task, self.options, self.output, self.accelerator = task, options, output, accelerator
        output.mkdir(parents=True, exist_ok=True)
        decayed = [p for p in task.network.parameters() if p.ndim > 1 and p.requires_grad]
        plain = [p for p in task.network.parameters() if p.ndim <= 1 and p.requires_grad]
        groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=options.learning_rate)
        self.network, self.optimiser = accelerator.prepare(task.network, optimiser)
        unwrapped = accelerator.unwrap_model(self.network)
        self.average = AveragedModel(unwrapped, multi_avg_fn=moving_average(options.ema_decay), use_buffers=True)
        self.step = 0
        self.best: dict[str, float] = {}
        self.latest: dict[str, float] = {}
        self._saved_at = time.monotonic()

    def advance(self) -> dict[str, float]:
        """Do one optimiser step and return its losses."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options)
        parts: dict[str, Tensor] = {}
        for micro in range(self.options.accumulate):
            draw = self.step * self.options.accumulate + micro
            parts = self.task.loss(self.network, draw, self.accelerator.process_index)
            if not torch.isfinite(parts["loss"]):
                raise DivergenceError(
                    f"The loss became {parts['loss'].item()} at step {self.step}; the checkpoint in {self.output} "
                    f"is from before that. Lower --learning-rate and run again."
                )
            self.accelerator.backward(parts["loss"] / self.options.accumulate)
        self.accelerator.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update_parameters(self.accelerator.unwrap_model(self.network))
        self.step += 1
        return {name: round(value.item(), 4) for name, value in parts.items()}

    def validate(self) -> None:
        """Validate the averaged weights; keep them when they are the best so far."""
        if self.accelerator.is_main_process:
            self.average.eval()
            with torch.inference_mode():
                figures = self.task.validate(self.average.module)
            self.latest = {name: round(value, 4) for name, value in figures.items()}
            if not self.best or figures[self.task.metric] > self.best[self.task.metric]:
                self.best = {**figures, "step": float(self.step)}
                _replace(self.output / "best.safetensors", lambda path: _save_weights(self.average.module, path))
            with (self.output / "history.jsonl").open("a") as history:
                history.write(json.dumps({"step": self.step, **self.latest}) + "\n")
        self.accelerator.wait_for_everyone()

    def is_checkpoint_due(self) -> bool:
        """Whether the last checkpoint is older than a crash may cost."""
        return time.monotonic() - self._saved_at > 60 * self.options.checkpoint_minutes

    def save(self) -> None:
        """Write the whole state."""
        if self.accelerator.is_main_process:
            state = {
                "network": self.accelerator.unwrap_model(self.network).state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "generator": torch.get_rng_state(),
                "step": self.step,
                "best": self.best,
            }
            _replace(self.output / "state.pt", lambda path: torch.save(state, path))
            _replace(self.output / "options.json", lambda p: p.write_text(json.dumps(asdict(self.options), indent=2)))
        self._saved_at = time.monotonic()

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder, if there is one."""
        path = self.output / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.accelerator.unwrap_model(self.network).load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        self.step, self.best = state["step"], state["best"]


def schedule(step: int, options: LoopOptions) -> float:
    """Return the share of the learning rate at a step: a linear warm-up, then half a cosine down to 0."""
    if step < options.warmup_steps:
        return (step + 1) / options.warmup_steps
    done = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Return an exponential moving average that forgets faster at first, so that random weights do not linger.

    At update k the old average keeps min(decay, (1 + k) / (10 + k)); counters are copied.
    """

    @torch.no_grad()
    def update(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(averaged, current, strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - kept)
            else:
                old.copy_(new)

    return update


@contextmanager
def _stop_requests() -> Iterator[Any]:
    """Turn SIGTERM and SIGINT into a request that the loop asks for between steps."""
    requested = []
    signals = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, lambda *_: requested.append(1)) for number in signals}
    try:
        yield lambda: bool(requested)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _save_weights(network: nn.Module, path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)


def _replace(path: Path, write: Any) -> None:
    """Write a file beside its place and move it there, so that it is never half written."""
    part = path.with_name(path.name + ".part")
    write(part)
    part.replace(path)
