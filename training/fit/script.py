"""What the training scripts share on the command line."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from fiqa.errors import FiqaError
from fiqa.memory import keep_freed_memory
from training.errors import TrainingError
from training.fit.loop import LoopOptions, StoppedError


def loop_arguments(parser: argparse.ArgumentParser, *, output: str) -> None:
    """Add the options of the training loop; `loop_options` reads them.

    They have no defaults here, so that a script can tell what was asked for from what its recipe says.
    """
    parser.add_argument("--output", type=Path, default=Path(output), help=f"run folder, resumed [{output}]")
    group = parser.add_argument_group("loop", argument_default=argparse.SUPPRESS)
    group.add_argument("--steps", type=count, help="optimiser steps")
    group.add_argument("--batch", type=count, help="samples per process and batch")
    group.add_argument("--accumulate", type=count, help="batches per optimiser step [1]")
    group.add_argument("--learning-rate", type=positive)
    group.add_argument("--ema-decay", type=_share, help="of the averaged weights, which are what is kept")
    group.add_argument("--validate-every", type=count, help="steps")
    group.add_argument("--checkpoint-minutes", type=positive, help="minutes between saves [3]")
    group.add_argument("--precision", choices=("no", "bf16"), help="bf16: mixed precision [no]")
    group.add_argument("--seed", type=int)


def loop_options(given: argparse.Namespace, **recipe: Any) -> LoopOptions:
    """Return the loop's options: those given, else the recipe's, else the loop's own."""
    asked = {item.name: getattr(given, item.name) for item in fields(LoopOptions) if hasattr(given, item.name)}
    return LoopOptions(**{**recipe, **asked})


def run_script(main: Callable[[], object]) -> None:
    """Run a script's main; expected trouble becomes one line and a non-zero exit."""
    keep_freed_memory()
    try:
        main()
    except (TrainingError, FiqaError, OSError) as error:
        sys.exit(f"error: {error}")
    except StoppedError as stop:
        print(stop, file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:  # before the loop has begun to listen
        sys.exit(130)


def count(text: str) -> int:
    """Read a whole number from 1 from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return value


def none_or_more(text: str) -> int:
    """Read a whole number from 0 from the command line."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text}")
    return value


def positive(text: str) -> float:
    """Read a number above 0 from the command line."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to below 1, got {text}")
    return value
