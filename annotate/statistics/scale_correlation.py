"""How far the scales of a study order its pictures alike: the correlation of their MOS.

Two sides of quality that people do not tell apart have a correlation near 1; far from it, each says something of its
own. Intervals are those of Spearman's correlation after D. G. Bonett and T. A. Wright, "Sample size requirements for
estimating Pearson, Kendall and Spearman correlations" (2000).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from annotate.statistics.mos import CONFIDENCE, MosTable
from annotate.statistics.ratings import Numbers

FEWEST_PICTURES = 5


@dataclass(frozen=True)
class ScaleCorrelation:
    """How far the MOS of two scales go together over the `pictures` that have both.

    srcc, plcc:          Spearman's and Pearson's correlation, -1..1; NaN where too few pictures say nothing of it
    srcc_low, srcc_high: the 95 % interval of the first
    """

    a: str
    b: str
    pictures: int
    srcc: float
    srcc_low: float
    srcc_high: float
    plcc: float

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        unknown = {name: None for name, value in vars(self).items() if isinstance(value, float) and math.isnan(value)}
        return {**asdict(self), **unknown}


def correlate_scales(tables: Mapping[str, MosTable]) -> list[ScaleCorrelation]:
    """Return the correlation of every two scales, given by their MOS of the same pictures."""
    return [_correlate(a, b, tables[a].mos, tables[b].mos) for a, b in combinations(tables, 2)]


def _correlate(a: str, b: str, first: Numbers, second: Numbers) -> ScaleCorrelation:
    both = ~np.isnan(first) & ~np.isnan(second)
    pictures, one, other = int(both.sum()), first[both], second[both]
    if pictures < FEWEST_PICTURES or np.ptp(one) == 0 or np.ptp(other) == 0:
        return ScaleCorrelation(a, b, pictures, math.nan, math.nan, math.nan, math.nan)
    srcc, plcc = float(stats.spearmanr(one, other).statistic), float(stats.pearsonr(one, other).statistic)
    return ScaleCorrelation(a, b, pictures, srcc, *_interval(srcc, pictures), plcc)


def _interval(srcc: float, pictures: int) -> tuple[float, float]:
    """Return the ends of the interval of Spearman's correlation, on Fisher's scale with Bonett and Wright's error."""
    if abs(srcc) >= 1:
        return srcc, srcc
    width = stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt((1 + srcc**2 / 2) / (pictures - 3))
    return math.tanh(math.atanh(srcc) - width), math.tanh(math.atanh(srcc) + width)
