"""What was done to pictures (a method, a codec at a level), compared by their MOS: intervals, and tests of all pairs.

The MOS of a condition is the mean over its pictures' MOS, so that each picture counts alike. Its interval says how far
other photos and other people of the same kind might move it. Votes of one photo are alike, and so are votes of one
person: the variance is that of the sources plus that of the people less what is in both (clustered two ways: A. C.
Cameron, J. B. Gelbach and D. L. Miller, "Robust inference with multiway clustering", 2011), and never less than either
alone. Student's t has as many degrees of freedom as the fewer of sources and people less one.

Two conditions are compared on the sources that both have, where there are two or more, else on all: what a photo and a
person do to both conditions cancels. The p values of all pairs are corrected for their number (ITU-T P.1401, 7.6.5)
after S. Holm, "A simple sequentially rejective multiple test procedure" (1979).

Shapes: V votes, J stimuli, C conditions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings

MOST_COMPARED = 60
"""Conditions of which all pairs are compared; with more, a column holds something else than what was done."""
SIGNIFICANT = 0.05


class Origin(NamedTuple):
    """What a stimulus was made of, and what was done to it; None where that was not handed in."""

    source: str | None
    condition: str | None


@dataclass(frozen=True)
class ConditionFigures:
    """One condition: `pictures` with votes, of so many `sources`; `ci95` is half the width, NaN where it is unknown."""

    condition: str
    pictures: int
    sources: int
    ratings: int
    mos: float
    ci95: float

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return json_safe(asdict(self))


@dataclass(frozen=True)
class ConditionPair:
    """How far the MOS of `a` lies above that of `b`.

    sources: that the two were compared on: those of both, or where they share fewer than two, all
    shared:  whether both conditions have these sources
    ci95:    half width of the interval of the difference, not corrected
    p, p_corrected: of no difference, by itself and as one of all pairs; NaN where it cannot be told
    """

    a: str
    b: str
    sources: int
    shared: bool
    difference: float
    ci95: float
    p: float
    p_corrected: float

    @property
    def is_certain(self) -> bool:
        """Whether the two differ, as far as that can be known."""
        return self.p_corrected < SIGNIFICANT

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return json_safe(asdict(self))


@dataclass(frozen=True)
class Conditions:
    """The conditions of a study, the best first, and all pairs of them; no pairs of more than MOST_COMPARED."""

    figures: tuple[ConditionFigures, ...]
    pairs: tuple[ConditionPair, ...]


def compare_conditions(ratings: Ratings, used: Flags, origins: Mapping[str, Origin]) -> Conditions:
    """Return what the votes say of each condition and of every two of them.

    Args:
        ratings: V ratings; gold, trap, repeated and training items do not count.
        used: Which of them count (V,).
        origins: By stimulus; those that are missing or have no condition are left out.

    Returns:
        The conditions that have votes, the highest MOS first.
    """
    votes = _Votes.of(ratings, used, origins)
    by_condition = [votes.where(votes.condition == index) for index in range(len(votes.names))]
    order = sorted(range(len(by_condition)), key=lambda index: (-_mean(by_condition[index]), votes.names[index]))
    figures = tuple(_figures(votes.names[index], by_condition[index]) for index in order)
    compared = order if len(order) <= MOST_COMPARED else []
    pairs = [
        _pair(votes.names[a], votes.names[b], by_condition[a], by_condition[b]) for a, b in combinations(compared, 2)
    ]
    corrected = holm([pair.p for pair in pairs])
    return Conditions(
        figures,
        tuple(ConditionPair(**{**asdict(pair), "p_corrected": p}) for pair, p in zip(pairs, corrected, strict=True)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number after Holm, in the order given; those that are NaN stay NaN."""
    values = np.asarray(p_values, np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = known.size - np.arange(known.size)
    values[order] = np.minimum(1.0, np.maximum.accumulate(steps * values[order]))
    corrected: list[float] = values.tolist()
    return corrected


@dataclass(frozen=True, eq=False)
class _Votes:
    """Votes (V,) that count, by indices of their stimulus, condition, source and participant."""

    names: tuple[str, ...]
    stimulus: Indices
    condition: Indices
    source: Indices
    participant: Indices
    grade: Numbers

    @classmethod
    def of(cls, ratings: Ratings, used: Flags, origins: Mapping[str, Origin]) -> "_Votes":
        """Take the votes that are used, on pictures whose condition is known."""
        known = [origins.get(name, Origin(None, None)) for name in ratings.stimulus_ids]
        names = sorted({origin.condition for origin in known if origin.condition})
        place = {name: index for index, name in enumerate(names)}
        condition = np.array([place.get(origin.condition or "", -1) for origin in known], np.int64)
        votes = ratings.where(ratings.counted & used)
        votes = votes.where(condition[votes.stimulus] >= 0)
        given = np.unique(condition[votes.stimulus])  # conditions without a vote have no figures
        return cls(
            tuple(names[index] for index in given.tolist()),
            votes.stimulus,
            np.searchsorted(given, condition[votes.stimulus]).astype(np.int64),
            source_indices(ratings.stimulus_ids, known)[votes.stimulus],
            votes.participant,
            votes.grade,
        )

    def where(self, rows: Flags) -> "_Votes":
        columns = (self.stimulus, self.condition, self.source, self.participant, self.grade)
        return _Votes(self.names, *(column[rows] for column in columns))  # type: ignore[arg-type]  # four are indices


def source_indices(stimuli: Sequence[str], origins: Sequence[Origin]) -> Indices:
    """Return the index (J,) of each stimulus's source; one without a source is its own."""
    keys = [(origin.source is None, origin.source or name) for name, origin in zip(stimuli, origins, strict=True)]
    place = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return np.array([place[key] for key in keys], np.int64)


def _figures(name: str, votes: _Votes) -> ConditionFigures:
    found = _estimate((1.0, votes))
    pictures, sources = np.unique(votes.stimulus).size, np.unique(votes.source).size
    return ConditionFigures(name, pictures, sources, votes.grade.size, found.value, found.half_width)


def _pair(name_a: str, name_b: str, a: _Votes, b: _Votes) -> ConditionPair:
    common = np.intersect1d(a.source, b.source)
    shared = common.size > 1
    if shared:
        a, b = (side.where(np.isin(side.source, common)) for side in (a, b))
    found = _estimate((1.0, a), (-1.0, b))
    sources = common.size if shared else np.union1d(a.source, b.source).size
    return ConditionPair(name_a, name_b, sources, shared, found.value, found.half_width, found.p, math.nan)


class _Estimate(NamedTuple):
    """A MOS, or a difference of two, with its standard error and degrees of freedom."""

    value: float
    error: float
    freedom: int

    @property
    def half_width(self) -> float:
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom)) * self.error if self.freedom > 0 else math.nan

    @property
    def p(self) -> float:
        """The probability of such a value, or one farther from zero, where the truth is zero."""
        if self.freedom < 1:
            return math.nan
        if self.error == 0:  # everybody gave one grade to everything
            return float(self.value == 0)
        return float(2 * stats.t.sf(abs(self.value) / self.error, self.freedom))


def _estimate(*sides: tuple[float, _Votes]) -> _Estimate:
    """Return the sum of the sides' MOS, each times its sign, with the variance clustered by source and by person."""
    influence = np.concatenate([sign * _influence(votes) for sign, votes in sides])
    source = np.concatenate([votes.source for _, votes in sides])
    person = np.concatenate([votes.participant for _, votes in sides])
    both = source * (int(person.max(initial=0)) + 1) + person
    by_source, sources = _clustered(influence, source)
    by_person, people = _clustered(influence, person)
    variance = max(by_source, by_person, by_source + by_person - _clustered(influence, both)[0])
    value = sum(sign * _mean(votes) for sign, votes in sides)
    return _Estimate(value, math.sqrt(variance), min(sources, people) - 1)


def _mean(votes: _Votes) -> float:
    return float(_weights(votes) @ votes.grade)


def _influence(votes: _Votes) -> Numbers:
    """Return how far each vote (V,) moves the mean over the pictures' MOS."""
    influence: Numbers = _weights(votes) * (votes.grade - _mean(votes))
    return influence


def _weights(votes: _Votes) -> Numbers:
    """Return the weight (V,) of each vote in the mean over the pictures' MOS; they sum to 1."""
    _, picture, counts = np.unique(votes.stimulus, return_inverse=True, return_counts=True)
    weights: Numbers = 1 / (counts.size * counts[picture])
    return weights


def _clustered(influence: Numbers, cluster: Indices) -> tuple[float, int]:
    """Return the variance where the votes of a cluster go together, and how many clusters there are."""
    names, members = np.unique(cluster, return_inverse=True)
    if names.size < 2:
        return 0.0, names.size
    sums = np.bincount(members, influence)
    return float(sums @ sums) * names.size / (names.size - 1), names.size


def json_safe(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with None for NaN."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
