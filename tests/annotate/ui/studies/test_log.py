"""The audit trail in words: long values are named and not spelled out."""

import pytest

from annotate.ui.studies.log import in_words


@pytest.mark.parametrize(
    ("what", "detail", "sentence"),
    [
        ("picture removed", {"picture": "a.png"}, "a.png was removed."),
        ("picture changed", {"picture": "a.png", "kind": "gold"}, "a.png is now: known answer."),
        (
            "protocol",
            {"texts": {"en": {"consent": "Ours."}}, "questions": [], "languages": ["de", "es"], "closes_at": None},
            (
                "The protocol was saved. Texts changed; Questions changed; Languages offered: Deutsch, Español; "
                "Deadline (UTC): none."
            ),
        ),
        (
            "protocol",
            {"break_every": 5, "break_s": 5, "lease_s": 300, "scale": "acr9", "sight_check": True},
            (
                "The protocol was saved. Break after … pictures: 5; Shortest break, seconds: 5; "
                "Give up an unanswered picture after … minutes: 5; Scale: Nine grades; Check sight: yes."
            ),
        ),
        (
            "protocol",
            {"closes_at": "2026-12-31T18:00:00+00:00"},
            "The protocol was saved. Deadline (UTC): 2026-12-31 18:00.",
        ),
    ],
)
def test_what_was_done_is_said_in_a_sentence(what: str, detail: dict[str, object], sentence: str) -> None:
    assert in_words(what, detail) == sentence
