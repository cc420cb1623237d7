"""Who is shown in which photo: a CSV of groups, joined with the photos of a folder.

    image    the photo: its path in the folder, or its name where that is enough (also: file, path, photo)
    person   who it shows, so that photos of one person count as one person (optional)
    …        any other column is a group: sex, age, ethnicity, glasses, camera

Values that say nothing (empty, NA, unknown) are no group. Ages become ranges, other numbers with many values
quarters of the photos. The table is read as Excel writes it, too.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from fiqa.errors import SettingError

IMAGE_COLUMNS = ("image", "file", "path", "photo")
PERSON_COLUMN = "person"
SAYS_NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "?", "-"})
AGES = (13, 18, 30, 45, 60)
MOST_GROUPS = 20
"""A column with more different words than this tells single photos apart, not groups."""
MOST_NUMBERS = 8
"""A column of numbers with more different ones than this is divided into quarters."""


@dataclass(frozen=True)
class GroupedPhoto:
    """A photo that is audited: who is shown, and the group in each column that the table says something about."""

    path: str
    person: str
    groups: Mapping[str, str]


@dataclass(frozen=True)
class GroupTable:
    """The rows of the CSV by the photo they name, with forward slashes, and what was not understood of it.

    `columns` are those that hold groups; `has_people` says whether one tells people apart.
    """

    path: Path
    columns: tuple[str, ...]
    has_people: bool
    rows: Mapping[str, Mapping[str, str]]


def read_groups(path: Path, *, columns: Sequence[str] | None = None) -> GroupTable:
    """Read a CSV of groups, all of its columns or those named.

    Raises SettingError when it cannot be read, has no column of photos, lacks a column that was named, names a photo
    twice, or has a column with as many values as a column of groups does not have.
    """
    heads, lines = _read_csv(path)
    image = next((name for name in IMAGE_COLUMNS if name in heads), None)
    if image is None:
        raise SettingError(f"{path} has no column of photos: name it image (columns: {', '.join(heads) or 'none'}).")
    offered = [name for name in heads if name and name not in (image, PERSON_COLUMN)]
    wanted = list(columns) if columns is not None else offered
    if missing := [name for name in wanted if name not in offered]:
        raise SettingError(f"{path} has no column {missing[0]!r}: it has {', '.join(offered) or 'no groups'}.")
    kept = {name: as_groups(name, [line[name] for line in lines]) for name in wanted}
    rows: dict[str, dict[str, str]] = {}
    for index, line in enumerate(lines):
        photo = line[image].replace("\\", "/")
        if photo in rows:
            raise SettingError(f"{path} names {photo} twice: keep one row a photo.")
        said = {name: values[index] for name, values in kept.items()}
        rows[photo] = {PERSON_COLUMN: line.get(PERSON_COLUMN, ""), **{k: v for k, v in said.items() if v}}
    return GroupTable(path, tuple(wanted), PERSON_COLUMN in heads, rows)


def join_groups(table: GroupTable | None, folder: Path, photos: Sequence[str]) -> tuple[list[GroupedPhoto], list[str]]:
    """Return the photos with their groups, and one sentence for each thing in which table and folder differ.

    With a table, only photos that it names are kept; without one, all are, each a person of its own. Raises
    SettingError when the table names none of the photos.
    """
    if table is None:
        return [GroupedPhoto(photo, photo, {}) for photo in photos], []
    found, joined = dict(table.rows), []
    for photo in photos:
        row = next((found.pop(name) for name in _names(photo, folder) if name in found), None)
        if row is not None:
            groups = {name: value for name, value in row.items() if name != PERSON_COLUMN}
            joined.append(GroupedPhoto(photo, row[PERSON_COLUMN] or photo, groups))
    if not joined:
        raise SettingError(
            f"{table.path} names none of the {len(photos)} photos in {folder}: name them as files there."
        )
    left, some = len(photos) - len(joined), ", ".join(list(found)[:3])
    notices = [f"{left} photos are not in {table.path.name} and were left out."] if left else []
    notices += [f"{len(found)} photos of {table.path.name} are not in {folder}, such as {some}."] if found else []
    return joined, notices


def _names(photo: str, folder: Path) -> tuple[str, ...]:
    """Return what a table may call a photo: its path in the folder, or its name alone."""
    path = PurePosixPath(Path(photo).as_posix())
    with suppress(ValueError):
        return str(path.relative_to(folder.as_posix())), path.name
    return str(path), path.name


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror or error}.") from error
    for encoding in ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            break
    else:
        raise SettingError(f"{path} is no text: save it as CSV in UTF-8.")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), restval="")
    try:
        lines = [{_plain(key): (value or "").strip() for key, value in row.items() if key} for row in reader]
    except csv.Error as error:
        raise SettingError(f"{path} is no CSV: {error}.") from error
    return [_plain(name) for name in reader.fieldnames or ()], lines


def _plain(name: str) -> str:
    return name.strip().lower()


def as_groups(name: str, values: Sequence[str]) -> list[str]:
    """Return the group of each value of a column, "" where it says nothing; raise SettingError for too many groups."""
    known = ["" if value.lower() in SAYS_NOTHING else value for value in values]
    numbers = _numbers(known)
    if numbers is not None and name == "age":
        return [_age(each) for each in numbers]
    different = len(set(known) - {""})
    if numbers is not None and different > MOST_NUMBERS:
        return _quarters(numbers)
    if different > MOST_GROUPS:
        raise SettingError(
            f"The column {name} has {different} different values: put them into at most {MOST_GROUPS} groups, "
            f"or name other columns with --group-columns."
        )
    return known


def _numbers(values: Sequence[str]) -> list[float | None] | None:
    """Return values as numbers, None for those that say nothing; None altogether where one is a word."""
    try:
        return [float(value.replace(",", ".")) if value else None for value in values]
    except ValueError:
        return None


def _age(years: float | None) -> str:
    if years is None:
        return ""
    lower = max((edge for edge in AGES if edge <= years), default=0)
    if lower == AGES[-1]:
        return f"{lower} and older"
    return f"{lower:02} to {AGES[(0, *AGES).index(lower)] - 1}"


def _quarters(numbers: Sequence[float | None]) -> list[str]:
    """Divide numbers at their quartiles; a group is named by the numbers it runs from and to."""
    known = np.array([number for number in numbers if number is not None])
    edges = np.quantile(known, (0.25, 0.5, 0.75))
    quarter = [-1 if number is None else int(np.searchsorted(edges, number)) for number in numbers]
    inside = {
        each: [n for n, q in zip(numbers, quarter, strict=True) if q == each and n is not None] for each in range(4)
    }
    names = {each: f"{min(found):g} to {max(found):g}" for each, found in inside.items() if found}
    return [names.get(each, "") for each in quarter]
