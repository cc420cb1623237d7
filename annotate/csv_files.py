"""Reads CSV files as people have them: from a script, from Excel, from another labelling tool; and makes safe cells.

UTF-8 with or without byte order marks, UTF-16 with one, else cp1252; comma, semicolon or tab between the fields, which
Excel's first line `sep=;` may say; with semicolons, a comma is a decimal point; columns in any order, more of them than
are needed. What cannot be read is an error naming the file and the line. (pandas reads all of that too, but knows no
line numbers.)

A text that begins with = + - @ is a formula to a spreadsheet, and whoever names a picture or joins a study could write
one. Tables that are exported have an apostrophe before it, which is taken away where one is read.
"""

import csv
import re
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from annotate.wording import listed

if TYPE_CHECKING:
    import _csv

MAX_FILE_BYTES = 2**30
"""Of 786,240 ratings (39,312 images × 20) a CSV takes about 60 MB."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?[ \t]*\r?\n', re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"([+-]?\d+),(\d+)")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def safe_cell(text: str) -> str:
    """Return a text as a cell of a table that is exported, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def read_cell(cell: str) -> str:
    """Return the text of a cell that `safe_cell` may have made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class CsvFile:
    """A CSV file with a header.

    `numbers` are the columns in which a comma may be a decimal point. `error` is the class that problems are raised as:
    whoever reads knows what the file was meant to be.
    """

    def __init__(
        self,
        data: bytes,
        name: str,
        *,
        required: Collection[str],
        error: type[AnnotateError],
        numbers: Collection[str] = (),
    ) -> None:
        self.name = name
        self._error, self._numbers = error, numbers
        self._text = self._decode(data)
        said = _SEPARATOR_LINE.match(self._text)
        self._text = self._text[said.end() :] if said else self._text
        self._first_line = 1 if said else 0  # lines before the header
        header = self._text[: self._text.find("\n")] if "\n" in self._text else self._text
        self._delimiter = said[1] if said else max(_DELIMITERS, key=header.count)
        self.columns = self._read_header()
        self._check_columns(required)

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        required: Collection[str],
        error: type[AnnotateError],
        numbers: Collection[str] = (),
        name: str | None = None,
    ) -> "CsvFile":
        """Read a file, called by another `name` where its owner knows it by that; see the class."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise error(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB; split it.")
            return cls(path.read_bytes(), name or path.name, required=required, error=error, numbers=numbers)
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise error(f"{path} cannot be read: {reason}.") from None

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line number and the fields of each row, stripped; empty lines are passed over."""
        reader = self._reader()
        is_plain = self._delimiter != ";" and "'" not in self._text  # no cell is another text than it shows
        try:
            next(reader, None)
            for fields in reader:
                if not any(fields):
                    continue
                line = reader.line_num + self._first_line
                if len(fields) > len(self.columns):
                    raise self.problem(line, f"has {len(fields)} fields, the header {len(self.columns)}")
                padded = fields + [""] * (len(self.columns) - len(fields))
                values = map(str.strip, padded) if is_plain else map(self._value, self.columns, padded)
                yield line, dict(zip(self.columns, values, strict=True))
        except csv.Error as problem:
            raise self.problem(reader.line_num + self._first_line, f"cannot be read ({problem})") from None

    def problem(self, line: int, what: str) -> AnnotateError:
        """Return the error to raise about a line; `what` goes on after "line 3"."""
        return self._error(f"{self.name}, line {line}, {what}.")

    def _decode(self, data: bytes) -> str:
        if not data.strip():
            raise self._error(f"{self.name} is empty.")
        if data.startswith(_UTF_16):
            return self._decoded(data, "utf-16")
        if b"\0" in data:
            raise self._error(f"{self.name} is no text; save the table as CSV in UTF-8.")
        try:
            return data.decode("utf-8").lstrip("\ufeff")  # Excel adds a mark of its own to one that is there
        except UnicodeDecodeError:
            return self._decoded(data, "cp1252")  # of Excel in the West, where UTF-8 was not asked for

    def _decoded(self, data: bytes, encoding: str) -> str:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as problem:
            line = data.count(b"\n", 0, problem.start) + 1
            raise self._error(f"{self.name}, line {line}, is not UTF-8; save it as CSV in UTF-8.") from None

    def _value(self, column: str, cell: str) -> str:
        """Return the text of a cell, a number with a decimal point."""
        value = read_cell(cell.strip())
        if self._delimiter == ";" and column in self._numbers:
            return _DECIMAL_COMMA.sub(r"\1.\2", value) if _DECIMAL_COMMA.fullmatch(value) else value
        return value

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
            lacks = f"the column{'s' if len(missing) > 1 else ''} {listed(missing)}"
            raise self._error(f"{self.name} lacks {lacks}; its columns are {found}.")
        twice = sorted({column for column in self.columns if column and self.columns.count(column) > 1})
        if twice:
            raise self._error(f"{self.name} has the column {twice[0]} more than once.")
