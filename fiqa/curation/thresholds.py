"""A threshold on scores: given, or found from a share to keep, a reference set or examples.

Shapes: N scores, G good examples, B bad examples.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.results import Interval

Scores = NDArray[np.float64]

GOOD_SHARE = 0.6
"""Where Good begins on the five-word scale: the threshold where nothing else is asked for."""


@dataclass(frozen=True)
class Agreement:
    """How far a threshold agrees with examples: `right` of `examples` lie on the side that people put them.

    `left_out` is how many would if the threshold were found anew without each of them: what to expect of photos that
    nobody has looked at.
    """

    right: int
    left_out: int
    examples: int


@dataclass(frozen=True)
class Threshold:
    """A score from which photos are kept, and where it comes from in words."""

    value: float
    origin: str
    agreement: Agreement | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; the score rounded to 1e-6."""
        agreement = None if self.agreement is None else asdict(self.agreement)
        return {"value": round(self.value, 6), "origin": self.origin, "agreement": agreement}


def given_threshold(value: float, score_range: Interval) -> Threshold:
    """Take a threshold as it is; raises SettingError when it lies outside the range of scores."""
    low, high = score_range
    if not low <= value <= high:
        raise SettingError(f"The threshold is {value:g}, expected a score from {low:g} to {high:g}.")
    return Threshold(value, "as given")


def good_threshold(score_range: Interval) -> Threshold:
    """Return where Good begins on the five-word scale."""
    low, high = score_range
    return Threshold(low + GOOD_SHARE * (high - low), "where Good begins on the scale of five words")


def check_share(share: float) -> None:
    """Raise SettingError for a share to keep that is not above 0 and up to 1."""
    if not 0 < share <= 1:
        raise SettingError(f"The share to keep is {share:g}, expected a number above 0 and up to 1.")


def check_percentile(percentile: float) -> None:
    """Raise SettingError for a percentile that is not from 0 to 100."""
    if not 0 <= percentile <= 100:
        raise SettingError(f"The percentile is {percentile:g}, expected a number from 0 to 100.")


def threshold_for_share(scores: Scores, share: float) -> Threshold:
    """Return the threshold that keeps a share, above 0 and up to 1, of the scores (N,); at least one is kept.

    Equal scores stay together, so a little more may be kept. Raises SettingError for no scores or such a share.
    """
    check_share(share)
    _check_any(scores)
    kept = max(1, round(share * len(scores)))
    return Threshold(float(np.sort(scores)[-kept]), f"keeps the best {share:.0%} of {len(scores)} photos")


def threshold_of_reference(scores: Scores, percentile: float, reference: str) -> Threshold:
    """Return a percentile, 0 to 100, of the scores (N,) of a reference set; raises SettingError."""
    check_percentile(percentile)
    _check_any(scores)
    origin = f"percentile {percentile:g} of {len(scores)} photos in {reference}"
    return Threshold(float(np.percentile(scores, percentile)), origin)


def threshold_from_examples(good: Sequence[float], bad: Sequence[float]) -> Threshold:
    """Return the threshold that divides good examples (G,) from bad ones (B,) best.

    Best is the mean of the shares of both that lie on their side, so that it does not matter how many of each were
    shown. Of equally good places the middle one is taken. Raises SettingError unless there are some of both.
    """
    if not good or not bad:
        raise SettingError(
            f"There are {len(good)} good and {len(bad)} bad examples with a score: name at least one of each."
        )
    scores = np.array([*good, *bad], dtype=float)
    is_good = np.arange(len(scores)) < len(good)
    value = _dividing(scores, is_good)
    left_out = 0
    for index in range(len(scores)):
        others = np.arange(len(scores)) != index
        if 0 < is_good[others].sum() < others.sum():
            left_out += (scores[index] >= _dividing(scores[others], is_good[others])) == is_good[index]
    right = int(((scores >= value) == is_good).sum())
    origin = f"from {len(good)} good and {len(bad)} bad examples"
    return Threshold(value, origin, Agreement(right, int(left_out), len(scores)))


def _dividing(scores: Scores, is_good: NDArray[np.bool_]) -> float:
    """Return the score (between two of the scores (N,)) that divides good from bad best."""
    levels = np.unique(scores)
    places = np.concatenate([levels[:1], (levels[:-1] + levels[1:]) / 2, [np.nextafter(levels[-1], np.inf)]])
    above = scores[None] >= places[:, None]  # (places, N)
    agreement = above[:, is_good].mean(axis=1) + (~above[:, ~is_good]).mean(axis=1)
    best = np.flatnonzero(np.isclose(agreement, agreement.max()))
    return float(places[best[len(best) // 2]])


def telling_examples(scores: Scores, count: int) -> list[int]:
    """Return the indices of the photos whose judgement tells most about where the threshold lies, in a mixed order.

    They are spread evenly over the ranks of the scores (N,), so that the first answers narrow the place down wherever
    it is; the order is a fixed shuffle, so that nobody learns to answer by the order.
    """
    order = np.argsort(scores, kind="stable")
    ranks = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))
    return [int(index) for index in np.random.default_rng(0).permutation(order[ranks])]


def _check_any(scores: Scores) -> None:
    if not len(scores):
        raise SettingError("Not one photo has a score, so no threshold can be found.")
