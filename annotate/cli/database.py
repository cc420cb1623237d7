"""Commands that keep the database and bring it back."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.cli.arguments import Command
from annotate.cli.output import opened_database, say, utc_now
from annotate.errors import BackupError
from annotate.settings import Settings
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.backup import BackupReport


def add_database(command: Command) -> None:
    """Add the commands about the database as a whole: backup, restore and their like."""
    backup = command("backup", _backup, "copy the database while it is in use, and verify the copy")
    backup.add_argument("file", type=Path, nargs="?", metavar="FILE", help="default: backups/ in the data folder")
    backup.add_argument("--pictures", action="store_true", help="write a ZIP with all pictures, too")
    restore = command(
        "restore", _restore, "put a backup, or a ZIP of one with its pictures, in the place of the database"
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    command("purge", _purge, "do what is due by its date: delete identifiers of panels, and old backups")
    command("migrate", _migrate, "bring the database to this version's schema, after a backup")


def _backup(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.database.backup import back_up, sqlite_file
    from annotate.exchange.backup_archive import back_up_all
    from annotate.exchange.backup_rotation import rotate_backups

    database, target = sqlite_file(settings.database_url), options.file or _backup_folder(settings)
    if options.pictures:
        report = back_up_all(database, settings.data_dir, target, utc_now())
    else:
        report = back_up(database, target, utc_now())
    older = () if options.file else rotate_backups(database, settings.data_dir, settings.backup_days, utc_now()).removed
    said = f" {counted(len(older), 'older copy was', 'older copies were')} deleted." if older else ""
    done = {**report.to_dict(), "removed": [str(each) for each in older]}
    say(options, done, f"{report.path} is a whole copy ({_held(report)}).{said}")


def _held(report: "BackupReport") -> str:
    """Say what a backup holds; a database alone has no pictures in it."""
    pictures = "no pictures" if report.pictures is None else f"pictures: {report.pictures}"
    return f"studies: {report.studies}, ratings: {report.ratings}, {pictures}"


def _restore(options: argparse.Namespace, settings: Settings) -> None:
    import zipfile

    from annotate.database.backup import restore, sqlite_file
    from annotate.exchange.backup_archive import restore_all

    database = sqlite_file(settings.database_url)
    if options.file.is_file() and zipfile.is_zipfile(options.file):  # a pipe would be waited for
        report = restore_all(options.file, database, settings.data_dir, utc_now())
    else:
        report = restore(options.file, database, utc_now())
    kept = f" What was there before is in {report.replaced}." if report.replaced else ""
    say(options, report.to_dict(), f"{report.path} is restored ({_held(report)}).{kept}")


def _purge(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.exchange.housekeeping import keep_house

    with opened_database(settings) as database:
        done = keep_house(database, settings, utc_now())
    removed = [str(each) for each in done.rotation.removed]
    people = counted(sum(done.purged.values()), "person", "people")
    old = counted(len(removed), "old backup was", "old backups were")
    said = f"Identifiers of {people} were deleted; {old} deleted."
    say(options, {"identifiers": done.purged, "backups": removed}, said)


def _migrate(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.database.backup import back_up, sqlite_file, verify
    from annotate.database.migrations import LATEST

    kept = None
    if settings.database_url.startswith("sqlite:"):
        file = sqlite_file(settings.database_url)
        if file.exists() and verify(file).schema < LATEST:
            kept = back_up(file, _backup_folder(settings), utc_now()).path
    with opened_database(settings):
        pass  # opening it migrates
    done = {"schema": LATEST, "backup": kept}
    say(options, done, f"The database has schema {LATEST}." + (f" What was before is in {kept}." if kept else ""))


def _backup_folder(settings: Settings) -> Path:
    folder = settings.data_dir / "backups"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}; set FIQA_DATA_DIR.") from None
    return folder
