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
from fiqa.photos.crops import Offset, cut_crops, grid_offsets, is_right
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
    """V views of one split: pixels (V, H, W, 3) uint8, landmarks (V, 68, 2) pixels, metrics (V, 4), severity (V, T).

    `identity` (V,) numbers the photos; `weight` (V,) evens out sources with many photos.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    metrics: NDArray[np.float64]
    severity: NDArray[np.float32]
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
        return self if kept.all() else RenderedViews(*(getattr(self, item.name)[kept] for item in fields(self)))

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
    weights = [1 / np.sqrt(sources.count(source)) for source in sources]
    return RenderedViews(
        pixels=np.concatenate([shard.pop("views") for shard in shards]),
        landmarks=np.concatenate([shard["landmarks"] for shard in shards]),
        metrics=np.concatenate([shard["metrics"] for shard in shards]),
        severity=np.concatenate([shard["severity"] for shard in shards]),
        identity=np.repeat(np.arange(len(shards)), sizes),
        weight=np.repeat(weights, sizes),
    )


def joined(parts: Sequence[RenderedViews]) -> RenderedViews:
    """Return the views of several sets as one, their faces numbered on."""
    firsts = np.cumsum([0, *(part.identity.max() + 1 for part in parts[:-1])])
    numbered = [replace(part, identity=part.identity + first) for part, first in zip(parts, firsts, strict=True)]
    return RenderedViews(
        *(np.concatenate([getattr(part, item.name) for part in numbered]) for item in fields(numbered[0]))
    )


class PseudoMos:
    """The mapping from full-reference metrics to a pseudo-MOS in 0..1: the mean rank among training views."""

    def __init__(self, quantiles: NDArray[np.float64]) -> None:
        self.quantiles = quantiles

    @classmethod
    def fit(cls, metrics: NDArray[np.float64]) -> "PseudoMos":
        """Fit the ranks to metrics (V, 4)."""
        return cls(np.quantile(metrics, np.linspace(0, 1, QUANTILES), axis=0))

    def __call__(self, metrics: NDArray[np.float64]) -> NDArray[np.float32]:
        """Map metrics (V, 4) to pseudo-MOS (V,) in 0..1."""
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
    """

    crops: NDArray[np.uint8]
    landmarks: Tensor
    target: Tensor
    unreadable: tuple[str, ...] = ()


class CropSource:
    """Draws crops of rendered views: one at random, or the `crops` that inference takes.

    They are mirrored half of the time, or if `mirror_right`, where they lie right of the middle, as inference does.
    """

    def __init__(
        self,
        views: RenderedViews,
        target: NDArray[np.float32],
        crop_px: int,
        *,
        seed: int,
        crops: int = 1,
        mirror_right: bool = False,
    ) -> None:
        self.views, self.target, self.crop_px, self.seed, self.crops = views, target, crop_px, seed, crops
        self.mirror_right = mirror_right

    def batch(self, draw: int, size: int) -> CropSample:
        """Return batch number `draw` of `size` views; equal numbers give equal batches."""
        rng = np.random.default_rng((self.seed, 0, draw))
        chosen = rng.choice(len(self.views), size=size, p=self.views.weight / self.views.weight.sum())
        crops, landmarks = zip(*(self._crops(index, rng) for index in chosen), strict=True)
        return CropSample(
            np.concatenate(crops),
            torch.from_numpy(np.concatenate(landmarks)),
            torch.from_numpy(self.target[chosen]),
        )

    def _crops(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the crops (C, S, S, 3) of one view and their landmarks (C, 68, 2), changed in ways that do no harm."""
        view, known = self.views.view(index)
        offsets = self._offsets(view.shape[0], rng)
        if rng.random() < GREY_SHARE and not self.views.severity[index, COLOUR_CAST]:
            view = greyscale(view)
        crops = cut_crops(view, offsets, self.crop_px)
        relative = np.stack([crop_coordinates(known, top, left, self.crop_px) for top, left in offsets])
        relative += rng.normal(0, 0.02, size=relative.shape).astype(np.float32)  # users' landmarks are predicted
        if rng.random() < 0.1:
            relative[:] = np.nan  # photos in which no face was found are scored without landmarks
        mirrored = np.full(len(offsets), rng.random() < 0.5)
        if self.mirror_right:
            mirrored = np.array([is_right(offset, view.shape[1], self.crop_px) for offset in offsets])
        crops = np.where(mirrored[:, None, None, None], crops[:, :, ::-1], crops)
        return crops, np.where(mirrored[:, None, None], mirrored_coordinates(relative), relative)

    def _offsets(self, side: int, rng: np.random.Generator) -> Sequence[Offset]:
        if self.crops > 1:
            return grid_offsets(side, side, self.crop_px, self.crops)
        top, left = rng.integers(0, side - self.crop_px + 1, size=2)
        return [(int(top), int(left))]


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
