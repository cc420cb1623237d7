"""Photos by name, one after the other, from lists, tables and archives that need not fit in memory.

A path in a list is relative to the list's folder. What cannot be read as a list at all is a SettingError; a photo in it
that cannot be read is an error of its own, later.
"""

import csv
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fiqa.errors import SettingError
from fiqa.photos.images import MAX_FILE_BYTES, PHOTO_SUFFIXES, PhotoSource
from fiqa.photos.sources import as_on_disk, is_passed_over

Named = tuple[str, PhotoSource]
PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "photo")
"""Columns of tables that may hold paths, the first that is there being taken; `image` may hold {bytes, path} too."""
ROWS_AT_ONCE = 64


def photos_in(path: Path) -> Iterator[Named]:
    """Yield name and photo of everything in a list: .txt, .csv, .parquet or .tar. Raises SettingError."""
    try:
        yield from LISTS[path.suffix.lower()](path)
    except (OSError, UnicodeDecodeError, csv.Error, tarfile.TarError) as error:
        raise SettingError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def is_list(word: str) -> bool:
    """Whether a word of the command line names a list of photos."""
    return Path(word).suffix.lower() in LISTS and Path(word).is_file()


def _lines(path: Path) -> Iterator[Named]:
    """Yield the paths of a text file, one a line; empty lines and those that begin with # are passed over."""
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if (name := line.rstrip("\r\n")).strip() and not name.startswith("#"):
                yield from _on_disk(path, name)


def _csv_rows(path: Path) -> Iterator[Named]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        column = _path_column(path, reader.fieldnames or ())
        for row in reader:
            if name := row[column]:
                yield from _on_disk(path, name)


def _parquet_rows(path: Path) -> Iterator[Named]:
    """Yield the rows of a parquet file: paths, or bytes in a column of that name or in `image`, as on the Hub."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise SettingError("Reading parquet needs pyarrow: run `pip install 'fiqa[parquet]'`.") from error
    try:
        with parquet.ParquetFile(path) as table:
            names = table.schema_arrow.names
            columns = [*{_path_column(path, names), *({"bytes"} & set(names))}]
            number = 0
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    yield from _from_row(path, row, number)
                    number += 1
    except ArrowException as error:
        raise SettingError(f"{path} is no parquet file that can be read: {error}.") from error


def _on_disk(table: Path, name: str) -> Iterator[Named]:
    path = as_on_disk(table.parent, name)
    spelled = str(table.parent / path)
    yield spelled, spelled


def _from_row(table: Path, row: dict[str, Any], number: int) -> Iterator[Named]:
    """Yield name and photo of one row; bytes without a name get the row's number."""
    data, name = row.pop("bytes", None), next(iter(row.values()), None)
    if isinstance(name, dict):
        data, name = name.get("bytes"), name.get("path")
    if data is not None:
        yield f"{table}/{name or number}", data
    elif name:
        yield from _on_disk(table, str(name))


def _members(path: Path) -> Iterator[Named]:
    """Yield the photos of a tar archive in its order, read once from front to back; other files are passed over."""
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            name = Path(member.name)
            if not member.isfile() or name.suffix.lower() not in PHOTO_SUFFIXES or is_passed_over(name.name):
                continue
            if (file := archive.extractfile(member)) is not None:
                yield f"{path}/{member.name}", file.read(MAX_FILE_BYTES + 1)


def _path_column(path: Path, names: Iterable[str]) -> str:
    known = [*names]
    for column in (*PATH_COLUMNS, "bytes"):
        if column in known:
            return column
    raise SettingError(
        f"{path} has no column of photos: name one of its columns {', '.join(PATH_COLUMNS)}; it has {', '.join(known)}."
    )


LISTS: dict[str, Callable[[Path], Iterator[Named]]] = {
    ".txt": _lines,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
    ".tar": _members,
}
"""How photos are read from a file with each suffix."""
