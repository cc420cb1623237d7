"""The training loop, on Hugging Face Accelerate: one CPU, one GPU, or many by `accelerate launch`.

A task says what a batch's loss is and how to validate; the loop does the rest. What a step sees and draws
depends on the seed and the number of its batch alone, and a checkpoint holds everything else that changes
(weights, optimiser, average, best figures), so a resumed run repeats the uninterrupted one exactly. Files
are written beside their place and renamed (`training.storage`): each is there whole or not at all.

A run folder holds

    state.pt           what a stopped run goes on from, written every few minutes and at a signal
    best.safetensors   averaged weights of the best validation
    training.json      what was trained on what: config, data, options, commit, figures of the best validation
    history.jsonl      one row per report: step, seconds, losses; or step and the figures of a validation
    tensorboard/       the same for TensorBoard
"""

import json
import math
import pickle
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from training.errors import DivergenceError, RunError
from training.fit.history import Figures, History, json_number
from training.storage import lock_folder, replace_file, replace_text

Tensors = tuple[Tensor, ...] | list[Tensor]
STATE, BEST, RECORD, HISTORY = "state.pt", "best.safetensors", "training.json", "history.jsonl"


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast to train.

    `batch` is per process; an optimiser step sees `accumulate` of them in every process. `checkpoint_minutes` are
    those between two saves. `precision` is "no" (fp32) or "bf16".
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-2
    warmup_steps: int = 200
    ema_decay: float = 0.99
    validate_every: int = 500
    report_every: int = 20
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

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return the loss of batch number `draw` under "loss", and its parts under names of their own.

        No two steps or processes get the same number.
        """
        ...

    def validate(self, network: nn.Module) -> Figures:
        """Return figures on held-aside data."""
        ...


class StoppedError(Exception):
    """A signal asked the run to stop; its state was saved."""


def train(
    task: Task,
    options: LoopOptions,
    output: Path,
    *,
    about: Mapping[str, Any] | None = None,
    keep: Callable[[nn.Module, Figures], None] | None = None,
) -> Figures:
    """Train until `options.steps`, resuming from `output` if it holds a checkpoint; see the module for its files.

    Args:
        task: What is trained, on what, and how it is validated.
        options: Steps, learning rate, and how often to validate and to save.
        output: The run's folder.
        about: JSON-ready, for training.json; a run is resumed with the same `config` and `data` of it only.
        keep: Called with the averaged network and its figures at every best validation.

    Returns:
        The figures of the best validation.

    Raises:
        DivergenceError: The loss is not finite.
        StorageError: A file cannot be written.
        RunError: `output` holds another run.
        StoppedError: SIGTERM or SIGINT came.
    """
    run = _Run(task, options, output, about=dict(about or {}), keep=keep)
    try:
        run.resume()
        run.finish()
    finally:
        run.close()
    return run.best


class _Run:
    """State of one training run."""

    def __init__(
        self, task: Task, options: LoopOptions, output: Path, *,
        about: dict[str, Any], keep: Callable[[nn.Module, Figures], None] | None,
    ) -> None:  # fmt: skip
        self.task, self.options, self.output, self.about, self.keep = task, options, output, about, keep
        # Encoders have a projection that only the contrastive loss reaches.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(mixed_precision=options.precision, kwargs_handlers=[unused])
        output.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(output) if self.accelerator.is_main_process else None
        # The average is made first: `prepare` wraps the forward pass, and the average validates in fp32.
        average = AveragedModel(task.network, multi_avg_fn=moving_average(options.ema_decay), use_buffers=True)
        self.average = average.to(self.accelerator.device)
        self.network, self.optimiser = self.accelerator.prepare(task.network, _optimiser(task.network, options))
        self.step = 0
        self.best: Figures = {}
        self.latest: dict[str, float | None] = {}
        self.history = History(output / HISTORY) if self.accelerator.is_main_process else None
        self._saved_at = time.monotonic()

    def finish(self) -> None:
        """Do all steps that are left, unless a signal stops it in between."""
        with _stop_requests() as stop_requested, self._progress_bar() as bar:
            while self.step < self.options.steps:
                losses = self._advance()
                bar.update()
                bar.set_postfix({**losses, **self.latest}, refresh=False)
                finished = self.step == self.options.steps
                if self.step % self.options.validate_every == 0 or finished:
                    self._validate()
                stopping = self._agreed(stop_requested())
                if stopping or finished or self._is_checkpoint_due():
                    self._save()
                if stopping and not finished:
                    raise StoppedError(f"Stopped at step {self.step}; the same command goes on from there.")

    def close(self) -> None:
        """End what runs in the background: TensorBoard's writer and the processes' connection."""
        if self.history:
            self.history.close()
        if self._lock:
            self._lock.close()
        self.accelerator.end_training()

    def _progress_bar(self) -> "tqdm[Any]":
        """Return a bar that starts where the run does, on the main process alone."""
        hidden = not self.accelerator.is_main_process
        return tqdm(total=self.options.steps, initial=self.step, unit="step", disable=hidden)

    def _advance(self) -> Figures:
        """Do one optimiser step and return its losses, averaged over its batches in this process."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options)
        losses: Figures = defaultdict(float)
        for micro in range(self.options.accumulate):
            last = micro == self.options.accumulate - 1
            with nullcontext() if last else self.accelerator.no_sync(self.network):
                for name, value in self._backward(micro).items():
                    losses[name] += value / self.options.accumulate
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self._require_finite(losses["loss"], float(norm))
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update_parameters(self.accelerator.unwrap_model(self.network))
        self.step += 1
        self._report(losses)
        return {name: round(value, 4) for name, value in losses.items()}

    def _backward(self, micro: int) -> Figures:
        """Add the gradients of one batch of the step; return its losses."""
        step = self.step * self.options.accumulate + micro
        draw = step * self.accelerator.num_processes + self.accelerator.process_index
        torch.manual_seed(int(np.random.SeedSequence((self.options.seed, draw)).generate_state(1)[0]))  # for dropout
        losses = self.task.loss(self.network, draw)
        self.accelerator.backward(losses["loss"] / self.options.accumulate)
        return {name: value.item() for name, value in losses.items()}

    def _require_finite(self, loss: float, gradient_norm: float) -> None:
        if not math.isfinite(loss) or not math.isfinite(gradient_norm):
            raise DivergenceError(
                f"The loss became {loss} (gradient norm {gradient_norm}) at step {self.step}; the checkpoint in "
                f"{self.output} is from before that. Lower --learning-rate and run again."
            )

    def _report(self, losses: Figures) -> None:
        if self.history:
            self.history.add(losses)
            if self.step % self.options.report_every == 0:
                self.history.flush(self.step)

    def _validate(self) -> None:
        """Validate the averaged weights; keep them when they are the best so far."""
        if self.history:
            self.average.eval()
            with torch.inference_mode():
                # Plain numbers: a NumPy one in the state could not be loaded again.
                figures = {name: float(value) for name, value in self.task.validate(self.average.module).items()}
            self.latest = {name: json_number(value) for name, value in figures.items()}
            self.history.write(self.step, self.latest)
            if _rank(figures, self.task.metric) > _rank(self.best, self.task.metric) or not self.best:
                self._keep_best({**figures, "step": float(self.step)})
        self.accelerator.wait_for_everyone()

    def _keep_best(self, figures: Figures) -> None:
        network: nn.Module = self.average.module
        weights = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
        replace_file(self.output / BEST, lambda file: file.write(save(weights)))
        self.best = figures
        self._record()
        if self.keep:
            self.keep(network, figures)

    def _record(self) -> None:
        """Write what was trained, on what and how, with the best figures so far."""
        metrics = {name: json_number(value) for name, value in self.best.items()}
        record = {**self.about, "options": asdict(self.options), "commit": commit(), "metrics": metrics}
        replace_text(self.output / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")

    def _agreed(self, wanted: bool) -> bool:
        """Return whether any process wants it: one that stopped alone would leave the others waiting for ever."""
        if self.accelerator.num_processes == 1:
            return wanted
        flag = torch.tensor(float(wanted), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)

    def _is_checkpoint_due(self) -> bool:
        """Whether the last checkpoint is older than a crash may cost."""
        return time.monotonic() - self._saved_at > 60 * self.options.checkpoint_minutes

    def _save(self) -> None:
        """Write the whole state."""
        self._saved_at = time.monotonic()
        if not self.history:
            return
        self.history.flush(self.step)
        state = {
            "network": self.accelerator.unwrap_model(self.network).state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "best": self.best,
            "elapsed_s": self.history.elapsed_s,
        }
        replace_file(self.output / STATE, lambda file: torch.save(state, file))

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder, if there is one."""
        path = self.output / STATE
        if path.exists():
            self._require_same_run()
            self._restore(load_state(path))
        if self.history:
            self.history.start(self.step)
            self._record()

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.accelerator.unwrap_model(self.network).load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"{self.output} holds a run of another network: choose another --output.") from error
        self.step, self.best = state["step"], state["best"]
        if self.history:
            self.history.elapsed_s = state.get("elapsed_s", 0.0)

    def _require_same_run(self) -> None:
        """Refuse to go on with other data or another network under the name of the old run."""
        path = self.output / RECORD
        if not path.exists():
            return
        former, now = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(self.about))
        if changed := [key for key in ("config", "data") if key in former and former[key] != now.get(key)]:
            raise RunError(f"{self.output} holds a run with another {' and '.join(changed)}: choose another --output.")


def load_state(path: Path) -> dict[str, Any]:
    """Return what a run goes on from; raise RunError when it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged: delete it to start again, or choose another --output.") from error
    return state


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
        """Move the averages towards the current weights."""
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(averaged, current, strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - kept)
            else:
                old.copy_(new)

    return update


@cache  # git looks at every file of the clone
def commit() -> str | None:
    """Return the commit of the code that is running, with "+" where it was changed since; None outside a clone."""
    folder = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],  # noqa: S607
            cwd=folder, capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _optimiser(network: nn.Module, options: LoopOptions) -> torch.optim.Optimizer:
    """Return AdamW; biases and scales are not decayed."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate)


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and SIGINT into a request that the loop asks for between steps; a second one stops at once."""
    requested = []
    signals = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.getsignal(number) for number in signals}

    def request(number: int, _frame: object) -> None:
        requested.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    for number in signals:
        signal.signal(number, request)
    try:
        yield lambda: bool(requested)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _rank(figures: Figures, metric: str) -> float:
    """Return a figure to compare by; a correlation that does not exist is worse than any that does."""
    value = figures.get(metric, -math.inf)
    return -math.inf if math.isnan(value) else value
