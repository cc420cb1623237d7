"""Comparisons of pairs, from a CSV.

    left, right   names of the two stimuli (needed)
    participant   any name; people are told apart by it (needed)
    preferred     left, right or none (needed)
    response_ms   from when both are shown to the answer

Other columns are ignored.
"""

from pathlib import Path

from annotate.csv_files import CsvFile
from annotate.errors import ImportedRatingsError
from annotate.names import normalized
from annotate.statistics.comparisons import ANSWERS, Comparisons

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
        return float(row.get("response_ms") or "nan")
    except ValueError:
        raise ValueError(f"has the response time {row['response_ms']!r}; expected milliseconds") from None
