"""What a training will cost, in time and memory: a few of its steps are done on a copy of the network and measured."""

import copy
import os
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from accelerate import PartialState
from torch import nn

from training.fit.loop import LoopOptions, Task

MEASURED_STEPS = 3


@dataclass(frozen=True)
class Cost:
    """Seconds a step, how many steps there are, and bytes of memory in use, on the GPU where there is one.

    Validation and what is done between the steps come on top.
    """

    step_s: float
    steps: int
    memory_bytes: int
    device: str

    @property
    def hours(self) -> float:
        """Hours of all steps."""
        return self.step_s * self.steps / 3600

    def __str__(self) -> str:
        hours = f"{self.hours:.1f} hours" if self.hours >= 0.1 else f"{60 * self.hours:.1f} minutes"
        memory = f"{self.memory_bytes / 2**30:.1f} GiB of memory" + (" of the GPU" if self.device == "cuda" else "")
        return f"{self.steps:,} steps of {self.step_s:.2f} s: about {hours} on {self.device}, {memory}"


def measure_cost(task: Task, options: LoopOptions, *, steps: int = MEASURED_STEPS) -> Cost:
    """Do a few optimiser steps on a copy of the task's network and return what all of them would cost.

    The first step, which warms up, is left out of the time. The task's network stays as it is.
    """
    device = PartialState().device
    network: nn.Module = copy.deepcopy(task.network).to(device).train()
    optimiser = torch.optim.AdamW([each for each in network.parameters() if each.requires_grad], lr=0.0)
    seconds = [_step(task, network, optimiser, options, draw) for draw in range(1 + steps)]
    return Cost(statistics.median(seconds[1:]), options.steps, _memory_bytes(device), device.type)


def _step(task: Task, network: nn.Module, optimiser: torch.optim.Optimizer, options: LoopOptions, draw: int) -> float:
    """Do one optimiser step and return how many seconds it took."""
    device = next(network.parameters()).device
    mixed = torch.autocast(device.type, torch.bfloat16) if options.precision == "bf16" else nullcontext()
    started = time.perf_counter()
    for micro in range(options.accumulate):
        with mixed:
            loss = task.loss(network, draw * options.accumulate + micro)["loss"]
        loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _memory_bytes(device: torch.device) -> int:
    """Return the most memory that was in use: of the GPU, else of this process; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if os.name != "posix":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if os.uname().sysname == "Darwin" else 1024 * most
