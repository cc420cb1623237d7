"""Sets of versions of one face, made of labelled photos as they are needed: what a degradation encoder learns from.

Set S is one face as it is and under every degradation there is, each at a severity of its own; set R is another face,
drawn the same way. S is of the better rated half of the photos, on which damage shows; R is of any of them, so that
half of R carries the damage that real photos have.

Shapes: P pairs of sets, V versions of a face (1 + number of degradations), S pixels a side of a crop.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from training.data.labelled_views import LabelledViews
from training.errors import DataError

Pixels = NDArray[np.uint8]
TYPES = tuple(DEGRADATIONS)
MOST_REPLACED = 20


@dataclass(frozen=True)
class SetSample:
    """The crops (2·P·V, S, S, 3) of P pairs of sets, S and R in turn; `unreadable` says which photos were replaced."""

    crops: Pixels
    unreadable: tuple[str, ...] = ()


class PhotoSets:
    """Draws pairs of sets; a batch depends on its number and the seed alone."""

    def __init__(self, views: LabelledViews, crop_px: int, *, least_severity: float, seed: int) -> None:
        self.views, self.crop_px, self.least, self.seed = views, crop_px, least_severity, seed
        self.good = np.flatnonzero(views.target >= np.median(views.target))

    def batch(self, draw: int, size: int) -> SetSample:
        """Return batch number `draw` of `size` pairs; equal numbers give equal batches."""
        rng = np.random.default_rng((self.seed, 3, draw))
        unreadable: list[str] = []
        crops = []
        for _ in range(size):
            first = self._draw(self.good, rng, unreadable)
            others = np.delete(np.arange(len(self.views)), first)
            crops += [self._versions(first, rng), self._versions(self._draw(others, rng, unreadable), rng)]
        return SetSample(np.concatenate(crops), tuple(unreadable))

    def singles(self, photos: int, seed: int) -> tuple[Pixels, NDArray[np.int64]]:
        """Return versions (N, S, S, 3) of the first `photos` good photos, and the type (N,) of each, 0 for none."""
        rng = np.random.default_rng((self.seed, 4, seed))
        readable, _ = self.views.readable([int(index) for index in self.good[:photos]])
        crops = np.concatenate([self._versions(index, rng) for index in readable])
        return crops, np.tile(np.arange(1 + len(TYPES)), len(readable))

    def _draw(self, among: NDArray[np.int64], rng: np.random.Generator, unreadable: list[str]) -> int:
        """Return one of the photos, another one where it cannot be read."""
        for _ in range(MOST_REPLACED):
            index = int(rng.choice(among))
            good, problems = self.views.readable([index])
            if good:
                return index
            unreadable += problems
        raise DataError(f"{MOST_REPLACED} photos in a row cannot be read, the last one because {unreadable[-1]}")

    def _versions(self, index: int, rng: np.random.Generator) -> Pixels:
        """Return one crop (V, S, S, 3) of every version: cut at one place, or the place would tell them apart."""
        view = self.views.view(index)[0]
        top, left = (int(rng.integers(0, side - self.crop_px + 1)) for side in view.shape[:2])
        crop = view[top : top + self.crop_px, left : left + self.crop_px]
        crop = crop[:, ::-1].copy() if rng.random() < 0.5 else crop
        severities, seeds = rng.uniform(self.least, 1, len(TYPES)), rng.integers(2**31, size=len(TYPES))
        damaged = [
            degrade(crop, [(name, float(severity))], seed=int(seed))
            for name, severity, seed in zip(TYPES, severities, seeds, strict=True)
        ]
        return np.stack([crop, *damaged])
