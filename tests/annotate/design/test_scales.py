"""A grade is on the scale or it is refused, and every language has every word."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.design.languages import LANGUAGES
from annotate.design.scales import SCALES
from annotate.errors import GradeError


@pytest.mark.parametrize(("name", "count"), [("acr5", 5), ("acr9", 9)])
def test_every_grade_of_a_category_scale_is_accepted(name: str, count: int) -> None:
    scale = SCALES[name]
    assert scale.grades() == tuple(float(grade) for grade in range(1, count + 1))
    assert [scale.check(grade) for grade in scale.grades()] == list(scale.grades())


@pytest.mark.parametrize("grade", [0, 6, 2.5, -1, "x", "", None, True, math.nan, math.inf, 10**400, [3], "1e400"])
def test_what_is_no_grade_is_refused_in_one_sentence(grade: Any) -> None:
    with pytest.raises(GradeError, match=r"expected a whole number from 1 to 5\.$"):
        SCALES["acr5"].check(grade)


def test_grades_may_come_as_text() -> None:
    assert SCALES["acr9"].check(" 7 ") == 7.0
    assert SCALES["continuous"].check("62.5") == 62.5


@given(st.floats(0, 100))
def test_continuous_scale_accepts_all_within_its_ends(grade: float) -> None:
    assert SCALES["continuous"].check(grade) == grade


@pytest.mark.parametrize("grade", [-0.1, 100.1])
def test_continuous_scale_ends(grade: float) -> None:
    with pytest.raises(GradeError, match="a number from 0 to 100"):
        SCALES["continuous"].check(grade)


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_complete_and_their_own_in_every_language(name: str, language: str) -> None:
    scale = SCALES[name]
    words = scale.words(language)
    assert len(set(words.values())) == 5
    assert list(words) == sorted(words)
    assert all(scale.check(grade) == grade for grade in words)
    own = set(words.values()) - {"Imperceptible"}  # which is Spanish, too
    assert language == "en" or not own & set(scale.words("en").values())


def test_unknown_language_falls_back_to_english() -> None:
    assert SCALES["acr5"].words("xx")[5.0] == "Excellent"
