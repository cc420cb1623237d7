"""What a participant goes through, step by step, on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Assignment, Link, Participant, Rating, Sitting, Stimulus
from annotate.design.items import ItemKind
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion
from annotate.design.states import State
from annotate.errors import (
    AccessError,
    AssignmentGoneError,
    GradeError,
    RatingError,
    SittingError,
    StudyStateError,
)
from annotate.queries import live
from annotate.rating import links, sitting, steps
from annotate.rating.steps import Panel, StepKind
from tests.annotate.rated import NOW, Person, new_study

QUICK: dict[str, Any] = {"gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


def live_ratings(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(Rating).where(Rating.undone_at.is_(None))) or 0


def counts(database: Database) -> list[tuple[int, int]]:
    """Return (taken, rated) of the stimuli."""
    with database.read() as db:
        return [(taken, rated) for taken, rated in db.execute(select(Stimulus.taken, Stimulus.rated))]


def test_a_sitting_from_consent_to_completion_code(database: Database) -> None:
    person = Person(
        database, new_study(database, images=7, training=2, training_count=2, break_every=5, break_s=60, repeat_every=0)
    )
    assert person.look().kind is StepKind.CONSENT
    person.database.transact(lambda db: sitting.give_consent(db, person.token, NOW))
    assert person.look().kind is StepKind.SCREEN_CHECK
    step = person.check_screen()
    assert (step.kind, step.done, step.total) == (StepKind.TRAINING, 0, 2)
    step = person.rate_all(step)
    assert (step.kind, step.done, step.total) == (StepKind.BREAK, 5, 7)
    assert step.wait_s == 60
    person.wait(61)
    step = person.rate_all(person.end_break())
    assert (step.kind, step.done, step.total) == (StepKind.FINISH, 7, 7)
    step = person.finish()
    assert step.kind is StepKind.END
    assert step.completion_code
    assert person.look() == person.finish() == step


def test_a_sitting_goes_on_where_it_was_left(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    step = person.rate(person.start())
    assert person.look() == step
    person.wait(12 * 3600)  # a night; the lease ran out and nobody took the place
    again = person.look()
    assert (again.picture, again.upcoming, again.done) == (step.picture, step.upcoming, step.done)
    assert again.left_s > 1700


def test_another_device_checks_its_screen_first(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    step = person.start()
    assert person.look("desk").kind is StepKind.RATE
    assert person.look("phone").kind is StepKind.SCREEN_CHECK
    assert person.check_screen("phone", passed=False).kind is StepKind.SCREEN_CHECK
    assert person.check_screen("phone") == step


def test_the_next_picture_is_told_ahead(database: Database) -> None:
    person = Person(database, new_study(database, images=3, **QUICK))
    step = person.start()
    assert step.picture
    assert step.upcoming
    following = person.rate(step)
    assert following.picture == step.upcoming
    last = person.rate(following)
    assert last.upcoming is None


def test_training_says_what_was_expected_and_counts_nowhere(database: Database) -> None:
    person = Person(database, new_study(database, training=3, training_count=2, **QUICK))
    first = person.start()
    assert first.kind is StepKind.TRAINING
    outcome = person.send(person.answer(first, 1.0))
    assert outcome.feedback == steps.Feedback(3.0, near_enough=False, text="")
    outcome = person.send(person.answer(outcome.step, 4.0))
    assert outcome.feedback
    assert outcome.feedback.near_enough
    assert (outcome.step.kind, outcome.step.done) == (StepKind.RATE, 0)
    assert not outcome.step.can_undo
    with pytest.raises(SittingError, match="undone"):
        person.undo()


def test_a_rating_sent_again_is_the_same_rating(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    answer = person.answer(person.start(), 4.0, width_px=512.25, height_px=512.25, pixel_ratio=1.1)
    outcomes = [person.send(answer) for _ in range(3)]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert live_ratings(database) == 1


@pytest.mark.parametrize("change", [{"grade": 5.0}, {"grade": None, "unusable": True}, {"response_ms": 1}])
def test_a_key_stands_for_one_answer(database: Database, change: dict[str, Any]) -> None:
    person = Person(database, new_study(database, **QUICK))
    answer = person.answer(person.start(), 4.0)
    person.send(answer)
    with pytest.raises(RatingError, match="key was used"):
        person.send(replace(answer, **change))
    assert live_ratings(database) == 1


def test_a_key_of_somebody_else_is_refused(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    one, other = Person(database, study_id), Person(database, study_id)
    answer = one.answer(one.start())
    step = other.start()
    one.send(answer)
    with pytest.raises(RatingError, match="key was used"):
        other.send(replace(other.answer(step), key=answer.key))
    assert live_ratings(database) == 1


def test_somebody_elses_picture_is_refused(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    one, other = Person(database, study_id), Person(database, study_id)
    answer = one.answer(one.start())
    other.start()
    with pytest.raises(RatingError, match="not given to you"):
        other.send(answer)


def test_two_tabs_that_answer_one_picture_give_one_rating(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    step = person.start()
    person.rate(step, 2.0)
    with pytest.raises(RatingError, match="already"):
        person.rate(step, 5.0)
    assert live_ratings(database) == 1


@pytest.mark.parametrize("grade", [0.0, 6.0, 2.5, float("nan"), float("inf"), None])
def test_a_grade_off_the_scale_is_refused(database: Database, grade: float | None) -> None:
    person = Person(database, new_study(database, **QUICK))
    step = person.start()
    with pytest.raises(GradeError):
        person.send(person.answer(step, grade))
    assert live_ratings(database) == 0
    assert person.look() == step


@pytest.mark.parametrize(
    "values",
    [
        {"key": ""},
        {"key": "x" * 65},
        {"key": "a\x00b"},
        {"key": "ключ"},
        {"response_ms": -1},
        {"response_ms": 2**70},
        {"pixel_ratio": 0.0},
        {"width_px": float("inf")},
        {"height_px": float("nan")},
        {"unusable": True},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(database: Database, values: dict[str, Any]) -> None:
    person = Person(database, new_study(database, **QUICK))
    answer = replace(person.answer(person.start()), **values)
    with pytest.raises(RatingError):
        person.send(answer)
    assert live_ratings(database) == 0


def test_unusable_is_an_answer_where_the_protocol_offers_it(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    step = person.send(person.answer(person.start(), None, unusable=True)).step
    assert step.done == 1


def test_unusable_is_no_answer_elsewhere(database: Database) -> None:
    person = Person(database, new_study(database, offer_unusable=False, **QUICK))
    answer = person.answer(person.start(), None, unusable=True)
    with pytest.raises(RatingError, match="Unusable"):
        person.send(answer)


def test_undo_brings_the_last_picture_back(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    first = person.start()
    second = person.rate(first, 1.0)
    assert second.can_undo
    undone = person.undo()
    assert (undone.picture, undone.done, undone.can_undo) == (first.picture, 0, False)
    assert live_ratings(database) == 0
    assert person.rate(undone, 5.0).picture == second.picture
    with database.read() as db:
        assert [row.grade for row in queries.ratings.stream_ratings(db, 1)] == [5.0]


def test_undo_goes_back_one_by_one_to_the_beginning(database: Database) -> None:
    person = Person(database, new_study(database, images=4, **QUICK))
    steps = [person.start()]
    for _ in range(3):
        steps.append(person.rate(steps[-1]))
    person.rate(steps[-1])
    for step in reversed(steps):
        assert person.undo().picture == step.picture
    with pytest.raises(SittingError, match="undone"):
        person.undo()
    assert person.rate_all(person.look()).kind is StepKind.FINISH
    assert live_ratings(database) == 4
    assert set(counts(database)) == {(1, 1)}


def test_a_rating_that_was_undone_does_not_come_back_when_it_is_sent_again(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    answer = person.answer(person.start())
    person.send(answer)
    person.undo()
    person.send(answer)
    assert live_ratings(database) == 0


def test_nothing_can_be_undone_after_the_sitting(database: Database) -> None:
    person = Person(database, new_study(database, images=1, **QUICK))
    assert person.rate(person.start()).can_undo
    person.finish()
    with pytest.raises(SittingError, match="over"):
        person.undo()


def test_a_break_cannot_be_skipped(database: Database) -> None:
    person = Person(database, new_study(database, **{**QUICK, "break_every": 2, "break_s": 60}))
    step = person.rate_all(person.start())
    assert step.kind is StepKind.BREAK
    assert step.upcoming
    person.wait(20)
    with pytest.raises(SittingError, match="40 seconds"):
        person.end_break()
    person.wait(40)
    assert person.end_break().picture == step.upcoming


def test_a_clock_that_was_set_back_makes_no_break_longer(database: Database) -> None:
    person = Person(database, new_study(database, **{**QUICK, "break_every": 2, "break_s": 60}))
    assert person.rate_all(person.start()).kind is StepKind.BREAK
    person.wait(-3600)
    assert person.look().wait_s == 60
    person.wait(60)
    assert person.look().wait_s == 0
    assert person.end_break().kind is StepKind.RATE


@pytest.mark.parametrize("identifier", ["{{%PROLIFIC_PID%}}", "%7B%7B%25PROLIFIC_PID%25%7D%7D"])
def test_a_link_that_prolific_did_not_fill_in_says_where_to_open_it(database: Database, identifier: str) -> None:
    study_id = new_study(database, **QUICK)
    with pytest.raises(AccessError, match="opened outside Prolific"):
        Person(database, study_id, panel=Panel(identifier, "{{%SESSION_ID%}}"))
    with database.read() as db:
        assert queries.participants.count_participants(db, study_id) == 0


def test_undo_in_a_break_goes_back_to_rating(database: Database) -> None:
    person = Person(database, new_study(database, **{**QUICK, "break_every": 2}))
    person.rate_all(person.start())
    step = person.undo()
    assert step.kind is StepKind.RATE
    assert person.rate(step).kind is StepKind.BREAK


def test_a_sitting_ends_with_its_items(database: Database) -> None:
    person = Person(database, new_study(database, sitting_items=5, **QUICK))
    step = person.rate_all(person.start())
    assert (step.kind, step.done, step.total) == (StepKind.FINISH, 5, 5)
    assert sum(taken for taken, _ in counts(database)) == 5  # nothing was leased beyond


def test_a_sitting_ends_with_its_time(database: Database) -> None:
    person = Person(database, new_study(database, sitting_limit_s=60, **QUICK))
    step = person.start()
    for _ in range(3):
        person.wait(25)
        step = person.rate(step)
    assert (step.kind, step.done, step.left_s) == (StepKind.FINISH, 3, 0.0)
    person.finish()
    other = Person(database, 1)  # takes over what was leased
    other.now = person.now
    assert other.rate_all(other.start()).done == 12


def test_a_sitting_cannot_be_finished_early(database: Database) -> None:
    person = Person(database, new_study(database, **QUICK))
    person.start()
    with pytest.raises(SittingError, match="not over"):
        person.finish()


def test_further_sittings_are_as_many_as_the_protocol_says(database: Database) -> None:
    person = Person(database, new_study(database, sitting_items=5, max_sittings=2, **QUICK))
    person.rate_all(person.start())
    assert person.finish().can_start_another
    assert person.rate_all(person.start_another()).done == 5
    assert not person.finish().can_start_another
    with pytest.raises(SittingError, match="no further sitting"):
        person.start_another()
    with database.read() as db:
        stimuli = db.scalars(select(Assignment.stimulus_id)).all()
    assert len(set(stimuli)) == len(stimuli) == 10


def test_the_completion_code_is_the_protocols_where_it_has_one(database: Database) -> None:
    person = Person(database, new_study(database, images=1, completion_code="C0DE", **QUICK))
    person.rate_all(person.start())
    assert person.finish().completion_code == "C0DE"


def test_whoever_finds_nothing_to_rate_gets_no_completion_code(database: Database) -> None:
    study_id = new_study(database, images=1, ratings_wanted=1, **QUICK)
    first, second = Person(database, study_id), Person(database, study_id)
    first.rate_all(first.start())
    assert second.start().kind is StepKind.FINISH
    assert second.finish().completion_code is None


def test_who_waits_for_places_of_others_may_get_them(database: Database) -> None:
    study_id = new_study(database, images=1, ratings_wanted=1, lease_s=60, **QUICK)
    first, second = Person(database, study_id), Person(database, study_id)
    first.start()
    waiting = second.start()
    assert (waiting.kind, waiting.can_finish) == (StepKind.WAITING, False)
    second.wait(61)
    assert second.look().kind is StepKind.RATE


def test_an_answer_to_a_picture_that_went_to_somebody_else_is_refused(database: Database) -> None:
    study_id = new_study(database, images=1, ratings_wanted=1, lease_s=60, **QUICK)
    first, second = Person(database, study_id), Person(database, study_id)
    answer = first.answer(first.start())
    second.wait(61)
    second.rate_all(second.start())
    with pytest.raises(AssignmentGoneError, match="others have rated"):
        first.send(answer)
    assert first.look().kind is StepKind.FINISH
    assert counts(database) == [(1, 1)]


def test_a_late_answer_counts_while_there_is_a_place(database: Database) -> None:
    study_id = new_study(database, images=1, ratings_wanted=2, lease_s=60, **QUICK)
    first, second = Person(database, study_id), Person(database, study_id)
    answer = first.answer(first.start())
    second.wait(61)
    second.rate_all(second.start())
    with database.write() as db:
        live.reclaim_expired(db.connection(), study_id, second.now)
    first.now = second.now
    first.send(answer)
    assert counts(database) == [(2, 2)]


@pytest.mark.parametrize("state", [State.PAUSED, State.CLOSED])
def test_a_study_that_is_not_open_gives_no_work(database: Database, state: State) -> None:
    study_id = new_study(database, **QUICK)
    person = Person(database, study_id)
    step = person.start()
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, state, NOW)
    assert person.look().kind is (StepKind.WAITING if state is State.PAUSED else StepKind.CLOSED)
    with pytest.raises(StudyStateError, match="not open"):
        Person(database, study_id)
    if state is State.CLOSED:
        with pytest.raises(StudyStateError, match="closed"):
            person.rate(step)
        assert live_ratings(database) == 0


def test_what_was_shown_before_a_pause_may_be_answered(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    person = Person(database, study_id)
    step = person.start()
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
    assert person.rate(step).kind is StepKind.WAITING
    assert live_ratings(database) == 1


def test_who_rated_gets_their_code_when_the_study_closes(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    person = Person(database, study_id)
    person.rate(person.start())
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.CLOSED, NOW)
    assert person.look().can_finish
    assert person.finish().completion_code


def test_withdrawing_deletes_everything_there_is_of_a_person(database: Database) -> None:
    study_id = new_study(database, images=3, **QUICK)
    person, other = Person(database, study_id, panel=Panel("5f00", "s1")), Person(database, study_id)
    person.rate_all(person.start(), most=2)
    other.rate_all(other.start())
    person.withdraw()
    with database.read() as db:
        for table in (Participant, Link, Sitting):
            assert db.scalar(select(func.count()).select_from(table)) == 1
        assert db.scalar(select(func.count()).select_from(Assignment)) == 3
        assert "5f00" not in str([(event.what, event.detail) for event in queries.audit.list_events(db, study_id)])
    assert live_ratings(database) == 3
    assert set(counts(database)) == {(1, 1)}
    with pytest.raises(AccessError, match="not valid"):
        person.look()


def test_a_person_can_withdraw_after_the_study_closed(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    person = Person(database, study_id)
    person.rate(person.start())
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.CLOSED, NOW)
    person.withdraw()
    assert live_ratings(database) == 0


def test_whom_a_panel_sends_again_is_the_same_participant(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    panel = Panel("5f00c0ffee", "session-1")
    first = Person(database, study_id, panel=panel)
    database.transact(lambda db: sitting.give_consent(db, first.token, NOW, panel=panel))
    again = Person(database, study_id, panel=panel)
    assert again.look().kind is StepKind.SCREEN_CHECK
    with database.read() as db:
        assert links.open_link(db, first.token)[0].id == links.open_link(db, again.token)[0].id
        assert db.scalars(select(Sitting.external_id)).all() == ["session-1"]


@pytest.mark.parametrize("identifier", ["", "x" * 201, "a\nb"])
def test_an_identifier_that_no_panel_gives_is_refused(database: Database, identifier: str) -> None:
    study_id = new_study(database, **QUICK)
    with pytest.raises(AccessError, match="identifier"):
        Person(database, study_id, panel=Panel(identifier))


def test_votes_that_screening_rejects_are_wanted_again(database: Database) -> None:
    study_id = new_study(database, images=2, ratings_wanted=1, **QUICK)
    clicker = Person(database, study_id)
    step = clicker.rate(clicker.start())
    participant_id = participant(database, clicker).id
    with database.write() as db:
        queries.participants.set_votes_used(db, participant_id, False, "Clicked without looking.", NOW)
    assert clicker.look().kind is StepKind.END
    with pytest.raises(SittingError, match="over"):
        clicker.rate(step)
    assert set(counts(database)) == {(0, 0)}
    other = Person(database, study_id)
    assert other.rate_all(other.start()).done == 2
    with database.write() as db:
        queries.participants.set_votes_used(db, participant_id, True, "", NOW)
    assert sorted(counts(database)) == [(1, 1), (2, 2)]


def participant(database: Database, person: Person) -> Participant:
    with database.read() as db:
        return links.open_link(db, person.token)[0]


def test_accepting_a_sitting_leaves_its_votes_alone(database: Database) -> None:
    study_id = new_study(database, images=1, **QUICK)
    person = Person(database, study_id)
    person.rate_all(person.start())
    person.finish()
    with database.write() as db:
        (run,) = queries.participants.list_sittings(db, participant(database, person).id)
        queries.participants.set_sitting_accepted(db, run.id, True, "", NOW)
    found = participant(database, person)
    assert found.votes_used
    with database.read() as db:
        assert queries.participants.list_sittings(db, found.id)[0].accepted is True


def test_a_picture_can_be_fetched_only_by_whom_it_was_given_to(database: Database) -> None:
    study_id = new_study(database, **QUICK)
    one, other = Person(database, study_id), Person(database, study_id)
    picture = one.start().picture
    other.start()
    assert picture
    with database.read() as db:
        assert sitting.find_picture(db, one.token, picture.assignment_id) == picture
        with pytest.raises(AssignmentGoneError, match="not for you"):
            sitting.find_picture(db, other.token, picture.assignment_id)


def test_a_step_does_not_give_checks_away(database: Database) -> None:
    """Names and kinds of stimuli would tell a participant which items are gold."""
    person = Person(database, new_study(database, gold=5, **{**QUICK, "gold_every": 2}))
    step = person.start()
    while step.picture:
        assert "gold" not in repr(step)
        step = person.rate(step)
    with database.read() as db:
        kinds = set(db.scalars(select(Assignment.kind)))
    assert kinds == {ItemKind.RATED, ItemKind.GOLD}


QUESTIONS = (READY_QUESTIONS["age_group"], StartQuestion("lamp", {"en": "Which lamp?"}, {}))


def test_questions_come_once_between_consent_and_screen_check(database: Database) -> None:
    person = Person(database, new_study(database, questions=QUESTIONS, max_sittings=2, sitting_items=2, **QUICK))
    assert person.consent().kind is StepKind.QUESTIONS
    assert person.look().kind is StepKind.QUESTIONS
    assert person.answer_questions({"age_group": 1, "lamp": " LED "}).kind is StepKind.SCREEN_CHECK
    person.answer_questions({"age_group": 2})  # sent again, or from another tab
    with database.read() as db:
        assert db.scalars(select(Participant.start_answers)).all() == [{"age_group": "30 to 44", "lamp": "LED"}]
    person.rate_all(person.check_screen())
    person.finish()
    assert person.start_another().kind is StepKind.RATE


@pytest.mark.parametrize("answers", [{"weight": 1}, {"age_group": 9}, {"age_group": "old"}, {"lamp": "x" * 201}])
def test_what_no_question_asks_is_refused(database: Database, answers: dict[str, object]) -> None:
    person = Person(database, new_study(database, questions=QUESTIONS, **QUICK))
    person.consent()
    with pytest.raises(SittingError):
        person.answer_questions(answers)
    assert person.look().kind is StepKind.QUESTIONS


def test_nobody_begins_after_the_deadline_and_who_is_rating_may_finish(database: Database) -> None:
    deadline = NOW + timedelta(hours=1)
    study_id = new_study(database, images=4, closes_at=deadline, max_sittings=2, sitting_items=2, **QUICK)
    rating, invited = Person(database, study_id), Person(database, study_id)
    step = rating.start()
    for person in (rating, invited):
        person.wait(3600)
    rating.rate_all(step)
    assert not rating.finish().can_start_another
    assert (invited.look().kind, invited.look().refusal) == (StepKind.CLOSED, "over")
    with pytest.raises(StudyStateError, match="is over"):
        invited.consent()
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    with pytest.raises(StudyStateError, match="is over"):
        database.transact(lambda db: sitting.join(db, code, deadline))


def test_a_full_study_takes_nobody_until_a_seat_is_free(database: Database) -> None:
    study_id = new_study(database, max_people=2, **QUICK)
    one, two, three = (Person(database, study_id) for _ in range(3))  # personal links that nobody followed take no seat
    one.start()
    two.start()
    assert (three.look().kind, three.look().refusal) == (StepKind.CLOSED, "full")
    with pytest.raises(StudyStateError, match="Enough people"):
        three.consent()
    assert one.look().kind is StepKind.RATE
    two.withdraw()
    assert three.start().kind is StepKind.RATE


def test_a_screen_that_is_too_small_is_not_passed_whatever_the_page_says(database: Database) -> None:
    person = Person(database, new_study(database, min_screen_side_px=600, **QUICK))
    person.consent()
    assert person.check_screen().kind is StepKind.SCREEN_CHECK
    assert person.check_screen(screen_width_px=844, screen_height_px=390).kind is StepKind.SCREEN_CHECK
    assert person.check_screen(screen_width_px=1280, screen_height_px=720).kind is StepKind.RATE


def test_nobody_joins_in_a_language_that_is_not_offered(database: Database) -> None:
    study_id = new_study(database, language="de", languages=("de", "es"), **QUICK)
    for wanted in ("en", "es"):
        Person(database, study_id, language=wanted)
    with database.read() as db:
        assert db.scalars(select(Participant.language).order_by(Participant.id)).all() == ["de", "es"]
