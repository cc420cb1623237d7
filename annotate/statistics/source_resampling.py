"""Intervals from resampling the sources of pictures.

Sources are drawn with replacement (B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993), since
pictures of one photo are alike. Intervals are taken as much further out as Student's t is, since those of few sources
are too narrow (T. C. Hesterberg, "What teachers should know about the bootstrap", 2015).

Shapes: J pictures, B resamplings.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import stats

from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.ratings import Numbers

RESAMPLINGS = 1000
CELLS_AT_ONCE = 2**22
"""Weights that are made at a time; memory does not grow with the pictures."""


class SourceDraws:
    """Resamplings of the sources of pictures, as weights of the pictures."""

    def __init__(self, names: Sequence[str], sources: Mapping[str, str | None], rng: np.random.Generator) -> None:
        keys = [(sources.get(name) is None, sources.get(name) or name) for name in names]
        place = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        self.rng = rng
        self._member = np.array([place[key] for key in keys], np.int64)
        self._counts = self.rng.multinomial(len(place), np.full(len(place), 1 / len(place)), RESAMPLINGS)

    def weights(self, rows_at_once: int) -> Iterator[Numbers]:
        """Yield the weights (some of B, J), so many resamplings at a time."""
        for start in range(0, RESAMPLINGS, max(1, rows_at_once)):
            yield self._counts[start : start + max(1, rows_at_once)][:, self._member].astype(np.float64)

    def interval(self, values: Numbers) -> tuple[float, float]:
        """Return the interval of 95 % of a figure (B,), as Hesterberg widens it; NaN below two sources."""
        sources, known = self._counts.shape[1], values[~np.isnan(values)]
        if sources < 2 or not known.size:
            return math.nan, math.nan
        quantile = stats.t.ppf((1 - CONFIDENCE) / 2, sources - 1)
        tail = float(stats.norm.cdf(math.sqrt(sources / (sources - 1)) * quantile))
        low, high = np.quantile(known, (tail, 1 - tail))
        return float(low), float(high)
