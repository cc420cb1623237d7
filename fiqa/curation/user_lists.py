"""Text files that users write: who is on each photo, and which photos are good or bad examples."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from fiqa.errors import SettingError
from fiqa.reports import one_line

PATH, PERSON = "path", "person"
DELIMITERS = ",;\t"
MOST_NAMED = 3
"""Rows or photos that a sentence names at most."""


@dataclass(frozen=True)
class PhotoPersons:
    """Who is on photos: the person by the photo's name, and sentences about rows and photos that found no partner."""

    by_photo: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def persons_in(table: Path, *, called: str | None = None) -> list[tuple[str, str]]:
    """Return path and person of each row of a CSV that names a person; `called` is the table's name in messages.

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
    return [(path, person) for path, person in cells if person]


def match_persons(photos: Iterable[str], rows: Sequence[tuple[str, str]]) -> PhotoPersons:
    """Return who is on some photos, from rows of path and person; the same rule wherever a table comes from.

    A path names the photo that has it. Else it names the photo whose whole path it ends with, since tables name more
    folders than browsers send; or the one photo whose path ends with it. A photo that is given to several persons is
    nobody's. Raises SettingError where no photo is named.
    """
    names = {_composed(name): name for name in photos}
    found = _find_named(set(names), [_composed(path) for path, _ in rows])
    claims = dict[str, set[str]]()
    for name, (_, person) in zip(found, rows, strict=True):
        if name is not None:
            claims.setdefault(names[name], set()).add(person)
    if not claims:
        raise SettingError("The table of persons names not one of these photos: give their file names as paths.")
    by_photo = {name: next(iter(persons)) for name, persons in claims.items() if len(persons) == 1}
    strange = [path or "an empty path" for name, (path, _) in zip(found, rows, strict=True) if name is None]
    notices = (
        _counted(strange, len(rows), "rows of the table of persons name none of the photos, or no single one"),
        _counted(sorted(claims.keys() - by_photo), len(names), "photos have several persons in the table"),
        _counted(
            [name for name in names.values() if name not in by_photo],
            len(names),
            "photos have no person in the table and are grouped by folder",
        ),
    )
    return PhotoPersons(by_photo, tuple(filter(None, notices)))


def _find_named(photos: set[str], paths: Sequence[str]) -> list[str | None]:
    """Return the photo that each path names, None where it names none or several."""
    others = photos.difference(paths)  # an end names no photo that has a row of its own
    by_ending = dict[str, list[str]]()
    for name in photos:
        for ending in _endings(name):
            by_ending.setdefault(ending, []).append(name)

    def find(path: str) -> str | None:
        """Return the photo with this path, else the one that an end of it names, or that ends with it."""
        if path in photos:
            return path
        whole = next((ending for ending in _endings(path) if ending in photos), None)
        alike = by_ending.get(path, []) if whole is None else [whole]
        return alike[0] if len(alike) == 1 and alike[0] in others else None

    return [find(path) for path in paths]


def _counted(names: Sequence[str], count: int, what: str) -> str | None:
    """Return a sentence with how many of them there are and what the first are called, None for none."""
    if not names:
        return None
    first = ", ".join(map(one_line, names[:MOST_NAMED]))
    return f"{len(names)} of {count} {what}: {first}{', …' if len(names) > MOST_NAMED else ''}."


def _composed(path: str) -> str:
    """Return a path with slashes, in composed Unicode: tables come from other systems than photos."""
    return PurePosixPath(normalize("NFC", path.replace("\\", "/"))).as_posix()


def _endings(path: str) -> Iterator[str]:
    """Yield a path without more and more of its first folders."""
    parts = PurePosixPath(path).parts
    return ("/".join(parts[start:]) for start in range(len(parts)))


def read_examples(file: Path) -> list[str]:
    """Return the paths in a text file, one a line; raises SettingError when there are none."""
    paths = [line.strip() for line in _read(file).splitlines() if line.strip()]
    if not paths:
        raise SettingError(f"{file} names no photo: write one path on every line.")
    return paths


def _read(file: Path, called: str | None = None) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingError(f"{called or file} does not exist: check its name.") from None
    except (OSError, UnicodeDecodeError):
        raise SettingError(f"{called or file} cannot be read: expected text in UTF-8.") from None
