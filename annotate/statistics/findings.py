"""What screening looks for, where it draws the line, and how it says what it found.

Shapes: I participants, S sittings.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from annotate.errors import RatingsError
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings


class Check(StrEnum):
    """What a finding is about."""

    GOLD = "gold"
    TRAP = "trap"
    STRAIGHT_LINER = "straight-liner"
    RESPONSE_TIME = "response time"
    REPEATS = "repeats"
    AGREEMENT = "agreement"
    BT500 = "BT.500"
    CIRCLES = "circles"
    SIDE = "one side"


_DIRECT_EVIDENCE = frozenset({Check.GOLD, Check.TRAP, Check.STRAIGHT_LINER, Check.RESPONSE_TIME})


@dataclass(frozen=True)
class ScreeningRules:
    """Where the checks draw the line. Distances are shares of the scale, so that they hold on every scale.

    gold_tolerance: a gold item is failed beyond this distance; one grade of ACR 5
    trap_tolerance: a trap item is failed beyond this distance; any other grade of ACR 5 and ACR 9
    failed_share:   of a sitting's gold items, or of its traps, no more may be failed
    failed_items:   and so many must be, since one slip of the finger is no evidence
    least_spread:   least standard deviation of a sitting's grades
    longest_run:    so many equal grades in a row are too many
    shortest_ms:    answers before this are hasty
    hasty_share:    of a sitting's answers, no more may be hasty
    repeat_ratio:   distance of the answers to a picture shown twice, over that of any two answers of the sitting,
                    both on average; answering at random gives 1
    fewest_repeats: sittings with fewer repeats are not judged by them
    agreement:      the correlation of a participant's votes with the others' means, as a share of the middle
                    participant's; who is below with 95 % confidence is found
    bt500_share:    of a participant's votes, no more may be outside the others' range (BT.500)
    bt500_balance:  unless nearly all of those are on one side; 0 is as many above as below, 1 one side only (BT.500)
    fewest_votes:   sittings and participants with fewer votes are not judged by spread, haste or agreement
    reported_only:  checks without consequence
    """

    gold_tolerance: float = 0.25
    trap_tolerance: float = 0.1
    failed_share: float = 0.25
    failed_items: int = 2
    least_spread: float = 0.05
    longest_run: int = 25
    shortest_ms: float = 400.0
    hasty_share: float = 0.25
    repeat_ratio: float = 1.0
    fewest_repeats: int = 5
    agreement: float = 0.5
    bt500_share: float = 0.05
    bt500_balance: float = 0.3
    fewest_votes: int = 15
    reported_only: tuple[Check, ...] = (Check.REPEATS, Check.BT500)

    def with_limits(self, limits: Mapping[str, float]) -> "ScreeningRules":
        """Return the rules with some of LIMITS moved; raise RatingsError naming one that cannot be."""
        for name, value in limits.items():
            if name not in LIMITS:
                raise RatingsError(f"Screening has no limit {name!r}; it has {', '.join(LIMITS)}.")
            low, high = LIMITS[name]
            if not low <= value <= high:
                raise RatingsError(f"The limit {name} is {value:g}; expected {low:g} to {high:g}.")
        moved = {name: type(getattr(self, name))(value) for name, value in limits.items()}
        return replace(self, **moved)

    def moved_limits(self) -> dict[str, float]:
        """Return those of LIMITS that are not as by default."""
        return {name: value for name in LIMITS if (value := getattr(self, name)) != getattr(DEFAULT_RULES, name)}


DEFAULT_RULES = ScreeningRules()
LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType({
    "failed_share": (0.0, 1.0),
    "longest_run": (2, 200),
    "least_spread": (0.0, 0.5),
    "shortest_ms": (0.0, 5000.0),
    "hasty_share": (0.0, 1.0),
    "agreement": (0.0, 1.0),
})  # fmt: skip
"""What an owner may move, from where to where; the tolerance of known answers is the protocol's."""


@dataclass(frozen=True)
class Finding:
    """What a check found in one sitting, or (`sitting` is None) in all votes of a participant.

    rejects_sitting: the sitting is not accepted
    excludes_votes:  the participant's votes are not used, those of other sittings neither
    """

    check: Check
    participant: str
    sitting: str | None
    value: float
    limit: float
    reason: str
    rejects_sitting: bool
    excludes_votes: bool

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return asdict(self)


def in_sittings(
    check: Check,
    ratings: Ratings,
    rules: ScreeningRules,
    *,
    found: Flags,
    value: Numbers | Indices,
    limit: float,
    reason: Callable[[int], str],
) -> list[Finding]:
    """Return a finding for each of the sittings (S,) that `found` marks."""
    owner = np.zeros(len(ratings.sitting_ids), np.int64)
    owner[ratings.sitting] = ratings.participant
    excludes = check not in rules.reported_only
    return [
        Finding(
            check,
            ratings.participant_ids[owner[sitting]],
            ratings.sitting_ids[sitting],
            float(value[sitting]),
            limit,
            reason(sitting),
            rejects_sitting=excludes and check in _DIRECT_EVIDENCE,
            excludes_votes=excludes,
        )
        for sitting in np.flatnonzero(found).tolist()
    ]


def of_participants(
    check: Check,
    ratings: Ratings,
    rules: ScreeningRules,
    *,
    found: Flags,
    value: Numbers,
    limit: float,
    reason: Callable[[int], str],
) -> list[Finding]:
    """Return a finding for each of the participants (I,) that `found` marks."""
    return [
        Finding(
            check,
            ratings.participant_ids[person],
            None,
            float(value[person]),
            limit,
            reason(person),
            rejects_sitting=False,
            excludes_votes=check not in rules.reported_only,
        )
        for person in np.flatnonzero(found).tolist()
    ]
