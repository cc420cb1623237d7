"""Average the weights of networks that were trained further from one start: `python -m training.average`.

    python -m training.average lite runs/further runs/other --last --output runs/mean
    python -m training.release runs/mean --output mine --name mine --licence Apache-2.0

The mean of such networks is often better than each of them and costs no more than one (Wortsman et al., 2022, "Model
soups"). Networks from different starts have no meaningful mean, so all are validated, and their figures stand beside
those of the mean. What it writes is a folder as a run of `training.train_quality` leaves it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fiqa.checkpoints import CheckpointSpec, load_network
from fiqa.metrics import plcc, srcc
from fiqa.models import DslFiqa
from training.datasets import read_dataset
from training.errors import RunError
from training.history import Figures
from training.labelled_views import LabelledViews, LandmarkStore
from training.loop import write_record
from training.publishing import checkpoint_of
from training.release import take_last
from training.script import run_script
from training.starting import find_start
from training.tables import markdown_table
from training.train_quality import predict_views
from training.views import Views, read_mapping, read_views


@dataclass(frozen=True)
class Member:
    """A network that takes part in the mean, and its card."""

    name: str
    network: DslFiqa
    spec: CheckpointSpec


def main(arguments: Sequence[str] | None = None) -> None:
    """Average, validate and write."""
    options = _parser().parse_args(arguments)
    members = [read_member(name, last=options.last) for name in options.members]
    check_alike(members)
    held, target = held_aside(options, members[0].spec)
    figures = {member.name: validate(member.network, held, target) for member in members}
    mean = load_network(members[0].spec)
    mean.load_state_dict(mean_weights([member.network.state_dict() for member in members]))
    figures["mean"] = validate(mean, held, target)
    write(mean, members, figures["mean"], options)
    rows = [(name, *(f"{value:.4f}" for value in each.values())) for name, each in figures.items()]
    print(markdown_table(("validation", *figures["mean"]), rows))


def read_member(name: str, *, last: bool) -> Member:
    """Return a checkpoint by name or folder, or a run: its best network, or with `last` the one at its end."""
    spec = find_start(name)
    network = load_network(spec)
    if last and (Path(name) / "checkpoint").is_dir():
        take_last(network, Path(name))
    return Member(name, network, spec)


def check_alike(members: Sequence[Member]) -> None:
    """Raise RunError unless there are several networks, of one kind, with scores on one scale."""
    if len(members) < 2:
        raise RunError("A mean takes two networks or more: name their runs or checkpoints.")
    first = members[0]
    for other in members[1:]:
        if (other.network.config, other.spec.preprocessing) != (first.network.config, first.spec.preprocessing):
            raise RunError(f"{other.name} and {first.name} are different networks: they have no mean.")
        if other.spec.score_range != first.spec.score_range:
            raise RunError(f"{other.name} and {first.name} score on different scales: they have no mean.")


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of state dictionaries; what is counted and not measured is the first one's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if tensor.is_floating_point() else tensor
        for name, tensor in states[0].items()
    }


def held_aside(options: argparse.Namespace, spec: CheckpointSpec) -> tuple[Views, NDArray[np.float32]]:
    """Return the validation views, and their MOS (V,) as a share of its range."""
    if not options.data:
        rendered = read_views(options.views, "val")
        return rendered, read_mapping(options.views)(rendered.metrics)
    dataset = read_dataset(options.data, mos_range=spec.score_range)
    store = LandmarkStore(dataset.root, options.output)
    labelled = LabelledViews(dataset, "val", spec.preprocessing, whole=options.whole, store=store)
    return labelled, labelled.target


def validate(network: DslFiqa, held: Views, target: NDArray[np.float32]) -> Figures:
    """Return SRCC and PLCC on all validation views."""
    predicted = predict_views(network, held, np.arange(len(held)))
    return {"srcc": srcc(predicted, target), "plcc": plcc(predicted, target)}


def write(mean: DslFiqa, members: Sequence[Member], figures: Figures, options: argparse.Namespace) -> None:
    """Write the mean as a run leaves its best network."""
    names = [member.name for member in members]
    about = {
        "start": f"mean of the weights of {', '.join(names)}",
        "data": {"name": str(options.data or options.views)},
    }
    write_record(options.output, {**about, "options": {"last": options.last}}, figures)
    spec = members[0].spec
    keeper = checkpoint_of(
        options.output,
        mean,
        name=options.output.resolve().name,
        note=spec.note,
        score_range=spec.score_range,
        preprocessing=spec.preprocessing,
    )
    keeper.keep(mean, figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.average", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    members = "runs of training.train_quality, and checkpoints by name or folder"
    parser.add_argument("members", nargs="+", metavar="RUN", help=members)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--last", action="store_true", help="take runs at their end, not their best by validation")
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", type=Path, help="labelled photos to validate on: a folder or a CSV")
    data.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views [runs/pseudo_mos]")
    parser.add_argument("--whole", action="store_true", help="pictures of --data are aligned faces: take them whole")
    return parser


if __name__ == "__main__":
    run_script(main)
