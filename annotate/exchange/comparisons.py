"""Comparisons of pairs, from a CSV.

    left, right   names of the two stimuli (needed)
    participant   any name; people are told apart by it (needed)
    preferred     left, right or none (needed)
    response_ms   milliseconds from when both are shown to the answer

Where a column `kind` says so, as in an export, known pairs and training are left out. Other columns are ignored.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from annotate.csv_files import CsvFile
from annotate.design.known_pairs import KNOWN
from annotate.design.protocol import StudyProtocol
from annotate.errors import ImportedRatingsError
from annotate.exchange.imports import check_name
from annotate.queries.pair_imports import ImportedComparison
from annotate.statistics.comparisons import ANSWERS, Comparisons

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


def read_comparisons(path: Path) -> Comparisons:
    """Read and check a CSV of comparisons; raise ImportedRatingsError naming the line that cannot be used."""
    _, left, right, participant, preferred, times = zip(*_rows(_read(path)), strict=True)
    return Comparisons.from_columns(left, right, participant, preferred, response_ms=times)


def comparisons_to_import(path: Path, protocol: StudyProtocol) -> list[ImportedComparison]:
    """Read a CSV of comparisons for a study; raise ImportedRatingsError where it cannot hold them."""
    file = _read(path)
    found = []
    for line, left, right, participant, preferred, time in _rows(file):
        if preferred == "none" and not protocol.offer_no_difference:
            raise file.problem(
                line, "has the answer of no difference, which the study does not offer; set offer_no_difference=true"
            )
        response_ms = None if math.isnan(time) else round(time)
        found.append(ImportedComparison(left, right, participant, preferred, response_ms, line))
    return found


def _read(path: Path) -> CsvFile:
    return CsvFile.read(path, required=REQUIRED, numbers=("response_ms",), error=ImportedRatingsError)


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
    return _Row(line, left, right, participant, preferred, _milliseconds(row.get("response_ms", "")))


def _milliseconds(text: str) -> float:
    try:
        time = float(text or "nan")
    except ValueError:
        time = -1.0
    if math.isnan(time) or 0 <= time < LONGEST_MS:
        return time
    raise ValueError(f"has the response time {text!r}; expected milliseconds")
