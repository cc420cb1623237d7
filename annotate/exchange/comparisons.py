"""Comparisons of pairs, from a CSV.

    left, right   names of the two stimuli (needed)
    participant   any name; people are told apart by it (needed)
    preferred     left, right or none (needed)
    response_ms   milliseconds from when both are shown to the answer

Other columns are ignored.
"""

from math import isnan
from pathlib import Path

from annotate.csv_files import CsvFile
from annotate.design.protocol import StudyProtocol
from annotate.errors import ImportedRatingsError
from annotate.exchange.imports import LONGEST_PSEUDONYM
from annotate.names import control_character, normalized
from annotate.queries.imports import ImportedComparison
from annotate.statistics.comparisons import ANSWERS, NONE, Comparisons

LONGEST_MS = 2**31
REQUIRED = ("left", "right", "participant", "preferred")


def read_comparisons(path: Path) -> Comparisons:
    """Read and check a CSV of comparisons; raise ImportedRatingsError naming the line that cannot be used."""
    file = CsvFile.read(path, required=REQUIRED, numbers=("response_ms",), error=ImportedRatingsError)
    columns: dict[str, list[str]] = {name: [] for name in REQUIRED}
    times: list[float] = []
    for line, row in file.rows():
        try:
            times.append(_checked(row))
        except ValueError as error:
            raise file.problem(line, str(error)) from None
        for name in REQUIRED[:3]:
            columns[name].append(normalized(row[name]))
        columns["preferred"].append(row["preferred"].lower())
    if not times:
        raise ImportedRatingsError(f"{path.name} holds no comparisons.")
    return Comparisons.from_columns(*(columns[name] for name in REQUIRED), response_ms=times)


def comparisons_to_import(path: Path, protocol: StudyProtocol) -> list[ImportedComparison]:
    """Read a CSV of comparisons for a study; raise ImportedRatingsError where it cannot hold them."""
    read = read_comparisons(path)
    if not protocol.offer_no_difference and (read.preferred == NONE).any():
        raise ImportedRatingsError(
            f"{path.name} has answers of no difference, which the study does not offer; set offer_no_difference=true."
        )
    if long := next((name for name in read.participant_ids if len(name) > LONGEST_PSEUDONYM), None):
        raise ImportedRatingsError(
            f"{path.name} has a participant's name of more than {LONGEST_PSEUDONYM} characters: {long[:20]}…"
        )
    if control := next(filter(None, map(control_character, read.participant_ids)), None):
        raise ImportedRatingsError(f"{path.name} has the control character {control} in the name of a participant.")
    frame = read.to_frame()
    times = [None if isnan(time) else round(time) for time in read.response_ms.tolist()]
    columns = (frame[name].tolist() for name in REQUIRED)
    return [ImportedComparison(*row) for row in zip(*columns, times, strict=True)]


def _checked(row: dict[str, str]) -> float:
    """Return the response time of a row, NaN where there is none; raise ValueError, to go on after "line 3"."""
    for name in REQUIRED[:3]:
        if not row[name]:
            raise ValueError(f"names no {name}")
    if normalized(row["left"]) == normalized(row["right"]):
        raise ValueError(f"compares {row['left']} with itself")
    if row["preferred"].lower() not in ANSWERS:
        raise ValueError(f"prefers {row['preferred']!r}; expected {', '.join(ANSWERS)}")
    try:
        time = float(row.get("response_ms") or "nan")
    except ValueError:
        time = -1.0
    if isnan(time) or 0 <= time < LONGEST_MS:
        return time
    raise ValueError(f"has the response time {row['response_ms']!r}; expected milliseconds")
