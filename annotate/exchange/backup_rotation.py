"""Backups do not stay for ever: what is deleted from the studies must leave their copies too, after some time.

Older ones than the days to keep are deleted, of those that this program wrote into its own folder `backups`, and of the
states that a restore kept beside the database. Where all of a kind are too old, a new one is made first: nobody is
left without. Copies that were made elsewhere are their owners'.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from annotate.database.backup import back_up
from annotate.exchange.backup_archive import back_up_all

STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Rotation:
    """Which files were deleted, and which were made in their place."""

    removed: tuple[Path, ...] = ()
    made: tuple[Path, ...] = ()


def rotate_backups(database: Path, data_dir: Path, days: int, now: datetime) -> Rotation:
    """Delete backups that are older than so many days, 0 for never; raise BackupError where a new one cannot be made.

    Then all old ones of its kind stay.
    """
    if not days:
        return Rotation()
    folder, oldest = data_dir / "backups", now - timedelta(days=days)
    kinds: Mapping[str, Callable[[], object]] = {
        "ratings-*.sqlite3": lambda: back_up(database, folder, now),
        "studies-*.zip": lambda: back_up_all(database, data_dir, folder, now),
    }
    removed: list[Path] = []
    made: list[Path] = []
    for pattern, make in kinds.items():
        before = _dated(folder.glob(pattern))
        expired = [file for file, at in before.items() if at < oldest]
        if expired and len(expired) == len(before):
            make()
            made += _dated(folder.glob(pattern)).keys() - before.keys()
        removed += expired
    kept = _dated(database.parent.glob(f"{database.stem}-before-restore-*.sqlite3"))
    removed += [file for file, at in kept.items() if at < oldest]
    for file in removed:
        file.unlink(missing_ok=True)
    return Rotation(tuple(sorted(removed)), tuple(made))


def _dated(files: Iterable[Path]) -> dict[Path, datetime]:
    """Return files by when their names say they were made; others are somebody else's."""
    found = {}
    for file in files:
        try:
            found[file] = datetime.strptime(file.stem.rpartition("-")[2], STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue
    return found
