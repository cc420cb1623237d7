import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from annotate.database import engine as module
from annotate.database.engine import Database, open_database
from annotate.database.tables import Event, Study, Table
from annotate.errors import DatabaseError
from tests.annotate.postgresql import Server
from tests.annotate.rated import NOW, new_study


def add_event(db: Session, study_id: int, what: str) -> None:
    db.add(Event(study_id=study_id, at=NOW, what=what, detail={}))
    db.flush()


def events(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(Event).where(Event.what == "tested")) or 0


def test_what_is_written_is_there(database: Database) -> None:
    study_id = new_study(database)
    with database.write() as db:
        add_event(db, study_id, "tested")
    assert events(database) == 1


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    study_id = new_study(database)

    def fail() -> None:
        with database.write() as db:
            add_event(db, study_id, "tested")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert events(database) == 0


def test_a_reader_cannot_write(database: Database) -> None:
    study_id = new_study(database)
    with pytest.raises(DatabaseError, match="read-only"), database.read() as db:
        add_event(db, study_id, "tested")
    assert events(database) == 0


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    study_id = new_study(database)
    count = select(func.count()).select_from(Event)
    with database.read() as db:
        before = db.scalar(count)
        with database.write() as other:
            add_event(other, study_id, "tested")
        assert db.scalar(count) == before
    assert events(database) == 1


def test_one_of_many_that_fails_undoes_only_its_own(database: Database) -> None:
    """Transactions that were committed together must not know of each other."""
    study_id = new_study(database)
    failed: list[int] = []

    def work(number: int) -> None:
        def write(db: Session) -> int:
            add_event(db, study_id, "tested")
            return 1 // (number % 4)

        try:
            assert database.transact(write) == 1 // (number % 4)
        except ZeroDivisionError:
            failed.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    with database.write():  # they queue up behind this one
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(failed) == list(range(0, 40, 4))
    assert events(database) == 30


def test_twenty_threads_lose_no_update(database: Database) -> None:
    """With the drivers' defaults, transactions that read and then write lose updates or fail."""
    study_id = new_study(database)

    def work() -> None:
        for _ in range(10):
            with database.write() as db:
                study = db.scalars(select(Study).where(Study.id == study_id).with_for_update()).one()
                count = int(study.join_code)
                study.join_code = str(count + 1)

    with database.write() as db:
        db.execute(update(Study).values(join_code="0"))
    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as db:
        assert db.scalar(select(Study.join_code)) == "200"


def test_times_come_back_in_utc(database: Database) -> None:
    new_study(database)
    with database.read() as db:
        assert db.scalar(select(Study.created_at)) == NOW
        assert db.scalars(select(Study.created_at)).one().tzinfo == UTC


def test_times_without_a_zone_are_refused(database: Database) -> None:
    study_id = new_study(database)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(Exception, match="no time zone"), database.write() as db:
        db.execute(update(Study).where(Study.id == study_id).values(created_at=naive))


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'new' / 'ratings.sqlite3'}")
    with opened.write() as db:
        assert db.scalar(text("PRAGMA journal_mode")) == "wal"
        assert db.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert db.scalar(text("PRAGMA foreign_keys")) == 1
    assert opened.sqlite_path == tmp_path / "new" / "ratings.sqlite3"
    opened.close()


def test_a_server_has_no_file(database: Database) -> None:
    assert (database.sqlite_path is None) == (database.engine.dialect.name == "postgresql")


def test_the_tables_are_those_that_the_code_knows(database: Database) -> None:
    with database.engine.connect() as connection:
        found = inspect(connection)
        assert set(found.get_table_names()) == set(Table.metadata.tables)
        for name, table in Table.metadata.tables.items():
            columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert {index["name"] for index in found.get_indexes(name) if not index.get("duplicates_constraint")} >= {
                index.name for index in table.indexes
            }


def test_opening_again_changes_nothing(database: Database, database_url: str) -> None:
    study_id = new_study(database)
    with database.write() as db:
        add_event(db, study_id, "tested")
    again = open_database(database_url)
    assert events(again) == 1
    again.close()


def test_a_database_tells_whether_the_last_run_closed_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ratings.sqlite3"
    database = open_database(url)
    assert not database.was_cut_off
    new_study(database)
    killed = shutil.copytree(tmp_path, tmp_path / "killed")  # what would be on the disk
    database.close()
    for folder, expected in ((tmp_path, False), (killed, True)):
        again = open_database(f"sqlite:///{folder}/ratings.sqlite3")
        assert again.was_cut_off is expected
        with again.read() as db:
            assert db.scalar(select(Study.name)) == "faces"
        again.close()


def test_a_newer_database_is_refused(database: Database, database_url: str) -> None:
    with database.write() as db:
        db.execute(text("INSERT INTO schema_version VALUES (99, '2026-01-01 00:00:00+00')"))
    with pytest.raises(DatabaseError, match=r"schema 99.*update"):
        open_database(database_url)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite3") as other:
        other.execute("CREATE TABLE study (id INTEGER)")
    with pytest.raises(DatabaseError, match="another program"):
        open_database(f"sqlite:///{tmp_path / 'other.sqlite3'}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(DatabaseError, match="no SQLite database"):
        open_database(f"sqlite:///{tmp_path / 'notes.txt'}")


def test_a_database_that_another_program_keeps_locked_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.1)
    opened = open_database(f"sqlite:///{tmp_path / 'ratings.sqlite3'}")
    other = sqlite3.connect(tmp_path / "ratings.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="in use by another program"), opened.write() as db:
        db.execute(text("DELETE FROM study"))
    with pytest.raises(DatabaseError, match="in use by another program"):
        opened.transact(lambda db: db.execute(text("DELETE FROM study")))
    other.close()
    opened.transact(lambda db: db.execute(text("DELETE FROM study")))
    opened.close()


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'ratings.sqlite3'}")
    study_id = new_study(opened)

    def fill(db: Session) -> None:
        pages = db.scalar(text("PRAGMA page_count"))
        db.execute(text(f"PRAGMA max_page_count = {pages}"))  # as full as SQLite can be made to believe
        db.add(Event(study_id=study_id, at=NOW, what="tested", detail={"text": "x" * 100_000}))
        db.flush()

    with pytest.raises(DatabaseError, match="disk is full"):
        opened.transact(fill)
    assert events(opened) == 0
    opened.close()


def test_a_read_only_file_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ratings.sqlite3"
    monkeypatch.chdir(tmp_path)
    open_database(f"sqlite:///{path}").close()
    with pytest.raises(DatabaseError, match="read-only"):
        open_database(f"sqlite:///file:{path}?mode=ro&uri=true").transact(
            lambda db: db.execute(text("DELETE FROM study"))
        )
    assert {each.name for each in tmp_path.iterdir()} <= {path.name, f"{path.name}-wal", f"{path.name}-shm"}


def test_an_unreachable_server_is_one_sentence() -> None:
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        open_database("postgresql://nobody@127.0.0.1:9/ratings?connect_timeout=2")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["ratings.db", "mysql://me@host/ratings", "sqlite://", "sqlite:///:memory:", ""])
def test_a_url_that_cannot_hold_ratings_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"sqlite:///path or postgresql://"):
        open_database(url)


def test_a_password_is_not_in_the_message() -> None:
    with pytest.raises(DatabaseError) as caught:
        open_database("mysql://me:swordfish@host/ratings")
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.slow
def test_two_processes_make_one_database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Both find nothing, both want to make the tables."""
    database_url = f"sqlite:///{tmp_path / 'ratings.sqlite3'}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgresql_server")
        database_url = server.url(server.new_database())
    code = "import sys; from annotate.database.engine import open_database; open_database(sys.argv[1]).close()"
    root = Path(__file__).parents[3]
    both = [subprocess.Popen([sys.executable, "-c", code, database_url], cwd=root) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    open_database(database_url).close()


def test_broken_constraints_stay_what_they_are(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as db:
        add_event(db, 12345, "tested")
