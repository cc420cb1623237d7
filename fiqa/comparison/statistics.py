"""Is method B better than A? Scores in, figures with their uncertainty out.

Every method was given the same photos, so methods are compared photo by photo: the difference of a pair says more than
the two means. Several photos of one source (a person, a scene) are not independent, so sources are resampled, not
photos, and the test sees one difference a source.

    bootstrap      percentile intervals, sources drawn with replacement (Efron and Tibshirani, 1993, ch. 13), taken
                   as much further out as Student's t is, since those of few sources are too narrow (Hesterberg, 2015)
    test           Wilcoxon's signed ranks, zeros dropped (Wilcoxon, 1945); over all pairs corrected after Holm (1979)
    detectable     the difference that a paired t test would find in 80 % of such studies, at a level of 5 %

Shapes: N photos, S sources, B bootstrap samples, M methods. A score that is missing is NaN. SciPy is imported when a
test is computed, so that a page is served without waiting for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fiqa.results import Interval

Scores = NDArray[np.float64]
Labels = NDArray[np.generic]

BOOTSTRAPS = 2000
LEVEL, POWER = 0.05, 0.8
BOOTSTRAP_CELLS = 2**22
"""Weights held at a time while sources are resampled."""
TIE = 0.0005
"""Scores nearer than this are a tie: half of the last digit that reports print."""


@dataclass(frozen=True)
class MethodFigures:
    """How one method scored. `interval` and `median_interval` are of 95 %; None where fewer than two sources scored.

    `measures` are the means of full-reference measures, and of those that a user brought, by name.
    """

    name: str
    mean: float | None
    interval: Interval | None
    median: float | None
    median_interval: Interval | None
    photos: int
    unscored: int
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def unscored_share(self) -> float:
        """The share of its photos, 0..1, that got no score: it counts against the method in every win rate."""
        return self.unscored / self.photos if self.photos else 0.0


@dataclass(frozen=True)
class PairFigures:
    """How method `b` differs from `a` on the photos that both were given.

    `difference` is the mean of b − a over the photos scored in both, `interval` its 95 % interval. `wins`, `ties` and
    `losses` are those of b over all photos that either shows; a photo that only one method made scorable is that
    method's win. `win_rate` counts a tie as half. `p` is of Wilcoxon's test, corrected for all pairs compared;
    `detectable` the smallest true difference that data like these show in 80 % of cases. None where there is too little
    to tell.
    """

    a: str
    b: str
    photos: int
    difference: float | None
    interval: Interval | None
    wins: int
    ties: int
    losses: int
    win_rate: float | None
    p: float | None
    detectable: float | None

    @property
    def better(self) -> str | None:
        """The method that is shown to score higher: the interval lies on its side and p is below the level."""
        if self.difference is None or self.interval is None or self.p is None or self.p >= LEVEL:
            return None
        return self.b if self.interval[0] > 0 else self.a if self.interval[1] < 0 else None


def describe_method(name: str, scores: Scores, sources: Labels) -> MethodFigures:
    """Return the figures of one method from its scores (N,), NaN where a photo got none, and their sources (N,)."""
    scored = ~np.isnan(scores)
    values, owners = scores[scored], sources[scored]
    mean_interval, median_interval = _intervals(values, owners)
    return MethodFigures(
        name=name,
        mean=float(values.mean()) if len(values) else None,
        interval=mean_interval,
        median=float(np.median(values)) if len(values) else None,
        median_interval=median_interval,
        photos=len(scores),
        unscored=int(len(scores) - scored.sum()),
    )


def compare_pairs(scores: dict[str, Scores], sources: Labels) -> list[PairFigures]:
    """Compare every two methods; `scores` has (N,) of each, photo by photo, NaN where there is none.

    The p values are corrected for the number of pairs. Raises nothing: what cannot be told is None.
    """
    pairs = [compare_pair(a, b, scores[a], scores[b], sources) for a, b in combinations(scores, 2)]
    told = [index for index, pair in enumerate(pairs) if pair.p is not None]
    corrected = holm([pairs[index].p or 0.0 for index in told])
    for index, p in zip(told, corrected, strict=True):
        pairs[index] = replace(pairs[index], p=p)
    return pairs


def compare_pair(a: str, b: str, before: Scores, after: Scores, sources: Labels) -> PairFigures:
    """Compare two methods by their scores (N,) of the same photos; `p` is not corrected for other pairs."""
    both = ~np.isnan(before) & ~np.isnan(after)
    differences, owners = after[both] - before[both], sources[both]
    by_source = means_by_source(differences, owners)
    wins, ties, losses = count_wins(before, after)
    decided = wins + ties + losses
    return PairFigures(
        a=a,
        b=b,
        photos=int(both.sum()),
        difference=float(differences.mean()) if len(differences) else None,
        interval=_intervals(differences, owners)[0],
        wins=wins,
        ties=ties,
        losses=losses,
        win_rate=(wins + ties / 2) / decided if decided else None,
        p=signed_rank_p(by_source),
        detectable=detectable_difference(by_source),
    )


def count_wins(before: Scores, after: Scores) -> tuple[int, int, int]:
    """Return wins, ties and losses of `after` over `before`, (N,) each; a photo scored in one alone is that one's win.

    Photos scored in neither are left out.
    """
    only_after = int((np.isnan(before) & ~np.isnan(after)).sum())
    only_before = int((~np.isnan(before) & np.isnan(after)).sum())
    both = ~np.isnan(before) & ~np.isnan(after)
    differences = after[both] - before[both]
    wins, losses = int((differences >= TIE).sum()), int((differences <= -TIE).sum())
    return wins + only_after, len(differences) - wins - losses, losses + only_before


def means_by_source(values: Scores, sources: Labels) -> Scores:
    """Return the mean (S,) of the values (N,) of each source."""
    _, members = np.unique(sources, return_inverse=True)
    counts = np.bincount(members)
    means: Scores = np.bincount(members, weights=values) / np.maximum(counts, 1)
    return means


def signed_rank_p(differences: Scores) -> float | None:
    """Return the two-sided p of Wilcoxon's signed-rank test on differences (S,); None for fewer than two sources.

    1 where no source differs at all. Exact for few sources without ties, by the normal approximation otherwise.
    """
    if len(differences) < 2:
        return None
    if not np.any(differences):
        return 1.0
    from scipy import stats

    return float(stats.wilcoxon(differences, zero_method="wilcox", method="auto").pvalue)


def detectable_difference(differences: Scores) -> float | None:
    """Return the true mean difference that a paired t test on S such sources finds with 80 % power at a level of 5 %.

    `differences` (S,) tell how much sources vary; None for fewer than two.
    """
    count = len(differences)
    if count < 2:
        return None
    from scipy import stats

    error = differences.std(ddof=1) / np.sqrt(count)
    return float((stats.t.ppf(1 - LEVEL / 2, count - 1) + stats.t.ppf(POWER, count - 1)) * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number by Holm's step-down procedure, in the order given."""
    order = np.argsort(p_values)
    steps = len(p_values) - np.arange(len(p_values))
    corrected = np.minimum(1.0, np.maximum.accumulate(steps * np.asarray(p_values, float)[order]))
    result = np.empty(len(p_values))
    result[order] = corrected
    return [float(p) for p in result]


def _intervals(values: Scores, sources: Labels) -> tuple[Interval | None, Interval | None]:
    """Return the 95 % bootstrap intervals of mean and median of values (N,), by source; None below two sources."""
    names, members = np.unique(sources, return_inverse=True)
    if len(names) < 2:
        return None, None
    order = np.argsort(values)
    means, medians = [], []
    for weights in _resampled_weights(members[order], len(names)):
        means.append(weights @ values[order] / weights.sum(axis=1))
        medians.append(_weighted_medians(values[order], weights))
    tail = tail_share(len(names))
    return _percentiles(np.concatenate(means), tail), _percentiles(np.concatenate(medians), tail)


def tail_share(sources: int) -> float:
    """Return the share of bootstrap samples to leave out at either end for a 95 % interval; 0.018 for 30 sources.

    The samples vary by the population's formula, √((S−1)/S) too little, and know nothing of the uncertain variance that
    Student's t allows for. Both are made up for as Hesterberg (The American Statistician 69, 2015, 5.2) does.
    """
    from scipy.special import ndtr, stdtrit

    return float(ndtr(np.sqrt(sources / (sources - 1)) * stdtrit(sources - 1, LEVEL / 2)))


def _resampled_weights(members: NDArray[np.int64], sources: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each photo (of source `members` (N,)) is drawn in bootstrap samples: (some of B, N)."""
    rng = np.random.default_rng(0)  # the same answer for the same scores
    rows = max(1, BOOTSTRAP_CELLS // len(members))
    for start in range(0, BOOTSTRAPS, rows):
        drawn = rng.multinomial(sources, np.full(sources, 1 / sources), size=min(rows, BOOTSTRAPS - start))
        yield drawn[:, members].astype(np.float64)


def _weighted_medians(ordered: Scores, weights: NDArray[np.float64]) -> Scores:
    """Return the median of each sample: values (N,) in rising order, drawn `weights` (B, N) times."""
    reached = weights.cumsum(axis=1)
    total = reached[:, -1:]
    lower = ordered[(reached >= total / 2).argmax(axis=1)]
    upper = ordered[(reached > total / 2).argmax(axis=1)]
    medians: Scores = (lower + upper) / 2
    return medians


def _percentiles(samples: Scores, tail: float) -> Interval:
    low, high = np.quantile(samples, (tail, 1 - tail))
    return float(low), float(high)
