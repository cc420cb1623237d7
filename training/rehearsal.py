"""The whole way from photos to a score, small: `make train`, or `python -m training.rehearsal`.

    pseudo_mos -> train_degradation -> train_quality -> evaluate -> release -> fiqa score

It makes its own data, variations of the one public-domain face that scikit-image brings, so it needs no data set and
no network, and takes less than three minutes on two cores. Every step is printed as the command that does it alone;
put your own folders in. The figures mean nothing: one face, and far too few steps.
"""

import argparse
import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from fiqa import __main__ as command_line
from fiqa.degradation.synthetic import LEVELS, degrade
from fiqa.faces.finders import FaceFinder, load_face_finder
from training import evaluate, pseudo_mos, release, train_degradation, train_quality
from training.data.rendering import TYPES
from training.data.views import PseudoMos, read_views
from training.errors import DataError, TrainingError
from training.fit.script import run_script

PORTRAIT = (slice(0, 320), slice(60, 380))
"""Rows and columns around the face of scikit-image's astronaut."""


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Photos to degrade, others, views of a training photo, levels of severity and stacks of a held-aside one, steps.
    """

    pristine: int = 14
    real: int = 8
    views: int = 16
    levels: int = LEVELS
    stacks: int = 3
    encoder_steps: int = 40
    quality_steps: int = 120
    batch: int = 16


def main(arguments: Sequence[str] | None = None) -> None:
    """Rehearse the whole training."""
    parser = argparse.ArgumentParser(
        prog="python -m training.rehearsal", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("runs/rehearsal"), help="folder [runs/rehearsal]")
    options = parser.parse_args(arguments)
    checkpoint = rehearse(options.output, Scale())
    print(f"\nThe whole way works here. The checkpoint is {checkpoint}; docs/training.md says how to train in earnest.")


def rehearse(folder: Path, scale: Scale) -> Path:
    """Go the whole way in a folder; return the checkpoint's folder, which was scored with."""
    photos, views, rated = folder / "photos", folder / "views", folder / "rated"
    encoder, quality, checkpoint = folder / "encoder", folder / "quality", folder / "checkpoint"
    write_photos(photos, scale)
    _do(
        pseudo_mos.main, "--photos", photos, "--output", views,
        "--views", scale.views, "--levels", scale.levels, "--stacks", scale.stacks,
    )  # fmt: skip
    _do(
        train_degradation.main, "--views", views, "--output", encoder,
        "--steps", scale.encoder_steps, "--batch", 1, "--validate-every", scale.encoder_steps,
    )  # fmt: skip
    _do(
        train_quality.main, "--views", views, "--encoder", encoder, "--output", quality,
        "--steps", scale.quality_steps, "--batch", scale.batch, "--validate-every", scale.quality_steps,
    )  # fmt: skip
    write_rated(rated, views)
    _do(evaluate.main, "--checkpoint", quality / "checkpoint", "--data", rated, "--output", folder / "evaluation")
    with _data_folder(folder / "data"):
        _do(
            release.main, quality, "--output", checkpoint, "--name", "rehearsal", "--licence", "Apache-2.0",
            "--evaluation", folder / "evaluation" / "evaluation.json",
        )  # fmt: skip
    _score(photos / "0.png", checkpoint)
    return checkpoint


def write_photos(folder: Path, scale: Scale) -> None:
    """Write a photo folder as `training.data.photos` describes it: variations of one face, each its own person."""
    folder.mkdir(parents=True, exist_ok=True)
    finder = load_face_finder("bundled")
    entries = []
    for index in range(scale.pristine + scale.real):
        pristine = index < scale.pristine
        pixels = vary(index, pristine=pristine)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        entries.append({
            "id": f"photo{index}", "file": f"{index}.png", "source_repo": "scikit-image", "person": f"person{index}",
            "tag": "pristine" if pristine else "real", "landmarks68": _landmarks(finder, pixels).tolist(),
        })  # fmt: skip
    (folder / "faces.json").write_text(json.dumps(entries), encoding="utf-8")


def vary(index: int, *, pristine: bool) -> NDArray[np.uint8]:
    """Return variation number `index` of the face (320, 320, 3): mirrored, brighter or darker, and damaged or not."""
    rng = np.random.default_rng(index)
    face = np.asarray(skimage.data.astronaut())[PORTRAIT]
    if index % 2:
        face = face[:, ::-1]
    curved = 255 * (face / 255) ** rng.uniform(0.7, 1.4)
    photo: NDArray[np.uint8] = np.rint(curved).astype(np.uint8)
    return photo if pristine else degrade(photo, [("jpeg", 0.5), ("gaussian_blur", 0.15)], seed=index)


def write_rated(folder: Path, views: Path) -> None:
    """Write the test views as pictures with a CSV of their pseudo-MOS, as a data set of one's own would come."""
    folder.mkdir(parents=True, exist_ok=True)
    held = read_views(views, "test")
    mos = PseudoMos.fit(read_views(views, "train").metrics)(held.metrics)
    with (folder / "rated.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mos", "split", "degradation", "source"])
        for index, severity in enumerate(held.severity):
            Image.fromarray(held.pixels[index]).save(folder / f"{index}.png")
            applied = [TYPES[column] for column in np.flatnonzero(severity)]
            kind = "clean" if not applied else applied[0] if len(applied) == 1 else "stacked"
            writer.writerow([f"{index}.png", f"{mos[index]:.4f}", "test", kind, held.identity[index]])


def _landmarks(finder: FaceFinder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    face = next(iter(finder.find(pixels)), None) or finder.find_low_confidence(pixels)
    if face is None:
        raise DataError("The bundled face finder does not find the astronaut's face: is assets/checkpoints/lite whole?")
    return face.landmarks


@contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    """Release into a data folder of the rehearsal's own, so that a user's checkpoints stay as they are."""
    before = os.environ.get("FIQA_DATA_DIR")
    os.environ["FIQA_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("FIQA_DATA_DIR")
        if before is not None:
            os.environ["FIQA_DATA_DIR"] = before


def _do(step: Callable[[Sequence[str]], None], *arguments: object) -> None:
    """Run a step, printed as the command that does it."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ python -m {step.__module__} {' '.join(words)}", flush=True)
    step(words)


def _score(photo: Path, checkpoint: Path) -> None:
    print(f"\n$ fiqa score {photo} --checkpoint {checkpoint}", flush=True)
    if command_line.main(["score", str(photo), "--checkpoint", str(checkpoint)]):
        raise TrainingError(f"The released checkpoint {checkpoint} did not score {photo}.")


if __name__ == "__main__":
    run_script(main)
