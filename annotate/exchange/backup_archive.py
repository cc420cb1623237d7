"""A backup with everything in it: one ZIP of the database and of every picture that a study shows, and the way back.

ratings.sqlite3      a verified copy, as `annotate.database.backup` makes it
stimuli/aa/aa….png   the pictures, named after the SHA-256 of their bytes
README.txt           how to restore it
"""

import hashlib
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from annotate.database.backup import BackupReport, back_up, restore
from annotate.errors import BackupError
from annotate.stimuli.files import FORMATS, stimulus_path

DATABASE, README = "ratings.sqlite3", "README.txt"
RESTORING = (
    "To bring it back: stop the app, then run, where it is installed and with its FIQA_DATA_DIR,\n\n"
    "    python -m annotate restore {name}\n\n"
    "and start the app. What is there now is kept beside the database; pictures that are missing are put back.\n"
)
_SUFFIXES = "|".join(re.escape(suffix) for suffix in sorted(set(FORMATS.values())))
_PICTURE = re.compile(rf"stimuli/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})(?:{_SUFFIXES})")


def back_up_all(database: Path, data_dir: Path, target: Path, now: datetime) -> BackupReport:
    """Write a ZIP of the database, while it is in use, and of its pictures; `target` is a new file or a folder.

    Raises BackupError when there is no database, a picture is missing, the target exists or cannot be written.
    """
    file = target / f"studies-{now:%Y%m%dT%H%M%SZ}.zip" if target.is_dir() else target
    if file.exists():
        raise BackupError(f"{file} exists already; name another file.")
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            report = back_up(database, Path(folder, DATABASE), now)
            pictures = list(pictures_of(Path(report.path), data_dir))
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(README, f"All studies as of {now:%Y-%m-%d %H:%M} UTC. {_restoring(file.name)}")
                archive.write(report.path, DATABASE, zipfile.ZIP_DEFLATED)
                for path in pictures:
                    archive.write(path, path.relative_to(data_dir).as_posix())
        part.rename(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return replace(report, path=str(file), size_bytes=file.stat().st_size, pictures=len(pictures))


def pictures_of(database: Path, data_dir: Path) -> Iterator[Path]:
    """Yield the file of every picture that a study in a database shows; raise BackupError where one is missing."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        shown = connection.execute("SELECT DISTINCT sha256, format FROM stimulus ORDER BY sha256").fetchall()
    for sha256, image_format in shown:
        path = stimulus_path(data_dir, sha256, image_format)
        if not path.is_file():
            raise BackupError(f"The picture {path} is missing; put it back, or make a backup without pictures.")
        yield path


def restore_all(archive: Path, database: Path, data_dir: Path, now: datetime) -> BackupReport:
    """Put the pictures of a ZIP where they belong, then its database in the place of the one there.

    Raises BackupError when the ZIP is none of these, is damaged, or holds anything else; nothing is replaced then.
    """
    try:
        with zipfile.ZipFile(archive) as opened, tempfile.TemporaryDirectory() as folder:
            names = [each for each in opened.namelist() if each != README]
            if DATABASE not in names or any(not _PICTURE.fullmatch(each) for each in names if each != DATABASE):
                raise BackupError(f"{archive} is no backup of this app: it holds other files.")
            copy = Path(opened.extract(DATABASE, folder))
            pictures = [each for each in names if each != DATABASE]
            for name in pictures:
                _put_back(opened, name, data_dir)
            report = restore(copy, database, now)
    except (zipfile.BadZipFile, OSError) as error:
        raise BackupError(f"{archive} cannot be restored: {getattr(error, 'strerror', None) or error}.") from error
    return replace(report, pictures=len(pictures))


def _put_back(archive: zipfile.ZipFile, name: str, data_dir: Path) -> None:
    """Write a picture where it is missing, if its bytes are those that its name says."""
    content, target = archive.read(name), data_dir / name
    if hashlib.sha256(content).hexdigest() != target.stem:
        raise BackupError(f"{archive.filename} is damaged at {name}; take an older backup.")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        part.replace(target)


def _restoring(name: str) -> str:
    return RESTORING.format(name=name)
