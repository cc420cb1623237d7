"""Comparisons of pairs, from a CSV.

    left, right   names of the two stimuli (needed)
    participant   any name; people are told apart by it (needed)
    preferred     left, right or none (needed)
    response_ms   milliseconds from when both are shown to the answer

Where a column `kind` says so, as in an export, known pairs and training are left out. Other columns are ignored; an
import warns of reasons, which it does not take in.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from annotate.csv_files import CsvFile
from annotate.design.known_pairs import KNOWN
from annotate.design.protocol import StudyProtocol
from annotate.errors import ImportedRatingsError
from annotate.exchange.imports import check_name
from annotate.queries.pair_imports import ImportedComparison
from annotate.statistics.comparisons import ANSWERS, Comparisons
from annotate.wording import counted

LONGEST_MS = 2**31
_LEFT_OUT = {kind.name.lower() for kind in KNOWN}
REQUIRED = ("left", "right", "participant", "preferred")


class _Row(NamedTuple):
    """A checked row and its line; the response time is NaN where there is none."""

    line: int
    left: str
    right: str
    participant: str
    preferred: str
    response_ms: float
    has_reasons: bool


@dataclass(frozen=True)
class ComparisonsFile:
    """Checked comparisons, and sentences about what of the file they lack."""

    comparisons: tuple[ImportedComparison, ...]
    warnings: tuple[str, ...] = ()


def read_comparisons(path: Path) -> Comparisons:
    """Read and check a CSV of comparisons; raise ImportedRatingsError naming the line that cannot be used."""
    _, left, right, participant, preferred, times, _ = zip(*_rows(_read(path)), strict=True)
    return Comparisons.from_columns(left, right, participant, preferred, response_ms=times)


def comparisons_to_import(path: Path, protocol: StudyProtocol, *, name: str | None = None) -> ComparisonsFile:
    """Read a CSV of comparisons for a study; raise ImportedRatingsError where it cannot hold them.

    `name` is what the file is called, where that is not its own name.
    """
    file = _read(path, name)
    found, with_reasons = [], 0
    for line, left, right, participant, preferred, time, has_reasons in _rows(file):
        if preferred == "none" and not protocol.offer_no_difference:
            raise file.problem(
                line, "has the answer of no difference, which the study does not offer; set offer_no_difference=true"
            )
        response_ms = None if math.isnan(time) else round(time)
        found.append(ImportedComparison(left, right, participant, preferred, response_ms, line))
        with_reasons += has_reasons
    return ComparisonsFile(tuple(found), _reasons_left_out(file.name, with_reasons))


def _reasons_left_out(name: str, count: int) -> tuple[str, ...]:
    """Return a warning where so many comparisons came with reasons."""
    if not count:
        return ()
    return (f"{name} gives reasons with {counted(count, 'comparison')}; imports take in none, so they are left out.",)


def _read(path: Path, name: str | None = None) -> CsvFile:
    return CsvFile.read(path, required=REQUIRED, numbers=("response_ms",), error=ImportedRatingsError, name=name)


def _rows(file: CsvFile) -> Iterator[_Row]:
    """Yield every row, checked; raise ImportedRatingsError where one cannot be used, or there is none."""
    found = False
    for line, row in file.rows():
        if row.get("kind", "").lower() in _LEFT_OUT:
            continue
        found = True
        try:
            yield _checked(line, row)
        except ValueError as error:
            raise file.problem(line, str(error)) from None
    if not found:
        raise ImportedRatingsError(f"{file.name} holds no comparisons.")


def _checked(line: int, row: dict[str, str]) -> _Row:
    """Return a row; raise ValueError, to go on after "line 3"."""
    left, right = check_name("left", row["left"]), check_name("right", row["right"])
    participant = check_name("participant", row["participant"])
    if left == right:
        raise ValueError(f"compares {left} with itself")
    if (preferred := row["preferred"].lower()) not in ANSWERS:
        raise ValueError(f"prefers {row['preferred']!r}; expected {', '.join(ANSWERS)}")
    time = _milliseconds(row.get("response_ms", ""))
    return _Row(line, left, right, participant, preferred, time, bool(row.get("reasons")))


def _milliseconds(text: str) -> float:
    try:
        time = float(text or "nan")
    except ValueError:
        time = -1.0
    if math.isnan(time) or 0 <= time < LONGEST_MS:
        return time
    raise ValueError(f"has the response time {text!r}; expected milliseconds")
