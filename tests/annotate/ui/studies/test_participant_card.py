"""People are described in words and units, and as they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from annotate.database.tables import Participant, Sitting
from annotate.statistics.findings import Check, Finding
from annotate.ui.studies.log import in_words
from annotate.ui.studies.participant_card import person_card, screen_in_words, state_of
from annotate.wording import counted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MEASURED: dict[str, Any] = {
    "window_width_px": 390.0, "window_height_px": 844.0, "screen_width_px": 390.0, "screen_height_px": 844.0,
    "pixel_ratio": 3.0, "zoom": 1.0, "fits": True, "dark_patches": 3.0, "light_patches": 4.0,
}  # fmt: skip


def sitting(**values: Any) -> Sitting:
    given = {"number": 1, "rated": 4, "planned": 4, "active_s": 40.0, "accepted_reason": "", "started_at": NOW}
    return Sitting(**{**given, "last_seen_at": NOW, **values})


def test_a_screen_is_told_in_words_and_units() -> None:
    said = screen_in_words(MEASURED)
    assert said.split("<br>") == [
        "window 390 × 844 px",
        "screen 390 × 844 px",
        "3 pixels to a CSS pixel",
        "zoom 100 %",
        "3 of 4 dark squares told apart",
        "4 of 4 light squares told apart",
    ]
    sight = {"acuity_gap_px": 2.0, "colour_plates": 2.0, "colour_plates_shown": 3.0, "fits": False}
    assert screen_in_words(sight) == "the pictures did not fit<br>rings read down to 2 pixels, 2 of 3 colour plates"
    assert screen_in_words(None) == "–"


@pytest.mark.parametrize(
    ("sittings", "state"),
    [
        ([], "invited"),
        ([sitting()], "rating now"),
        ([sitting(last_seen_at=NOW - timedelta(hours=1))], "left"),
        ([sitting(ended_at=NOW)], "finished"),
        ([sitting(ended_at=NOW), sitting(number=2)], "rating now"),
    ],
)
def test_a_state_is_what_the_person_is_doing(sittings: list[Sitting], state: str) -> None:
    assert state_of(sittings, NOW) == state


def test_a_card_of_who_never_began_speaks_of_no_votes() -> None:
    person = Participant(pseudonym="ABCD2345", created_at=NOW, votes_used=True, votes_reason="")
    card = person_card(person, [], [])
    assert "Invited" in card
    assert "votes" not in card
    assert "1 minute<" in person_card(person, [sitting(ended_at=NOW)], [])


@pytest.mark.parametrize(
    ("what", "detail", "sentence"),
    [
        ("created", {}, "The study was made."),
        ("stimuli", {"added": 1}, "1 picture was added."),
        ("state", {"from": "draft", "to": "open"}, "The study went from draft to open."),
        ("protocol", {"ratings_wanted": 5}, "The protocol was saved. Ratings per picture: 5."),
        (
            "sitting",
            {"participant": "A", "number": 1, "accepted": False, "reason": "clicks"},
            "Sitting 1 of A is rejected: clicks",
        ),
        ("sitting", {"participant": "A", "number": 1, "accepted": None, "reason": ""}, "Sitting 1 of A is undecided."),
        ("votes", {"participant": "A", "used": True, "reason": ""}, "The votes of A are used."),
        ("withdrawn", {}, "Somebody was deleted, with everything there was of them."),
    ],
)
def test_the_log_is_written_in_sentences(what: str, detail: dict[str, Any], sentence: str) -> None:
    assert in_words(what, detail) == sentence


def test_one_is_not_many() -> None:
    assert [counted(number, "sitting") for number in (0, 1, 1200)] == ["0 sittings", "1 sitting", "1,200 sittings"]
    assert counted(1, "person", "people") == "1 person"


def test_checks_have_the_names_of_the_set_up() -> None:
    person = Participant(pseudonym="ABCD2345", created_at=NOW, votes_used=True, votes_reason="")
    found = [Finding(check, "ABCD2345", "1", 1.0, 0.25, "why", True, True) for check in (Check.GOLD, Check.TRAP)]
    card = person_card(person, [sitting()], found)
    assert "<b>known answers</b>" in card
    assert "<b>attention checks</b>" in card
