"""What is due by its date: identifiers that a study promised to delete, and backups that are too old."""

from dataclasses import dataclass
from datetime import datetime

from annotate import queries
from annotate.database.engine import Database
from annotate.exchange.backup_rotation import Rotation, rotate_backups
from annotate.settings import Settings


@dataclass(frozen=True)
class Done:
    """Of how many people identifiers were deleted, by study, and what became of old backups."""

    purged: dict[str, int]
    rotation: Rotation


def keep_house(database: Database, settings: Settings, now: datetime) -> Done:
    """Do what is due; doing it again does nothing. Raises BackupError where a new backup is due and cannot be made."""
    with database.write() as db:
        purged = queries.identifiers.purge_due_identifiers(db, now)
    if purged:
        database.erase_deleted()
    file = database.sqlite_path
    rotation = rotate_backups(file, settings.data_dir, settings.backup_days, now) if file else Rotation()
    return Done(purged, rotation)
