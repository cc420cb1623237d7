"""Who did not do a test of pairs: wrong answers to known pairs, and figures per participant for the owner to look at.

Known pairs failed are evidence, as known answers are where pictures are graded. The figures exclude nobody: a person
with few comparisons, or with another taste, looks like a careless one.

Shapes: V comparisons, I participants.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from annotate.statistics.comparisons import LEFT, NONE, RIGHT, Comparisons
from annotate.statistics.findings import DEFAULT_RULES, Check, Finding, ScreeningRules
from annotate.statistics.ratings import Indices, Numbers, mean_by

FEWEST_COMPARISONS = 10
"""Of a person, for a finding."""
LEAST_AGREEMENT = 0.6
MOST_CIRCULAR = 0.25
"""As many as by chance."""
SIDE_SIGNIFICANCE = 0.01
NONE_WORD = "none"


@dataclass(frozen=True, eq=False)
class PairedParticipants:
    """Figures of the participants (I,); NaN where there is nothing to tell from.

    comparisons:   how many answers
    agreement:     share of their preferences that most of the others share, on the same pairs; 0.5 is chance
    circular:      share of their complete triads in which A is better than B, B than C and C than A; 0.25 is chance
    left_share:    share of preferences for the left one
    side_p:        probability of a share as far from a half, if sides did not matter (binomial test)
    response_ms:   median time
    """

    participant_ids: tuple[str, ...]
    comparisons: Indices
    agreement: Numbers
    circular: Numbers
    left_share: Numbers
    side_p: Numbers
    response_ms: Numbers

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one JSON-safe dictionary per participant."""
        names = ("comparisons", "agreement", "circular", "left_share", "side_p", "response_ms")
        columns = [getattr(self, name).tolist() for name in names]
        for participant, *values in zip(self.participant_ids, *columns, strict=True):
            figures = {name: None if math.isnan(value) else value for name, value in zip(names, values, strict=True)}
            yield {"participant": participant, **figures}


def check_participants(comparisons: Comparisons) -> PairedParticipants:
    """Return what the answers say about each participant."""
    people = len(comparisons.participant_ids)
    decided = comparisons.where(comparisons.preferred != NONE)
    rows = [np.flatnonzero(comparisons.participant == person) for person in range(people)]
    left = np.bincount(decided.participant, decided.preferred == LEFT, people)
    total = np.bincount(decided.participant, minlength=people)
    return PairedParticipants(
        participant_ids=comparisons.participant_ids,
        comparisons=np.bincount(comparisons.participant, minlength=people),
        agreement=_agreement(decided),
        circular=np.array([_circular_share(comparisons.where(each)) for each in rows]),
        left_share=mean_by(decided.participant, (decided.preferred == LEFT).astype(float), people),
        side_p=np.array([_side_p(int(n), int(k)) for n, k in zip(total, left, strict=True)]),
        response_ms=np.array([_median(comparisons.response_ms[each]) for each in rows]),
    )


def find_odd(people: PairedParticipants) -> Iterator[Finding]:
    """Yield what is odd about who answered enough to tell; it is only reported."""
    known = people.comparisons >= FEWEST_COMPARISONS
    found = (
        (Check.AGREEMENT, people.agreement, LEAST_AGREEMENT, people.agreement < LEAST_AGREEMENT, _AT_ODDS),
        (Check.CIRCLES, people.circular, MOST_CIRCULAR, people.circular >= MOST_CIRCULAR, _IN_CIRCLES),
        (Check.SIDE, people.left_share, SIDE_SIGNIFICANCE, people.side_p < SIDE_SIGNIFICANCE, _ONE_SIDE),
    )
    for check, values, limit, odd, reason in found:
        for at in np.flatnonzero(known & odd).tolist():
            person, value = people.participant_ids[at], float(values[at])
            said = reason.format(value)
            yield Finding(check, person, None, value, limit, said, rejects_sitting=False, excludes_votes=False)


class KnownAnswer(NamedTuple):
    """An answer to a known pair, and the right one: left, right or none."""

    participant: str
    sitting: str
    preferred: str
    expected: str


def find_failed_pairs(answers: Iterable[KnownAnswer], rules: ScreeningRules = DEFAULT_RULES) -> list[Finding]:
    """Return a finding for each sitting in which too many known pairs were answered wrongly.

    Who fails only pairs without a difference is not found: some people see one between equal pictures.
    """
    by_sitting: dict[str, list[KnownAnswer]] = {}
    for answer in answers:
        by_sitting.setdefault(answer.sitting, []).append(answer)
    found = []
    for sitting, given in by_sitting.items():
        failed = [each for each in given if each.preferred != each.expected]
        share = len(failed) / len(given)
        enough = len(failed) >= rules.failed_items and share > rules.failed_share
        if enough and any(each.expected != NONE_WORD for each in failed):
            said, out = f"{len(failed)} of {len(given)} known pairs failed", Check.GOLD not in rules.reported_only
            person = given[0].participant
            limit = rules.failed_share
            found.append(
                Finding(Check.GOLD, person, sitting, share, limit, said, rejects_sitting=out, excludes_votes=out)
            )
    return found


_AT_ODDS = "most of the others share {:.0%} of the preferences"
_IN_CIRCLES = "{:.0%} of three pictures compared with each other go round in a circle"
_ONE_SIDE = "{:.0%} of the preferences are for the left one"


def _agreement(decided: Comparisons) -> Numbers:
    """Return the share (I,) of preferences that the majority of the others has for the same pair."""
    low, high = np.minimum(decided.left, decided.right), np.maximum(decided.left, decided.right)
    pair = np.unique(np.stack([low, high], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    vote = np.where(decided.left < decided.right, decided.preferred, -decided.preferred).astype(np.float64)
    others = np.bincount(pair, vote)[pair] - _own(pair, decided.participant, vote)
    known = others != 0
    agrees = (np.sign(others[known]) == vote[known]).astype(float)
    return mean_by(decided.participant[known], agrees, len(decided.participant_ids))


def _own(pair: Indices, participant: Indices, vote: Numbers) -> Numbers:
    """Return the sum (V,) of a participant's own votes on the pair of each row, should one have been shown twice."""
    key = np.unique(np.stack([pair, participant], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    own: Numbers = np.bincount(key, vote).astype(np.float64)[key]
    return own


def _circular_share(own: Comparisons) -> float:
    """Return which share of one person's complete triads goes round in a circle; NaN without one.

    With b[i, j] = 1 where i was preferred to j, tr(b³) counts each circle three times.
    """
    stimuli, places = np.unique(np.concatenate([own.left, own.right]), return_inverse=True)
    left, right = places[: len(own)], places[len(own) :]
    better = np.zeros((stimuli.size, stimuli.size))
    better[left[own.preferred == LEFT], right[own.preferred == LEFT]] = 1
    better[right[own.preferred == RIGHT], left[own.preferred == RIGHT]] = 1
    better *= 1 - better.T  # one pair answered both ways says neither
    compared = better + better.T
    triads = np.trace(compared @ compared @ compared) / 6
    return float(np.trace(better @ better @ better) / 3 / triads) if triads else float("nan")


def _side_p(total: int, left: int) -> float:
    return float(stats.binomtest(left, total).pvalue) if total else float("nan")


def _median(values: Numbers) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
