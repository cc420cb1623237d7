"""Means by group and the gaps between groups, with intervals that resample people.

Photos of one person are not independent, so whole people are drawn (Davison & Hinkley, 1997, percentile bootstrap),
from all groups together: a person may be in several groups, with a photo from the front and one from the side.

A group of one person has no interval: nothing can be said of others like them. The bootstrap of few people gives
intervals that are too narrow, so groups of fewer than `FEW_PEOPLE` are shown and not compared.

The largest of many gaps is large by chance too. Beside its 95 % interval stands one that is corrected for the number
of pairs of groups it is the largest of (Bonferroni): only where that one leaves out zero is there a difference that
the choice of the pair does not explain.

Shapes: N photos, P people, G groups, B bootstrap samples. A score that is missing is NaN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fiqa.results import Interval

Scores = NDArray[np.float64]

BOOTSTRAPS = 4000
LEVEL = 0.05
FEW_PEOPLE = 5
BOOTSTRAP_CELLS = 2**22
"""Weights held at a time while people are resampled."""


@dataclass(frozen=True)
class GroupMean:
    """The mean of one group. `mean` is None where no photo of it was scored, `interval` where one person was."""

    group: str
    photos: int
    people: int
    mean: float | None
    interval: Interval | None

    @property
    def is_small(self) -> bool:
        """Whether the group has too few people to be compared with others."""
        return self.people < FEW_PEOPLE


@dataclass(frozen=True)
class Gap:
    """How far the means of two groups are apart: `higher` less `lower`, with two intervals of 95 %.

    `interval` is of this pair alone, `corrected` holds for all `pairs` together.
    """

    higher: str
    lower: str
    difference: float
    interval: Interval
    corrected: Interval
    pairs: int

    @property
    def is_certain(self) -> bool:
        """Whether there is a difference, even though this pair was chosen as the one farthest apart."""
        return self.corrected[0] > 0


def group_means(values: Scores, groups: Sequence[str], people: Sequence[str]) -> list[GroupMean]:
    """Return the mean of each group, in the order of their names; all arguments are (N,)."""
    names, means, (counts, heads) = _resample(values, groups, people)
    return [
        GroupMean(
            group=name,
            photos=int(counts[index]),
            people=int(heads[index]),
            mean=_mean(values, groups, name),
            interval=_interval(means[:, index]) if heads[index] > 1 else None,
        )
        for index, name in enumerate(names)
    ]


def largest_gap(values: Scores, groups: Sequence[str], people: Sequence[str]) -> Gap | None:
    """Return the gap between the two groups whose means are farthest apart; all arguments are (N,).

    None where fewer than two groups have `FEW_PEOPLE` people with a score.
    """
    names, means, (_, heads) = _resample(values, groups, people)
    large = [index for index in range(len(names)) if heads[index] >= FEW_PEOPLE]
    pairs = list(combinations(large, 2))
    if not pairs:
        return None
    known = {index: _mean(values, groups, names[index]) or 0.0 for index in large}
    first, second = max(pairs, key=lambda pair: abs(known[pair[0]] - known[pair[1]]))
    if known[first] < known[second]:
        first, second = second, first
    differences = means[:, first] - means[:, second]
    return Gap(
        higher=names[first],
        lower=names[second],
        difference=known[first] - known[second],
        interval=_interval(differences),
        corrected=_interval(differences, level=LEVEL / len(pairs)),
        pairs=len(pairs),
    )


def _resample(
    values: Scores, groups: Sequence[str], people: Sequence[str]
) -> tuple[list[str], Scores, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the groups' names, their means in every sample (B, G), and their photos and people (G,) with a score.

    A mean is NaN in samples in which nobody of the group was drawn.
    """
    names, group_of = np.unique(np.asarray(groups, dtype=object), return_inverse=True)
    individuals, person_of = np.unique(np.asarray(people, dtype=object), return_inverse=True)
    scored = ~np.isnan(values)
    shape = (len(individuals), len(names))
    counts, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(counts, (person_of[scored], group_of[scored]), 1.0)
    np.add.at(sums, (person_of[scored], group_of[scored]), values[scored])
    means = [
        np.divide(weights @ sums, drawn, out=np.full((len(weights), len(names)), np.nan), where=drawn > 0)
        for weights in _weights(len(individuals))
        for drawn in [weights @ counts]
    ]
    photos, heads = counts.sum(axis=0).astype(np.int64), (counts > 0).sum(axis=0)
    return [str(name) for name in names], np.concatenate(means), (photos, heads)


def _weights(people: int) -> Iterator[Scores]:
    """Yield how often each person is drawn: (some of B, P), always the same for as many people."""
    rng = np.random.default_rng(0)
    rows = max(1, BOOTSTRAP_CELLS // max(1, people))
    for start in range(0, BOOTSTRAPS, rows):
        drawn = rng.multinomial(people, np.full(people, 1 / people), size=min(rows, BOOTSTRAPS - start))
        yield drawn.astype(np.float64)


def _mean(values: Scores, groups: Sequence[str], name: str) -> float | None:
    mine = values[np.asarray(groups, dtype=object) == name]
    mine = mine[~np.isnan(mine)]
    return float(mine.mean()) if len(mine) else None


def _interval(samples: Scores, *, level: float = LEVEL) -> Interval:
    low, high = np.nanquantile(samples, (level / 2, 1 - level / 2))
    return float(low), float(high)
