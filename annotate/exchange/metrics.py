"""Values of metrics, from CSV files of anybody's: a row a picture, a column a metric.

A row names its picture by a column `stimulus` or `path`, as `fiqa score --format csv` does, or by the columns `name`
and `method` of `fiqa compare --format csv`: then it is the picture of that name, with or without its suffix, whose
condition, or whose folder, is called as the method. Every other column that holds numbers is a metric; `score` is
called after its file. Empty cells are passed over.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from annotate.csv_files import CsvFile
from annotate.errors import SettingError
from annotate.exchange.scores import stimuli_of
from annotate.names import normalized
from annotate.stimuli.sources import IMAGE_SUFFIXES

Values = dict[str, float]
DESCRIPTIONS = frozenset({
    "condition", "degradation", "error", "face", "faces", "high", "low", "method", "name", "notices", "path", "source",
    "stimulus",
})  # fmt: skip
"""Columns that are no metric, of `fiqa score` and `fiqa compare` and beside them."""


def read_metrics(files: Iterable[tuple[Path, str]], conditions: Mapping[str, str | None]) -> dict[str, Values]:
    """Return the values of every metric by stimulus.

    Args:
        files: Each with the name that its owner knows it by.
        conditions: The condition of every stimulus of the study, by name.

    Raises:
        SettingError: a file cannot be read, holds no metric, or knows none of the pictures.
    """
    found: dict[str, Values] = {}
    for path, name in files:
        for metric, values in _read_file(path, name, conditions).items():
            title = Path(name).stem if metric == "score" else metric
            found[title if title not in found else f"{Path(name).stem}: {metric}"] = values
    return found


def _read_file(path: Path, name: str, conditions: Mapping[str, str | None]) -> dict[str, Values]:
    columns = CsvFile.read(path, required=(), error=SettingError, name=name).columns
    numbers = [column for column in columns if column and column not in DESCRIPTIONS]
    file = CsvFile.read(path, required=(), error=SettingError, name=name, numbers=numbers)
    rows = [row for _, row in file.rows()]
    metrics = {column: values for column in numbers if (values := _numbers(rows, column)) is not None}
    if not metrics:
        raise SettingError(
            f"{name} has no column of numbers; expected one for each metric beside {', '.join(columns)}."
        )
    stimuli = find_stimuli(rows, columns, name, conditions)
    if twice := next((stimulus for stimulus, count in Counter(filter(None, stimuli)).items() if count > 1), None):
        raise SettingError(f"{name} has {twice} more than once: keep one row for each picture.")
    return {metric: _by_stimulus(stimuli, values) for metric, values in metrics.items()}


def _by_stimulus(stimuli: Sequence[str | None], values: Sequence[float | None]) -> Values:
    """Return the values that are known, of rows that belong to a stimulus."""
    return {
        stimulus: value
        for stimulus, value in zip(stimuli, values, strict=True)
        if stimulus is not None and value is not None
    }


def _numbers(rows: Sequence[Mapping[str, str]], column: str) -> list[float | None] | None:
    """Return the numbers of a column, None for empty cells; None where it holds something else, or nothing."""
    try:
        values = [float(row[column]) if row[column] else None for row in rows]
    except ValueError:
        return None
    known = [value for value in values if value is not None]
    return values if known and all(map(math.isfinite, known)) else None


def find_stimuli(
    rows: Sequence[Mapping[str, str]], columns: Sequence[str], name: str, conditions: Mapping[str, str | None]
) -> list[str | None]:
    """Return the stimulus of each row, None where it is of none; raise SettingError where all are of none."""
    by_path = next((column for column in ("stimulus", "path") if column in columns), None)
    if by_path:
        named = stimuli_of([*conditions], [row[by_path] for row in rows])
        return [named.get(row[by_path]) for row in rows]
    if not {"name", "method"} <= set(columns):
        raise SettingError(
            f"{name} needs a column stimulus or path, or both name and method, to say whose values it has."
        )
    known = {key: stimulus for stimulus, condition in conditions.items() for key in _keys(stimulus, condition)}
    listed = [known.get((row["method"], _stem(row["name"]))) for row in rows]
    if not any(listed):
        raise SettingError(
            f"{name} knows no picture of this study: the first is {rows[0]['name']} of {rows[0]['method']}, and no "
            "picture of that name has this condition, or lies in a folder called like that."
        )
    return listed


def _keys(stimulus: str, condition: str | None) -> list[tuple[str, str]]:
    """Return the methods and names, without suffix, by which a picture may be known."""
    path = PurePosixPath(normalized(stimulus))
    folders = [(folder.name, _stem(path.relative_to(folder).as_posix())) for folder in path.parents if folder.name]
    names = {_stem(path.as_posix()), _stem(path.name)} | {name for _, name in folders}
    return folders + ([(condition, name) for name in names] if condition else [])


def _stem(name: str) -> str:
    path = PurePosixPath(normalized(name).replace("\\", "/"))
    return path.with_suffix("").as_posix() if path.suffix.lower() in IMAGE_SUFFIXES else path.as_posix()
