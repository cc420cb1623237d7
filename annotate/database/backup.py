"""Copies of the ratings database while it is in use, and the way back.

SQLite's own online backup takes a consistent state however many people are rating meanwhile; a copy is opened and
checked before it gets its name, so a backup that is there is a good one. Restoring keeps the state it replaces beside
the database. The pictures are not in it: they never change, and any copy of `<data folder>/stimuli` will do.
`annotate.exchange.backup_archive` packs both.

A PostgreSQL server has tools of its own for this: `pg_dump` and `pg_restore`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from annotate.database.engine import BUSY_S
from annotate.database.migrations import LATEST
from annotate.errors import BackupError

_EVERY_PAGE = -1
"""In one step: with a write-ahead log nobody waits for it, and steps would start over with every rating."""


@dataclass(frozen=True)
class BackupReport:
    """What a verified copy holds; `replaced` is where a restore kept the state before.

    `pictures` counts those that are in it too, None where it is the database alone.
    """

    path: str
    schema: int
    studies: int
    ratings: int
    size_bytes: int
    replaced: str | None = None
    pictures: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite URL; raise BackupError for a server's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BackupError("FIQA_DATABASE_URL is no database URL; expected sqlite:///path.") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise BackupError("Only SQLite databases are backed up here; a PostgreSQL server has pg_dump and pg_restore.")
    return Path(parsed.database)


def back_up(database: Path, target: Path, now: datetime) -> BackupReport:
    """Copy a database in use to a new file, or to a file named after the time in a folder.

    Raises BackupError when there is nothing to copy, the target exists, or the copy is not sound.
    """
    if not database.is_file():
        raise BackupError(f"There is no database at {database}.")
    file = target / f"ratings-{_stamp(now)}.sqlite3" if target.is_dir() else target
    if file.exists():
        raise BackupError(f"{file} exists already; name another file.")
    try:
        file = file.resolve()  # a link that leads to nothing yet is written through
    except RuntimeError:
        raise BackupError(f"{file} cannot be written: its links lead in a circle.") from None
    with _translate_errors(f"{file} cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            _copy(database, part, journal_mode="DELETE")  # one file, that can be opened from read-only disks too
            report = verify(part)
            _to_disk(part)
            part.rename(file)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return replace(report, path=str(file))


def restore(backup: Path, database: Path, now: datetime) -> BackupReport:
    """Put a backup in the place of a database; people who have it open go on with what was restored.

    One transaction: until its end, and after a crash in it, the old state is there. Raises BackupError when the
    backup is not sound or of a newer version, or another program is writing.
    """
    report = verify(backup)
    if report.schema > LATEST:
        raise BackupError(f"{backup} has schema {report.schema}, this program knows up to {LATEST}; update it first.")
    with _translate_errors(f"{database} cannot be restored"):
        database.parent.mkdir(parents=True, exist_ok=True)
        kept = _keep(database, now) if database.exists() else None
        _copy(backup, database, journal_mode="WAL")
    return replace(verify(database), replaced=str(kept) if kept else None)


def verify(file: Path) -> BackupReport:
    """Open a database file, check it as a whole and count what is in it; raise BackupError."""
    if not file.is_file():
        raise BackupError(f"{file} {'is no file' if file.exists() else 'does not exist'}.")
    with _translate_errors(f"{file} is no usable backup"), closing(_open(file, read_only=True)) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupError(f"{file} is damaged; take an older backup.")
        schema, studies, ratings = (
            connection.execute(f"SELECT {what}").fetchone()[0]
            for what in ("max(version) FROM schema_version", "count(*) FROM study", "count(*) FROM rating")
        )
    return BackupReport(str(file), schema, studies, ratings, file.stat().st_size)


def _keep(database: Path, now: datetime) -> Path:
    """Copy what is there, newer schema or not; move it away where it is no database any more."""
    kept = database.with_name(f"{database.stem}-before-restore-{_stamp(now)}.sqlite3")
    try:
        _copy(database, kept, journal_mode="DELETE")
    except sqlite3.OperationalError:  # locked, or no room: nothing is wrong with the file
        raise
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            file = database.with_name(database.name + suffix)
            if file.exists():
                file.replace(kept.with_name(kept.name + suffix))
    return kept


def _copy(source: Path, target: Path, *, journal_mode: str) -> None:
    with closing(_open(source, read_only=True)) as read, closing(_open(target)) as write:
        read.backup(write, pages=_EVERY_PAGE, progress=_stop_when_busy)
        write.execute(f"PRAGMA journal_mode = {journal_mode}")


def _stop_when_busy(status: int, _remaining: int, _total: int) -> None:
    """Give up when the database was locked for as long as one waits; Python would try for ever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("another program is using it; try again when that has finished")


def _open(file: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S)


def _to_disk(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


@contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    """Turn what SQLite and the disk say into one sentence."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{what}: {getattr(error, 'strerror', None) or error}.") from error


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"
