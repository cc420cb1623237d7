"""Questions before the first picture: written as lines, answered in any language, stored in one wording."""

import pytest

from annotate.design.languages import LANGUAGES
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion, parse_questions, write_questions
from annotate.errors import ProtocolError

LINES = {
    "en": "glasses: Glasses? | yes | no\ncomment: Anything else?",
    "de": "glasses: Brille? | ja | nein",
}


def test_lines_become_questions_and_lines_again() -> None:
    glasses, comment = parse_questions(LINES)
    assert glasses == StartQuestion(
        "glasses",
        {"en": "Glasses?", "de": "Brille?"},
        {"en": ("yes", "no"), "de": ("ja", "nein")},
    )
    assert not comment.choices
    assert {language: write_questions((glasses, comment), language) for language in LINES} == LINES
    assert [StartQuestion.from_json(each.to_json()) for each in (glasses, comment)] == [glasses, comment]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"en": "Do you wear glasses?"}, "is no question; write “name: question"),
        ({"en": "Glasses: Do you? | yes | no"}, "expected a name of lower-case letters"),
        ({"en": "glasses:"}, "needs a text"),
        ({"en": "glasses: Do you? | yes"}, "none, or 2 to 30"),
        ({"en": "glasses: Do you? | yes | no", "de": "glasses: Ja? | ja"}, "as many choices in every language"),
        ({"en": "glasses: Do you? | yes | no", "de": "glasses: Ja?"}, "as many choices in every language"),
        ({"en": "glasses: Do you? | yes | "}, "A choice of the question glasses needs 1 to 200"),
        ({"en": "a: One?\na: Two?"}, "is there twice in English"),
    ],
)
def test_lines_that_are_no_questions_are_refused(lines: dict[str, str], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        parse_questions(lines)


def test_an_answer_is_stored_in_the_first_language_whatever_it_was_chosen_in() -> None:
    glasses, comment = parse_questions(LINES)
    assert glasses.answer(1, first="en") == "no"
    assert glasses.answer(1, first="de") == "nein"
    assert glasses.answer(1, first="es") == "no"
    assert comment.answer("  the lamp\nflickers ", first="en") == "the lamp flickers"


@pytest.mark.parametrize("given", [2, -1, "no", True, 1.0, None])
def test_what_is_no_choice_is_no_answer(given: object) -> None:
    with pytest.raises(ProtocolError, match="does not answer the question glasses"):
        parse_questions(LINES)[0].answer(given, first="en")


def test_the_ready_questions_are_asked_in_every_language() -> None:
    assert set(READY_QUESTIONS) == {"age_group", "gender", "viewing_distance", "device"}
    for question in READY_QUESTIONS.values():
        assert set(question.text) == set(question.choices) == set(LANGUAGES)
