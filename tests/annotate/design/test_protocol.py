"""A protocol makes sense, survives JSON, opens what former versions wrote, and changes only while it may."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.design.languages import LANGUAGES
from annotate.design.languages import TEXTS as PACKAGE_TEXTS
from annotate.design.protocol import CHANGEABLE_WHILE_PAUSED, StudyProtocol, StudyTexts
from annotate.design.scales import SCALES
from annotate.design.start_questions import READY_QUESTIONS
from annotate.design.states import State
from annotate.errors import ProtocolError, StudyStateError

CONTRAST: dict[str, Any] = {
    "name": "contrast", "title": {"en": "Contrast", "de": "Kontrast", "es": "Contraste"},
    "words": {language: ["none", "little", "some", "much", "most"] for language in ("en", "de", "es")},
}  # fmt: skip
QUESTION = {"name": "glasses", "text": {"en": "Glasses?"}, "choices": {"en": ["yes", "no"]}}
OTHER: dict[str, Any] = {
    "method": "pairs", "scale": "acr9", "ratings_wanted": 24, "training_count": 3, "gold_every": 20, "trap_every": 20,
    "repeat_every": 5, "gold_tolerance": 2.0, "sitting_items": 60, "sitting_limit_s": 1200, "break_every": 30,
    "break_s": 30, "max_sittings": 3, "max_people": 30, "closes_at": "2026-12-31T18:00:00+00:00",
    "identifiers_until": "2027-06-30T18:00:00+00:00", "lease_s": 300,
    "offer_unusable": False, "sight_check": True, "min_screen_side_px": 600, "language": "de",
    "languages": ["de", "es"], "texts": {"de": {"instructions": "Schauen Sie.", "consent": "Ja?", "eligibility": "",
    "data_protection": "Unser Text."}},
    "questions": [READY_QUESTIONS["age_group"].to_json(), QUESTION], "completion_code": "ABC",
    "offer_no_difference": False, "reference_beside": True,
     "reasons": ["blur", "light"], "more_scales": [CONTRAST], "pair_partners": 4, "pair_across_sources": True,
    "pair_reference": True, "pair_design": "chain", "pair_certainty": 0.9, "pair_information": 0.02,
}  # fmt: skip
FIRST_VERSION = json.loads("""{
 "scale": "continuous", "ratings_wanted": 24, "training_count": 3, "gold_every": 20, "trap_every": 20,
 "repeat_every": 5, "gold_tolerance": 2.0, "sitting_items": 60, "sitting_limit_s": 1200, "break_every": 30,
 "break_s": 30, "max_sittings": 3, "lease_s": 300, "offer_unusable": false, "sight_check": true, "language": "de",
 "consent_text": "Do you agree?", "eligibility": "Adults.", "completion_code": "ABC"
}""")
"""A protocol as the first version wrote it."""


def test_defaults_are_those_of_the_documented_test() -> None:
    protocol = StudyProtocol()
    assert (protocol.scale.name, protocol.ratings_wanted, protocol.training_count) == ("acr5", 20, 5)
    assert (protocol.gold_every, protocol.trap_every, protocol.repeat_every) == (10, 10, 10)


def test_every_value_survives_json() -> None:
    assert OTHER.keys() == {field.name for field in fields(StudyProtocol)}
    protocol = StudyProtocol.from_json(OTHER)
    assert json.loads(json.dumps(protocol.to_json())) == OTHER
    assert StudyProtocol.from_json(protocol.to_json()) == protocol
    assert StudyProtocol.from_json({}) == StudyProtocol()
    assert all(getattr(protocol, name) != getattr(StudyProtocol(), name) for name in OTHER)


def test_what_the_first_version_wrote_means_what_it_meant() -> None:
    protocol = StudyProtocol.from_json(FIRST_VERSION)
    assert (protocol.scale.name, protocol.ratings_wanted, protocol.language) == ("continuous", 24, "de")
    assert protocol.languages == tuple(LANGUAGES)
    for language in LANGUAGES:  # its one text was shown in every language
        texts = protocol.texts_for(language)
        assert (texts.consent, texts.eligibility) == ("Do you agree?", "Adults.")
        assert texts.instructions == PACKAGE_TEXTS[language].instructions
    blank = StudyProtocol.from_json({**FIRST_VERSION, "consent_text": "", "eligibility": ""})
    assert blank.texts == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ratings_wanted": 0}, "ratings_wanted is 0; expected 1 to 1000"),
        ({"ratings_wanted": "20"}, "ratings_wanted is '20'; expected a whole number"),
        ({"ratings_wanted": 20.5}, "ratings_wanted is 20.5; expected a whole number"),
        ({"ratings_wanted": True}, "ratings_wanted is True; expected a whole number"),
        ({"gold_tolerance": float("nan")}, "gold_tolerance is nan"),
        ({"offer_unusable": 1}, "offer_unusable is 1; expected true or false"),
        ({"scale": "stars"}, f"scale is 'stars'; expected one of {', '.join(SCALES)}"),
        ({"scale": None}, "scale is None"),
        ({"language": "xx"}, f"language is 'xx'; expected one of {', '.join(LANGUAGES)}"),
        ({"languages": ["de"]}, "language is 'en', which is not offered; offer it, or choose one of de"),
        ({"languages": []}, f"languages is .*expected some of {', '.join(LANGUAGES)}"),
        ({"languages": "en"}, "languages is 'en'; expected some of"),
        ({"closes_at": "tomorrow"}, "closes_at is 'tomorrow'; expected a time with its zone"),
        ({"closes_at": "2026-12-31T18:00"}, "expected a time with its zone"),
        ({"texts": {"en": {"consent": "x" * 20_001}}}, "consent is longer than 20000 characters"),
        ({"texts": {"en": {"consent": None}}}, "consent is None; expected a text"),
        ({"texts": {"xx": {}}}, "expected texts by language"),
        ({"texts": {"en": {"hello": ""}}}, "expected instructions, consent, eligibility"),
        ({"texts": ["en"]}, "expected texts by language"),
        ({"questions": [QUESTION, QUESTION]}, "two questions called glasses"),
        ({"reasons": [["blur"]]}, "reasons is .*; expected some of"),
        ({"more_scales": "piq"}, "more_scales is 'piq'; expected a list of at most 3, or one of piq23"),
        ({"more_scales": [CONTRAST] * 4}, "expected a list of at most 3"),
        ({"more_scales": [CONTRAST, CONTRAST]}, "two scales called contrast"),
        ({"more_scales": ["contrast"]}, "A further scale is 'contrast'; expected a name, a title and words"),
        ({"more_scales": [{**CONTRAST, "name": "overall"}]}, "called 'overall'; expected .* neither overall, p910"),
        ({"more_scales": [{**CONTRAST, "name": "p910_x"}]}, "called 'p910_x'; expected"),
        ({"more_scales": [{**CONTRAST, "name": "Contrast"}]}, "called 'Contrast'; expected"),
        ({"more_scales": [{**CONTRAST, "title": {"xx": "Contrast"}}]}, "needs its title and its words by language"),
        ({"more_scales": [{**CONTRAST, "title": {"en": " "}}]}, "needs a title of 1 to 60 characters"),
        ({"more_scales": [{**CONTRAST, "words": {"en": ["bad"] * 5}}]}, "needs words in the languages of its title"),
        ({"more_scales": [{**CONTRAST, "words": {**CONTRAST["words"], "en": ["bad"]}}]}, "needs 5 words in each"),
        ({"more_scales": [{**CONTRAST, "words": {**CONTRAST["words"], "en": [1] * 5}}]}, "has a word that is no text"),
        (
            {"more_scales": [{"name": "contrast", "title": {"en": "Contrast"}}]},
            "contrast has no title in Deutsch; give one, or do not offer that language",
        ),
        (
            {"more_scales": [CONTRAST], "scale": "continuous"},
            "Further scales are of grades, as acr5 is; continuous has none",
        ),
        ({"questions": "Glasses?"}, "questions is 'Glasses\\?'; expected a list"),
        ({"consent_text": None}, "consent_text is None; expected a text"),
        ({"rating_wanted": 20}, "A protocol has no 'rating_wanted'; it has method, scale, ratings_wanted"),
    ],
)
def test_values_without_sense_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        StudyProtocol.from_json(values)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text("ab 1"), st.floats(), st.integers(), st.sampled_from(["acr9", "de"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["en", "de", "name", "text", "consent"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*OTHER, *FIRST_VERSION, "x"]), VALUES))
@pytest.mark.slow
def test_whatever_json_says_is_a_protocol_or_a_protocol_error(values: dict[str, Any]) -> None:
    try:
        protocol = StudyProtocol.from_json(values)
    except ProtocolError:
        return
    assert StudyProtocol.from_json(protocol.to_json()) == protocol


@pytest.mark.parametrize(("scale", "error"), [("acr5", 1.0), ("acr9", 2.0), ("continuous", 25.0)])
def test_tolerance_grows_with_the_scale(scale: str, error: float) -> None:
    assert StudyProtocol(scale=SCALES[scale]).allowed_error == error


@pytest.mark.parametrize("name", OTHER)
def test_what_may_change_in_each_state(name: str) -> None:
    protocol = StudyProtocol(languages=("en", "de")) if name == "language" else StudyProtocol()
    change = {name: ["en", "es"] if name == "languages" else OTHER[name]}
    changed = json.loads(json.dumps(protocol.changed(State.DRAFT, **change).to_json()))
    assert changed[name] == change[name]
    for state in (State.OPEN, State.PAUSED, State.CLOSED):
        if state is State.PAUSED and name in CHANGEABLE_WHILE_PAUSED:
            assert protocol.changed(state, **change).to_json()[name] == change[name]
        else:
            with pytest.raises(StudyStateError):
                protocol.changed(state, **change)


def test_nothing_that_gives_a_rating_its_meaning_changes_after_the_draft() -> None:
    assert not CHANGEABLE_WHILE_PAUSED & {
        "scale", "offer_unusable", "texts", "questions", "languages", "gold_every", "trap_every",
    }  # fmt: skip


def test_further_scales_come_by_the_name_of_a_preset_or_with_words_of_their_own() -> None:
    preset = StudyProtocol.from_json({"more_scales": "piq23"})
    assert preset.scale_names == ("overall", "details", "exposure")
    assert StudyProtocol.from_json(preset.to_json()) == preset
    details = preset.more_scales[0]
    assert details.title["es"] == "Detalles"
    assert details.words_on(preset.scale, "de") == preset.scale.words("de")
    (own,) = StudyProtocol.from_json({"more_scales": [CONTRAST], "scale": "acr9"}).more_scales
    assert own.words_on(SCALES["acr9"], "en") == {1: "none", 3: "little", 5: "some", 7: "much", 9: "most"}


def test_change_to_the_same_value_is_none() -> None:
    assert StudyProtocol().changed(State.OPEN, ratings_wanted=20) == StudyProtocol()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_of_the_owner_s_replaces_that_text_and_no_other(language: str) -> None:
    own = StudyProtocol(texts={language: StudyTexts(consent="Ours.")})
    assert own.texts_for(language).consent == "Ours."
    assert own.texts_for(language).instructions == PACKAGE_TEXTS[language].instructions
    others = LANGUAGES.keys() - {language}
    assert {own.texts_for(other).consent for other in others} == {PACKAGE_TEXTS[other].consent for other in others}


def test_a_method_that_asks_something_else_has_its_own_instructions() -> None:
    for method, text in PACKAGE_TEXTS["es"].method_instructions.items():
        assert StudyProtocol(method=method).texts_for("es").instructions == text
    assert StudyProtocol(method="acr").texts_for("es").instructions == PACKAGE_TEXTS["es"].instructions


def test_fixed_texts_no_longer_depend_on_the_package() -> None:
    fixed = StudyProtocol(languages=("en", "de"), texts={"de": StudyTexts(consent="Ja?")}).with_texts_fixed()
    assert fixed.texts.keys() == {"en", "de"}
    package = PACKAGE_TEXTS["de"]
    assert fixed.texts["de"] == StudyTexts(package.instructions, "Ja?", package.eligibility, package.data_protection)
    assert all(all(texts) for texts in fixed.texts.values())


def test_deadlines_are_kept_in_utc() -> None:
    protocol = StudyProtocol.from_json({"closes_at": "2026-12-31T20:00:00+02:00"})
    assert protocol.closes_at == datetime(2026, 12, 31, 18, tzinfo=UTC)
    assert protocol.to_json()["closes_at"] == "2026-12-31T18:00:00+00:00"


@pytest.mark.parametrize(("screen", "taken"), [((390, 844), False), ((844, 390), False), ((1280, 720), True)])
def test_a_phone_is_too_small_whichever_way_it_is_held(screen: tuple[int, int], taken: bool) -> None:
    assert StudyProtocol(min_screen_side_px=600).takes_screen(*screen) is taken
    assert StudyProtocol().takes_screen(*screen)
