"""Who may begin, what they are asked before, and which screens will do."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Participant
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion
from annotate.errors import (
    SittingError,
    StudyStateError,
)
from annotate.rating import sitting
from annotate.rating.steps import StepKind
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.rating.sittings import QUICK

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
