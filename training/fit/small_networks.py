"""What the trainings of the bundled face detector and landmark network share."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.data.photos import FacePhoto, read_photo_folder, split_by_source
from training.errors import DataError
from training.fit.loop import BEST, RECORD, LoopOptions, Task
from training.fit.loop import train as run_loop
from training.fit.script import loop_arguments, loop_options

RECIPE: dict[str, Any] = {
    "learning_rate": 2e-3, "ema_decay": 0.998, "clip_norm": 5.0, "precision": "bf16", "validate_every": 1000,
}  # fmt: skip


def read_options(
    module: str,
    arguments: Sequence[str] | None,
    *,
    name: str,
    steps: int,
    batch: int,
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> tuple[argparse.Namespace, LoopOptions]:
    """Read the command line of a module: its own options, `more` of them, and those of the loop."""
    parser = argparse.ArgumentParser(prog=f"python -m training.train_{name}", description=module.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="photo folder with faces.json")
    if more:
        more(parser)
    loop_arguments(parser, output=f"runs/{name}")
    given = parser.parse_args(arguments)
    loop = loop_options(given, steps=steps, batch=batch, **RECIPE)
    torch.manual_seed(loop.seed)
    return given, loop


def read_splits(folder: Path) -> tuple[list[FacePhoto], list[FacePhoto]]:
    """Return the photos to train and to validate on; raise DataError when there are too few sources for both."""
    photos = read_photo_folder(folder)
    splits = split_by_source([photo.source for photo in photos])
    train, val = ([photo for photo in photos if splits[photo.source] == split] for split in ("train", "val"))
    if not train or not val:
        raise DataError(f"{folder} has photos of too few sources to hold some aside for validation: add others.")
    return train, val


def train_network(task: Task, loop: LoopOptions, output: Path, *, config: Any, photos: int, bundled_as: str) -> None:
    """Train, and say how the result becomes part of the bundled checkpoint."""
    best = run_loop(task, loop, output, about={"config": asdict(config), "data": {"photos": photos}})
    print({name: round(value, 4) for name, value in best.items()})
    for source, suffix in ((BEST, "safetensors"), (RECORD, "json")):
        print(f"to bundle it: cp {output / source} assets/checkpoints/lite/{bundled_as}.{suffix}")


def look(network: nn.Module, pictures: Tensor) -> tuple[Tensor, ...]:
    """Return the network's answers to pictures (B, 3, H, W), in fp32 on the CPU, where the losses are computed."""
    device = next(network.parameters()).device
    answers = network(pictures.contiguous(memory_format=torch.channels_last).to(device))
    return tuple(answer.float().cpu() for answer in answers)
