"""Train the degradation encoder on rated photos: `python -m training.train_encoder --data DIR`.

Dual-set contrastive learning as `training.train_degradation` does it, for any network and without rendering views
first: the versions of a face are made as they are needed (training/data/photo_sets.py). What people said of the photos
is not learnt; it only tells which of them are good enough for damage to show. Validation asks how well nearest
neighbours in the embedding share a degradation, on photos of the split val.

The released configuration has a learning rate of 3e-5 and 100 epochs for this encoder, which no released script reads;
the paper does not give the number of steps, so they are a choice here.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models import DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder
from training.data.datasets import Dataset, read_dataset
from training.data.labelled_views import BatchLoader, LabelledViews, LandmarkStore
from training.data.photo_sets import PhotoSets
from training.fit.loop import LoopOptions, train
from training.fit.losses import dual_set_contrast
from training.fit.script import loop_arguments, loop_options, run_script
from training.fit.starting import read_config
from training.train_degradation import IN_SETS, NEIGHBOURS, TEMPERATURE, EncoderInTraining, normalised

RECIPE: dict[str, Any] = {"steps": 20_000, "batch": 3, "learning_rate": 3e-5, "validate_every": 1000}
KNOWN, ASKED = 40, 20
"""Photos whose versions are the neighbours, and photos whose versions look for theirs."""
AT_ONCE = 16


class PhotoSetTask:
    """Contrast the versions of one face with those of another, drawn from photos."""

    metric = "type_accuracy"

    def __init__(
        self, network: EncoderInTraining, loader: BatchLoader[Any], known: PhotoSets, asked: PhotoSets, pairs: int
    ) -> None:
        self.network, self.loader, self.known, self.asked, self.pairs = network, loader, known, asked, pairs
        for unused in (network.types, network.severities):
            unused.requires_grad_(requires_grad=False)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return the contrast of `pairs` of faces."""
        crops = self.loader.batch(draw).crops
        unit = network(normalised(crops, next(network.parameters()).device))[0]
        pairs = [pair.chunk(2) for pair in unit.chunk(self.pairs)]
        return {"loss": torch.stack([dual_set_contrast(*pair, temperature=TEMPERATURE) for pair in pairs]).mean()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return how often nearest versions of training photos name what was done to photos held aside."""
        encoder: DegradationEncoder = network.encoder  # type: ignore[assignment]
        (known, known_type), (asked, asked_type) = self.known.singles(KNOWN, 0), self.asked.singles(ASKED, 1)
        distance = torch.cdist(_embed(encoder, asked), _embed(encoder, known))
        votes = torch.from_numpy(known_type)[distance.topk(min(NEIGHBOURS, len(known)), largest=False).indices]
        right = votes.mode(dim=1).values == torch.from_numpy(asked_type)
        return {"type_accuracy": right.float().mean().item()}


def _embed(encoder: DegradationEncoder, crops: NDArray[np.uint8]) -> Tensor:
    """Return one unit vector (N, D) a crop, on the CPU."""
    device = next(encoder.parameters()).device
    parts = [
        encoder(normalised(crops[start : start + AT_ONCE], device)).float().mean(dim=(1, 2)).cpu()
        for start in range(0, len(crops), AT_ONCE)
    ]
    return F.normalize(torch.cat(parts), dim=-1)


@dataclass(frozen=True)
class EncoderRun:
    """A training that is ready to start: what is trained, how, and what a record of it says."""

    task: PhotoSetTask
    loop: LoopOptions
    about: dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the encoder of a network."""
    options = parser().parse_args(arguments)
    run = prepare(options)
    best = train(run.task, run.loop, options.output, about=run.about)
    if PartialState().is_main_process:
        print(f"{options.output}: type accuracy {best['type_accuracy']:.3f} at step {best['step']:.0f}")


def prepare(options: argparse.Namespace) -> EncoderRun:
    """Read the photos and make the encoder."""
    config, preprocessing = read_config(options.config)
    dataset = read_dataset(options.data, mos_range=tuple(options.mos_range) if options.mos_range else None)
    loop = loop_options(options, **RECIPE)
    torch.manual_seed(loop.seed)
    store = LandmarkStore(dataset.root, options.output)
    train_views, held = (
        LabelledViews(dataset, split, preprocessing, whole=options.whole, store=store) for split in ("train", "val")
    )
    known, asked = (_sets(views, config, loop.seed) for views in (train_views, held))
    loader = BatchLoader(known, loop.batch, workers=options.workers)
    task = PhotoSetTask(EncoderInTraining(DegradationEncoder(config)), loader, known, asked, loop.batch)
    return EncoderRun(task, loop, _about(config, dataset, whole=options.whole))


def _sets(views: LabelledViews, config: DslFiqaConfig, seed: int) -> PhotoSets:
    return PhotoSets(views, config.crop_px, least_severity=IN_SETS, seed=seed)


def _about(config: DslFiqaConfig, dataset: Dataset, *, whole: bool) -> dict[str, Any]:
    return {"config": asdict(config), "data": {**dataset.describe(), "whole": whole}}


def parser() -> argparse.ArgumentParser:
    """Return the options of the script."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train_encoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="rated photos: a folder or a CSV")
    parser.add_argument("--config", default="official", help="lite, official or a JSON file [official]")
    parser.add_argument("--mos-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="scale of the MOS [0 1]")
    whole = "pictures are aligned faces: take them whole; --no-whole finds and cuts the face [--whole]"
    parser.add_argument("--whole", action=argparse.BooleanOptionalAction, default=True, help=whole)
    parser.add_argument("--workers", type=int, default=0, help="processes that make versions ahead [0]")
    loop_arguments(parser, output="runs/encoder")
    return parser


if __name__ == "__main__":
    run_script(main)
