"""Pairs of one face, less and more damaged: which of the two is better is known without any label.

After RankIQA (Liu et al., 2017). Rendered views are each framed and damaged anew, so no two of them differ by a little
more of one degradation and nothing else; these pairs do. They can be made of photos that are no references too, so the
network sees more people than the labels know.

Shapes: P pairs, S crop side in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fiqa.crops import cut_crops, is_right
from fiqa.degradations import DEGRADATIONS
from fiqa.models.landmark_encoding import crop_coordinates, mirrored_coordinates
from training.views import RenderedViews

FROM_CLEAN = 0.25
"""Share of pairs whose better half is not damaged at all."""
LEAST, WIDEST = 0.1, 0.4
"""Severities of a pair differ by no less and no more."""


@dataclass(frozen=True)
class Pairs:
    """crops (2P, S, S, 3) uint8 and landmarks (2P, 68, 2): the better halves, then the worse ones."""

    crops: NDArray[np.uint8]
    landmarks: Tensor


class OrderedPairs:
    """Draws pairs of undamaged views under one of `types` each; equal numbers give equal pairs."""

    def __init__(
        self, views: RenderedViews, crop_px: int, types: Sequence[str], *, pairs: int, seed: int, mirror_right: bool
    ) -> None:
        self.views, self.crop_px, self.types = views, crop_px, types
        self.pairs, self.seed, self.mirror_right = pairs, seed, mirror_right

    def batch(self, draw: int) -> Pairs:
        """Return the pairs of batch number `draw`."""
        rng = np.random.default_rng((self.seed, 2, draw))
        drawn = [self._pair(rng) for _ in range(self.pairs)]
        better, worse, landmarks = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return Pairs(np.concatenate([better, worse]), torch.from_numpy(np.concatenate([landmarks, landmarks])))

    def _pair(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Return both crops (S, S, 3) of one pair and their landmarks (68, 2)."""
        view, known = self.views.view(int(rng.integers(len(self.views))))
        top, left = (int(offset) for offset in rng.integers(0, view.shape[0] - self.crop_px + 1, size=2))
        crop = cut_crops(view, [(top, left)], self.crop_px)[0]
        landmarks = crop_coordinates(known, top, left, self.crop_px)
        if is_right((top, left), view.shape[1], self.crop_px) if self.mirror_right else rng.random() < 0.5:
            crop, landmarks = np.ascontiguousarray(crop[:, ::-1]), mirrored_coordinates(landmarks)
        degradation = DEGRADATIONS[self.types[int(rng.integers(len(self.types)))]]
        low, high = severities(rng)
        pattern = int(rng.integers(2**31))
        return degradation(crop, low, seed=pattern), degradation(crop, high, seed=pattern), landmarks


def severities(rng: np.random.Generator) -> tuple[float, float]:
    """Draw the severities of a pair's halves, the lower one first."""
    low = 0.0 if rng.random() < FROM_CLEAN else float(rng.uniform(0.04, 1 - LEAST))
    return low, min(1.0, low + float(rng.uniform(LEAST, WIDEST)))
