"""Reads CSV files as people have them: from a script, from Excel, from another labelling tool.

UTF-8 with or without a byte order mark; comma, semicolon or tab between the fields; columns in any order, more of
them than are needed. What cannot be read is an error naming the file and the line.
"""

import csv
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError

if TYPE_CHECKING:
    import _csv

MAX_FILE_BYTES = 2**30
"""Of 786,240 ratings (39,312 images × 20) a CSV takes about 60 MB."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"


class CsvFile:
    """A CSV file with a header.

    `error` is the class that problems are raised as: whoever reads knows what the file was meant to be.
    """

    def __init__(self, data: bytes, name: str, *, required: Collection[str], error: type[AnnotateError]) -> None:
        self.name = name
        self._error = error
        self._text = self._decode(data)
        header = self._text[: self._text.find("\n")] if "\n" in self._text else self._text
        self._delimiter = max(_DELIMITERS, key=header.count)
        self.columns = self._read_header()
        self._check_columns(required)

    @classmethod
    def read(cls, path: Path, *, required: Collection[str], error: type[AnnotateError]) -> "CsvFile":
        """Read a file; see the class."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise error(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB; split it.")
            return cls(path.read_bytes(), path.name, required=required, error=error)
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise error(f"{path} cannot be read: {reason}.") from None

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line number and the fields of each row, stripped; empty lines are passed over."""
        reader = self._reader()
        try:
            next(reader, None)
            for fields in reader:
                if not any(fields):
                    continue
                if len(fields) > len(self.columns):
                    raise self.problem(reader.line_num, f"has {len(fields)} fields, the header {len(self.columns)}")
                padded = fields + [""] * (len(self.columns) - len(fields))
                yield reader.line_num, {name: value.strip() for name, value in zip(self.columns, padded, strict=True)}
        except csv.Error as problem:
            raise self.problem(reader.line_num, f"cannot be read ({problem})") from None

    def problem(self, line: int, what: str) -> AnnotateError:
        """Return the error to raise about a line; `what` goes on after "line 3"."""
        return self._error(f"{self.name}, line {line}, {what}.")

    def _decode(self, data: bytes) -> str:
        if not data.strip():
            raise self._error(f"{self.name} is empty.")
        if data.startswith(_UTF_16):
            raise self._error(f"{self.name} is encoded as UTF-16; save it as CSV in UTF-8.")
        if b"\0" in data:
            raise self._error(f"{self.name} is no text; save the table as CSV in UTF-8.")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            line = data.count(b"\n", 0, problem.start) + 1
            raise self._error(f"{self.name}, line {line}, is not UTF-8; save it as CSV in UTF-8.") from None

    def _read_header(self) -> list[str]:
        try:
            return [column.strip().lower() for column in next(self._reader(), [])]
        except csv.Error as problem:
            raise self.problem(1, f"cannot be read ({problem})") from None

    def _reader(self) -> "_csv.Reader":
        return csv.reader(StringIO(self._text, newline=""), delimiter=self._delimiter, strict=True)

    def _check_columns(self, required: Collection[str]) -> None:
        if missing := [column for column in required if column not in self.columns]:
            found = ", ".join(self.columns[:12])
            raise self._error(f"{self.name} lacks the column {' and '.join(missing)}; its columns are {found}.")
        twice = sorted({column for column in self.columns if column and self.columns.count(column) > 1})
        if twice:
            raise self._error(f"{self.name} has the column {twice[0]} more than once.")
