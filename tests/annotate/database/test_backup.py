"""A backup that is there is whole, and restoring one loses neither state."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import func, select, text

from annotate.database import backup
from annotate.database.backup import back_up, restore, sqlite_file, verify
from annotate.database.engine import Database, open_database
from annotate.database.migrations import LATEST
from annotate.database.tables import Study
from annotate.design.protocol import StudyProtocol
from annotate.errors import BackupError

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def add_study(database: Database, name: str) -> None:
    with database.write() as db:
        db.add(Study(name=name, protocol=StudyProtocol(), join_code=name, created_at=NOW))


def studies(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(Study)) or 0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Open a database with one study."""
    opened = open_database(f"sqlite:///{tmp_path / 'ratings.sqlite3'}")
    add_study(opened, "first")
    yield opened
    opened.close()


@pytest.fixture
def file(database: Database) -> Path:
    assert database.sqlite_path
    return database.sqlite_path


def test_backup_is_one_file_that_holds_everything(database: Database, file: Path, tmp_path: Path) -> None:
    report = back_up(file, tmp_path / "deep" / "copy.sqlite3", NOW)
    assert (report.schema, report.studies, report.ratings) == (LATEST, 1, 0)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["copy.sqlite3"]
    assert report.size_bytes == Path(report.path).stat().st_size
    assert verify(Path(report.path)) == report


def test_a_link_to_what_is_not_there_yet_is_written_through(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere.sqlite3")
    assert back_up(file, tmp_path / "link", NOW).path == str(tmp_path / "elsewhere.sqlite3")
    assert (tmp_path / "link").is_symlink()


def test_links_in_a_circle_are_said(file: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").symlink_to("copy")
    with pytest.raises(BackupError, match=r"circle|links"):
        back_up(file, tmp_path / "copy", NOW)


def test_backup_into_a_folder_is_named_after_the_time(file: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    assert Path(back_up(file, tmp_path / "copies", NOW).path).name == "ratings-20260301T123000Z.sqlite3"


def test_backup_while_people_rate_is_consistent(database: Database, file: Path, tmp_path: Path) -> None:
    done = Event()

    def rate() -> None:
        number = 0
        while not done.is_set():
            number += 1
            add_study(database, f"study {number}")

    writer = Thread(target=rate)
    writer.start()
    try:
        counts = [back_up(file, tmp_path / f"{number}.sqlite3", NOW).studies for number in range(5)]
    finally:
        done.set()
        writer.join()
    assert counts == sorted(counts)
    assert 1 <= counts[-1] <= studies(database)


def test_a_folder_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is no file"):
        backup.verify(tmp_path)


def test_existing_file_is_never_written_over(file: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"something")
    with pytest.raises(BackupError, match="exists already"):
        back_up(file, tmp_path / "precious", NOW)
    assert (tmp_path / "precious").read_bytes() == b"something"


def test_copy_that_is_not_sound_gets_no_name(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = backup._copy

    def copy_half(source: Path, target: Path, *, journal_mode: str) -> None:
        copy(source, target, journal_mode=journal_mode)
        target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])

    monkeypatch.setattr(backup, "_copy", copy_half)
    with pytest.raises(BackupError):
        back_up(file, tmp_path / "copies" / "half.sqlite3", NOW)
    assert list((tmp_path / "copies").iterdir()) == []


def test_full_disk_leaves_no_half_backup(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = backup._open

    def on_a_full_disk(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        connection = opened(path, read_only=read_only)
        if not read_only:
            connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr(backup, "_open", on_a_full_disk)
    with pytest.raises(BackupError, match="full"):
        back_up(file, tmp_path / "copies" / "x.sqlite3", NOW)
    assert list((tmp_path / "copies").iterdir()) == []


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="There is no database at"):
        back_up(tmp_path / "none.sqlite3", tmp_path / "copy.sqlite3", NOW)


def test_restoring_brings_the_old_state_to_those_who_have_it_open(
    database: Database, file: Path, tmp_path: Path
) -> None:
    back_up(file, tmp_path / "copy.sqlite3", NOW)
    add_study(database, "second")
    report = restore(tmp_path / "copy.sqlite3", file, NOW)
    assert report.studies == studies(database) == 1
    assert report.replaced
    assert verify(Path(report.replaced)).studies == 2
    add_study(database, "third")
    assert studies(database) == 2


def test_restoring_where_nothing_was(file: Path, tmp_path: Path) -> None:
    back_up(file, tmp_path / "copy.sqlite3", NOW)
    report = restore(tmp_path / "copy.sqlite3", tmp_path / "other" / "ratings.sqlite3", NOW)
    assert (report.studies, report.replaced) == (1, None)
    opened = open_database(f"sqlite:///{tmp_path / 'other' / 'ratings.sqlite3'}")
    assert studies(opened) == 1
    opened.close()


def test_restoring_over_a_file_that_is_no_database_any_more(database: Database, file: Path, tmp_path: Path) -> None:
    back_up(file, tmp_path / "copy.sqlite3", NOW)
    database.close()
    file.write_bytes(b"ruined" * 1000)
    report = restore(tmp_path / "copy.sqlite3", file, NOW)
    assert report.studies == 1
    assert report.replaced
    assert Path(report.replaced).read_bytes() == b"ruined" * 1000


def test_restoring_an_older_backup_over_a_newer_schema(database: Database, file: Path, tmp_path: Path) -> None:
    back_up(file, tmp_path / "copy.sqlite3", NOW)
    with database.write() as db:
        db.execute(text("UPDATE schema_version SET version = 99 WHERE version = 1"))
    assert restore(tmp_path / "copy.sqlite3", file, NOW).schema == LATEST


def test_backup_of_a_newer_version_is_not_restored(database: Database, file: Path, tmp_path: Path) -> None:
    with database.write() as db:
        db.execute(text("UPDATE schema_version SET version = 99 WHERE version = 1"))
    back_up(file, tmp_path / "newer.sqlite3", NOW)
    with pytest.raises(BackupError, match="has schema 99, this program knows up to"):
        restore(tmp_path / "newer.sqlite3", file, NOW)


def test_restoring_waits_for_nobody_for_ever(
    database: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(file, tmp_path / "copy.sqlite3", NOW)
    monkeypatch.setattr(backup, "BUSY_S", 0.1)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackupError, match="another program is using it"):
            restore(tmp_path / "copy.sqlite3", file, NOW)
        other.execute("ROLLBACK")
    assert studies(database) == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_backup_is_not_restored(file: Path, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.sqlite3"
    bad.write_bytes(content)
    before = verify(file)
    with pytest.raises(BackupError, match="is no usable backup"):
        restore(bad, file, NOW)
    assert verify(file) == before


def test_damaged_backup_is_not_restored(database: Database, file: Path, tmp_path: Path) -> None:
    for number in range(300):
        add_study(database, f"{number}" * 50)
    report = back_up(file, tmp_path / "copy.sqlite3", NOW)
    data = bytearray((tmp_path / "copy.sqlite3").read_bytes())
    data[report.size_bytes // 2 :] = bytes(len(data) - report.size_bytes // 2)
    (tmp_path / "copy.sqlite3").write_bytes(data)
    with pytest.raises(BackupError):
        restore(tmp_path / "copy.sqlite3", file, NOW)
    assert studies(database) == 301


def test_database_of_another_program_is_no_backup(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as other:
        other.execute("CREATE TABLE note (text)")
    with pytest.raises(BackupError, match="no usable backup: no such table"):
        verify(tmp_path / "other.sqlite3")


def test_only_files_are_backed_up() -> None:
    assert sqlite_file("sqlite:////data/ratings.sqlite3") == Path("/data/ratings.sqlite3")
    for url in ("postgresql://user@host/name", "sqlite://"):
        with pytest.raises(BackupError, match="pg_dump"):
            sqlite_file(url)
    with pytest.raises(BackupError, match="no database URL"):
        sqlite_file("nonsense")


def test_copy_of_the_files_alone_can_be_restored(database: Database, file: Path, tmp_path: Path) -> None:
    database.close()  # writes the log back
    shutil.copy(file, tmp_path / "copy.sqlite3")
    assert restore(tmp_path / "copy.sqlite3", file, NOW).studies == 1
