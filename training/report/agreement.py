"""Agreement of scores with labels, each figure with a 95 % interval.

The interval comes from resampling whole clusters with replacement (Davison & Hinkley, 1997, percentile
bootstrap): the degraded views of one photo, or the photos of one person, are not independent, and an
interval that took them for so would be too narrow.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiqa.evaluation.metrics import AGREEMENT
from training.report.tables import markdown_table

BOOTSTRAPS = 1000
Figures = dict[str, "Estimate"]
"""PLCC, SRCC, KRCC and RMSE, as in `fiqa.evaluation.metrics`."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval.

    NaN where it is not defined, as a correlation with a constant is not, or an interval from a single cluster.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return show_estimate(self.to_dict())

    def to_dict(self) -> dict[str, float | None]:
        """Return JSON-ready data, rounded to 1e-4; JSON knows no NaN, so what is undefined is None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if math.isnan(number) else round(number, 4) for name, number in numbers.items()}


def show_estimate(figure: Mapping[str, float | None]) -> str:
    """Return an estimate as tables have it, from its JSON-ready data."""
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def estimate(
    figure: Callable[..., float], *columns: ArrayLike, clusters: ArrayLike | None = None, bootstraps: int = BOOTSTRAPS
) -> Estimate:
    """Return `figure(*columns)` of samples (N,) with its interval; `clusters` (N,) says which belong together."""
    samples = [np.asarray(column) for column in columns]
    if len(samples[0]) < 2:
        return Estimate(math.nan, math.nan, math.nan)
    draws = _resampled(np.arange(len(samples[0])) if clusters is None else np.asarray(clusters), bootstraps)
    values = [float(figure(*(column[rows] for column in samples))) for rows in draws]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of samples in which the figure is not defined
        low, high = np.nanpercentile(values, [2.5, 97.5]) if values else (math.nan, math.nan)
    return Estimate(float(figure(*samples)), float(low), float(high))


def measure_agreement(
    predicted: ArrayLike, target: ArrayLike, clusters: ArrayLike | None = None, *, bootstraps: int = BOOTSTRAPS
) -> Figures:
    """Return PLCC, SRCC, KRCC and RMSE of scores (N,) against labels (N,)."""
    columns = np.asarray(predicted, float), np.asarray(target, float)
    return {
        name: estimate(figure, *columns, clusters=clusters, bootstraps=bootstraps) for name, figure in AGREEMENT.items()
    }


def agreement_table(heading: str, rows: Mapping[str, Figures], counts: Mapping[str, int]) -> str:
    """Return a Markdown table with one line per row; `counts` says over how many samples each was measured."""
    lines = [(name, counts[name], *figures.values()) for name, figures in rows.items()]
    columns = next(iter(rows.values()), {})
    return markdown_table((heading, "n", *columns), lines)


def _resampled(clusters: NDArray[np.generic], bootstraps: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of every bootstrap sample, always the same for the same clusters; none for a single one."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(clusters == cluster) for cluster in np.unique(clusters)]
    if len(members) < 2:
        return
    for pick in rng.integers(0, len(members), (bootstraps, len(members))):
        yield np.concatenate([members[index] for index in pick])
