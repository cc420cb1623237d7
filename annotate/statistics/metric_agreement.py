"""How far metrics agree with people: whether their values order the pictures as the MOS does.

    SRCC          Spearman's rank correlation of a metric's values with the MOS
    pairs right   of the pairs of pictures that people clearly tell apart (their MOS differ by more than 1.96 standard
                  errors), the share that the metric orders as they do; a tie is half right, and guessing gives 0.5

All metrics are judged by the pictures that all of them have a value for. Intervals come from resampling sources
(`annotate.statistics.source_resampling`). The same resamplings serve every metric, so that two of them are compared on
equal terms.

Shapes: J pictures, P pairs, B resamplings, M metrics.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from annotate.errors import RatingsError
from annotate.statistics.mos import CONFIDENCE, MosTable, expected_sos
from annotate.statistics.ratings import Indices, Numbers
from annotate.statistics.source_resampling import CELLS_AT_ONCE, RESAMPLINGS, SourceDraws

FEWEST_PICTURES = 5
MOST_PAIRS = 200_000
"""With more pictures than make so many pairs, so many are drawn."""
LOWER_IS_BETTER = frozenset({
    "brisque", "dists", "face_distance", "gmsd", "ilniqe", "lpips", "mdsi", "mse", "ms_gmsd", "niqe", "piqe", "rmse",
})  # fmt: skip
"""Metrics that are a distance or a damage, by their usual names in lower case."""


@dataclass(frozen=True)
class MetricAgreement:
    """How far one metric agrees with people; intervals of 95 % are from `…_low` to `…_high`, NaN where unknown.

    lower_is_better: its values were turned round before they were compared
    pictures, pairs: that it was judged by; pairs count those that people clearly tell apart
    behind:          how far its SRCC lies below that of the metric with the highest, 0 for that one
    """

    metric: str
    lower_is_better: bool
    pictures: int
    srcc: float
    srcc_low: float
    srcc_high: float
    pairs: int
    pairs_right: float
    pairs_low: float
    pairs_high: float
    behind: float
    behind_low: float
    behind_high: float

    @property
    def is_behind(self) -> bool:
        """Whether another metric agrees with people more, for certain."""
        return self.behind_low > 0

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        unknown = {name: None for name, value in vars(self).items() if isinstance(value, float) and math.isnan(value)}
        return {**asdict(self), **unknown}


def compare_metrics(
    table: MosTable,
    metrics: Mapping[str, Mapping[str, float]],
    sources: Mapping[str, str | None],
    *,
    lower: Collection[str] = (),
    seed: int = 0,
) -> list[MetricAgreement]:
    """Return how far each metric agrees with the MOS, the highest SRCC first.

    Args:
        table: The study's J pictures; those with fewer than two ratings are left out.
        metrics: By name of the metric, its values by stimulus; on any scale.
        sources: By stimulus, what it was made of; those of none are resampled by themselves.
        lower: Metrics of which a lower value is better, besides those of LOWER_IS_BETTER.
        seed: Of the resamplings, and of the pairs that are drawn.

    Raises:
        RatingsError: fewer than FEWEST_PICTURES have two ratings and a value of every metric.
    """
    rows = _common_rows(table, metrics)
    turned = [name.lower() in {each.lower() for each in (*LOWER_IS_BETTER, *lower)} for name in metrics]
    names = [table.stimulus_ids[row] for row in rows.tolist()]
    values = np.array([[metrics[metric][name] for name in names] for metric in metrics])
    values[turned] *= -1
    draws = SourceDraws(names, sources, np.random.default_rng(seed))
    srcc, some_srcc = _srcc(values, table.mos[rows], draws)
    pairs, right, some_right = _pairs_right(table, rows, values, draws)
    best = int(np.nanargmax(srcc)) if not np.isnan(srcc).all() else 0
    found = [
        MetricAgreement(
            metric,
            turned[index],
            len(names),
            float(srcc[index]),
            *draws.interval(some_srcc[:, index]),
            pairs,
            float(right[index]),
            *draws.interval(some_right[:, index]),
            float(srcc[best] - srcc[index]),
            *((0.0, 0.0) if index == best else draws.interval(some_srcc[:, best] - some_srcc[:, index])),
        )
        for index, metric in enumerate(metrics)
    ]
    return sorted(found, key=lambda each: (math.isnan(each.srcc), -each.srcc))


def _common_rows(table: MosTable, metrics: Mapping[str, Mapping[str, float]]) -> Indices:
    """Return the rows of the table that have two ratings and a value of every metric."""
    rated = (table.ratings > 1).tolist()
    rows = [
        row
        for row, name in enumerate(table.stimulus_ids)
        if rated[row] and all(name in values for values in metrics.values())
    ]
    if len(rows) < FEWEST_PICTURES:
        raise RatingsError(
            f"Only {len(rows)} pictures have two ratings and a value of every metric; {FEWEST_PICTURES} are the fewest "
            "that say anything. Name pictures as the study does, and compare metrics that know the same pictures."
        )
    return np.array(rows, np.int64)


def _srcc(values: Numbers, mos: Numbers, draws: SourceDraws) -> tuple[Numbers, Numbers]:
    """Return the SRCC of each metric (M,), and of each resampling (B, M)."""
    ranked = [_Ranked(column) for column in (*values, mos)]

    def correlate(weights: Numbers) -> Numbers:
        *ranks, of_people = [each.ranks(weights) for each in ranked]
        return np.stack([_correlation(each, of_people, weights) for each in ranks], 1)

    parts = [correlate(weights) for weights in draws.weights(CELLS_AT_ONCE // mos.size)]
    return correlate(np.ones((1, mos.size)))[0], np.concatenate(parts)


class _Ranked:
    """A column (J,) that can be ranked again and again under other weights."""

    def __init__(self, column: Numbers) -> None:
        levels, self._level = np.unique(column, return_inverse=True)
        self._order = np.argsort(self._level, kind="stable")
        self._starts = np.searchsorted(self._level[self._order], np.arange(levels.size))

    def ranks(self, weights: Numbers) -> Numbers:
        """Return the mean ranks (B, J) where each picture is there as often as its weight (B, J) says."""
        counts = np.add.reduceat(weights[:, self._order], self._starts, axis=1)
        ranks: Numbers = (np.cumsum(counts, 1) - counts / 2)[:, self._level]
        return ranks


def _correlation(x: Numbers, y: Numbers, weights: Numbers) -> Numbers:
    """Return the weighted correlation (B,) of two arrays (B, J); NaN where one has no spread."""
    total = weights.sum(1, keepdims=True)
    dx, dy = (each - (weights * each).sum(1, keepdims=True) / total for each in (x, y))
    squares = (weights * dx**2).sum(1) * (weights * dy**2).sum(1)
    found: Numbers = np.full(squares.size, np.nan)
    np.divide((weights * dx * dy).sum(1), np.sqrt(squares), out=found, where=squares > 0)
    return found


def _pairs_right(table: MosTable, rows: Indices, values: Numbers, draws: SourceDraws) -> tuple[int, Numbers, Numbers]:
    """Return how many pairs people clearly tell apart, and which share of them each metric orders as they do.

    The shares are for all (M,) and for each resampling (B, M); NaN where there is no such pair.
    """
    first, second = _clear_pairs(table, rows, draws.rng)
    if not first.size:
        return 0, np.full(len(values), np.nan), np.full((RESAMPLINGS, len(values)), np.nan)
    people = np.sign(table.mos[rows[first]] - table.mos[rows[second]])
    right = (1 + people * np.sign(values[:, first] - values[:, second])).T / 2  # P x M
    parts = []
    for weights in draws.weights(CELLS_AT_ONCE // first.size):
        of_pairs = weights[:, first] * weights[:, second]
        total = of_pairs.sum(1, keepdims=True)
        parts.append((of_pairs @ right) / np.where(total > 0, total, np.nan))
    return int(first.size), right.mean(0), np.concatenate(parts)


def _clear_pairs(table: MosTable, rows: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Return two indices (P,) into the rows: of pairs whose MOS differ for certain."""
    size = rows.size
    if size * (size - 1) // 2 <= MOST_PAIRS:
        first, second = np.triu_indices(size, 1)
    else:
        first, second = rng.integers(0, size, (2, MOST_PAIRS))
    variance = (expected_sos(table) ** 2 / np.maximum(table.ratings, 1))[rows]
    apart = np.abs(table.mos[rows[first]] - table.mos[rows[second]])
    clear = apart > stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance[first] + variance[second])
    return first[clear].astype(np.int64), second[clear].astype(np.int64)
