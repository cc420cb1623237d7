"""The audit trail in words: long values are named and not spelled out."""

import pytest

from annotate.ui.studies.log import in_words


@pytest.mark.parametrize(
    ("what", "detail", "sentence"),
    [
        ("picture removed", {"picture": "a.png"}, "a.png was removed."),
        ("picture changed", {"picture": "a.png", "kind": "gold"}, "a.png is now meant as known answer."),
        (
            "protocol",
            {"texts": {"en": {"consent": "Ours."}}, "questions": [], "languages": ["de", "es"], "closes_at": None},
            "The protocol was saved: texts changed, questions changed, languages de, es, closes at none.",
        ),
    ],
)
def test_what_was_done_is_said_in_a_sentence(what: str, detail: dict[str, object], sentence: str) -> None:
    assert in_words(what, detail) == sentence
