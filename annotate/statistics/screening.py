"""Who did not do the test: checks of sittings and of participants, each finding with its reason in words.

Two decisions are kept apart. A sitting is *accepted* (and paid) unless there is direct evidence against it: wrong
answers to gold or trap items, one grade all along, answers faster than anyone can look. Its votes are *used* unless
that or disagreement with the others was found: seeing things differently is a reason to leave votes out, but none to
refuse a person their pay. Somebody found in one sitting is trusted in none: all their votes are left out.

Repeats and BT.500 are reported only, unless the rules say otherwise. In simulated studies (benchmarks/labelling.py)
repeats find half of the random clickers; BT.500 finds four in five of them while they are there, but one in seven of
the honest once the clickers are gone, since it judges everybody by the spread of those who are left.

Shapes: V ratings, I participants, S sittings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from annotate.statistics.findings import DEFAULT_RULES, Finding, ScreeningRules
from annotate.statistics.participant_checks import check_agreement, check_bt500
from annotate.statistics.ratings import Flags, Ratings
from annotate.statistics.sitting_checks import check_sittings


@dataclass(frozen=True, eq=False)
class Screening:
    """The findings of a study, and what follows from them.

    sitting_accepted: (S,) there is no direct evidence against the sitting
    participant_used: (I,) nothing excludes the participant's votes, in any sitting
    used:             (V,) the votes of those participants; the mask for `estimate_mos`
    """

    findings: tuple[Finding, ...]
    sitting_accepted: Flags
    participant_used: Flags
    used: Flags


def screen(ratings: Ratings, rules: ScreeningRules = DEFAULT_RULES) -> Screening:
    """Check every sitting by itself, then every participant against the votes that are left.

    Agreement is checked again without those it found, until it finds nobody: many clickers at once pull the means
    that they are compared with towards the middle.

    Args:
        ratings: V ratings, of checks and repeats too.
        rules: From where on each check finds somebody.

    Returns:
        Every finding with its reason, whose votes to use, and which sittings to accept. Nothing is changed by that.
    """
    findings = list(check_sittings(ratings, rules))
    at_odds: set[str] = set()
    while found := check_agreement(ratings, _used(ratings, findings), rules, at_odds):
        findings += found
        at_odds |= {finding.participant for finding in found}
    findings += check_bt500(ratings, _used(ratings, findings), rules)
    people = _participants_used(ratings, findings)
    refused = {found.sitting for found in findings if found.rejects_sitting}
    accepted = np.array([name not in refused for name in ratings.sitting_ids], np.bool_)
    return Screening(tuple(findings), accepted, people, people[ratings.participant])


def _used(ratings: Ratings, findings: Iterable[Finding]) -> Flags:
    """Return the (V,) rows of participants whom no finding excludes."""
    return _participants_used(ratings, findings)[ratings.participant]


def _participants_used(ratings: Ratings, findings: Iterable[Finding]) -> Flags:
    excluded = {found.participant for found in findings if found.excludes_votes}
    return np.array([name not in excluded for name in ratings.participant_ids], np.bool_)
