"""Make `lite` anew, from photos to a checkpoint: `make train STEP=lite ARGS="--photos PHOTOS"`.

    pseudo_mos -> train_degradation -> train_quality -> train_quality -> release -> build_atlas

Every step is printed as the command that does it alone, and goes on where it was stopped when the same command is
given again: views that are rendered stay, and trainings resume from their last state. With `--start CHECKPOINT` the
network goes on from a checkpoint and keeps its degradation encoder, whose training is spared.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from training import build_atlas, pseudo_mos, release, train_degradation, train_quality
from training.fit.script import run_script

ENCODER_STEPS, STEPS, LAST_STEPS = 7000, 1900, 600
"""Of the encoder, of the network, and of its end."""
KEPT = ("--batch", 64, "--freeze-blocks", 2)
"""The first stages keep what they learnt from ImageNet, which halves the time."""
BEGUN = (*KEPT, "--learning-rate", 0.001, "--ema-decay", 0.99)
"""How the bundled `lite` was trained."""
LAST = (*KEPT, "--keep-encoder", "--learning-rate", 0.0005, "--ema-decay", 0.985)
"""How it was ended."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do all steps in a folder."""
    options = _parser().parse_args(arguments)
    views, encoder, quality, last = (options.output / name for name in ("views", "encoder", "quality", "last"))
    checkpoint = options.output / "checkpoint"
    _do(pseudo_mos.main, "--photos", options.photos, "--output", views)
    start: list[object] = ["--start", options.start, "--keep-encoder"]
    if not options.start:
        steps = options.steps or ENCODER_STEPS
        _do(train_degradation.main, "--views", views, "--output", encoder, "--supervision", 1, "--steps", steps)
        start = ["--pretrained", "--encoder", encoder]
    steps = options.steps or STEPS
    _do(train_quality.main, "--views", views, "--output", quality, "--steps", steps, *start, *BEGUN)
    last_steps = options.steps or LAST_STEPS
    _do(train_quality.main, "--views", views, "--output", last, "--steps", last_steps, "--start", quality, *LAST)
    _do(
        release.main, last, "--last", "--output", checkpoint, "--name", "lite", "--title", "lite, bundled",
        "--licence", "Apache-2.0",
    )  # fmt: skip
    _do(build_atlas.main, "--views", views, "--checkpoint", checkpoint)
    print(
        f"\nto measure it: python -m benchmarks.accuracy --views {views} --photos {options.photos} "
        f"--checkpoint {checkpoint}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.train_lite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="photo folder with faces.json")
    parser.add_argument("--output", type=Path, default=Path("runs/lite"), help="folder of all steps [runs/lite]")
    parser.add_argument("--start", metavar="CHECKPOINT", help="go on from this checkpoint, by name or folder")
    parser.add_argument("--steps", type=int, help="of each training, to rehearse [those that made lite]")
    return parser


def _do(step: Callable[[Sequence[str]], None], *arguments: object) -> None:
    """Run a step, printed as the command that does it."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ python -m {step.__module__} {' '.join(words)}", flush=True)
    step(words)


if __name__ == "__main__":
    run_script(main)
