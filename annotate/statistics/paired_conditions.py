"""Conditions of pictures that were compared: where what was done to them puts a picture, in JOD, and which differ.

A picture stands where its group and its condition put it, so that conditions can be told from each other where groups
lack some of them (least squares). The mean of all conditions is 0. As for grades (`annotate.statistics.conditions`),
intervals and tests say how far other photos and other people of the same kind might move a condition: the variance is
that of the people, by how far each pulls the scale, plus that of the sources, by how far their pictures are off, less
that of the answers themselves, which is in both, and never less than either alone. Where all pictures are of one
source, nothing is known of other photos, and only other people count. The p values of all pairs are corrected for their
number after Holm.

Shapes: J stimuli, C conditions, S sources, I participants.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from annotate.errors import RatingsError
from annotate.statistics.comparisons import Comparisons
from annotate.statistics.conditions import MOST_COMPARED, ConditionPair, Origin, holm, json_safe, source_indices
from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.paired_scale import Model, PairedScale, fit_paired_scale, participant_pulls
from annotate.statistics.ratings import Flags, Indices, Numbers


@dataclass(frozen=True)
class PairedCondition:
    """A condition: its pictures, of so many sources, in how many comparisons they stood, and its JOD.

    `ci95` is half the width of its interval, NaN where it is unknown.
    """

    condition: str
    pictures: int
    sources: int
    comparisons: int
    jod: float
    ci95: float

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return json_safe(asdict(self))


@dataclass(frozen=True)
class PairedConditions:
    """The conditions of a study, the best first, and all pairs of them; no pairs of more than MOST_COMPARED.

    Of a pair, `sources` are those that have both conditions, or all where none has (`shared` is false). `problem` says
    why there are no conditions though pictures have some.
    """

    figures: tuple[PairedCondition, ...] = ()
    pairs: tuple[ConditionPair, ...] = ()
    problem: str = ""


def scale_conditions(
    comparisons: Comparisons,
    origins: Mapping[str, Origin],
    *,
    model: Model = "thurstone",
) -> PairedConditions:
    """Return where each condition stands and which differ; nothing where fewer than two were compared.

    Args:
        comparisons: V answers.
        origins: By stimulus; those that are missing or have no condition are left out.
        model: As of `fit_paired_scale`.

    Raises:
        RatingsError: Some conditions are linked by no group of pictures that holds both.
    """
    known = [origins.get(name, Origin(None, None)) for name in comparisons.stimulus_ids]
    names = sorted({origin.condition for origin in known if origin.condition})
    if len(names) < 2:
        return PairedConditions()
    condition = np.array([names.index(each.condition) if each.condition else -1 for each in known], np.int64)
    scale = fit_paired_scale(comparisons, model=model)
    effects = condition_effects(scale.jod, scale.group, condition)
    if np.isnan(effects).any():
        raise RatingsError("The conditions cannot be put on one scale: no source has some of them together.")
    source = source_indices(comparisons.stimulus_ids, known)
    found = _Estimate.of(scale, condition, source, effects, participant_pulls(comparisons, scale, model=model))
    order = np.argsort(-effects, kind="stable").tolist()
    compared = order if len(order) <= MOST_COMPARED else []
    pairs = [found.pair(names, a, b) for a, b in combinations(compared, 2)]
    corrected = holm([pair.p for pair in pairs])
    return PairedConditions(
        tuple(found.figures(names, at) for at in order),
        tuple(replace(pair, p_corrected=p) for pair, p in zip(pairs, corrected, strict=True)),
    )


def condition_effects(jod: Numbers, group: Indices, condition: Indices) -> Numbers:
    """Return by how much each condition (C,) moves a picture, 0 on average; NaN where groups do not link them all.

    `jod` (J,) are positions, `group` (J,) those that can be compared, `condition` (J,) from 0, -1 for none.
    """
    effects: Numbers = _effect_map(group, condition) @ jod
    return effects


def _effect_map(group: Indices, condition: Indices) -> Numbers:
    """Return the matrix (C, J) that makes effects of positions; NaN where groups do not link all conditions."""
    known = condition >= 0
    size = int(condition.max()) + 1
    groups = np.unique(group[known], return_inverse=True)[1].reshape(-1)
    dummies = np.eye(size)[condition[known]]
    inside = _without_means(groups, dummies)
    if np.linalg.matrix_rank(inside) < size - 1:
        return np.full((size, condition.size), np.nan)
    found = np.linalg.pinv(inside)  # positions need no centring of their own: `inside` sums to 0 in every group
    effects = np.zeros((size, condition.size))
    effects[:, known] = found - found.mean(axis=0)
    return effects


@dataclass(frozen=True, eq=False)
class _Estimate:
    """Effects of the conditions (C,), and how far they may be off.

    condition:              of each picture (J,), -1 for none
    comparisons:            that each picture stood in (J,)
    has:                    which sources have which conditions (C, S)
    people, source, answer: covariances of the effects (C, C) by people, by sources and by the answers alone
    freedom:                degrees of freedom of Student's t
    """

    condition: Indices
    comparisons: Indices
    has: Flags
    effects: Numbers
    people: Numbers
    source: Numbers
    answer: Numbers
    freedom: int

    @classmethod
    def of(
        cls, scale: PairedScale, condition: Indices, source: Indices, effects: Numbers, pulls: Numbers
    ) -> "_Estimate":
        """Return what people, by their pulls (I, J), the sources (J,) and the answers say of the spread."""
        known = condition >= 0
        has = np.zeros((effects.size, int(source.max()) + 1), np.bool_)
        has[condition[known], source[known]] = True
        made_of = _effect_map(scale.group, condition)
        off = np.zeros(condition.size)
        groups = np.unique(scale.group[known], return_inverse=True)[1].reshape(-1)
        off[known] = _without_means(groups, (scale.jod[known] - effects[condition[known]])[:, None])[:, 0]
        sums = np.zeros((has.shape[1], effects.size))
        np.add.at(sums, source, (made_of * off).T)
        sources = int(has.any(axis=0).sum())
        by_source = sums.T @ sums * sources / (sources - 1) if sources > 1 else np.zeros((effects.size,) * 2)
        freedom = min(len(pulls), sources if sources > 1 else len(pulls)) - 1
        people, answer = _covariance_of_people(pulls @ made_of.T), made_of @ scale.covariance @ made_of.T
        return cls(condition, scale.comparisons, has, effects, people, by_source, answer, freedom)

    def figures(self, names: Sequence[str], at: int) -> PairedCondition:
        """Return the figures of one condition."""
        own = self.condition == at
        return PairedCondition(
            names[at],
            int(own.sum()),
            int(self.has[at].sum()),
            int(self.comparisons[own].sum()),
            float(self.effects[at]),
            self._half_width(np.eye(self.effects.size)[at]),
        )

    def pair(self, names: Sequence[str], a: int, b: int) -> ConditionPair:
        """Return how far one condition lies above another; its p value is not corrected."""
        unit = np.eye(self.effects.size)
        contrast, difference = unit[a] - unit[b], float(self.effects[a] - self.effects[b])
        common = int((self.has[a] & self.has[b]).sum())
        sources = common or int((self.has[a] | self.has[b]).sum())
        error, p = self._error(contrast), math.nan
        if error and self.freedom > 0:
            p = float(2 * stats.t.sf(abs(difference) / error, self.freedom))
        return ConditionPair(names[a], names[b], sources, common > 0, difference, self._half_width(contrast), p, p)

    def _error(self, contrast: Numbers) -> float:
        """Return the standard error of a sum of effects (C,)."""
        people, source, answer = (contrast @ each @ contrast for each in (self.people, self.source, self.answer))
        return math.sqrt(max(people, source, people + source - answer))

    def _half_width(self, contrast: Numbers) -> float:
        """Return half the width of the 95 % interval of a sum of effects, NaN where it is unknown."""
        if self.freedom < 1:
            return math.nan
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom)) * self._error(contrast)


def _covariance_of_people(pulls: Numbers) -> Numbers:
    """Return the covariance of the effects (C, C) by how far each participant pulls them (I, C)."""
    people = len(pulls)
    off = pulls - pulls.mean(axis=0)
    covariance: Numbers = off.T @ off * people / max(1, people - 1)
    return covariance


def _without_means(groups: Indices, values: Numbers) -> Numbers:
    """Return values (J, ...) less the mean of each group."""
    sums = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    less: Numbers = values - (sums / np.bincount(groups)[:, None])[groups]
    return less
