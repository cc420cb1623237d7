"""A training's result as a checkpoint that the library and the app load.

`RUN/checkpoint` is a complete checkpoint folder of the best validation so far, exchanged as a whole at each better
one, with the run's training.json beside the weights. A finished run may be put among the checkpoints that are known
by name, which live in the data folder.
"""

import hashlib
import math
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from torch import nn

from fiqa.checkpoints import CheckpointSpec, Preprocessing, list_checkpoints, save_checkpoint
from fiqa.models import DslFiqa
from fiqa.settings import Settings
from training.data.datasets import Dataset, Range
from training.errors import RunError
from training.fit.history import Figures
from training.fit.loop import RECORD
from training.storage import recover_folder, replace_folder

CHECKPOINT = "checkpoint"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
PSEUDO_MOS_NOTE = (
    "Trained on synthetic damage measured by full-reference metrics, not on ratings by people: "
    "0.7 says less damaged than about 70 % of the damaged views it was trained on."
)


@dataclass(frozen=True)
class CheckpointKeeper:
    """Writes `RUN/checkpoint`; `spec` is its card but for the figures."""

    run: Path
    spec: CheckpointSpec

    def keep(self, network: nn.Module, figures: Figures) -> None:
        """Put the checkpoint of a better validation in the place of the one before."""
        known = {name: round(value, 4) for name, value in figures.items() if math.isfinite(value)}
        spec = replace(self.spec, metrics=known)
        replace_folder(self.run / CHECKPOINT, lambda folder: self._write(cast("DslFiqa", network), spec, folder))

    def _write(self, network: DslFiqa, spec: CheckpointSpec, folder: Path) -> None:
        save_checkpoint(network, spec, folder)
        shutil.copy(self.run / RECORD, folder / RECORD)

    def publish(self, settings: Settings | None = None) -> Path:
        """Copy the checkpoint to where it is known by its name; return its folder."""
        return publish(self.run / CHECKPOINT, self.spec.name, settings)


def publish(checkpoint: Path, name: str, settings: Settings | None = None) -> Path:
    """Copy a checkpoint folder to where it is known by a name, in the data folder; return its folder there."""
    target = (settings or Settings.from_environment()).data_dir / "checkpoints" / name
    replace_folder(target, lambda folder: shutil.copytree(checkpoint, folder, dirs_exist_ok=True))
    return target


def checkpoint_of(
    run: Path, network: DslFiqa, *, name: str, note: str, score_range: Range, preprocessing: Preprocessing
) -> CheckpointKeeper:
    """Return what keeps the checkpoints of a run, after mending what a kill left behind."""
    recover_folder(run / CHECKPOINT)
    spec = CheckpointSpec(
        name=name,
        title=name,
        licence="none stated",
        note=note,
        source=source_of(run),
        preprocessing=preprocessing,
        score_range=score_range,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    return CheckpointKeeper(run, spec)


def check_name(name: str, run: Path, settings: Settings | None = None) -> None:
    """Raise RunError when a name is no name, or belongs to a checkpoint that this run did not make."""
    if not NAME.fullmatch(name):
        raise RunError(f"--name {name!r} is no name for a checkpoint: use letters, digits, dots, dashes, underscores.")
    taken = {spec.name: spec for spec in list_checkpoints(settings)}
    if name in taken and taken[name].source != source_of(run):
        raise RunError(f"There is a checkpoint {name!r} already, from another training: choose another --name.")


def mos_note(dataset: Dataset) -> str:
    """Say in a sentence what a score of a network trained on labels is."""
    low, high = dataset.mos_range
    return (
        f"Predicts the mean opinion of the raters of {dataset.name} on their scale of {low:g} to {high:g}, "
        f"learnt from {len(dataset.photos('train'))} photos."
    )


def source_of(run: Path) -> str:
    """Return what a card says of where the weights come from; it tells runs apart, and nothing of the machine."""
    digest = hashlib.sha256(str(run.resolve()).encode()).hexdigest()[:8]
    return f"trained by the scripts of training/, run {run.resolve().name} ({digest})"
