"""Rows written as they come, so that a run that is killed has lost at most what was in the making.

A row ends with a line break. What a killed run left after the last one is cut off when the file is opened again.
"""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fiqa.errors import SettingError
from fiqa.reports import CSV_COLUMNS, ScoredPhoto, one_line, to_csv

if TYPE_CHECKING:
    from io import BufferedRandom


class RowFormat(Protocol):
    """How a result becomes lines, and how the name of its photo is read from them again."""

    heading: str

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo, its line break included."""
        ...

    def names(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield the photos of lines, heading included."""
        ...


class JsonLines:
    """One JSON object a line, with what `fiqa score --format json` has."""

    heading = ""

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo."""
        return json.dumps(photo.to_dict(), ensure_ascii=False) + "\n"

    def names(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield the photos of lines."""
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            yield row["path"]


class CsvRows:
    """The columns of `fiqa score --format csv`."""

    heading = ",".join(CSV_COLUMNS) + "\n"

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo; a line break in its name becomes a question mark."""
        return to_csv([ScoredPhoto(one_line(photo.path), photo.outcome)]).split("\n", 1)[1]

    def names(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield the photos of lines."""
        for row in csv.DictReader(StringIO("".join(lines))):
            yield row["path"]


SINKS: dict[str, RowFormat] = {".jsonl": JsonLines(), ".csv": CsvRows()}


class Sink:
    """A file of rows, open for more."""

    def __init__(self, file: "BufferedRandom", rows: RowFormat, done: set[str]) -> None:
        self._file, self._rows = file, rows
        self.done = done

    def write(self, photo: ScoredPhoto) -> None:
        """Write one row and hand it to the system."""
        self._file.write(self._rows.write(photo).encode("utf-8", errors="replace"))
        self._file.flush()


@contextmanager
def opened(path: Path, *, resume: bool) -> Iterator[Sink]:
    """Open a file of rows, a new one or to go on with what is there; its suffix says the format.

    Raises SettingError where that cannot be: for another suffix, a file that is there though nothing is to be resumed,
    and one that holds something else.
    """
    if (rows := SINKS.get(path.suffix.lower())) is None:
        raise SettingError(f"{path} cannot be written row by row: end it in one of {', '.join(SINKS)}.")
    if path.exists() and not resume:
        raise SettingError(f"{path} is there already: go on with it by --resume, or name another file.")
    with _open(path) as file:
        done = _done(path, _cut_after_last_line(file), rows)
        if not file.tell():
            file.write(rows.heading.encode())
        yield Sink(file, rows, done)


def _open(path: Path) -> "BufferedRandom":
    try:
        return path.open("r+b" if path.exists() else "w+b")
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {error.strerror or error}.") from error


def _done(path: Path, content: bytes, rows: RowFormat) -> set[str]:
    """Return the photos that a file has rows of."""
    try:
        return {*rows.names(iter(content.decode("utf-8").splitlines(keepends=True)))} if content else set()
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path} holds no results to go on with: name another file.") from error


def _cut_after_last_line(file: "BufferedRandom") -> bytes:
    """Cut off what follows the last line break, stand at the end, and return what is left."""
    content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    file.seek(len(whole), os.SEEK_SET)
    file.truncate()
    return whole
