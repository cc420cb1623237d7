"""A protocol makes sense, survives JSON, and changes only while it may."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import ProtocolError, StudyStateError
from annotate.ratings import ItemKind
from annotate.scales import LANGUAGES, SCALES
from annotate.study import (
    CHANGEABLE_WHILE_PAUSED,
    Protocol,
    State,
    check_ready,
    check_takes_imports,
    check_takes_stimuli,
    check_transition,
    warn,
)

ENOUGH = {ItemKind.RATED: 100, ItemKind.TRAINING: 5, ItemKind.GOLD: 10, ItemKind.TRAP: 10}
OTHER: dict[str, Any] = {
    "scale": "acr9", "ratings_wanted": 24, "training_count": 3, "gold_every": 20, "trap_every": 20,
    "repeat_every": 5, "gold_tolerance": 2.0, "sitting_items": 60, "sitting_limit_s": 1200, "break_every": 30,
    "break_s": 30, "max_sittings": 3, "lease_s": 300, "offer_unusable": False, "language": "de",
    "sight_check": True,
    "consent_text": "Yes?", "eligibility": "Adults.", "completion_code": "ABC",
}  # fmt: skip


def test_defaults_are_those_of_the_documented_test() -> None:
    protocol = Protocol()
    assert (protocol.scale.name, protocol.ratings_wanted, protocol.training_count) == ("acr5", 20, 5)
    assert (protocol.gold_every, protocol.trap_every, protocol.repeat_every) == (10, 10, 10)
    assert warn(protocol, ENOUGH) == ()


def test_every_value_survives_json() -> None:
    assert OTHER.keys() == {field.name for field in fields(Protocol)}
    protocol = Protocol.from_json(OTHER)
    assert protocol.to_json() == OTHER
    assert Protocol.from_json(protocol.to_json()) == protocol
    assert Protocol.from_json({}) == Protocol()
    assert all(getattr(protocol, name) != getattr(Protocol(), name) for name in OTHER)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ratings_wanted": 0}, "ratings_wanted is 0; expected 1 to 1000"),
        ({"ratings_wanted": "20"}, "ratings_wanted is '20'; expected a whole number"),
        ({"ratings_wanted": 20.5}, "ratings_wanted is 20.5; expected a whole number"),
        ({"ratings_wanted": True}, "ratings_wanted is True; expected a whole number"),
        ({"gold_tolerance": float("nan")}, "gold_tolerance is nan"),
        ({"offer_unusable": 1}, "offer_unusable is 1; expected true or false"),
        ({"scale": "stars"}, "scale is 'stars'; expected one of acr5, acr9, continuous"),
        ({"scale": None}, "scale is None"),
        ({"language": "xx"}, "language is 'xx'; expected one of en, de, es"),
        ({"consent_text": "x" * 20_001}, "longer than 20000 characters"),
        ({"consent_text": None}, "consent_text is None; expected a text"),
        ({"rating_wanted": 20}, "A protocol has no 'rating_wanted'; it has scale, ratings_wanted"),
    ],
)
def test_values_without_sense_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        Protocol.from_json(values)


VALUES = st.one_of(
    st.none(), st.booleans(), st.text("ab 1"), st.floats(), st.integers(), st.sampled_from(["acr9", "de"])
)


@given(st.dictionaries(st.sampled_from([*OTHER, "x"]), VALUES))
def test_whatever_json_says_is_a_protocol_or_a_protocol_error(values: dict[str, Any]) -> None:
    try:
        protocol = Protocol.from_json(values)
    except ProtocolError:
        return
    assert values.items() <= protocol.to_json().items()


@pytest.mark.parametrize(("scale", "error"), [("acr5", 1.0), ("acr9", 2.0), ("continuous", 25.0)])
def test_tolerance_grows_with_the_scale(scale: str, error: float) -> None:
    assert Protocol(scale=SCALES[scale]).allowed_error == error


def test_states_follow_each_other() -> None:
    possible = {
        (State.DRAFT, State.OPEN), (State.OPEN, State.PAUSED), (State.PAUSED, State.OPEN), (State.OPEN, State.CLOSED),
        (State.PAUSED, State.CLOSED),
    }  # fmt: skip
    for old in State:
        for new in State:
            if (old, new) in possible:
                check_transition(old, new)
            else:
                with pytest.raises(StudyStateError):
                    check_transition(old, new)


@pytest.mark.parametrize("name", OTHER)
def test_what_may_change_in_each_state(name: str) -> None:
    protocol, change = Protocol(), {name: OTHER[name]}
    assert protocol.changed(State.DRAFT, **change).to_json()[name] == OTHER[name]
    for state in (State.OPEN, State.PAUSED, State.CLOSED):
        if state is State.PAUSED and name in CHANGEABLE_WHILE_PAUSED:
            assert protocol.changed(state, **change).to_json()[name] == OTHER[name]
        else:
            with pytest.raises(StudyStateError):
                protocol.changed(state, **change)


def test_nothing_that_gives_a_rating_its_meaning_changes_after_the_draft() -> None:
    assert not {"scale", "offer_unusable", "consent_text", "gold_every", "trap_every"} & CHANGEABLE_WHILE_PAUSED


def test_change_to_the_same_value_is_none() -> None:
    assert Protocol().changed(State.OPEN, ratings_wanted=20) == Protocol()


def test_stimuli_come_in_drafts_and_pauses_and_imports_until_the_end() -> None:
    check_takes_stimuli(State.DRAFT)
    check_takes_stimuli(State.PAUSED)
    for state in (State.OPEN, State.CLOSED):
        with pytest.raises(StudyStateError, match=f"is {state}"):
            check_takes_stimuli(state)
    for state in (State.DRAFT, State.OPEN, State.PAUSED):
        check_takes_imports(state)
    with pytest.raises(StudyStateError, match="closed"):
        check_takes_imports(State.CLOSED)


def test_study_without_stimuli_cannot_be_opened() -> None:
    with pytest.raises(StudyStateError, match="no stimuli"):
        check_ready(Protocol(), {ItemKind.GOLD: 4})
    assert check_ready(Protocol(), ENOUGH) == ()


@pytest.mark.parametrize(
    ("protocol", "counts", "reason"),
    [
        (Protocol(), {**ENOUGH, ItemKind.GOLD: 3}, "asks for 10 gold items per sitting, the study has 3"),
        (Protocol(), {**ENOUGH, ItemKind.TRAP: 0}, "asks for 10 trap items per sitting, the study has 0"),
        (Protocol(), {**ENOUGH, ItemKind.TRAINING: 0}, "asks for 5 training items"),
        (Protocol(), {**ENOUGH, ItemKind.RATED: 9}, "too few stimuli for a repeated one"),
        (Protocol(ratings_wanted=5), ENOUGH, "5 ratings per stimulus are few"),
        (Protocol(sitting_limit_s=3600), ENOUGH, "60 minutes tire"),
    ],
)
def test_thin_designs_are_warned_of(protocol: Protocol, counts: dict[ItemKind, int], reason: str) -> None:
    (warning,) = warn(protocol, counts)
    assert reason in warning


def test_design_without_checks_asks_for_no_items() -> None:
    plain = Protocol(training_count=0, gold_every=0, trap_every=0, repeat_every=0)
    assert warn(plain, {ItemKind.RATED: 1}) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_participants_are_told_in_their_language(language: str) -> None:
    protocol = Protocol()
    assert language == "en" or protocol.consent_for(language) != protocol.consent_for("en")
    assert language == "en" or protocol.eligibility_for(language) != protocol.eligibility_for("en")
    own = Protocol(consent_text="Ours.", eligibility="Adults.")
    assert (own.consent_for(language), own.eligibility_for(language)) == ("Ours.", "Adults.")
