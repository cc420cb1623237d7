"""Which stimuli to have rated next: those whose MOS one more rating would tell most about.

The MOS of a stimulus is uncertain by 1 / (1 / tau^2 + n / SOS^2): n ratings that spread by SOS, and what is known
before the first of them, a spread of tau about the study's mean. So few ratings come before many, and of pictures
with as many those people disagree about. A few MOS that are alike by chance say little of tau, so that anything on the
scale being as likely counts as much as ten of them. Scores of a model may be given as plain numbers, on any scale: they
make the MOS to expect of every stimulus that has one, and tau what is left of the spread about it. Pictures without a
score, of which nothing is known, then come before those with one.

This one estimate says how well a MOS is known, how many ratings are missing, and which stimuli are done.

Shapes: J stimuli.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from annotate.errors import SettingError
from annotate.statistics.mos import USUAL_SOS, MosTable, expected_sos, half_width, study_mean
from annotate.statistics.ratings import Indices, Numbers

_HALF_WIDTH = 1.96  # of a 95 % interval, in standard deviations; the prior is known, so no Student's t
_FEWEST_SCORED = 10  # rated stimuli with a score, to trust a line through them
_WORTH_OF_SCALE = 10  # rated stimuli
_LEAST_SPREAD = 0.02  # of the scale: no model is trusted to be closer
_MOST_EXPECTED = 1000
_MOST_RATINGS = 10**9  # per stimulus: beyond what anybody collects, within what can be counted


@dataclass(frozen=True)
class Candidate:
    """A stimulus to be rated.

    ratings:       how many it has
    uncertainty:   half width of the 95 % interval of its MOS now, in grades
    after_one:     the same after one more rating
    reason:        that in words
    """

    stimulus: str
    ratings: int
    uncertainty: float
    after_one: float
    reason: str

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return asdict(self)


def next_batch(
    table: MosTable,
    count: int,
    *,
    wanted_ratings: int = 20,
    wanted_ci95: float | None = None,
    model_scores: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """Return the stimuli most worth rating next, the one that gains most by a rating first.

    Args:
        table: What is known of them.
        count: The most to return.
        wanted_ratings: Ratings of each; who has them is left out.
        wanted_ci95: Wanted half width of the 95 % interval of the MOS, in grades, in place of a number of ratings.
        model_scores: Of a model by stimulus, on any scale: what is expected before anybody rates.

    Returns:
        At most `count` candidates, each with what it has and what one more rating would tell.
    """
    prior_variance, noise = _estimate(table, model_scores)
    now = 1 / (1 / prior_variance + table.ratings / noise)
    then = 1 / (1 / prior_variance + (table.ratings + 1) / noise)
    width, width_then = _HALF_WIDTH * np.sqrt(now), _HALF_WIDTH * np.sqrt(then)
    missing = missing_ratings(table, wanted_ratings=wanted_ratings, wanted_ci95=wanted_ci95, model_scores=model_scores)
    open_ones = np.flatnonzero(missing)
    chosen = open_ones[np.argsort(-(now - then)[open_ones], kind="stable")][:count]
    return [_candidate(table, index, float(width[index]), float(width_then[index])) for index in chosen.tolist()]


def missing_ratings(
    table: MosTable,
    *,
    wanted_ratings: int = 20,
    wanted_ci95: float | None = None,
    model_scores: Mapping[str, float] | None = None,
) -> Indices:
    """Return how many more ratings (J,) make `wanted_ratings`, or, where it is given, a half width of `wanted_ci95`.

    Raises:
        SettingError: `wanted_ci95` is not above zero.
    """
    if wanted_ci95 is None:
        return np.maximum(wanted_ratings - table.ratings, 0)
    if not 0 < wanted_ci95 < math.inf:
        raise SettingError(f"A wanted CI95 of {wanted_ci95} cannot be reached; give the half width in grades, above 0.")
    prior_variance, noise = _estimate(table, model_scores)
    wanted = noise * (min(_HALF_WIDTH / wanted_ci95, _MOST_RATINGS) ** 2 - 1 / prior_variance)
    return np.ceil(np.clip(wanted - table.ratings, 0, _MOST_RATINGS)).astype(np.int64)


def expected_ci95(ratings: int, scale_range: float) -> float:
    """Return the half width of the 95 % interval to expect of a MOS of so many ratings, before there are any.

    People are taken to differ as they usually do: by a sixth of the scale, 0.67 grades on ACR 5. NaN below two ratings.
    """
    return float(half_width(np.array([scale_range * USUAL_SOS]), np.array([ratings]))[0])


def ratings_for_ci95(wanted: float, scale_range: float) -> int:
    """Return how many ratings of a picture to expect a half width of `wanted` from, in grades; 1000 at most."""
    counts = np.arange(2, _MOST_EXPECTED + 1)
    widths = half_width(np.full(counts.size, scale_range * USUAL_SOS), counts)
    narrow = np.flatnonzero(widths <= wanted)
    return int(counts[narrow[0]]) if narrow.size else _MOST_EXPECTED


def _candidate(table: MosTable, index: int, now: float, then: float) -> Candidate:
    ratings = int(table.ratings[index])
    so_far = f"{ratings} rating{'' if ratings == 1 else 's'}"
    reason = f"{so_far}; one more should make its MOS more certain by {now - then:.2f} grades"
    return Candidate(table.stimulus_ids[index], ratings, now, then, reason)


def _estimate(table: MosTable, model_scores: Mapping[str, float] | None) -> tuple[Numbers, Numbers]:
    """Return two variances (J,): tau^2, of the MOS before its ratings, and SOS^2, of one rating."""
    mean, variance = _prior(table, model_scores or {})
    return variance, _noise(table, mean)


def _prior(table: MosTable, model_scores: Mapping[str, float]) -> tuple[Numbers, Numbers]:
    """Return mean and variance (J,) of what is known of each MOS before its own ratings."""
    size, rated = len(table.stimulus_ids), table.ratings > 0
    least = (_LEAST_SPREAD * (table.scale_high - table.scale_low)) ** 2
    mean = np.full(size, study_mean(table))
    anything = (table.scale_high - table.scale_low) ** 2 / 12  # the variance where every MOS is as likely
    squares = float(np.sum((table.mos[rated] - mean[rated]) ** 2))
    spread = (_WORTH_OF_SCALE * anything + squares) / (_WORTH_OF_SCALE + int(rated.sum()))
    variance = np.full(size, max(spread, least))
    scores = np.array([model_scores.get(name, np.nan) for name in table.stimulus_ids])
    scored = ~np.isnan(scores)
    if (scored & rated).sum() < _FEWEST_SCORED or np.ptp(scores[scored & rated]) == 0:
        return mean, variance
    slope, offset = np.polyfit(scores[scored & rated], table.mos[scored & rated], 1)
    mean[scored] = np.clip(slope * scores[scored] + offset, table.scale_low, table.scale_high)
    variance[scored] = max(float(np.mean((table.mos - mean)[scored & rated] ** 2)), least)
    return mean, variance


def _noise(table: MosTable, prior_mean: Numbers) -> Numbers:
    """Return the variance (J,) to expect of one rating."""
    least: Numbers = np.maximum(expected_sos(table, prior_mean), _LEAST_SPREAD * (table.scale_high - table.scale_low))
    return least**2
