"""The queries of every rating stay quick, and races end as the database's constraints say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import NoResultFound

from annotate.database.engine import Database
from annotate.database.tables import Assignment
from annotate.design.items import ItemKind
from annotate.methods.method import Unit
from annotate.queries import answers, live
from annotate.rating import links
from tests.annotate.rated import NOW, Person, new_study


@contextmanager
def recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are executed, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", record)
    yield statements
    event.remove(database.engine, "before_cursor_execute", record)


def plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """Return what SQLite does for a statement."""
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row[-1] for row in rows]


def test_no_table_is_scanned_for_a_rating(sqlite_database: Database) -> None:
    """However large the study: everything is found through an index."""
    study_id = new_study(sqlite_database, images=30, gold=5, gold_every=2, trap_every=0, repeat_every=6)
    person = Person(sqlite_database, study_id)
    step = person.start()
    with recorded(sqlite_database) as statements:
        for _ in range(12):
            step = person.rate(step)
        person.undo()
    kinds = ("SELECT", "UPDATE", "INSERT")
    with sqlite_database.read() as db:
        plans = [plan(db.connection(), *each) for each in statements if each[0].startswith(kinds)]
    scans = {line for lines in plans for line in lines if line.startswith("SCAN") and line != "SCAN CONSTANT ROW"}
    assert len(plans) > 100
    assert not scans


def test_leases_that_ran_out_are_found_in_portions(database: Database) -> None:
    study_id = new_study(database, images=8, lease_s=60)
    for _ in range(3):
        Person(database, study_id).start()
    with database.write() as db:
        assert live.reclaim_expired(db.connection(), study_id, NOW + timedelta(seconds=59)) == 0
        assert live.reclaim_expired(db.connection(), study_id, NOW + timedelta(seconds=61)) == 6
        assert live.reclaim_expired(db.connection(), study_id, NOW + timedelta(seconds=61)) == 0


def test_a_key_that_somebody_used_meanwhile_stores_nothing(database: Database) -> None:
    study_id = new_study(database, images=8)
    person = Person(database, study_id)
    answer = person.answer(person.start())
    with database.write() as db:
        connection = db.connection()
        visitor = links.authenticate(connection, person.token)
        given = live.leased_to(connection, Unit.STIMULUS, visitor.id)
        assert visitor.sitting
        assert answers.add_rating(connection, given[0], answer, visitor.sitting, NOW)
        again = replace(answer, assignment_id=given[1].id)
        assert not answers.add_rating(connection, given[1], again, visitor.sitting, NOW)


def test_nobody_is_given_a_stimulus_twice_even_by_a_broken_program(database: Database) -> None:
    study_id = new_study(database, images=8)
    person = Person(database, study_id)
    person.start()
    with database.write() as db:
        connection = db.connection()
        visitor = links.authenticate(connection, person.token)
        (first, *_) = live.leased_to(connection, Unit.STIMULUS, visitor.id)
        assert visitor.sitting
        with pytest.raises(NoResultFound):
            live.lease(connection, visitor, visitor.sitting, first.unit, ItemKind.RATED, NOW)
        stimuli = connection.scalars(select(Assignment.stimulus_id)).all()
        assert len(stimuli) == len(set(stimuli)) == 2
