"""Checks of a participant against the others: agreement with their means, ITU-R BT.500 and ITU-T P.910.

The standard checks differ from the usual programs because participants here see only some of the stimuli:
- ITU-R BT.500 (screening of observers) asks which share of a participant's votes lies outside the others' range.
  `sureal` divides by all stimuli of the study; a random clicker who saw a fifth of them is then hardly ever caught.
  Here it is the votes the participant gave. `sureal` also counts stimuli on which all agree, where every vote is on
  both limits.
- ITU-T P.913 (12.4; since merged into P.910) takes every participant's bias away first, so that a strict person is not
  taken for a careless one.

Shapes: V ratings, J stimuli, I participants.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from annotate.statistics.findings import Check, Finding, ScreeningRules, of_participants
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings, mean_by

_ONE_SIDED = 1.645  # quantile of the normal distribution at 95 %
_ROUNDING = 1e-9  # variance of grades that are equal but for rounding


@dataclass(frozen=True, eq=False)
class Agreement:
    """How each participant's votes (I,) go with the means of the others' on the same stimuli.

    correlation: Pearson's; 0 where all grades are the same, NaN without votes to compare
    at_most:     its upper limit with 95 % confidence, by Fisher's z
    votes:       how many votes were compared
    """

    correlation: Numbers
    at_most: Numbers
    votes: Indices


def agreement(ratings: Ratings, used: Flags | None = None) -> Agreement:
    """Compare every participant's votes with the means of the others' `used` votes (V,), never with their own."""
    kept = np.ones(len(ratings), bool) if used is None else used
    votes, counts = ratings.where(ratings.counted), kept[ratings.counted].astype(np.float64)
    stimuli, people = len(ratings.stimulus_ids), len(ratings.participant_ids)
    others = np.bincount(votes.stimulus, counts, stimuli)[votes.stimulus] - counts
    total = np.bincount(votes.stimulus, counts * votes.grade, stimuli)[votes.stimulus] - counts * votes.grade
    shared = votes.where(others > 0)
    mean = total[others > 0] / others[others > 0]
    compared = np.bincount(shared.participant, minlength=people)
    correlation = _correlation(shared.participant, shared.grade, mean, people)
    with np.errstate(divide="ignore"):  # a correlation of 1
        at_most = np.tanh(np.arctanh(correlation) + _ONE_SIDED / np.sqrt(np.maximum(compared - 3, 1)))
    return Agreement(correlation, at_most, compared)


def _correlation(index: Indices, first: Numbers, second: Numbers, size: int) -> Numbers:
    """Return Pearson's correlation (size,) of two columns within every index; 0 where one does not vary."""
    one = first - mean_by(index, first, size)[index]
    two = second - mean_by(index, second, size)[index]
    product, variances = mean_by(index, one * two, size), (mean_by(index, one**2, size), mean_by(index, two**2, size))
    constant = np.minimum(*variances) <= _ROUNDING
    correlation: Numbers = np.where(constant, 0.0, product / np.sqrt(np.where(constant, 1, np.multiply(*variances))))
    return correlation.clip(-1, 1)


def check_agreement(ratings: Ratings, used: Flags, rules: ScreeningRules, known: AbstractSet[str]) -> list[Finding]:
    """Find who does not go with the used votes (V,) of the others, but for those who are `known` not to."""
    compared = agreement(ratings, used)
    judged = compared.votes >= rules.fewest_votes
    trusted = judged & (np.bincount(ratings.participant[used], minlength=judged.size) > 0)
    if not trusted.any():
        return []
    middle = float(np.median(compared.correlation[trusted]))
    limit = rules.agreement * middle
    new = np.array([name not in known for name in ratings.participant_ids])
    return of_participants(
        Check.AGREEMENT,
        ratings,
        rules,
        found=judged & new & (compared.at_most < limit),
        value=compared.correlation,
        limit=limit,
        reason=lambda person: (
            f"{compared.votes[person]} grades follow the other participants' means with a correlation of "
            f"{compared.correlation[person]:.2f}, where {middle:.2f} is usual in this study"
        ),
    )


def remove_bias(votes: Ratings) -> Numbers:
    """Return the grades (V,) less each participant's bias, their mean distance from the MOS (12.4 of ITU-T P.913)."""
    mos = mean_by(votes.stimulus, votes.grade, len(votes.stimulus_ids))
    bias = mean_by(votes.participant, votes.grade - mos[votes.stimulus], len(votes.participant_ids))
    unbiased: Numbers = votes.grade - bias[votes.participant]
    return unbiased


@dataclass(frozen=True, eq=False)
class Bt500:
    """Counts per participant (I,): votes above and below the others' range (P and Q), and all of their own."""

    above: Indices
    below: Indices
    votes: Indices

    @property
    def share(self) -> Numbers:
        """(P + Q) / N, with N the participant's own votes."""
        share: Numbers = (self.above + self.below) / np.maximum(self.votes, 1)
        return share

    @property
    def balance(self) -> Numbers:
        """|P - Q| / (P + Q); 1 where no vote is outside."""
        outside = self.above + self.below
        balance: Numbers = np.where(outside > 0, np.abs(self.above - self.below) / np.maximum(outside, 1), 1.0)
        return balance

    def rejected(self, share: float = 0.05, balance: float = 0.3) -> Flags:
        """Return who (I,) has more than `share` of votes outside, on both sides alike."""
        return (self.share > share) & (self.balance < balance)


def bt500(votes: Ratings, grade: Numbers) -> Bt500:
    """Count the votes outside 2 standard deviations of their stimulus, or sqrt(20) where votes are not normal.

    Votes are normal if their kurtosis is from 2 to 4. `grade` (V,) is that of the votes, or what `remove_bias` made
    of it. Stimuli on which all agree count nothing.
    """
    stimuli, people = len(votes.stimulus_ids), len(votes.participant_ids)
    distance = grade - mean_by(votes.stimulus, grade, stimuli)[votes.stimulus]
    variance = mean_by(votes.stimulus, distance**2, stimuli)
    varied = np.where(variance > _ROUNDING, variance, np.nan)
    kurtosis = mean_by(votes.stimulus, distance**4, stimuli) / varied**2
    width = np.where((kurtosis >= 2) & (kurtosis <= 4), 2, np.sqrt(20)) * np.sqrt(varied)
    limit = width[votes.stimulus]
    return Bt500(
        above=np.bincount(votes.participant[distance >= limit], minlength=people),
        below=np.bincount(votes.participant[distance <= -limit], minlength=people),
        votes=np.bincount(votes.participant, minlength=people),
    )


def check_bt500(ratings: Ratings, used: Flags, rules: ScreeningRules) -> list[Finding]:
    """Find whom BT.500 rejects among the used votes (V,), each participant's bias removed."""
    votes = ratings.where(ratings.counted & used)
    counts = bt500(votes, remove_bias(votes))
    return of_participants(
        Check.BT500,
        ratings,
        rules,
        found=counts.rejected(rules.bt500_share, rules.bt500_balance),
        value=counts.share,
        limit=rules.bt500_share,
        reason=lambda person: (
            f"of {counts.votes[person]} votes, {counts.above[person]} lie above and {counts.below[person]} below "
            "the range of the others', own bias removed"
        ),
    )
