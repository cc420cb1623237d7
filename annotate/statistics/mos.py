"""What the ratings of a stimulus say: MOS, SOS, CI95, and the estimate of ITU-T P.910 Annex E.

Annex E (the same as 12.6 of ITU-T P.913, since merged into P.910) models a rating as the stimulus' quality plus the
participant's bias plus noise of the participant's own size, their inconsistency: u_ij = psi_j + delta_i + v_i X. It
weighs careless people down instead of rejecting them. Solved by alternating projection (Z. Li et al., "A simple model
for subject behavior in subjective experiments", HVEI 2020), with the steps and the stopping rule of Netflix' `sureal`,
but in long format: time and memory grow with the ratings, not with stimuli x participants.

Three things differ from `sureal`, because studies here are incomplete (measured on simulated studies):
- The likelihood has no bound: whoever's residual reaches zero by chance gets all the weight. Participants and stimuli
  with few ratings are left out of the fit, and nobody counts as less inconsistent than a quarter of the median.
- Stimuli too thin for the fit are scored afterwards, with the biases and weights that the others gave.
- CI95 is t / sqrt(sum 1/v_i^2), which holds the truth in 94 to 95 % of simulated stimuli of 20 ratings; the spread
  over participants that `sureal` takes counts every clicker in full (98 %).

Shapes: V ratings, J stimuli, I participants.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats

from annotate.design.items import ItemKind
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings, mean_by

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
FEWEST_VOTES_OF_PARTICIPANT = 20
FEWEST_VOTES_OF_STIMULUS = 8
LEAST_INCONSISTENCY = 0.25  # of the median participant's
_MOST_STEPS = 1000
_SMALLEST_STEP = 1e-8  # norm over all stimuli, in grades
_EPSILON = 1e-8  # added to variances, as sureal does
_WORTH_OF_HYPOTHESIS = 10  # ratings
USUAL_SOS = 1 / 6  # of the scale


@dataclass(frozen=True, eq=False)
class MosTable:
    """Figures per stimulus (J,) and per participant (I,); NaN where there are too few ratings.

    ratings, unusable: how many gave a grade, and how many answered "unusable content"
    mos, sos, ci95:    mean, standard deviation (n - 1) and half width of the 95 % interval by Student's t
    mos_p910, ci95_p910: the same by Annex E
    bias, inconsistency: a participant's mean distance from the quality, and the spread about it, in grades
    """

    stimulus_ids: tuple[str, ...]
    scale_low: float
    scale_high: float
    ratings: Indices
    unusable: Indices
    mos: Numbers
    sos: Numbers
    ci95: Numbers
    mos_p910: Numbers
    ci95_p910: Numbers
    participant_ids: tuple[str, ...]
    participant_ratings: Indices
    bias: Numbers
    inconsistency: Numbers

    def only(self, stimuli: Collection[str]) -> "MosTable":
        """Return the table of these stimuli, without gold and trap items for instance."""
        rows = np.array([name in stimuli for name in self.stimulus_ids], np.bool_)
        ids = tuple(name for name in self.stimulus_ids if name in stimuli)
        columns = ("ratings", "unusable", "mos", "sos", "ci95", "mos_p910", "ci95_p910")
        return replace(self, stimulus_ids=ids, **{name: getattr(self, name)[rows] for name in columns})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one JSON-safe dictionary per stimulus."""
        columns = (self.mos, self.sos, self.ci95, self.ratings, self.mos_p910, self.ci95_p910, self.unusable)
        names = ("mos", "sos", "ci95", "ratings", "mos_p910", "ci95_p910", "unusable")
        yield from _rows("stimulus", self.stimulus_ids, names, columns)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas table with one row a stimulus, under the names of `rows`; NaN where there is no figure."""
        import pandas as pd

        columns = ("stimulus", "mos", "sos", "ci95", "ratings", "mos_p910", "ci95_p910", "unusable")
        numbers = dict.fromkeys(set(columns) - {"stimulus", "ratings", "unusable"}, float)
        return pd.DataFrame(self.rows(), columns=list(columns)).astype(numbers)

    def participant_rows(self) -> Iterator[dict[str, Any]]:
        """Yield one JSON-safe dictionary per participant."""
        columns = (self.participant_ratings, self.bias, self.inconsistency)
        yield from _rows("participant", self.participant_ids, ("ratings", "bias", "inconsistency"), columns)


def _rows(
    key: str, ids: tuple[str, ...], names: tuple[str, ...], columns: tuple[Indices | Numbers, ...]
) -> Iterator[dict[str, Any]]:
    for name, *values in zip(ids, *(column.tolist() for column in columns), strict=True):
        yield {key: name} | {
            column: None if math.isnan(value) else value for column, value in zip(names, values, strict=True)
        }


@dataclass(frozen=True, eq=False)
class SubjectFit:
    """Annex E: quality and its standard error (J,), bias and inconsistency (I,); NaN for what was left out."""

    quality: Numbers
    standard_error: Numbers
    bias: Numbers
    inconsistency: Numbers


def estimate_mos(ratings: Ratings, used: Flags | None = None) -> MosTable:
    """Return the figures of every stimulus.

    Gold, trap, repeated and training items never count: a repeat would give one person two votes.

    Args:
        ratings: V ratings of J stimuli, in units of their scale.
        used: Which of them count (V,); all unless given.

    Returns:
        A table of J rows: MOS, its spread and 95 % interval, and the P.910 estimate, NaN where votes are too few.
    """
    chosen = np.ones(len(ratings), bool) if used is None else used
    votes = ratings.where(ratings.counted & chosen)
    refused = ratings.where((ratings.kind == ItemKind.RATED) & np.isnan(ratings.grade) & chosen)
    stimuli, participants = len(ratings.stimulus_ids), len(ratings.participant_ids)
    counts = np.bincount(votes.stimulus, minlength=stimuli)
    mos = mean_by(votes.stimulus, votes.grade, stimuli)
    sos = _spread(votes.stimulus, votes.grade - mos[votes.stimulus], counts)
    fit = fit_subjects(votes)
    return MosTable(
        stimulus_ids=ratings.stimulus_ids,
        scale_low=ratings.scale_low,
        scale_high=ratings.scale_high,
        ratings=counts,
        unusable=np.bincount(refused.stimulus, minlength=stimuli),
        mos=mos,
        sos=sos,
        ci95=half_width(sos, counts),
        mos_p910=fit.quality,
        ci95_p910=student_t(counts) * fit.standard_error,
        participant_ids=ratings.participant_ids,
        participant_ratings=np.bincount(votes.participant, minlength=participants),
        bias=fit.bias,
        inconsistency=fit.inconsistency,
    )


def student_t(counts: Indices) -> Numbers:
    """Return the two-sided 95 % quantile of Student's t for n ratings, 2.093 for n = 20; NaN for n < 2."""
    degrees, where = np.unique(np.maximum(counts - 1, 0), return_inverse=True)
    quantiles: Numbers = stats.t.ppf((1 + CONFIDENCE) / 2, np.where(degrees > 0, degrees, np.nan))
    return quantiles[where]


def half_width(sos: Numbers, counts: Indices) -> Numbers:
    """Return CI95, the half width of the 95 % interval of a mean of n ratings that spread by `sos`."""
    return student_t(counts) * sos / np.sqrt(np.maximum(counts, 1))


def fit_subjects(votes: Ratings) -> SubjectFit:
    """Fit quality, bias and inconsistency to graded rows (V,); biases have a mean of zero.

    Groups of participants who share no stimulus with each other cannot be compared: each is taken to be unbiased on
    average. Stimuli nobody in the fit rated, and everything if the fit has no data, are NaN.
    """
    fitted = _thick_enough(votes)
    items, rows = np.unique(votes.stimulus[fitted], return_inverse=True)
    people, columns = np.unique(votes.participant[fitted], return_inverse=True)
    found = _alternate(rows, columns, votes.grade[fitted])
    bias, variance = np.full((2, len(votes.participant_ids)), np.nan)
    bias[people], variance[people] = found.bias, found.variance
    known = votes.where(~np.isnan(bias[votes.participant]))
    weight = 1 / (variance[known.participant] + _EPSILON)
    weights = np.bincount(known.stimulus, weight, len(votes.stimulus_ids))
    total = np.where(weights > 0, weights, np.nan)
    quality = np.bincount(known.stimulus, weight * (known.grade - bias[known.participant]), total.size) / total
    quality[items] = found.quality
    return SubjectFit(quality, np.sqrt(1 / total), bias, np.sqrt(variance))


def _thick_enough(votes: Ratings) -> Flags:
    """Return the (V,) rows of participants and stimuli that have enough ratings among these rows themselves."""
    kept = np.ones(len(votes), bool)
    while True:
        of_stimulus = np.bincount(votes.stimulus[kept], minlength=len(votes.stimulus_ids))
        of_participant = np.bincount(votes.participant[kept], minlength=len(votes.participant_ids))
        enough = kept & (of_stimulus[votes.stimulus] >= FEWEST_VOTES_OF_STIMULUS)
        enough &= of_participant[votes.participant] >= FEWEST_VOTES_OF_PARTICIPANT
        if enough.sum() == kept.sum():
            return kept
        kept = enough


class _Projection(NamedTuple):
    quality: Numbers
    bias: Numbers
    variance: Numbers


def _alternate(stimulus: Indices, participant: Indices, grade: Numbers) -> _Projection:
    """Return quality (J,), bias and squared inconsistency (I,) by alternating projection; every index has rows."""
    quality = mean_by(stimulus, grade, int(np.max(stimulus, initial=-1)) + 1)
    people = int(np.max(participant, initial=-1)) + 1
    bias = mean_by(participant, grade - quality[stimulus], people)
    variance = np.empty(people)
    for _ in range(_MOST_STEPS * bool(people)):
        before = quality
        variance = _floored(_variance(participant, grade - quality[stimulus] - bias[participant], people))
        weight = (1 / (variance + _EPSILON))[participant]
        quality = np.bincount(stimulus, weight * (grade - bias[participant])) / np.bincount(stimulus, weight)
        bias = mean_by(participant, grade - quality[stimulus], people)
        if np.linalg.norm(before - quality) < _SMALLEST_STEP:
            break
    shift = bias.mean() if people else 0.0
    return _Projection(quality + shift, bias - shift, variance)


def _floored(variance: Numbers) -> Numbers:
    floored: Numbers = np.maximum(variance, LEAST_INCONSISTENCY**2 * np.median(variance))
    return floored


def _variance(index: Indices, values: Numbers, size: int) -> Numbers:
    """Return the variance (size,) of the values of each index about their own mean, dividing by n."""
    centred = values - mean_by(index, values, size)[index]
    return mean_by(index, centred**2, size)


def _spread(index: Indices, residuals: Numbers, counts: Indices) -> Numbers:
    """Return the standard deviation per index of residuals about its mean, dividing by n - 1; NaN for n < 2."""
    variance: Numbers = np.full(counts.size, np.nan)
    np.divide(np.bincount(index, residuals**2, counts.size), counts - 1, out=variance, where=counts > 1)
    return np.sqrt(variance)


def sos_parameter(table: MosTable) -> float:
    """Return a of the SOS hypothesis, SOS^2 = a (MOS - low)(high - MOS), by least squares; NaN without ratings.

    T. Hossfeld et al., "SOS: The MOS is not enough!", QoMEX 2011. 0 is perfect agreement and 1 the most that people
    can disagree. The MOS of n ratings is off by SOS^2 / n on average, which makes (MOS - low)(high - MOS) too small by
    as much; with it added back, a of two ratings is as unbiased as that of twenty, and never above 1.
    """
    known = ~np.isnan(table.sos)
    variance = table.sos[known] ** 2
    curve = _room(table, table.mos)[known] + variance / table.ratings[known]
    squares = float(np.dot(curve, curve))
    return min(float(np.dot(curve, variance)) / squares, 1.0) if squares else math.nan


def expected_sos(table: MosTable, expected_mos: Numbers | None = None) -> Numbers:
    """Return the SOS (J,) to expect of further ratings: that of the ratings so far, drawn towards the SOS hypothesis.

    The SOS of three ratings says little (it is 0 where they agree), so the hypothesis counts as much as ten ratings.
    Nor does the MOS of one, so it is drawn towards `expected_mos` (J,), else the study's mean, as if by one rating
    more. Before any second rating of a stimulus, SOS is taken to be a sixth of the scale, 0.67 on ACR 5.
    """
    counts, degrees = table.ratings, np.maximum(table.ratings - 1, 0)
    sums = np.where(counts > 0, counts * table.mos, 0.0)
    mos = (sums + (study_mean(table) if expected_mos is None else expected_mos)) / (counts + 1)
    hypothesis = sos_parameter(table) * _room(table, mos)
    own = np.where(degrees > 0, table.sos, 0.0) ** 2
    variance = (_WORTH_OF_HYPOTHESIS * hypothesis + degrees * own) / (_WORTH_OF_HYPOTHESIS + degrees)
    usual = (table.scale_high - table.scale_low) * USUAL_SOS
    expected: Numbers = np.sqrt(np.where(np.isnan(variance), usual**2, variance))
    return expected


def study_mean(table: MosTable) -> float:
    """Return the mean of the MOS; the middle of the scale before any rating."""
    rated = table.ratings > 0
    return float(table.mos[rated].mean()) if rated.any() else (table.scale_low + table.scale_high) / 2


def _room(table: MosTable, mos: Numbers) -> Numbers:
    """Return (MOS - low)(high - MOS), the largest variance that ratings of this mean can have."""
    room: Numbers = np.maximum((mos - table.scale_low) * (table.scale_high - mos), 0)  # a rounded mean may lie outside
    return room
