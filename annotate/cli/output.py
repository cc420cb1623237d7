"""What the commands share: the open database, and how results, warnings and errors are written."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from annotate.settings import Settings

if TYPE_CHECKING:
    from annotate.database.engine import Database


JOINERS = "\u200c\u200d"
"""Of letters, as in Persian names and in emoji; they show nothing by themselves."""


@contextmanager
def opened_database(settings: Settings) -> Iterator["Database"]:
    """Open the database, and close it when the command ends."""
    from annotate.database.engine import open_database

    database = open_database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def say(options: argparse.Namespace, data: Any, text: str) -> None:
    """Write a result to standard output."""
    sys.stdout.write((json.dumps(data, ensure_ascii=False, indent=1) if options.json else text) + "\n")


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as aligned columns under their names."""
    cells = [columns, *(tuple(cell(row[column]) for column in columns) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def cell(value: object) -> str:
    """Return a value as a table shows it: three decimals, a dash for nothing."""
    if isinstance(value, float):
        return f"{value:z.3f}"  # z: no minus before zero
    return "–" if value is None else one_line(str(value))


def utc_now() -> datetime:
    return datetime.now(UTC)


def one_line(text: str) -> str:
    """Return text that is safe on a terminal: names may hold line ends and control sequences, and letters may join."""
    return "".join(char if char.isprintable() or char in JOINERS else " " for char in text)


def warn(message: str) -> None:
    complain(f"warning: {message}")


def complain(message: str) -> None:
    with suppress(OSError):  # standard error may be full or gone
        print(f"annotate: {one_line(message)}", file=sys.stderr, flush=True)
