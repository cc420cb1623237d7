"""Rows written as they come, so that a run that is killed has lost at most what was in the making.

JSON lines and CSV grow line by line. A line ends with a line break, and what a killed run left after the last one is
cut off when the file is opened again. A parquet file can only be written whole: its rows gather as JSON lines beside
it, `scores.parquet.rows`, and become the file when the run ends, whether it is finished or was interrupted.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.reports import CSV_COLUMNS, ScoredPhoto, csv_cells, escaped

if TYPE_CHECKING:
    from io import BufferedRandom

    import pyarrow as pa

Lines = Iterable[bytes]
ROWS_AT_ONCE = 4096
"""Rows of a group in a parquet file, and how many are in memory while it is written."""
LOOKED_AT = 2**16
"""Bytes read at a time in search of the last line break."""
DIGEST = 8
"""Bytes kept of the name of a photo that is done: two of a million photos share them once in 10⁷ lists."""


class Done:
    """Photos that have rows, 8 bytes of memory each."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        digests = np.fromiter((_digest(name) for name in names), np.uint64)
        self._digests: NDArray[np.uint64] = np.unique(digests)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._digests)

    def __contains__(self, name: object) -> bool:
        """Whether the photo of this name has a row."""
        digest = np.uint64(_digest(str(name)))
        place = int(self._digests.searchsorted(digest))
        return place < len(self._digests) and bool(self._digests[place] == digest)


def _digest(name: str) -> int:
    spelled = escaped(name).encode("utf-8", errors="surrogatepass")
    return int.from_bytes(blake2b(spelled, digest_size=DIGEST).digest(), "little")


class RowFormat(Protocol):
    """How a result becomes a line, and how the names of photos are read from lines again."""

    heading: str

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo, its line break included."""
        ...

    def names(self, lines: Lines) -> Iterator[str]:
        """Yield the photos of lines, heading included; raise ValueError or KeyError where these are others."""
        ...


class JsonLines:
    """One JSON object a line, with what `fiqa score --format json` has; letters beyond ASCII are escaped."""

    heading = ""

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo."""
        return json.dumps(photo.to_dict()) + "\n"

    def names(self, lines: Lines) -> Iterator[str]:
        """Yield the photos of lines."""
        for row in read_json_lines(lines):
            yield row["path"]


class CsvRows:
    """The columns of `fiqa score --format csv`; what cannot be printed in a cell is escaped, so a row is a line."""

    heading = ",".join(CSV_COLUMNS) + "\n"

    def write(self, photo: ScoredPhoto) -> str:
        """Return the line of one photo."""
        line = StringIO()
        cells = (escaped(cell) if isinstance(cell, str) else cell for cell in csv_cells(photo))
        csv.writer(line, lineterminator="\n").writerow(cells)
        return line.getvalue()

    def names(self, lines: Lines) -> Iterator[str]:
        """Yield the photos of lines."""
        for row in csv.DictReader(line.decode("utf-8") for line in lines):
            yield row["path"]


class Sink:
    """A file of lines, open for more; `done` are the photos that had rows when it was opened."""

    def __init__(self, path: Path, rows: RowFormat) -> None:
        self._rows, self._file = rows, _open(path)
        try:
            _cut_after_last_line(self._file)
            self.done = Done(_names_in(path, self._file, rows))
        except BaseException:
            self._file.close()
            raise
        if not self._file.seek(0, os.SEEK_END):
            self._put(rows.heading)

    def write(self, photo: ScoredPhoto) -> None:
        """Write one row and hand it to the system."""
        self._put(self._rows.write(photo))

    def _put(self, line: str) -> None:
        self._file.write(line.encode("utf-8"))
        self._file.flush()

    def close(self) -> None:
        """Close the file; the rows are in it."""
        self._file.close()


class ParquetSink(Sink):
    """A parquet file whose rows gather beside it, and become part of it when it is closed."""

    def __init__(self, path: Path) -> None:
        self._path, self._written = path, Done(_names_in_parquet(path) if path.exists() else ())
        super().__init__(_gathered(path), JsonLines())
        gathered = JsonLines().names(_lines_of(_gathered(path)))
        self.done = Done(chain(_names_in_parquet(path) if path.exists() else (), gathered))

    def close(self) -> None:
        """Make the parquet file of what was there and what has come."""
        super().close()
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            _write_parquet(part, chain(_batches_of(self._path), self._gathered_batches()))
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)
        _gathered(self._path).unlink()

    def _gathered_batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the gathered rows, without those that a run wrote before it was killed between file and clean-up."""
        import pyarrow as pa

        rows = (row for row in read_json_lines(_lines_of(_gathered(self._path))) if row["path"] not in self._written)
        while group := [*islice(rows, ROWS_AT_ONCE)]:
            yield pa.RecordBatch.from_pylist([_parquet_row(row) for row in group], schema=_schema())


SINKS: dict[str, Callable[[Path], Sink]] = {
    ".jsonl": lambda path: Sink(path, JsonLines()),
    ".csv": lambda path: Sink(path, CsvRows()),
    ".parquet": ParquetSink,
}
"""What opens a file with each suffix."""


@contextmanager
def opened(path: Path, *, resume: bool) -> Iterator[Sink]:
    """Open a file of rows, a new one or to go on with what is there; its suffix says the format.

    Raises SettingError where that cannot be: for another suffix, a file that is there though nothing is to be resumed,
    and one that holds something else.
    """
    if (open_sink := SINKS.get(path.suffix.lower())) is None:
        raise SettingError(f"{path} cannot be written row by row: end it in one of {', '.join(SINKS)}.")
    if path.suffix.lower() == ".parquet":
        import_parquet()
    there = next((each for each in (path, _gathered(path)) if each.exists()), None)
    if there and not resume:
        raise SettingError(f"{there} is there already: go on with it by --resume, or name another file.")
    sink = open_sink(path)
    try:
        yield sink
    finally:
        sink.close()


def read_json_lines(lines: Lines) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON lines; raise ValueError for a line that is none."""
    for line in lines:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError("a line holds no object")  # noqa: TRY004  of what a file holds
        yield row


def import_parquet() -> Any:
    """Return the module `pyarrow.parquet`; raise SettingError where the extra is missing."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise SettingError("Parquet files need pyarrow: run `pip install 'fiqa[parquet]'`.") from error
    return parquet


def _open(path: Path) -> "BufferedRandom":
    try:
        return path.open("r+b" if path.exists() else "w+b")
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {error.strerror or error}.") from error


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _names_in(path: Path, file: "BufferedRandom", rows: RowFormat) -> Iterator[str]:
    """Yield the photos that a file has rows of."""
    file.seek(0)
    if rows.heading and file.readline() not in (b"", rows.heading.encode()):
        raise _other_content(path)
    file.seek(0)
    try:
        yield from rows.names(file)
    except (ValueError, KeyError, csv.Error) as error:
        raise _other_content(path) from error


def _other_content(path: Path) -> SettingError:
    return SettingError(f"{path} holds no results to go on with: name another file.")


def _cut_after_last_line(file: "BufferedRandom") -> None:
    """Cut off what follows the last line break."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - LOOKED_AT)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    file.truncate(end)


def _gathered(path: Path) -> Path:
    """Return where the rows of a parquet file gather."""
    return path.with_name(f"{path.name}.rows")


def _schema() -> "pa.Schema":
    import pyarrow as pa

    numbers, whole, text = pa.float64(), pa.int64(), pa.string()
    kinds = (text, numbers, numbers, numbers, whole, whole, text, text)
    return pa.schema([*zip(CSV_COLUMNS, kinds, strict=True), ("box_xyxy", pa.list_(numbers)), ("checkpoint", text)])


def _parquet_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of one photo from its line of JSON."""
    low, high = row["interval"] or (None, None)
    return {
        **{name: row[name] for name in ("score", "face")},
        "path": escaped(row["path"]),
        "interval_low": low,
        "interval_high": high,
        "faces": len(row["faces"]),
        "notices": " ".join(row["notices"]),
        "error": row["error"] and escaped(row["error"]),
        "box_xyxy": row["faces"][row["face"] - 1]["box_xyxy"] if row["face"] else None,
        "checkpoint": row.get("checkpoint"),
    }


def _names_in_parquet(path: Path) -> Iterator[str]:
    for batch in _batches_of(path, ["path"]):
        yield from batch.column(0).to_pylist()


def _batches_of(path: Path, columns: list[str] | None = None) -> "Iterator[pa.RecordBatch]":
    """Yield what a parquet file holds, nothing where there is none; raise SettingError where it is not of ours."""
    from pyarrow import ArrowException

    if not path.exists():
        return
    try:
        with import_parquet().ParquetFile(path) as table:
            if not table.schema_arrow.equals(_schema()):
                raise _other_content(path)
            yield from table.iter_batches(ROWS_AT_ONCE, columns=columns)
    except ArrowException as error:
        raise _other_content(path) from error


def _write_parquet(path: Path, batches: "Iterator[pa.RecordBatch]") -> None:
    """Write batches as groups of rows of one file, and see them on the disk."""
    with import_parquet().ParquetWriter(path, _schema()) as writer:
        for batch in batches:
            writer.write_batch(batch)
    with path.open("rb") as file:
        os.fsync(file.fileno())
