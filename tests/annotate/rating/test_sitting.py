"""What a participant goes through, step by step, on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.further_scales import PRESETS
from annotate.errors import (
    AccessError,
    GradeError,
    RatingError,
    SittingError,
)
from annotate.rating import sitting, steps
from annotate.rating.steps import Panel, StepKind
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.rating.sittings import QUICK, counts, live_ratings


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


def test_a_picture_is_graded_on_every_scale_in_one_answer(database: Database) -> None:
    study_id = new_study(database, more_scales=PRESETS["piq23"], **QUICK)
    person = Person(database, study_id)
    step = person.start()
    every = {"exposure": 2.0, "details": 4.0}
    for wrong in (
        None,
        {"details": 4.0},
        {**every, "noise": 1.0},
        {**every, "details": 4.5},
        {**every, "details": 6.0},
    ):
        with pytest.raises((GradeError, RatingError)):
            person.send(person.answer(step, more_grades=wrong))
    with pytest.raises(RatingError, match=r"details, exposure; expected none"):
        person.send(person.answer(step, None, unusable=True, more_grades={"details": 4.0, "exposure": 2.0}))
    answer = person.answer(step, more_grades=every)
    after = person.send(answer).step
    assert person.send(answer).step == after
    with pytest.raises(RatingError):  # the key is that of another answer
        person.send(replace(answer, more_grades={**every, "details": 5.0}))
    person.undo()
    step = person.send(person.answer(step, 5.0, more_grades={"details": 1.0, "exposure": 3.0})).step
    person.send(person.answer(step, None, unusable=True))
    with database.read() as db:
        rows = list(queries.ratings.stream_ratings(db, study_id))
    assert [(row.grade, row.more_grades) for row in rows] == [(5.0, {"details": 1.0, "exposure": 3.0}), (None, None)]


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
