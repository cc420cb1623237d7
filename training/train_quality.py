"""Train the quality transformer: `python -m training.train_quality`.

    --data DIR      on labelled photos: the authors' data sets, an export of a study, or a folder with a CSV
                    (training/data/datasets.py). Trains `lite` further unless another network or start is asked for.
    --views DIR     on rendered views with a pseudo-MOS (training/pseudo_mos.py), which made `lite`.

With `--encoder RUN` the degradation encoder comes from `training.train_degradation` and is frozen, as in
the paper (its batch norms too: the released training forgot those, so its network was selected under
features that inference never sees). Without, it is trained together with the rest. Loss: Charbonnier,
plus a pairwise ranking loss that `--ranking 0` switches off. `--teachers` are trained networks whose mean is learnt
beside the labels, and alone on rendered views that have none (training/fit/distillation.py).

The network learns the MOS as a share of its range, 0..1. The range is the data set's, and goes with the checkpoint as
its `score_range`. `RUN/checkpoint` is a checkpoint folder of the best validation so far; `--name NAME` puts it among
those that are known by name when the run is finished.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from fiqa.errors import PhotoError
from fiqa.evaluation.metrics import plcc, srcc
from fiqa.models import DslFiqa
from fiqa.models.backbone import EFFICIENTNET_LITE
from fiqa.models.efficientnet_lite import EfficientNetLite
from training.data.datasets import FIRST_SCALE, Range, read_dataset
from training.data.face_crops import FaceCropSample, FaceCropSource
from training.data.labelled_views import BatchLoader, LabelledCrops, LabelledViews, LandmarkStore
from training.data.rendering import TYPES
from training.data.views import (
    CropSample,
    PseudoMos,
    Views,
    joined,
    read_views,
    tiled_crops,
    unlabelled_views,
)
from training.errors import DataError, RunError
from training.fit.distillation import Teachers, load_teachers
from training.fit.loop import LoopOptions, train
from training.fit.losses import charbonnier, pairwise_ranking
from training.fit.recipes import labels_recipe, ranking_weight, views_recipe
from training.fit.script import loop_arguments, positive, run_script
from training.fit.starting import CROPS, LITE_PREPROCESSING, Start, choose_start, load_encoder
from training.fit.targets import certainty
from training.report.publishing import PSEUDO_MOS_NOTE, check_name, checkpoint_of, mos_note
from training.storage import replace_text
from training.train_degradation import normalised

VALIDATION_VIEWS = 400
REGIONAL = 0.25
"""Weight of the error of regional quality beside that of the score."""
BATCH_PX = 2**20
"""Pixels of a batch of crops while predicting."""
UNREADABLE_SHARE = 0.01
"""Share of photos that may be left out because they cannot be read; with more, something is wrong with the data."""


@dataclass(frozen=True)
class Material:
    """What a network is trained and validated on, and what a record of it says."""

    source: LabelledCrops | FaceCropSource
    held: Views
    held_target: NDArray[np.float32]
    photos: int
    about: dict[str, Any]
    score_range: Range
    note: str


class QualityTask:
    """Predict the MOS of views from crops."""

    metric = "srcc"

    def __init__(
        self, network: DslFiqa, material: Material, loader: BatchLoader[CropSample | FaceCropSample], *,
        ranking: float, freeze_encoder: bool, freeze_norms: bool = False, frozen_blocks: int = 0,
        teachers: Teachers | None = None,
    ) -> None:  # fmt: skip
        self.network, self.material, self.loader, self.teachers = network, material, loader, teachers
        self.ranking, self.freeze_encoder, self.freeze_norms = ranking, freeze_encoder, freeze_norms
        self._unreadable: set[str] = set()
        network.encoder.requires_grad_(not freeze_encoder)
        freeze_blocks(network, frozen_blocks)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return Charbonnier and ranking loss of one random batch of crops."""
        self.network.encoder.train(not self.freeze_encoder)
        if self.freeze_norms:
            _freeze_norms(self.network)
        device = next(network.parameters()).device
        sample = self.loader.batch(draw)
        self._leave_out(sample.unreadable)
        crops, landmarks = normalised(sample.crops, device), sample.landmarks.to(device)
        target = sample.target.to(device)
        if self.teachers:
            target = self.teachers.targets(crops, landmarks, target)
        prediction = network(crops, landmarks)
        score, target = averaged(prediction.score.float(), sample), averaged(target, sample)
        counts = sample.counts.to(device) if isinstance(sample, CropSample) and sample.counts is not None else None
        error, order = charbonnier(score, target, counts=counts), pairwise_ranking(score, target)
        loss = error + self.ranking * order
        if isinstance(sample, FaceCropSample):
            loss = loss + REGIONAL * self._regional_error(prediction.quality, sample.regional.to(device))
        return {"loss": loss, "charbonnier": error.detach()}

    def _regional_error(self, quality: Tensor, wanted: Tensor) -> Tensor:
        """Return the error of regional quality (B, G, G), where it is wanted to be anything."""
        known = wanted.isfinite()
        if not known.any():  # views without labels want nothing of any region
            return quality.float().sum() * 0
        return charbonnier(quality.float()[known], wanted[known])

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return SRCC and PLCC on held-aside views."""
        views, target = self.material.held, self.material.held_target
        chosen = self._readable(np.random.default_rng(0).permutation(len(views))[:VALIDATION_VIEWS])
        predicted = predict_views(cast("DslFiqa", network), views, chosen)
        return {"srcc": srcc(predicted, target[chosen]), "plcc": plcc(predicted, target[chosen])}

    def _readable(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        good = []
        for index in order:
            try:
                self.material.held.view(int(index))
                good.append(index)
            except PhotoError as error:
                self._leave_out((str(error),))
        return np.array(good)

    def _leave_out(self, problems: Sequence[str]) -> None:
        """Name photos that cannot be read, each once; raise DataError when there are too many of them."""
        for problem in [each for each in problems if each not in self._unreadable]:
            self._unreadable.add(problem)
            tqdm.write(f"left out: {problem} ({len(self._unreadable)} so far)", file=sys.stderr)
        photos = self.material.photos
        if len(self._unreadable) > max(5, UNREADABLE_SHARE * photos):
            raise DataError(f"{len(self._unreadable)} of {photos} photos cannot be read: mend or remove them.")


def averaged(values: Tensor, sample: CropSample | FaceCropSample) -> Tensor:
    """Return the mean over the crops of each view of values (B,) that crops have."""
    crops = sample.crops_a_view if isinstance(sample, FaceCropSample) else 1
    return values.view(-1, crops).mean(dim=1)


def freeze_blocks(network: DslFiqa, count: int) -> None:
    """Keep the first stages of an EfficientNet as they are, with the convolution before them.

    Raises RunError when the network has another backbone.
    """
    if not count:
        return
    stages = network.transformer.backbone.network
    if not isinstance(stages, EfficientNetLite):
        raise RunError(f"--freeze-blocks is for {EFFICIENTNET_LITE}, not for {network.config.backbone}: leave it out.")
    for part in (stages.conv_stem, *stages.blocks[:count]):
        part.requires_grad_(requires_grad=False)


def _freeze_norms(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


@torch.inference_mode()
def predict_views(network: DslFiqa, views: Views, chosen: NDArray[np.int64], crops: int = CROPS) -> NDArray[np.float32]:
    """Return the score (V,) of chosen views in 0..1, averaged over the crops that inference takes."""
    device = next(network.parameters()).device
    at_once = max(1, BATCH_PX // (crops * network.config.crop_px**2))
    scores = []
    for start in range(0, len(chosen), at_once):
        tiles = [tiled_crops(views, int(index), network.config, crops) for index in chosen[start : start + at_once]]
        pixels = np.concatenate([tile[0] for tile in tiles])
        landmarks = torch.cat([tile[1] for tile in tiles]).to(device)
        scores.append(network(normalised(pixels, device), landmarks).score.view(-1, crops).mean(1).cpu())
    return torch.cat(scores).numpy()


@dataclass(frozen=True)
class QualityRun:
    """A training that is ready to start: what is trained, how, and what it makes of what."""

    task: QualityTask
    loop: LoopOptions
    material: Material
    start: Start


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on labelled photos or on rendered views."""
    options = parser().parse_args(arguments)
    if options.name:
        check_name(options.name, options.output)
    train_and_keep(prepare(options), options)


def prepare(options: argparse.Namespace) -> QualityRun:
    """Read what is trained on and make the network."""
    torch.manual_seed(getattr(options, "seed", 0))
    start = choose_start(
        options.config,
        start=options.start,
        pretrained=options.pretrained,
        scratch=options.scratch,
        labelled=options.data is not None,
    )
    if PartialState().is_main_process:
        print(f"training starts from {start.origin}", file=sys.stderr)
    if options.encoder:
        load_encoder(start.network, options.encoder)
    if options.data:
        material, loop = labelled_material(options, start)
    else:
        material, loop = rendered_material(options, start)
    return QualityRun(_task(material, loop, options, start), loop, material, start)


def labelled_material(options: argparse.Namespace, start: Start) -> tuple[Material, LoopOptions]:
    """Read photos with a MOS."""
    mos_range = tuple(options.mos_range) if options.mos_range else None
    dataset = read_dataset(options.data, mos_range=mos_range, scale=options.scale)
    dataset.check_labels_differ()
    if PartialState().is_main_process:
        for notice in dataset.notices:
            print(f"note: {notice}", file=sys.stderr)
    whole = start.is_official and dataset.aligned if options.whole is None else options.whole
    store = LandmarkStore(dataset.root, options.output)
    views = LabelledViews(dataset, "train", start.preprocessing, whole=whole, store=store)
    held = LabelledViews(dataset, "val", start.preprocessing, whole=whole, store=store)
    loop = labels_recipe(options, start, len(views))
    counts = certainty(np.array([dataset.error_share(photo) for photo in views.photos]))
    source = LabelledCrops(views, start.network.config, seed=loop.seed, counts=counts)
    about = {**dataset.describe(), "whole": whole}
    photos = len(views) + len(held)
    return Material(source, held, held.target, photos, about, dataset.mos_range, mos_note(dataset)), loop


def rendered_material(options: argparse.Namespace, start: Start) -> tuple[Material, LoopOptions]:
    """Read rendered views; their pseudo-MOS is the mean rank of full-reference metrics."""
    if start.preprocessing != LITE_PREPROCESSING:
        raise RunError(
            f"{start.origin.capitalize()} takes other views of a face than {options.views} holds: "
            f"start from another checkpoint, or train this one on labels, with --data."
        )
    loop = views_recipe(options)
    views, held = read_views(options.views, "train"), read_views(options.views, "val")
    mapping = PseudoMos.fit(views.metrics)
    options.output.mkdir(parents=True, exist_ok=True)
    replace_text(options.output / "pseudo_mos.json", json.dumps(mapping.quantiles.tolist()))
    if options.teachers:
        views = joined([views, *unlabelled_views(options.views)])
    views, held = views.without(options.without).emphasised(options.emphasise), held.without(options.without)
    config = start.network.config
    source = FaceCropSource(
        views, mapping(views.metrics), config,
        crops=start.preprocessing.crops, seed=loop.seed, all_crops=options.all_crops,
    )  # fmt: skip
    about = {"name": "rendered views", "mos_range": [0.0, 1.0], "train": len(views), "val": len(held)}
    about |= {"without": options.without, "emphasise": options.emphasise, "all_crops": options.all_crops}
    photos = len(views) + len(held)
    return Material(source, held, mapping(held.metrics), photos, about, (0.0, 1.0), PSEUDO_MOS_NOTE), loop


def _task(material: Material, loop: LoopOptions, options: argparse.Namespace, start: Start) -> QualityTask:
    return QualityTask(
        start.network,
        material,
        BatchLoader(material.source, loop.batch, workers=options.workers),
        ranking=ranking_weight(options, start),
        freeze_encoder=_keeps_encoder(options, start),
        freeze_norms=options.freeze_norms,
        frozen_blocks=options.freeze_blocks,
        teachers=load_teachers(options.teachers, start) if options.teachers else None,
    )


def _keeps_encoder(options: argparse.Namespace, start: Start) -> bool:
    """Whether the degradation encoder stays as it is: one that was trained for itself, or the authors'."""
    return options.encoder is not None or options.keep_encoder or (start.is_official and start.is_trained)


def train_and_keep(run: QualityRun, options: argparse.Namespace) -> None:
    """Train, keep the best as a checkpoint, and publish it under the name that was asked for."""
    material, start = run.material, run.start
    keeper = checkpoint_of(
        options.output,
        start.network,
        name=options.name or options.output.resolve().name,
        note=material.note,
        score_range=material.score_range,
        preprocessing=start.preprocessing,
    )
    about = {
        "config": asdict(start.network.config),
        "data": material.about,
        "start": start.origin,
        "ranking": run.task.ranking,
        "freeze_norms": options.freeze_norms,
        "freeze_blocks": options.freeze_blocks,
        "teachers": options.teachers,
        "frozen_encoder": str(options.encoder) if options.encoder else run.task.freeze_encoder,
    }
    best = train(run.task, run.loop, options.output, about=about, keep=keeper.keep)
    if PartialState().is_main_process:
        where = keeper.publish() if options.name else options.output / "checkpoint"
        print(f"{where}: {in_words(best)}")


def in_words(figures: Mapping[str, float]) -> str:
    """Return figures as "srcc 0.95, step 200"; a correlation with labels or scores that are all equal is undefined."""
    shown = {name: f"{value:.4g}" if math.isfinite(value) else "undefined" for name, value in figures.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def parser() -> argparse.ArgumentParser:
    """Return the options of the script."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", type=Path, help="labelled photos: a folder or a CSV")
    data.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views [runs/pseudo_mos]")
    without = "leave out rendered views that these degradations had a part in"
    parser.add_argument("--without", nargs="+", default=[], choices=TYPES, metavar="TYPE", help=without)
    emphasise = "draw rendered views of these degradations alone more often, to tell their levels apart better"
    parser.add_argument("--emphasise", nargs="+", default=[], choices=TYPES, metavar="TYPE", help=emphasise)
    every = "learn the mean score of all crops of a rendered view, as inference takes it, instead of a crop's"
    parser.add_argument("--all-crops", action="store_true", help=every)
    parser.add_argument("--mos-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="scale of the MOS [0 1]")
    several = f"of a study with several scales, the one to learn [{FIRST_SCALE}]"
    parser.add_argument("--scale", default=FIRST_SCALE, metavar="NAME", help=several)
    whole = "pictures are aligned faces: take them whole [for the official network on the authors' data sets]"
    parser.add_argument("--whole", action=argparse.BooleanOptionalAction, default=None, help=whole)
    parser.add_argument("--config", help="lite, official or a JSON file [lite, or that of --start]")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--start", help="checkpoint by name or folder, or a run [with --data: lite]")
    start.add_argument("--pretrained", action="store_true", help="start from the backbone's ImageNet weights, or fail")
    start.add_argument("--scratch", action="store_true", help="start from random weights")
    encoder = parser.add_mutually_exclusive_group()
    encoder.add_argument("--encoder", type=Path, help="run of training.train_degradation whose encoder is kept frozen")
    encoder.add_argument("--keep-encoder", action="store_true", help="keep the encoder of --start frozen")
    norms = "keep the statistics of batch norms as they are; for the end of a training, where batches are few views"
    parser.add_argument("--freeze-norms", action="store_true", help=norms)
    blocks = "keep the first stages of an EfficientNet as they are: with 2 a training takes half the time [0]"
    parser.add_argument("--freeze-blocks", type=int, choices=range(5), default=0, metavar="N", help=blocks)
    parser.add_argument("--ranking", type=float, help="weight of the ranking loss [1; official: 0]")
    teachers = "checkpoints or runs whose mean score is learnt, beside labels and where rendered views have none"
    parser.add_argument("--teachers", nargs="+", default=[], metavar="CHECKPOINT", help=teachers)
    parser.add_argument("--epochs", type=positive, help="passes over --data, instead of --steps")
    parser.add_argument("--workers", type=int, default=_default_workers(), help="processes that read photos ahead")
    parser.add_argument("--name", help="put the finished checkpoint among those that the app knows by name")
    loop_arguments(parser, output="runs/quality")
    return parser


def _default_workers() -> int:
    """Return 0 on a CPU, which training keeps busy anyway."""
    return min(4, (os.cpu_count() or 1) - 1) if torch.cuda.is_available() else 0


if __name__ == "__main__":
    run_script(main)
