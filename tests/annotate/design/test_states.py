"""The states of a study follow each other, and each allows what it says."""

import pytest

from annotate.design.states import State, check_is_draft, check_takes_imports, check_takes_stimuli, check_transition
from annotate.errors import StudyStateError


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


@pytest.mark.parametrize("state", [State.OPEN, State.PAUSED, State.CLOSED])
def test_pictures_are_changed_and_removed_in_a_draft_only(state: State) -> None:
    check_is_draft(State.DRAFT)
    with pytest.raises(StudyStateError, match=f"is {state}; its pictures can only be changed or removed in a draft"):
        check_is_draft(state)
