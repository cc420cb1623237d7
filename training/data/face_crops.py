"""Crops of rendered views for a network that is to judge the face: damaged all over, or in part.

Some damaged views are blended with the same view without damage, so that the face alone is damaged, or its
surroundings alone, or half of the view. The label follows from the mask: damage around the face leaves the label of
the clean view, damage on the face alone has that of damage all over, and half of a face lies in between. Beside the
label of a crop, the network learns where the damage is: the quality of every token.

Crops are those of inference, moved by a few pixels, because inference takes no others.

Shapes: B crops, S crop side in pixels, G tokens a side, V pixels a side of the view.
"""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange, reduce
from numpy.typing import NDArray
from torch import Tensor

from fiqa.models import DslFiqaConfig
from fiqa.models.landmark_encoding import OutlineEncoding, crop_coordinates, mirrored_coordinates
from fiqa.photos.crops import Offset, cut_crops, grid_offsets, is_right
from training.data.composites import Mask, blended, face_mask, half_mask
from training.data.views import COLOUR_CAST, GREY_SHARE, RenderedViews, greyscale

PARTS = {"all over": 0.62, "face": 0.13, "surroundings": 0.11, "half": 0.14}
"""What is damaged, and how often."""
MOVED_PX = 12
"""How far a crop may lie from where inference takes it."""
LANDMARK_ERROR = 0.03
"""Standard deviation of landmarks together, in half crops, and half of it for each alone: users' are predicted."""
UNKNOWN_SHARE = 0.05
"""Share of crops without landmarks, as photos are scored in which no face was found."""
REACHABLE = (0.02, 0.98)
"""What labels of 0 and 1 become: a sigmoid comes to neither, and to try makes all good photos the same."""
CLEAN_WEIGHT = 0.5
"""How often clean views are drawn: there are two for every five that are damaged."""


@dataclass(frozen=True)
class FaceCropSample:
    """B crops (B, S, S, 3) uint8, landmarks (B, 68, 2), target (B,) and regional quality (B, G, G) in 0..1.

    Crops that follow one another, `crops_a_view` each time, are of one view, whose score is their mean.
    """

    crops: NDArray[np.uint8]
    landmarks: Tensor
    target: Tensor
    regional: Tensor
    crops_a_view: int = 1
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Drawn:
    crop: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    damage: Mask
    part: str


class FaceCropSource:
    """Draws crops of rendered views; `target` (V,) is the label of every view. Equal numbers give equal batches.

    One crop of a view, or with `all_crops` all that inference takes.
    """

    def __init__(
        self, views: RenderedViews, target: NDArray[np.float32], config: DslFiqaConfig, *,
        crops: int, seed: int, all_crops: bool = False,
    ) -> None:  # fmt: skip
        self.views, self.target, self.config, self.seed = views, target, config, seed
        self.crops_a_view = crops if all_crops else 1
        side = views.pixels.shape[1]
        self._offsets = grid_offsets(side, side, config.crop_px, crops)
        clean = views.severity.max(axis=1) == 0
        weight = np.where(clean, CLEAN_WEIGHT, 1.0) * views.weight
        self._share = weight / weight.sum()
        self._outline = OutlineEncoding(config)

    def batch(self, draw: int, size: int) -> FaceCropSample:
        """Return batch number `draw` of `size` crops."""
        rng = np.random.default_rng((self.seed, 3, draw))
        views = rng.choice(len(self.views), size=max(1, size // self.crops_a_view), p=self._share)
        drawn = [crop for index in views for crop in self._draw(int(index), rng)]
        chosen = np.repeat(views, self.crops_a_view)
        known = torch.from_numpy(np.stack([each.landmarks for each in drawn]))
        cells = reduce(
            np.stack([each.damage for each in drawn]), "b (row y) (column x) -> b row column", "mean",
            row=self.config.grid, column=self.config.grid,
        )  # fmt: skip
        label = torch.from_numpy(self.target[chosen])
        regional = 1 - torch.from_numpy(cells) * (1 - label)[:, None, None]
        return FaceCropSample(
            np.stack([each.crop for each in drawn]),
            _with_errors(known, rng),
            _reachable(self._targets(label, regional, known, [each.part for each in drawn])),
            _reachable(regional),
            self.crops_a_view,
        )

    def _targets(self, label: Tensor, regional: Tensor, landmarks: Tensor, parts: list[str]) -> Tensor:
        """Return what the score of each crop should be (B,)."""
        weights = self._outline(landmarks) + 1e-6
        pooled = (rearrange(regional, "b row column -> b (row column)") * weights).sum(1) / weights.sum(1)
        target = torch.where(torch.tensor([part == "half" for part in parts]), pooled, label)
        return torch.where(torch.tensor([part == "surroundings" for part in parts]), 1.0, target)

    def _draw(self, index: int, rng: np.random.Generator) -> list[_Drawn]:
        view, landmarks = self.views.view(index)
        clean = self.views.pixels[self.views.reference[index]]
        damaged = bool(self.views.severity[index].max() > 0 and self.views.is_labelled[index])
        part = str(rng.choice(list(PARTS), p=list(PARTS.values()))) if damaged else "all over"
        mask = _mask(part, landmarks, view.shape[0], rng)
        if part != "all over":
            view = blended(clean, view, mask)
        if rng.random() < GREY_SHARE and not self.views.severity[index, COLOUR_CAST]:
            view = greyscale(view)
        several = self.crops_a_view > 1
        offsets = self._offsets if several else [self._offsets[rng.integers(len(self._offsets))]]
        moved = [self._moved(offset, view.shape[0], rng) for offset in offsets]
        return [self._cut(view, landmarks, mask, part, offset, rng) for offset in moved]

    def _cut(
        self, view: NDArray[np.uint8], landmarks: NDArray[np.float32], mask: Mask, part: str, offset: Offset,
        rng: np.random.Generator,
    ) -> _Drawn:  # fmt: skip
        side, crop_px = view.shape[0], self.config.crop_px
        top, left = offset
        window = (slice(top, top + crop_px), slice(left, left + crop_px))
        crop, damage = cut_crops(view, [offset], crop_px)[0], mask[window]
        relative = crop_coordinates(landmarks, top, left, crop_px)
        if is_right(offset, side, crop_px) if self.config.mirror_right else rng.random() < 0.5:
            return _Drawn(crop[:, ::-1], mirrored_coordinates(relative), damage[:, ::-1], part)
        return _Drawn(crop, relative, damage, part)

    def _moved(self, offset: Offset, side: int, rng: np.random.Generator) -> Offset:
        """Return an offset of inference moved by up to `MOVED_PX`, within the view and its half."""
        slack = side - self.config.crop_px
        moved = [at + int(rng.integers(0, MOVED_PX + 1)) * (1 if 2 * at < slack else -1) for at in offset]
        return int(np.clip(moved[0], 0, slack)), int(np.clip(moved[1], 0, slack))


def _reachable(labels: Tensor) -> Tensor:
    """Return labels of 0..1 as `REACHABLE` ones."""
    low, high = REACHABLE
    return low + (high - low) * labels


def _mask(part: str, landmarks: NDArray[np.float32], view_px: int, rng: np.random.Generator) -> Mask:
    """Return what is damaged (V, V): 1 where it is."""
    if part == "all over":
        return np.ones((view_px, view_px), dtype=np.float32)
    if part == "half":
        return half_mask(float(rng.uniform(0, 2 * np.pi)), landmarks.mean(axis=0), view_px)
    face = face_mask(landmarks, view_px)
    return face if part == "face" else 1 - face


def _with_errors(landmarks: Tensor, rng: np.random.Generator) -> Tensor:
    """Return landmarks (B, 68, 2) as a finder might see them, some not at all."""
    count = len(landmarks)
    together = rng.normal(0, LANDMARK_ERROR, (count, 1, 2)) + rng.normal(0, LANDMARK_ERROR / 2, (count, 68, 2))
    unknown = torch.from_numpy(rng.random((count, 1, 1)) < UNKNOWN_SHARE)
    return torch.where(unknown, torch.nan, landmarks + torch.from_numpy(together.astype(np.float32)))
