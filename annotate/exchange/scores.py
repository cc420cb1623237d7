"""Scores of a model, from a CSV: what `fiqa score --format csv` writes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from annotate.csv_files import CsvFile
from annotate.errors import SettingError
from annotate.names import normalized
from annotate.stimuli.files import Candidate


def read_scores(path: Path) -> dict[str, float]:
    """Return a model's scores from a CSV with the columns stimulus (or path) and score; rows without one are left out.

    What `fiqa score --format csv` writes will do: `scores_of` finds the stimulus of a path.

    Raises:
        SettingError: the file cannot be read, or a score is no finite number.
    """
    file = CsvFile.read(path, required=("score",), numbers=("score",), error=SettingError)
    name = next((column for column in ("stimulus", "path") if column in file.columns), None)
    if name is None:
        raise SettingError(f"{path.name} needs a column stimulus or path.")
    scores: dict[str, float] = {}
    for line, row in file.rows():
        if not row["score"] and row.get("error"):
            continue
        try:
            scores[row[name]] = float(row["score"])
        except ValueError:
            scores[row[name]] = math.nan
        if not math.isfinite(scores[row[name]]):
            raise file.problem(line, f"has the score {row['score']!r}; expected a number")
    return scores


def scores_of(stimuli: Sequence[str], scores: Mapping[str, float]) -> dict[str, float]:
    """Return the scores by stimulus, as `stimuli_of` finds it; raises SettingError as that does."""
    return {stimulus: scores[path] for path, stimulus in stimuli_of(stimuli, scores).items()}


def with_scores(candidates: Sequence[Candidate], scores: Mapping[str, float]) -> list[Candidate]:
    """Return pictures with the scores of those that have one; raises SettingError where none has."""
    found = scores_of([each.name for each in candidates], scores)
    return [replace(each, score=found.get(each.name, each.score)) for each in candidates]


def stimuli_of(stimuli: Sequence[str], paths: Iterable[str]) -> dict[str, str]:
    """Return the stimulus of each path that has one: of the same name, or else whose name only this path ends with.

    Raises SettingError when none of them belongs to a stimulus: the names are of another study.
    """
    known = {_name_of(path, stimuli): path for path in paths}
    by_file: dict[str, list[str]] = {}
    for spelled in known:
        by_file.setdefault(PurePosixPath(spelled).name, []).append(spelled)
    found = {}
    for stimulus in stimuli:
        name = normalized(stimulus)
        ends = [path for path in by_file.get(PurePosixPath(name).name, ()) if f"/{path}".endswith(f"/{name}")]
        if name in known or len(ends) == 1:
            found[known[name if name in known else ends[0]]] = stimulus
    if known and not found:
        first = next(iter(known.values()))
        raise SettingError(f"None of the rows is of a picture of this study; the first is called {first}.")
    return found


def _name_of(path: str, stimuli: Sequence[str]) -> str:
    """Return a path in NFC, its backslashes as separators unless a stimulus is called like that."""
    return normalized(path) if path in stimuli else normalized(path).replace("\\", "/")
