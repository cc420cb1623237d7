"""Figures of those who compared pairs."""

from itertools import combinations

import numpy as np
import pytest

from annotate.statistics.comparisons import Comparisons
from annotate.statistics.paired_checks import (
    KnownAnswer,
    PairedParticipants,
    check_participants,
    find_failed_pairs,
)


def check(rows: list[tuple[str, str, str, str]]) -> PairedParticipants:
    """Check rows of left, right, participant, preferred."""
    left, right, participant, preferred = zip(*rows, strict=True)
    return check_participants(Comparisons.from_columns(left, right, participant, preferred))


def in_order(who: str, names: str = "abcd") -> list[tuple[str, str, str, str]]:
    """Prefer what comes first in the alphabet, of every pair."""
    return [(first, second, who, "left") for first, second in combinations(names, 2)]


def test_an_order_has_no_circle_and_a_circle_is_one() -> None:
    circle = [("a", "b", "q", "left"), ("b", "c", "q", "left"), ("c", "a", "q", "left")]
    assert check([*in_order("p"), *circle]).circular.tolist() == [0, 1]


def test_chance_makes_a_quarter_of_the_triads_circular() -> None:
    generator = np.random.default_rng(0)
    names = [f"{number:02}" for number in range(40)]
    rows = [(a, b, "p", "left" if generator.random() < 0.5 else "right") for a, b in combinations(names, 2)]
    assert check(rows).circular[0] == pytest.approx(0.25, abs=0.03)


def test_who_is_at_odds_with_the_others_shows() -> None:
    contrary = [(second, first, "x", "left") for first, second in combinations("abcd", 2)]
    found = check([*in_order("p"), *in_order("q"), *in_order("r"), *contrary])
    assert dict(zip(found.participant_ids, found.agreement, strict=True)) == {"p": 1, "q": 1, "r": 1, "x": 0}


def test_own_answers_are_no_agreement() -> None:
    assert np.isnan(check([*in_order("p"), *in_order("p")]).agreement[0])


def test_one_side_all_along_is_improbable() -> None:
    found = check(in_order("p", "abcdefg"))
    assert found.left_share[0] == 1
    assert found.side_p[0] == pytest.approx(2 * 0.5**21)


@pytest.mark.parametrize(
    ("expected", "answered", "found"),
    [
        ("lrlr", "lrlr", None),
        ("lrlr", "nrlr", None),  # one slip
        ("lrlr", "llll", "2 of 4 known pairs failed"),
        ("lrlrlrlr", "lllllrlr", None),  # a quarter
        ("nnlr", "lrlr", None),  # differences between equal pictures, and none missed
        ("nnlr", "lrll", "3 of 4 known pairs failed"),
    ],
)
def test_who_misses_differences_that_everybody_sees_is_found(expected: str, answered: str, found: str | None) -> None:
    words = {"l": "left", "r": "right", "n": "none"}
    answers = [KnownAnswer("p", "p/1", words[a], words[e]) for e, a in zip(expected, answered, strict=True)]
    others = [KnownAnswer("q", "q/1", "left", "left")]
    findings = find_failed_pairs(answers + others)
    assert [each.reason for each in findings] == ([found] if found else [])
    assert all((each.sitting, each.rejects_sitting, each.excludes_votes) == ("p/1", True, True) for each in findings)


def test_what_nothing_is_known_of_is_null() -> None:
    (row,) = check([("a", "b", "p", "none")]).rows()
    assert row == {
        "participant": "p",
        "comparisons": 1,
        "agreement": None,
        "circular": None,
        "left_share": None,
        "side_p": None,
        "response_ms": None,
    }
