"""How a sitting ends, who may begin another, and what is kept of a person."""

import pytest
from sqlalchemy import func, select

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Assignment, Link, Participant, Sitting
from annotate.design.items import ItemKind
from annotate.design.states import State
from annotate.errors import (
    AccessError,
    AssignmentGoneError,
    SittingError,
    StudyStateError,
)
from annotate.queries import live
from annotate.rating import links, sitting
from annotate.rating.steps import Panel, StepKind
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.rating.sittings import QUICK, counts, live_ratings


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
        assert sitting.find_picture(db, one.token, picture.assignment_id, "picture") == picture.pictures[0]
        with pytest.raises(AssignmentGoneError, match="not for you"):
            sitting.find_picture(db, one.token, picture.assignment_id, "reference")
        with pytest.raises(AssignmentGoneError, match="not for you"):
            sitting.find_picture(db, other.token, picture.assignment_id, "picture")


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
