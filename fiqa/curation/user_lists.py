"""Text files that users write: who is on each photo, and which photos are good or bad examples."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from fiqa.errors import SettingError
from fiqa.photos.sources import as_on_disk

PATH, PERSON = "path", "person"
DELIMITERS = ",;\t"


def read_persons(table: Path, folder: Path) -> dict[str, str]:
    """Return the person on each photo of a folder, by the photo's name, from a CSV with the columns path and person.

    A path is within the folder, or absolute. Raises SettingError as `persons_in` does, and where no photo is named.
    """
    persons = {_name_within(path, folder): person for path, person in persons_in(table)}
    if not any((folder / name).is_file() for name in persons):
        raise SettingError(f"{table} names not one photo of {folder}: give paths as they are within that folder.")
    return persons


def persons_in(table: Path, *, called: str | None = None) -> list[tuple[str, str]]:
    """Return path and person of each row of a CSV that has both; `called` is the table's name in messages.

    Commas, semicolons or tabs divide the columns, whose heads may have any letter case. Raises SettingError for another
    table.
    """
    lines = _read(table, called).splitlines()
    delimiter = max(DELIMITERS, key=lines[0].count) if lines else ","
    rows = csv.DictReader(lines, delimiter=delimiter)
    try:
        rows.fieldnames = [head.strip().lower() for head in rows.fieldnames or ()]
        cells = [((row.get(PATH) or "").strip(), (row.get(PERSON) or "").strip()) for row in rows]
    except csv.Error as error:
        raise SettingError(f"{called or table} cannot be read as a CSV ({error}).") from None
    if not {PATH, PERSON} <= set(rows.fieldnames):
        raise SettingError(f"{called or table} lacks the columns {PATH} and {PERSON}: name them in its first line.")
    return [(path, person) for path, person in cells if path and person]


def persons_of(photos: Iterable[str], rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the person on each of some photos, by name, where rows of path and person name them.

    A path names the photo whose name ends as it does, as long as there is only one: browsers send no folders. Raises
    SettingError where it names none of them.
    """
    by_ending = dict[str, set[str]]()
    for name in photos:
        for ending in _endings(name):
            by_ending.setdefault(ending, set()).add(name)
    persons = dict[str, str]()
    for path, person in rows:
        alike = next((by_ending[ending] for ending in _endings(path) if ending in by_ending), set[str]())
        persons |= dict.fromkeys(alike, person) if len(alike) == 1 else {}
    if not persons:
        raise SettingError("The table of persons names not one of these photos: give their file names as paths.")
    return persons


def _endings(path: str) -> Iterator[str]:
    """Yield a path without more and more of its first folders, in composed Unicode."""
    parts = PurePosixPath(normalize("NFC", path.replace("\\", "/"))).parts
    return ("/".join(parts[start:]) for start in range(len(parts)))


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


def _read(file: Path, called: str | None = None) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingError(f"{called or file} does not exist: check its name.") from None
    except (OSError, UnicodeDecodeError):
        raise SettingError(f"{called or file} cannot be read: expected text in UTF-8.") from None
