"""By which panels know people is deleted on the date that the consent told, and nothing else is."""

from datetime import timedelta

import pytest

from annotate import analysis, queries
from annotate.database.engine import Database
from annotate.design.states import State
from annotate.errors import StudyStateError
from annotate.exchange.housekeeping import keep_house
from annotate.rating import sitting, steps
from annotate.settings import Settings
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.unreadable import make_unreadable

PANEL_ID, SESSION_ID = "5f1e2d3c4b5a69788796a5b4", "6a0f3e8d9c7b12345678abcd"
UNTIL = NOW + timedelta(days=30)
QUIET = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0}


def stored(database: Database) -> str:
    with database.read() as db:
        people = queries.participants.participants_page(db, 1)
        sittings = [each for row in people for each in queries.participants.list_sittings(db, row.participant.id)]
        return str([(each.external_id, each.completion_code) for each in sittings]) + str(
            [row.participant.external_id for row in people]
        )


def rated_by_a_panel(database: Database) -> tuple[int, str]:
    """Make a study that somebody of a panel has rated; return its id and their completion code."""
    study_id = new_study(database, images=2, identifiers_until=UNTIL, **QUIET)
    person = Person(database, study_id, panel=steps.Panel(PANEL_ID, SESSION_ID))
    person.rate_all(person.start())
    return study_id, str(person.finish().completion_code)


def test_identifiers_go_on_the_date_and_votes_stay(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    study_id, code = rated_by_a_panel(database)
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path_factory.mktemp("data"))})
    assert keep_house(database, settings, UNTIL - timedelta(minutes=1)).purged == {}
    assert PANEL_ID in stored(database)
    assert keep_house(database, settings, UNTIL).purged == {"faces": 1}
    assert not [each for each in (PANEL_ID, SESSION_ID, code) if each in stored(database)]
    assert keep_house(database, settings, UNTIL).purged == {}
    with database.read() as db:
        assert [each.what for each in queries.audit.latest_events(db, study_id, 1)] == ["identifiers"]
        assert analysis.mos_table(db, study_id).ratings.tolist() == [1, 1]
    path = database.sqlite_path
    beside = sorted(path.parent.glob(f"{path.name}*")) if path else []
    assert not [each for each in beside if PANEL_ID.encode() in each.read_bytes()]


def test_nobody_begins_after_it_and_who_has_begun_finishes(database: Database) -> None:
    study_id = new_study(database, images=2, identifiers_until=UNTIL, **QUIET)
    begun = Person(database, study_id)
    begun.start()
    begun.now = UNTIL + timedelta(hours=1)
    begun.rate_all(begun.look())
    assert begun.finish().completion_code
    with database.read() as db:
        join_code = queries.studies.get_study(db, study_id).join_code
    with pytest.raises(StudyStateError, match="time to take part"):
        database.transact(lambda db: sitting.join(db, join_code, UNTIL))


def test_a_study_is_not_opened_after_its_date(database: Database) -> None:
    study_id = new_study(database, images=1, identifiers_until=UNTIL, **QUIET)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
        with pytest.raises(StudyStateError, match="identifiers are deleted has passed"):
            queries.lifecycle.change_state(db, study_id, State.OPEN, UNTIL)


def test_a_study_that_cannot_be_read_stops_no_other(database: Database) -> None:
    study_id, _ = rated_by_a_panel(database)
    make_unreadable(database, study_id)
    with database.write() as db:
        assert queries.identifiers.purge_due_identifiers(db, UNTIL) == {}
