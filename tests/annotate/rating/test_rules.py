"""What follows from a participant's state is decided without a database."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.start_questions import READY_QUESTIONS
from annotate.design.states import AssignmentState, State
from annotate.errors import RatingError, SittingError
from annotate.queries.records import Answer, AssignedItem, CurrentParticipant, OpenSitting, StimulusRow
from annotate.rating import rules
from annotate.rating.admission import Refusal
from annotate.rating.state import RaterState
from annotate.rating.steps import StepKind
from tests.annotate.rated import NOW

SITTING = OpenSitting(
    7, None, screened=True, last_seen_at=NOW, break_since=None, active_s=0, planned=20, answers=0, rated=0, breaks=0
)
SOMEBODY = CurrentParticipant(
    1,
    1,
    seed=5,
    consented=True,
    trained=True,
    votes_used=True,
    asked=False,
    language="en",
    sittings=1,
    state=State.OPEN,
    protocol=StudyProtocol(),
    message="",
    sitting=SITTING,
)


def item(number: int, kind: ItemKind = ItemKind.RATED, state: AssignmentState = AssignmentState.LEASED) -> Any:
    stimulus = StimulusRow(number, "0" * 64, "PNG", 64, 48, expected=3.0, feedback="Look at the eyes.")
    return AssignedItem(number, kind, state, NOW + timedelta(minutes=10), stimulus)


def state(
    *, sitting: dict[str, Any] | None = None, protocol: dict[str, Any] | None = None, **person: Any
) -> RaterState:
    """Return somebody in the middle of a sitting, but for what is given."""
    somebody = replace(SOMEBODY, protocol=StudyProtocol(**protocol or {}), sitting=replace(SITTING, **sitting or {}))
    return RaterState(NOW, replace(somebody, **person))


def test_deciding_knows_no_database() -> None:
    code = "import sys, annotate.rating.rules; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (state(consented=False).with_participant(sitting=None), StepKind.CONSENT),
        (state(protocol={"questions": (READY_QUESTIONS["age_group"],)}), StepKind.QUESTIONS),
        (state(sitting={"screened": False}), StepKind.SCREEN_CHECK),
        (state(trained=False), StepKind.TRAINING),
        (state(), StepKind.RATE),
        (state(sitting={"rated": 100}), StepKind.FINISH),
        (state(sitting={"active_s": 1800.0}), StepKind.FINISH),
        (state(votes_used=False), StepKind.END),
        (state(state=State.PAUSED), StepKind.WAITING),
        (state(state=State.CLOSED), StepKind.CLOSED),
    ],
)
def test_each_state_is_at_one_step(found: RaterState, phase: StepKind) -> None:
    assert rules.find_phase(found) is phase


def test_who_has_not_begun_is_told_why_they_cannot() -> None:
    newcomer = replace(state(protocol={"max_people": 3}, consented=False), begun=3).with_participant(sitting=None)
    step = rules.find_step(newcomer)
    assert (step.kind, step.refusal) == (StepKind.CLOSED, Refusal.FULL)


def test_nothing_left_is_waited_for_only_where_others_hold_it() -> None:
    assert rules.find_step(state()).kind is StepKind.FINISH
    assert rules.find_step(replace(state(), others_lease=True)).kind is StepKind.WAITING


def test_a_break_begins_once_and_not_in_the_future() -> None:
    due = replace(state(sitting={"rated": 5, "planned": 50}, protocol={"break_every": 5}), held=(item(1),))
    began = rules.with_break(due)
    assert rules.find_step(began).kind is StepKind.BREAK
    assert rules.find_step(began).picture is None
    assert rules.with_break(replace(began, now=NOW + timedelta(seconds=9))).sitting == began.sitting
    assert rules.with_break(replace(began, now=NOW - timedelta(seconds=9))).sitting != began.sitting
    with pytest.raises(SittingError, match="60 seconds"):
        rules.after_break(began)
    over = rules.after_break(replace(began, now=NOW + timedelta(seconds=60)))
    assert rules.find_step(over).kind is StepKind.RATE


def test_an_answer_counts_its_time_but_not_an_absence() -> None:
    before = replace(state(), held=(item(1), item(2)), counts={ItemKind.RATED: 2})
    after = rules.after_answer(replace(before, now=NOW + timedelta(seconds=4)), item(1))
    assert after.sitting
    assert (after.sitting.active_s, after.sitting.rated, after.sitting.answers) == (4.0, 1, 1)
    assert [held.id for held in after.held] == [2]
    away = rules.after_answer(replace(before, now=NOW + timedelta(hours=1)), item(1))
    assert away.sitting
    assert away.sitting.active_s == rules.IDLE_S


def test_what_ran_out_counts_again_when_it_is_answered() -> None:
    expired = item(1, state=AssignmentState.EXPIRED)
    assert rules.after_answer(state(), expired).counts == {ItemKind.RATED: 1}


def test_an_undone_answer_is_the_first_to_be_rated_again() -> None:
    before = replace(state(sitting={"rated": 3}), held=(item(4), item(5)))
    after = rules.after_undo(before, item(3, state=AssignmentState.RATED))
    step = rules.find_step(after)
    assert step.picture
    assert (step.picture.assignment_id, step.done) == (3, 2)


def test_training_is_given_in_order_and_counted() -> None:
    stimuli = tuple(item(number).unit for number in (1, 2, 3))
    begun = replace(state(trained=False, protocol={"training_count": 2}), training=stimuli)
    assert [stimulus.id for stimulus in rules.next_training(begun)] == [1, 2]
    one_rated = replace(
        begun.with_item(item(2, ItemKind.TRAINING)), counts={ItemKind.TRAINING: 2}, training=stimuli[2:]
    )
    step = rules.find_step(one_rated)
    assert (step.kind, step.done, step.total) == (StepKind.TRAINING, 1, 2)
    assert rules.next_training(one_rated) == ()


def test_two_items_are_held_and_none_beyond_the_sitting() -> None:
    assert rules.count_missing(state()) == 2
    assert rules.count_missing(replace(state(), held=(item(1),))) == 1
    assert rules.count_missing(state(sitting={"rated": 99})) == 1
    assert rules.count_missing(replace(state(sitting={"rated": 99}), held=(item(1), item(2)))) == 0


def test_the_same_answer_is_stored_once_and_another_under_its_key_refused() -> None:
    answer = Answer("key", 1, 3.0)
    assert not rules.is_same_answer(state(), answer, None)
    assert rules.is_same_answer(state(), answer, (1, answer))
    for stored in ((2, answer), (1, replace(answer, grade=4.0))):
        with pytest.raises(RatingError, match="key was used"):
            rules.is_same_answer(state(), answer, stored)


@pytest.mark.parametrize(("grade", "near"), [(3.0, True), (4.0, True), (4.1, False), (None, False)])
def test_training_says_how_near_an_answer_was(grade: float | None, near: bool) -> None:
    feedback = rules.find_feedback(state(), item(1, ItemKind.TRAINING), Answer("key", 1, grade))
    assert feedback
    assert feedback.near_enough is near
    assert rules.find_feedback(state(), item(1), Answer("key", 1, grade)) is None
