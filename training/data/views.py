"""Rendered views with pseudo-MOS labels, in memory, and what a training draws from them.

Reads the shards of `training.pseudo_mos`. A sample depends on (index, seed) alone, so a training that
resumes at step k sees exactly the batches that the uninterrupted one would have seen.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from fiqa.models import DslFiqaConfig
from fiqa.models.landmark_encoding import crop_coordinates, landmark_input, mirrored_coordinates
from fiqa.photos.crops import cut_crops, grid_offsets
from training.data.rendering import METRICS, TYPES, Use
from training.errors import DataError

QUANTILES = 201
GREY_SHARE = 0.15
"""Share of crops without colour: a black-and-white photo is not a bad one. Those with a colour cast keep it."""
COLOUR_CAST = TYPES.index("colour_cast")
EMPHASIS = 3
"""How many times as often a type of degradation is drawn whose levels are to be told apart better."""


@dataclass(frozen=True)
class RenderedViews:
    """V views of one split: pixels (V, H, W, 3) uint8, landmarks (V, 68, 2) pixels, metrics (V, 3), severity (V, T).

    `reference` (V,) is the number of the view that shows the same without damage, a view's own where there is none.
    `identity` (V,) numbers the photos; `weight` (V,) evens out sources with many photos.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    metrics: NDArray[np.float64]
    severity: NDArray[np.float32]
    reference: NDArray[np.int64]
    identity: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pixels)

    def view(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the pixels (H, W, 3) of one view and its landmarks (68, 2)."""
        return self.pixels[index], self.landmarks[index]

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """Whether the metrics of each view (V,) are known: those of pristine photos."""
        labelled: NDArray[np.bool_] = np.isfinite(self.metrics[:, 0])
        return labelled

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether all there is to say of a view's degradations (V,) is known; not so of untouched real photos."""
        known: NDArray[np.bool_] = self.is_labelled | (self.severity.max(axis=1) > 0)
        return known

    def without(self, types: Collection[str]) -> "RenderedViews":
        """Return the views in which none of the degradations `types` had a part."""
        kept = self.severity[:, [name in types for name in TYPES]].sum(axis=1) == 0
        left = RenderedViews(*(getattr(self, item.name)[kept] for item in fields(self)))
        return replace(left, reference=(np.cumsum(kept) - 1)[left.reference])  # clean views are always kept

    def emphasised(self, types: Collection[str]) -> "RenderedViews":
        """Return the same views, of which those that show one of `types` alone are drawn `EMPHASIS` times as often."""
        alone = (self.severity > 0).sum(axis=1) == 1
        chosen = alone & (self.severity[:, [name in types for name in TYPES]].max(axis=1, initial=0) > 0)
        return replace(self, weight=np.where(chosen, EMPHASIS * self.weight, self.weight))


def read_views(folder: Path, split: Use) -> RenderedViews:
    """Read all shards of one split; raise DataError when there are none."""
    shards = []
    for path in tqdm(sorted(folder.glob("*.npz")), desc=f"reading {split}", unit="photo", leave=False):
        with np.load(path) as shard:
            if str(shard["split"]) == split:
                shards.append(dict(shard))
    if not shards:
        raise DataError(f"No {split} views in {folder}; make them with python -m training.pseudo_mos.")
    sources = [str(shard["source"]) for shard in shards]
    sizes = [len(shard["views"]) for shard in shards]
    firsts = np.cumsum([0, *sizes[:-1]])
    weights = [1 / np.sqrt(sources.count(source)) for source in sources]
    return RenderedViews(
        pixels=np.concatenate([shard.pop("views") for shard in shards]),
        landmarks=np.concatenate([shard["landmarks"] for shard in shards]),
        metrics=np.concatenate([shard["metrics"] for shard in shards]),
        severity=np.concatenate([shard["severity"] for shard in shards]),
        reference=np.concatenate([first + _references(shard) for first, shard in zip(firsts, shards, strict=True)]),
        identity=np.repeat(np.arange(len(shards)), sizes),
        weight=np.repeat(weights, sizes),
    )


def unlabelled_views(folder: Path) -> list[RenderedViews]:
    """Return the views of photos that are no references, if any were rendered."""
    try:
        return [read_views(folder, "real")]
    except DataError:
        return []


def _references(shard: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return which view of a shard each view (V,) is compared with; those of photos that are no references, none."""
    own = np.arange(len(shard["reference"]))
    return np.where(shard["reference"] < 0, own, shard["reference"])


def joined(parts: Sequence[RenderedViews]) -> RenderedViews:
    """Return the views of several sets as one, their faces numbered on."""
    faces = np.cumsum([0, *(part.identity.max() + 1 for part in parts[:-1])])
    firsts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    numbered = [
        replace(part, identity=part.identity + face, reference=part.reference + first)
        for part, face, first in zip(parts, faces, firsts, strict=True)
    ]
    return RenderedViews(
        *(np.concatenate([getattr(part, item.name) for part in numbered]) for item in fields(numbered[0]))
    )


class PseudoMos:
    """The mapping from full-reference metrics to a pseudo-MOS in 0..1: the mean rank among damaged training views."""

    def __init__(self, quantiles: NDArray[np.float64]) -> None:
        self.quantiles = quantiles

    @classmethod
    def fit(cls, metrics: NDArray[np.float64]) -> "PseudoMos":
        """Fit the ranks to metrics (V, 3); views that equal their references, all of them 1, are not counted."""
        damaged = metrics[(metrics < 1).any(axis=1)]
        return cls(np.quantile(damaged, np.linspace(0, 1, QUANTILES), axis=0))

    def __call__(self, metrics: NDArray[np.float64]) -> NDArray[np.float32]:
        """Map metrics (V, 3) to pseudo-MOS (V,) in 0..1."""
        share = np.linspace(0, 1, QUANTILES)
        ranks = [np.interp(metrics[:, k], self.quantiles[:, k], share) for k in range(len(METRICS))]
        mean: NDArray[np.float32] = np.mean(ranks, axis=0).astype(np.float32)
        return mean


class Views(Protocol):
    """Square views with landmarks, by number."""

    def __len__(self) -> int: ...

    def view(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the pixels (S, S, 3) of one view and its landmarks (68, 2), NaN where they are not known."""
        ...


@dataclass(frozen=True)
class CropSample:
    """One batch of B views, C crops of each: crops (B·C, S, S, 3) uint8, target (B,) in 0..1.

    `landmarks` (B·C, …) are as the network's encoding takes them.
    `unreadable` says in a sentence each which photos could not be read and were replaced by others.
    `counts` (B,) says how much the target of each view counts, 1 on average; None where all count alike.
    """

    crops: NDArray[np.uint8]
    landmarks: Tensor
    target: Tensor
    unreadable: tuple[str, ...] = ()
    counts: Tensor | None = None


class CropSource:
    """Draws random crops of rendered views, half of them mirrored."""

    def __init__(self, views: RenderedViews, target: NDArray[np.float32], crop_px: int, *, seed: int) -> None:
        self.views, self.target, self.crop_px, self.seed = views, target, crop_px, seed

    def batch(self, draw: int, size: int) -> CropSample:
        """Return batch number `draw` of `size` views; equal numbers give equal batches."""
        rng = np.random.default_rng((self.seed, 0, draw))
        chosen = rng.choice(len(self.views), size=size, p=self.views.weight / self.views.weight.sum())
        crops, landmarks = zip(*(self._crop(index, rng) for index in chosen), strict=True)
        return CropSample(np.stack(crops), torch.from_numpy(np.stack(landmarks)), torch.from_numpy(self.target[chosen]))

    def _crop(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return a crop (S, S, 3) of one view and its landmarks (68, 2), changed in ways that do no harm."""
        view, known = self.views.view(index)
        top, left = (int(at) for at in rng.integers(0, view.shape[0] - self.crop_px + 1, size=2))
        if rng.random() < GREY_SHARE and not self.views.severity[index, COLOUR_CAST]:
            view = greyscale(view)
        crop = view[top : top + self.crop_px, left : left + self.crop_px]
        relative = crop_coordinates(known, top, left, self.crop_px)
        return (crop[:, ::-1], mirrored_coordinates(relative)) if rng.random() < 0.5 else (crop, relative)


def greyscale(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3) with their luma (ITU-R BT.601) in every channel."""
    luma = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return np.repeat(luma[..., None], 3, axis=2)


def tiled_crops(views: Views, index: int, config: DslFiqaConfig, crops: int) -> tuple[NDArray[np.uint8], Tensor]:
    """Return the crops (C, S, S, 3) uint8 of one view that inference would take, and the network's landmark input."""
    view, known = views.view(index)
    offsets = grid_offsets(view.shape[0], view.shape[1], config.crop_px, crops)
    pixels = cut_crops(view, offsets, config.crop_px, mirror_right=config.mirror_right)
    landmarks = [landmark_input(config, known, offset, view.shape[1]) for offset in offsets]
    return pixels, torch.from_numpy(np.stack(landmarks))
