"""Who did not do the test: checks of sittings and of participants, each finding with its reason in words.

Two decisions are kept apart. A sitting is *accepted* (and paid) unless there is direct evidence against it: wrong
answers to gold or trap items, one grade all along, answers faster than anyone can look. Its votes are *used* unless
that or disagreement with the others was found: seeing things differently is a reason to leave votes out, but none to
refuse a person their pay. Repeats and BT.500 are reported only, unless the rules say otherwise: in simulated studies,
at limits that catch half of the random clickers, 1 % and 13 % of the honest fail them.

Shapes: V ratings, I participants, S sittings.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from annotate.findings import DEFAULT_RULES, Finding, ScreeningRules
from annotate.participant_checks import check_agreement, check_bt500
from annotate.ratings import Flags, Ratings
from annotate.sitting_checks import check_sittings


@dataclass(frozen=True, eq=False)
class Screening:
    """The findings of a study, and what follows from them.

    sitting_accepted: (S,) there is no direct evidence against the sitting
    participant_used: (I,) some votes of the participant are used
    used:             (V,) nothing speaks against the vote; the mask for `estimate_mos`
    """

    findings: tuple[Finding, ...]
    sitting_accepted: Flags
    participant_used: Flags
    used: Flags


def screen(ratings: Ratings, rules: ScreeningRules = DEFAULT_RULES) -> Screening:
    """Check every sitting by itself, then every participant against the votes that are left.

    Agreement is checked again without those it found, until it finds nobody: many clickers at once pull the means
    that they are compared with towards the middle.
    """
    findings = list(check_sittings(ratings, rules))
    used = _used(ratings, findings)
    at_odds: set[str] = set()
    while found := check_agreement(ratings, used, rules, at_odds):
        findings += found
        at_odds |= {finding.participant for finding in found}
        used = _used(ratings, findings)
    findings += check_bt500(ratings, used, rules)
    used = _used(ratings, findings)
    accepted = ~_are_among(ratings.sitting_ids, {found.sitting for found in findings if found.rejects_sitting})
    people = np.bincount(ratings.participant[used], minlength=len(ratings.participant_ids)) > 0
    return Screening(tuple(findings), accepted, people, used)


def _used(ratings: Ratings, findings: Iterable[Finding]) -> Flags:
    """Return the (V,) rows that no finding excludes."""
    excluding = [found for found in findings if found.excludes_votes]
    sittings = _are_among(ratings.sitting_ids, {found.sitting for found in excluding})
    people = _are_among(ratings.participant_ids, {found.participant for found in excluding if found.sitting is None})
    used: Flags = ~(sittings[ratings.sitting] | people[ratings.participant])
    return used


def _are_among(ids: Iterable[str], chosen: AbstractSet[str | None]) -> Flags:
    return np.array([name in chosen for name in ids], np.bool_)
