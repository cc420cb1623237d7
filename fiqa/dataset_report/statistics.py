"""Figures of scores and of how two sets of them differ, with 95 % intervals; quick for millions.

    mean        Student's t; of photos of one person, over persons (the cluster-robust variance of a mean)
    quantiles   between order statistics that the binomial distribution puts around the quantile
    drift       differences of mean and quantiles: percentile bootstrap of the histograms in `BINS` bins, taken further
                out as `fiqa.comparison.statistics.tail_share` says; and the Kolmogorov-Smirnov distance with its p

Shapes: N photos, B bootstrap samples. SciPy is imported when a figure is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiqa.comparison.statistics import LEVEL, tail_share
from fiqa.results import Interval

Scores = NDArray[np.float64]
BINS = 1000
BOOTSTRAPS = 1000
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The quantiles of a set."""
DRIFT_SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Difference:
    """How much larger a figure is in the second set than in the first; `interval` is None below two photos."""

    figure: str
    difference: float
    interval: Interval | None

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


def mean_interval(values: Scores, owners: Sequence[object] | None = None) -> Interval | None:
    """Return the interval of the mean of values (N,); `owners` (N,) are the persons shown. None below two of them."""
    from scipy.special import stdtrit

    _, members = np.unique(np.arange(len(values)) if owners is None else np.asarray(owners, str), return_inverse=True)
    residuals = np.bincount(members, weights=values - values.mean()) if len(values) else np.zeros(0)
    count = len(residuals)
    if count < 2:
        return None
    error = np.sqrt((residuals**2).sum() * count / (count - 1)) / len(values)
    half = float(stdtrit(count - 1, 1 - LEVEL / 2) * error)
    return float(values.mean()) - half, float(values.mean()) + half


def quantile_interval(values: Scores, share: float) -> Interval | None:
    """Return the interval of a quantile of values (N,), two of them; None where there are too few to have one."""
    from scipy.stats import binom

    low = int(binom.ppf(LEVEL / 2, len(values), share)) - 1
    high = int(binom.ppf(1 - LEVEL / 2, len(values), share))
    if low < 0 or high >= len(values):
        return None
    ordered = np.partition(values, (low, high))
    return float(ordered[low]), float(ordered[high])


def drift(before: Scores, after: Scores, ends: Interval) -> list[Difference]:
    """Return how mean and quantiles of `after` (N,) differ from those of `before` (M,); scores lie within `ends`."""
    draws = [_resampled(each, ends, seed) for seed, each in enumerate((before, after))]
    tail = tail_share(min(len(before), len(after))) if min(len(before), len(after)) > 1 else None
    shares = {"mean": None, **{f"{share:.0%} quantile": share for share in DRIFT_SHARES}}
    return [
        Difference(
            figure,
            _figure(after, share) - _figure(before, share),
            None if tail is None else _ends(_drawn(draws[1], share, ends) - _drawn(draws[0], share, ends), tail),
        )
        for figure, share in shares.items()
    ]


def distance(before: Scores, after: Scores) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of two sets of scores, 0..1, and the p of their being drawn alike."""
    from scipy.stats import ks_2samp

    found = ks_2samp(before, after, method="auto" if max(len(before), len(after)) < 1000 else "asymp")
    return float(found.statistic), float(found.pvalue)


def _figure(values: Scores, share: float | None) -> float:
    return float(values.mean() if share is None else np.quantile(values, share))


def _resampled(values: Scores, ends: Interval, seed: int) -> Scores:
    """Return histograms (B, BINS) of bootstrap samples of values (N,), each of sum 1."""
    counts, _ = np.histogram(values, BINS, ends)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / counts.sum(), size=BOOTSTRAPS)
    return drawn / len(values)


def _drawn(histograms: Scores, share: float | None, ends: Interval) -> Scores:
    """Return the mean or a quantile (B,) of histograms (B, BINS)."""
    centres = np.linspace(*ends, BINS + 1)[:-1] + (ends[1] - ends[0]) / BINS / 2
    if share is None:
        means: Scores = histograms @ centres
        return means
    quantiles: Scores = centres[(histograms.cumsum(axis=1) >= share - 1e-12).argmax(axis=1)]
    return quantiles


def _ends(samples: Scores, tail: float) -> Interval:
    low, high = np.quantile(samples, (tail, 1 - tail))
    return float(low), float(high)
