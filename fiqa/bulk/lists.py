"""Files that list photos or hold them: text, tables and archives, here or at a URL, read from front to back.

A path in a list is relative to the list's folder. What cannot be read as a list at all is a SettingError; a photo in it
that cannot be read is an error of its own, later. A photo in a table has the row's number in its name, since files of
the same name may be in many rows.
"""

import csv
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from fiqa.bulk.sinks import import_parquet
from fiqa.bulk.urls import RemotePhoto, beside, is_url, open_file
from fiqa.errors import SettingError
from fiqa.photos.images import MAX_FILE_BYTES, PHOTO_SUFFIXES, PhotoSource
from fiqa.photos.sources import as_on_disk, is_passed_over

Named = tuple[str, PhotoSource]
PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "photo", "url")
"""Columns of tables that may hold paths, the first that is there being taken; `image` may hold {bytes, path} too."""
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class ListKind:
    """How photos are read from a file, given its content, its name and the column asked for, and how it is counted.

    `count` reads the file's name alone, and returns None where that takes as long as scoring.
    """

    read: Callable[[BinaryIO, str, str | None], Iterator[Named]]
    count: Callable[[str], int | None]


def photos_in(name: str | Path, column: str | None = None) -> Iterator[Named]:
    """Yield name and photo of everything in a list: .txt, .csv, .parquet or .tar. Raises SettingError."""
    try:
        with open_file(str(name)) as file:
            yield from LISTS[suffix_of(str(name))].read(file, str(name), column)
    except (OSError, UnicodeDecodeError, csv.Error, tarfile.TarError) as error:
        raise SettingError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def count_in(name: str) -> int | None:
    """Return how many photos a list has, None where that is not known soon or the list cannot be read."""
    try:
        return LISTS[suffix_of(name)].count(name)
    except (OSError, ValueError, SettingError, tarfile.TarError):
        return None


def suffix_of(name: str) -> str:
    """Return the suffix that says what kind of list a name is of, .tar for one that is compressed too."""
    path = name.partition("?")[0] if is_url(name) else name
    lower = path.lower()
    return ".tar" if lower.endswith((".tar.gz", ".tgz")) else Path(lower).suffix


def _lines(file: BinaryIO, name: str, _column: str | None) -> Iterator[Named]:
    """Yield the paths of a text file, one a line; empty lines and those that begin with # are passed over."""
    with TextIOWrapper(file, encoding="utf-8-sig") as lines:
        for line in lines:
            if (path := line.rstrip("\r\n")).strip() and not path.startswith("#"):
                yield _listed(name, path)


def _csv_rows(file: BinaryIO, name: str, column: str | None) -> Iterator[Named]:
    with TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        column = path_column(name, reader.fieldnames or (), column)
        for row in reader:
            if path := row[column]:
                yield _listed(name, path)


def _parquet_rows(file: BinaryIO, name: str, column: str | None) -> Iterator[Named]:
    """Yield the rows of a parquet file: paths, or bytes in a column of that name or in `image`, as on the Hub."""
    parquet = import_parquet()
    from pyarrow import ArrowException

    try:
        with parquet.ParquetFile(file) as table:
            names = table.schema_arrow.names
            columns = [*{path_column(name, names, column), *({"bytes"} & set(names) if column is None else ())}]
            number = 0
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    yield from photo_of_row(name, row, number)
                    number += 1
    except (ArrowException, ValueError) as error:
        raise SettingError(f"{name} is no parquet file that can be read: {error}.") from error


def photo_of_row(table: str, row: dict[str, Any], number: int) -> Iterator[Named]:
    """Yield name and photo of one row: a path, bytes, or {bytes, path}; bytes are named by the row's number."""
    data = row.pop("bytes", None)
    place = next(iter(row.values()), None)
    if isinstance(place, dict):
        data, place = place.get("bytes"), place.get("path")
    if isinstance(place, bytes):
        data, place = place, None
    if data is not None:
        yield "/".join([table, str(number), *([str(place)] if place else [])]), data
    elif place:
        yield _listed(table, str(place))


def _listed(name: str, path: str) -> Named:
    """Return the photo that a list calls `path`."""
    if is_url(path) or is_url(name):
        url = beside(name, path)
        return url, RemotePhoto(url)
    folder = Path(name).parent
    spelled = str(folder / as_on_disk(folder, path))
    return spelled, spelled


def _members(file: BinaryIO, name: str, _column: str | None) -> Iterator[Named]:
    """Yield the photos of a tar archive in its order, read once from front to back; other files are passed over."""
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in _photo_members(archive):
            if (content := archive.extractfile(member)) is not None:
                yield f"{name}/{member.name}", content.read(MAX_FILE_BYTES + 1)


def _photo_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    seen: list[tarfile.TarInfo] = getattr(archive, "members", [])  # tarfile keeps every member it has seen
    for member in archive:
        path = Path(member.name)
        if member.isfile() and path.suffix.lower() in PHOTO_SUFFIXES and not is_passed_over(path.name):
            yield member
        seen.clear()


def path_column(name: str, names: Iterable[str], asked: str | None) -> str:
    """Return the column of photos of a table: the one asked for, else one of `PATH_COLUMNS`; raises SettingError."""
    known = [*names]
    for column in (*PATH_COLUMNS, "bytes") if asked is None else (asked,):
        if column in known:
            return column
    wanted = f"one of its columns {', '.join(PATH_COLUMNS)}" if asked is None else "one that it has with --column"
    has = f"it has {', '.join(known)}" if known else "it is empty"
    raise SettingError(f"{name} has no column of photos: name {wanted}; {has}.")


def _count_lines(name: str) -> int:
    with open_file(name) as file, TextIOWrapper(file, encoding="utf-8-sig") as lines:
        return sum(bool(line.strip()) and not line.startswith("#") for line in lines)


def _count_csv_rows(name: str) -> int:
    with open_file(name) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        return max(0, sum(1 for row in csv.reader(lines) if row) - 1)


def _count_parquet_rows(name: str) -> int | None:
    from pyarrow import ArrowException

    try:
        with open_file(name) as file:
            return int(import_parquet().ParquetFile(file).metadata.num_rows)
    except ArrowException:
        return None


def _count_members(name: str) -> int | None:
    if is_url(name) or not name.lower().endswith(".tar"):
        return None
    with tarfile.open(name, "r:") as archive:
        return sum(1 for _ in _photo_members(archive))


LISTS = {
    ".txt": ListKind(_lines, _count_lines),
    ".csv": ListKind(_csv_rows, _count_csv_rows),
    ".parquet": ListKind(_parquet_rows, _count_parquet_rows),
    ".tar": ListKind(_members, _count_members),
}
"""How photos are read from a file with each suffix."""
