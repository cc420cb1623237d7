"""What the training scripts share on the command line."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fiqa.errors import FiqaError
from training.errors import TrainingError
from training.loop import StoppedError


class _Collect(argparse.Action):
    """Store an option under its name, and in the dictionary `loop` that makes LoopOptions."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        namespace.loop[self.dest] = values
        setattr(namespace, self.dest, values)


def loop_arguments(
    parser: argparse.ArgumentParser, *, output: str, steps: int, batch: int, learning_rate: float
) -> None:
    """Add the options of the training loop; the parsed namespace has them as the dictionary `loop` too."""
    defaults: dict[str, Any] = {"steps": steps, "batch": batch, "learning_rate": learning_rate, "seed": 0}
    parser.set_defaults(loop=dict(defaults), **defaults)
    parser.add_argument("--output", type=Path, default=Path(output), help="folder of the run, which is resumed")
    parser.add_argument("--steps", type=int, action=_Collect)
    parser.add_argument("--batch", type=int, action=_Collect, help="samples per step and process")
    parser.add_argument("--learning-rate", type=float, action=_Collect)
    parser.add_argument("--seed", type=int, action=_Collect)
    parser.add_argument("--validate-every", type=int, action=_Collect, help="steps")
    parser.add_argument("--checkpoint-minutes", type=float, action=_Collect)
    parser.add_argument("--ema-decay", type=float, action=_Collect, help="of the averaged weights that are kept")
    parser.add_argument("--accumulate", type=int, action=_Collect, help="batches per optimiser step")
    parser.add_argument("--precision", choices=("no", "bf16", "fp16"), action=_Collect)


def run_script(main: Callable[[], None]) -> None:
    """Run a script's main; expected trouble becomes one line and a non-zero exit."""
    try:
        main()
    except (TrainingError, FiqaError, OSError) as error:
        sys.exit(f"error: {error}")
    except StoppedError as stop:
        print(stop, file=sys.stderr)
        sys.exit(130)
