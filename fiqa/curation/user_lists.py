"""Text files that users write: who is on each photo, and which photos are good or bad examples."""

import csv
from pathlib import Path

from fiqa.errors import SettingError
from fiqa.photos.sources import as_on_disk

PATH, PERSON = "path", "person"
DELIMITERS = ",;\t"


def read_persons(table: Path, folder: Path) -> dict[str, str]:
    """Return the person on each photo of a folder, by the photo's name, from a CSV with the columns path and person.

    A path is within the folder, or absolute. Commas, semicolons or tabs divide the columns, whose heads may have any
    letter case. Raises SettingError for another table, and where it names no photo there.
    """
    lines = _read(table).splitlines()
    delimiter = max(DELIMITERS, key=lines[0].count) if lines else ","
    rows = csv.DictReader(lines, delimiter=delimiter)
    rows.fieldnames = [head.strip().lower() for head in rows.fieldnames or ()]
    if not {PATH, PERSON} <= set(rows.fieldnames):
        raise SettingError(f"{table} lacks the columns {PATH} and {PERSON}: name them in its first line.")
    persons = {}
    for row in rows:
        path, person = (row[PATH] or "").strip(), (row[PERSON] or "").strip()
        if path and person:
            persons[_name_within(path, folder)] = person
    if not any((folder / name).is_file() for name in persons):
        raise SettingError(f"{table} names not one photo of {folder}: give paths as they are within that folder.")
    return persons


def read_examples(file: Path) -> list[str]:
    """Return the paths in a text file, one a line; raises SettingError when there are none."""
    paths = [line.strip() for line in _read(file).splitlines() if line.strip()]
    if not paths:
        raise SettingError(f"{file} names no photo: write one path on every line.")
    return paths


def _name_within(path: str, folder: Path) -> str:
    given = Path(path)
    if given.is_absolute() and given.is_relative_to(folder.resolve()):
        return given.relative_to(folder.resolve()).as_posix()
    return as_on_disk(folder, path)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingError(f"{file} does not exist: check its name.") from None
    except (OSError, UnicodeDecodeError):
        raise SettingError(f"{file} cannot be read: expected text in UTF-8.") from None
