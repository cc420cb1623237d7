"""Diagnoses of pictures, from a CSV: what `fiqa degradation --format csv` writes, or a table of anybody's.

A row names its picture as rows of metrics do (`annotate.exchange.metrics`), and what is wrong with it in the column
`type`, `degradation` or `diagnosis`; `probability` and `severity`, 0 to 1, may stand beside it. Of several rows of a
picture the likeliest counts, or else the first; rows without a type are passed over, as those of photos without a face.
"""

import csv
import math
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from annotate.csv_files import CsvFile, safe_cell
from annotate.errors import SettingError
from annotate.exchange.metrics import find_stimuli
from annotate.statistics.complaint_agreement import ComparedComplaints, ComparedPicture, Diagnosis, likeliest

TYPES = ("type", "degradation", "diagnosis")
NUMBERS = ("probability", "severity")


def read_diagnoses(
    path: Path, conditions: Mapping[str, str | None], *, name: str | None = None
) -> dict[str, Diagnosis]:
    """Return the likeliest diagnosis of each picture that has one, by stimulus.

    Args:
        path: The file.
        conditions: The condition of every stimulus of the study, by name.
        name: How its owner knows the file, where that is not the path's own name.

    Raises:
        SettingError: the file cannot be read, says no types, or knows none of the pictures.
    """
    file = CsvFile.read(path, required=(), error=SettingError, numbers=NUMBERS, name=name)
    column = next((each for each in TYPES if each in file.columns), None)
    if column is None:
        raise SettingError(f"{file.name} has no column {', '.join(TYPES[:-1])} or {TYPES[-1]}, to say what is wrong.")
    rows = [(line, row) for line, row in file.rows() if row[column]]
    if not rows:
        raise SettingError(f"{file.name} holds no diagnosis.")
    stimuli = find_stimuli([row for _, row in rows], file.columns, file.name, conditions)
    given: dict[str, list[Diagnosis]] = {}
    for stimulus, (line, row) in zip(stimuli, rows, strict=True):
        each = Diagnosis(row[column], *(_share(file, line, row, number) for number in NUMBERS))
        if stimulus is not None:
            given.setdefault(stimulus, []).append(each)
    return {stimulus: found for stimulus, those in given.items() if (found := likeliest(those))}


def _share(file: CsvFile, line: int, row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "")
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.nan
    if value is not None and not 0 <= value <= 1:
        raise file.problem(line, f"has the {column} {text!r}; expected a number from 0 to 1")
    return value


def compared_csv(compared: ComparedComplaints) -> str:
    """Return pictures with what people complain about and their diagnosis as a CSV, the most complained of first."""
    buffer = StringIO()
    columns = [*ComparedPicture("", {}, None, None, None).row(compared.offered)]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for each in compared.pictures:
        row = each.row(compared.offered)
        named = {name: safe_cell(value) for name, value in row.items() if isinstance(value, str)}
        writer.writerow({**row, **named, "agrees": None if each.agrees is None else int(each.agrees)})
    return buffer.getvalue()
