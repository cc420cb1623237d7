"""Conditions of pictures that were compared: where what was done to them puts a picture, in JOD.

A picture stands where its group and its condition put it, so that conditions can be told from each other where groups
lack some of them (least squares). The mean of all conditions is 0. Intervals come from resampling the participants.

Shapes: J stimuli, C conditions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from annotate.errors import RatingsError
from annotate.statistics.comparisons import Comparisons
from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.paired_scale import Model, fit_paired_scale, resampled_scales
from annotate.statistics.ratings import Indices, Numbers


@dataclass(frozen=True)
class PairedCondition:
    """A condition: its pictures, in how many comparisons they stood, its JOD, and half the width of its interval."""

    condition: str
    pictures: int
    comparisons: int
    jod: float
    ci95: float

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return asdict(self)


def scale_conditions(
    comparisons: Comparisons,
    conditions: Mapping[str, str | None],
    *,
    model: Model = "thurstone",
    samples: int = 200,
    seed: int = 0,
) -> list[PairedCondition]:
    """Return where each condition stands, the best first; none where fewer than two were compared.

    Args:
        comparisons: V answers.
        conditions: By name of a picture; those without one are left out.
        model: As of `fit_paired_scale`.
        samples: Of the participants.
        seed: Of the sampling.

    Raises:
        RatingsError: Some conditions are linked by no group of pictures that holds both.
    """
    of_picture = [conditions.get(name) for name in comparisons.stimulus_ids]
    names = sorted({name for name in of_picture if name})
    if len(names) < 2:
        return []
    number = np.array([names.index(name) if name else -1 for name in of_picture], np.int64)
    scale = fit_paired_scale(comparisons, model=model)
    found = condition_effects(scale.jod, scale.group, number)
    if np.isnan(found).any():
        raise RatingsError("The conditions cannot be put on one scale: no source has some of them together.")
    drawn = [
        condition_effects(each.jod, each.group, number)
        for each in resampled_scales(comparisons, model=model, samples=samples, seed=seed)
    ]
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    counts = _sums(number, scale.comparisons.astype(np.float64), len(names))
    pictures = np.bincount(number[number >= 0], minlength=len(names))
    return [
        PairedCondition(names[at], int(pictures[at]), int(counts[at]), float(found[at]), float(high[at] - low[at]) / 2)
        for at in np.argsort(-found, kind="stable").tolist()
    ]


def condition_effects(jod: Numbers, group: Indices, condition: Indices) -> Numbers:
    """Return by how much each condition (C,) moves a picture, 0 on average; NaN where groups do not link them all.

    `jod` (J,) are positions, `group` (J,) those that can be compared, `condition` (J,) from 0, -1 for none.
    """
    known = condition >= 0
    jod, group, condition = jod[known], group[known], condition[known]
    size = int(condition.max()) + 1
    groups = np.unique(group, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(groups)
    dummies = np.eye(size)[condition]
    inside = dummies - _means(groups, dummies, counts)[groups]
    centred = jod - (np.bincount(groups, jod) / counts)[groups]
    found, _, rank, _ = np.linalg.lstsq(inside, centred, rcond=None)
    effects: Numbers = found - found.mean() if rank == size - 1 else np.full(size, np.nan)
    return effects


def _means(groups: Indices, values: Numbers, counts: Indices) -> Numbers:
    sums = np.zeros((counts.size, values.shape[1]))
    np.add.at(sums, groups, values)
    means: Numbers = sums / counts[:, None]
    return means


def _sums(number: Indices, values: Numbers, size: int) -> Sequence[float]:
    known = number >= 0
    sums: Sequence[float] = np.bincount(number[known], values[known], size).tolist()
    return sums
