"""The migrations add up to the tables, and a database of any version gets there with what it holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from annotate.database import migrations
from annotate.database.engine import open_database
from annotate.database.migrations import MIGRATIONS, migrate, schema_version
from annotate.database.tables import Table
from annotate.errors import DatabaseError
from tests.annotate.postgresql import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'ratings.sqlite3'}"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.url(server.new_database()).replace("postgresql://", "postgresql+psycopg://")
    made = create_engine(url)
    yield made
    made.dispose()


def described(connection: Connection) -> dict[str, Any]:
    """Return tables with columns, keys, checks and indexes as the database tells them."""
    found = inspect(connection)
    return {
        name: {
            "columns": [(each["name"], str(each["type"]), each["nullable"]) for each in found.get_columns(name)],
            "primary": found.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(str(each["column_names"]) for each in found.get_unique_constraints(name)),
            "checks": sorted(str(each["name"]) for each in found.get_check_constraints(name)),
            "foreign": sorted(
                (each["constrained_columns"], each["referred_table"], _deleting(connection, name, each))
                for each in found.get_foreign_keys(name)
            ),
            "indexes": sorted(
                (str(each["name"]), each["column_names"], bool(each["unique"]), _condition(each["dialect_options"]))
                for each in found.get_indexes(name)
            ),
        }
        for name in found.get_table_names()
    }


def _deleting(connection: Connection, table: str, key: Any) -> str:
    """Return what deleting the row that a key refers to does; of a column that was added, only SQLite itself tells."""
    if connection.dialect.name != "sqlite":
        return str(key["options"])
    rows = connection.execute(text(f"PRAGMA foreign_key_list({table})"))
    return str([row.on_delete for row in rows if row[3] in key["constrained_columns"]])


def _condition(options: Any) -> str:
    """Return the condition of a partial index."""
    return str(options.get("sqlite_where", options.get("postgresql_where", "")))


def test_the_migrations_add_up_to_the_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        assert migrate(connection) == list(range(1, len(MIGRATIONS) + 1))
        migrated = described(connection)
        Table.metadata.drop_all(connection)
        Table.metadata.create_all(connection)
        assert migrated == described(connection)


def test_a_database_that_is_up_to_date_stays_as_it_is(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        assert migrate(connection) == []
        assert schema_version(connection) == len(MIGRATIONS)


FILLED = """
INSERT INTO stimulus (id, study_id, sha256, name, kind, feedback, format, width_px, height_px, size_bytes, shuffle,
                      taken, rated)
    VALUES (1, 1, 'a', 'a.png', 0, '', 'PNG', 8, 8, 9, 5, 1, 1), (2, 1, 'b', 'b.png', 0, '', 'PNG', 8, 8, 9, 7, 1, 0);
INSERT INTO participant (id, study_id, pseudonym, language, seed, created_at, votes_used, votes_reason)
    VALUES (1, 1, 'p', 'en', 3, '2026-01-01 00:00:00', true, '');
INSERT INTO sitting (id, participant_id, number, started_at, last_seen_at, active_s, planned, answers, rated, breaks,
                     accepted_reason)
    VALUES (1, 1, 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 9, 2, 2, 1, 0, '');
INSERT INTO assignment (id, study_id, participant_id, stimulus_id, sitting_id, kind, occurrence, state, expires_at)
    VALUES (1, 1, 1, 1, 1, 0, 0, 'rated', '2026-01-01 00:00:00'),
           (2, 1, 1, 2, 1, 0, 0, 'leased', '2026-01-01 00:00:00');
INSERT INTO rating (id, key, assignment_id, sequence, grade, unusable, response_ms, rated_at, undone_at)
    VALUES (1, 'k1', 1, 1, 2, false, 1234, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
           (2, 'k2', 1, 2, 4, false, 1234, '2026-01-01 00:00:00', NULL)
"""
"""Somebody rated one picture, undid that, rated it again, and leases another."""


PREFERENCE = text(
    "INSERT INTO rating (id, key, assignment_id, sequence, preferred, unusable, rated_at) "
    "VALUES (3, 'k3', 2, 3, 'left', false, '2026-01-01 00:00:00')"
)


def test_ratings_of_version_4_are_all_there_and_can_be_added_to(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # as the program opens it: dropping a table deletes what refers to it
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.commit()
        with monkeypatch.context() as former:
            former.setattr(migrations, "LATEST", 4)
            migrate(connection)
        for statement in (STUDY, *map(text, FILLED.split(";"))):
            connection.execute(statement)
        tables = ("assignment", "rating", "stimulus")
        kept = {table: connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).all() for table in tables}  # noqa: S608
        assert migrate(connection) == list(range(5, len(MIGRATIONS) + 1))
        for table, rows in kept.items():
            names = ", ".join(rows[0]._fields)
            assert connection.execute(text(f"SELECT {names} FROM {table} ORDER BY id")).all() == rows  # noqa: S608
        connection.execute(PREFERENCE)
        connection.execute(text("DELETE FROM assignment WHERE id = 1"))
        assert connection.scalar(text("SELECT count(*) FROM rating")) == 1  # ratings go with their assignment


COMPARED = """
INSERT INTO pair (id, study_id, first_id, second_id, wanted, shuffle, taken, rated) VALUES (1, 1, 1, 2, 10, 3, 1, 1);
INSERT INTO assignment (id, study_id, participant_id, pair_id, sitting_id, kind, occurrence, state, expires_at, turned)
    VALUES (3, 1, 1, 1, 1, 0, 0, 'rated', '2026-01-01 00:00:00', true);
INSERT INTO rating (id, key, assignment_id, sequence, preferred, unusable, rated_at)
    VALUES (3, 'k3', 3, 3, 'left', false, '2026-01-01 00:00:00')
"""
"""Somebody compared the two pictures."""


def test_pairs_of_version_7_are_all_there_and_are_to_be_compared(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        with monkeypatch.context() as former:
            former.setattr(migrations, "LATEST", 7)
            migrate(connection)
        for statement in (STUDY, *map(text, FILLED.split(";")), *map(text, COMPARED.split(";"))):
            connection.execute(statement)
        (before,) = connection.execute(text("SELECT * FROM pair")).all()
        assert migrate(connection) == list(range(8, len(MIGRATIONS) + 1))
        (after,) = connection.execute(text("SELECT * FROM pair")).all()
        assert after._asdict() == {**before._asdict(), "kind": 0}
        assert connection.scalar(text("SELECT count(*) FROM rating")) == 3


def add_note(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE study ADD COLUMN note TEXT DEFAULT 'none' NOT NULL"))


def fail(connection: Connection) -> None:
    add_note(connection)
    connection.execute(text("no SQL"))


STUDY = text(
    "INSERT INTO study (name, state, protocol, join_code, demo, created_at) "
    "VALUES ('faces', 'draft', '{}', 'code', false, '2026-01-01 00:00:00+00:00')"
)


def test_an_older_database_keeps_what_it_holds(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.begin() as connection:
        migrate(connection)
        connection.execute(STUDY)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, add_note))
    monkeypatch.setattr(migrations, "LATEST", len(MIGRATIONS) + 1)
    with engine.begin() as connection:
        assert migrate(connection) == [len(MIGRATIONS) + 1]
        assert connection.execute(text("SELECT name, note FROM study")).all() == [("faces", "none")]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'ratings.sqlite3'}"
    open_database(url).close()
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, fail))
        patched.setattr(migrations, "LATEST", len(MIGRATIONS) + 1)
        with pytest.raises(DatabaseError, match="syntax"):
            open_database(url)
    opened = open_database(url)
    with opened.read() as db:
        assert "note" not in {column["name"] for column in inspect(db.connection()).get_columns("study")}
        assert schema_version(db.connection()) == len(MIGRATIONS)
    opened.close()
