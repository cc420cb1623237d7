"""Runs `training.train_people` once for each of its steps and dies there as by kill -9; prints how each run ended.

    python -m tests.training.killed_run ARGUMENTS

Every run is a fork of this process, which has imported everything, also what a training imports late, and computed
nothing.
"""

import os
import signal
import sys
from typing import Any

import torch._dynamo
import torch.utils.tensorboard  # noqa: F401  for the forks

from tests.training.resampling_less import resampling_less
from training import release, train_people
from training.fit import loop

STEPS = ("encoder", "quality", "evaluation", "release")


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_training(step: str) -> None:
    """Die after the second state that the training of a step has saved."""
    saved: list[int] = []
    save = loop._Run._save

    def save_and_die(run: Any) -> None:
        save(run)
        if run.output.name == step:
            saved.append(run.step)
            if len(saved) == 2:
                die()

    vars(loop)["_Run"]._save = save_and_die
    vars(loop)["_Run"]._is_checkpoint_due = lambda _: True


def run_until(step: str, arguments: list[str]) -> None:
    """Arrange the death, then run, without the measuring that comes first and leaves nothing behind."""
    vars(train_people)["say_costs"] = lambda *_: None
    if step == "evaluation":
        vars(train_people)["measure_agreement"] = die
    elif step == "release":
        vars(release)["replace_text"] = die  # the weights are written, the card is not
    else:
        die_in_training(step)
    train_people.main(arguments)


def main() -> None:
    """Die in each step in turn."""
    for step in STEPS:
        child = os.fork()
        if not child:
            with resampling_less():  # as in the run that it is compared with: intervals are part of the figures
                run_until(step, sys.argv[1:])
            os._exit(0)
        print(step, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
