"""How long and how fast the quality network is trained, where the command line does not say."""

import argparse
import math
from typing import Any

from accelerate import PartialState

from training.fit.loop import LoopOptions
from training.fit.script import loop_options
from training.fit.starting import Start

PAPER: dict[str, Any] = {"batch": 16, "learning_rate": 1e-5, "weight_decay": 1e-5}
"""The released training, but for its learning rate, which swings every 100 batches there and falls once here."""
PAPER_EPOCHS = 500
FINE_TUNING: dict[str, Any] = {"batch": 32, "learning_rate": 3e-4, "warmup_steps": 100}
FROM_SCRATCH: dict[str, Any] = {"batch": 48, "learning_rate": 2e-3}
EPOCHS = 40
LEAST_STEPS = {"trained": 1500, "random": 6000}
"""What a network needs however few the labels are."""
RENDERED: dict[str, Any] = {"batch": 256, "learning_rate": 2e-3, "steps": 2800}
"""What `lite` began with; docs/training.md has the rest. At a rate of 3e-3 the head saturated."""


def views_recipe(given: argparse.Namespace) -> LoopOptions:
    """Return the loop's options for rendered views."""
    return loop_options(given, **RENDERED)


def labels_recipe(given: argparse.Namespace, start: Start, photos: int) -> LoopOptions:
    """Return the loop's options for labelled photos: the paper's for its network, else what suits a small one."""
    recipe = PAPER if start.is_official else FINE_TUNING if start.is_trained else FROM_SCRATCH
    sized = loop_options(given, steps=1, **recipe)
    epoch = photos / (sized.batch * sized.accumulate * PartialState().num_processes)
    steps = math.ceil(epoch * (given.epochs or (PAPER_EPOCHS if start.is_official else EPOCHS)))
    if not given.epochs and not start.is_official:
        steps = max(steps, LEAST_STEPS["trained" if start.is_trained else "random"])
    return loop_options(given, steps=steps, validate_every=max(100, math.ceil(epoch)), **recipe)


def ranking_weight(given: argparse.Namespace, start: Start) -> float:
    """Return the weight of the ranking loss: the paper has none."""
    return float(given.ranking) if given.ranking is not None else 0.0 if start.is_official else 1.0
