"""What is left of a person who had everything about them deleted: nothing, wherever one looks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from annotate import analysis, queries
from annotate.database.engine import Database
from annotate.database.tables import Table
from annotate.exchange.export import export_study
from annotate.rating import steps
from annotate.rating.links import hash_token
from tests.annotate.rated import NOW, Person, new_study

PANEL_ID = "5f1e2d3c4b5a69788796a5b4"
REASON = "answered within 200 ms throughout"
Delete = Callable[[Database, int, Person, str], None]


def withdraw(database: Database, _study_id: int, person: Person, _pseudonym: str) -> None:
    person.withdraw()
    database.erase_deleted()


def delete_as_owner(database: Database, study_id: int, _person: Person, pseudonym: str) -> None:
    with database.write() as db:
        queries.participants.delete_participant(db, queries.participants.get_participant(db, study_id, pseudonym), NOW)
    database.erase_deleted()


def everything(database: Database) -> str:
    """Return all rows of all tables and, where the database is a file, all bytes of it and of its log."""
    with database.read() as db:
        rows = [str(db.execute(each.select()).all()) for each in Table.metadata.sorted_tables]
    path = database.sqlite_path
    beside = sorted(path.parent.glob(f"{path.name}*")) if path else []
    return "\n".join([*rows, *(each.read_bytes().decode("latin-1") for each in beside)])


@pytest.mark.parametrize("delete", [withdraw, delete_as_owner])
def test_nothing_is_left_of_who_is_deleted_in_any_table_file_or_export(
    database: Database, tmp_path: Path, delete: Delete
) -> None:
    study_id = new_study(database, images=2, training_count=0, gold_every=0, trap_every=0, repeat_every=0)
    person = Person(database, study_id, panel=steps.Panel(PANEL_ID))
    person.rate_all(person.start())
    code = str(person.finish().completion_code)
    with database.write() as db:
        (row,) = queries.participants.participants_page(db, study_id)
        pseudonym, own = row.participant.pseudonym, row.participant.id
        (run,) = queries.participants.list_sittings(db, own)
        queries.participants.set_sitting_accepted(db, run.id, False, REASON, NOW)
        queries.participants.set_votes_used(db, own, used=False, reason=REASON, now=NOW)
        queries.audit.log_event(db, study_id, "link", {"participant": pseudonym}, NOW)
    traces = (pseudonym, PANEL_ID, code, REASON, hash_token(person.token), person.token[:20])
    before = everything(database)
    assert all(trace in before for trace in traces)

    delete(database, study_id, person, pseudonym)
    after = everything(database)
    assert [trace for trace in traces if trace in after] == []
    with database.read() as db:
        assert [each.what for each in queries.audit.list_events(db, study_id)] == [
            "created",
            "stimuli",
            "state",
            "withdrawn",
        ]
        assert {each.rated for each in queries.stimuli.all_stimuli(db, study_id)} == {0}
        assert analysis.load_votes(db, study_id).ratings.participant_ids == ()
    export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    written = "\n".join(each.read_text(encoding="utf-8") for each in (tmp_path / "out").iterdir())
    assert [trace for trace in traces if trace in written] == []


def test_others_stay_in_the_log_when_somebody_is_deleted(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        gone, stays = (queries.participants.create_participant(db, study_id, NOW) for _ in range(2))
        for each in (gone, stays):
            queries.participants.set_votes_used(db, each.id, used=False, reason="clicks", now=NOW)
        queries.participants.delete_participant(db, gone, NOW)
    with database.read() as db:
        named = [each.detail["participant"] for each in queries.audit.list_events(db, study_id) if each.what == "votes"]
    assert named == [stays.pseudonym]


def test_a_deletion_is_seen_by_who_keeps_figures(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        person = queries.participants.create_participant(db, study_id, NOW)
        queries.audit.log_event(db, study_id, "link", {"participant": person.pseudonym}, NOW)
        before = queries.progress.study_version(db, study_id)
        queries.participants.delete_participant(db, person, NOW)
        assert queries.progress.study_version(db, study_id)[0] > before[0]
