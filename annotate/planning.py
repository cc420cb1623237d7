"""Which stimuli to have rated next: those whose MOS one more rating would tell most about.

The MOS of a stimulus is uncertain by 1 / (1 / tau^2 + n / SOS^2): n ratings that spread by SOS, and what is known
before the first of them, a spread of tau about the study's mean. So few ratings come before many, and of pictures
with as many those people disagree about. Scores of a model may be given as plain numbers, on any scale: they make the
MOS to expect of every stimulus that has one, and tau what is left of the spread about it. Pictures without a score,
of which nothing is known, then come before those with one.

Shapes: J stimuli.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from annotate.csv_files import CsvFile
from annotate.errors import SettingError
from annotate.mos import MosTable, expected_sos, study_mean
from annotate.ratings import Numbers

_HALF_WIDTH = 1.96  # of a 95 % interval, in standard deviations; the prior is known, so no Student's t
_FEWEST_SCORED = 10  # rated stimuli with a score, to trust a line through them
_LEAST_SPREAD = 0.02  # of the scale: no model is trusted to be closer


@dataclass(frozen=True)
class Candidate:
    """A stimulus to be rated.

    ratings:       how many it has
    uncertainty:   half width of the 95 % interval of its MOS now, in grades
    after_one:     the same after one more rating
    reason:        that in words
    """

    stimulus: str
    ratings: int
    uncertainty: float
    after_one: float
    reason: str

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return asdict(self)


def next_batch(
    table: MosTable,
    count: int,
    *,
    wanted_ratings: int = 20,
    wanted_ci95: float | None = None,
    model_scores: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """Return at most `count` stimuli, the one that gains most by a rating first.

    Left out are those that are done: with `wanted_ratings`, or, where `wanted_ci95` is given, known that well.
    """
    prior_mean, prior_variance = _prior(table, model_scores or {})
    noise = _noise(table, prior_mean)
    now = 1 / (1 / prior_variance + table.ratings / noise)
    then = 1 / (1 / prior_variance + (table.ratings + 1) / noise)
    width, width_then = _HALF_WIDTH * np.sqrt(now), _HALF_WIDTH * np.sqrt(then)
    open_ones = np.flatnonzero(table.ratings < wanted_ratings if wanted_ci95 is None else width > wanted_ci95)
    chosen = open_ones[np.argsort(-(now - then)[open_ones], kind="stable")][:count]
    return [_candidate(table, index, float(width[index]), float(width_then[index])) for index in chosen.tolist()]


def read_scores(path: Path) -> dict[str, float]:
    """Return a model's scores from a CSV with the columns stimulus (or path) and score; rows without one are left out.

    What `fiqa score --format csv` writes will do: `scores_of` finds the stimulus of a path.

    Raises:
        SettingError: the file cannot be read, or a score is no finite number.
    """
    file = CsvFile.read(path, required=("score",), error=SettingError)
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
    """Return the scores by stimulus: of the same name, or else of the one path that ends with it.

    Raises SettingError when none of them belongs to a stimulus: the names are of another study.
    """
    by_file: dict[str, list[str]] = {}
    for path in scores:
        by_file.setdefault(PurePosixPath(path).name, []).append(path)
    found = {}
    for name in stimuli:
        ends = [path for path in by_file.get(PurePosixPath(name).name, ()) if f"/{path}".endswith(f"/{name}")]
        if name in scores or len(ends) == 1:
            found[name] = scores[name if name in scores else ends[0]]
    if scores and not found:
        raise SettingError(
            f"None of the scores is of a picture of this study; the first is called {next(iter(scores))}."
        )
    return found


def _candidate(table: MosTable, index: int, now: float, then: float) -> Candidate:
    ratings = int(table.ratings[index])
    so_far = f"{ratings} rating{'' if ratings == 1 else 's'}"
    reason = f"{so_far}: the MOS is known to ±{now:.2f} grades, with one more to ±{then:.2f}"
    return Candidate(table.stimulus_ids[index], ratings, now, then, reason)


def _prior(table: MosTable, model_scores: Mapping[str, float]) -> tuple[Numbers, Numbers]:
    """Return mean and variance (J,) of what is known of each MOS before its own ratings."""
    size, rated = len(table.stimulus_ids), table.ratings > 0
    least = (_LEAST_SPREAD * (table.scale_high - table.scale_low)) ** 2
    mean = np.full(size, study_mean(table))
    spread = table.mos[rated].var() if rated.sum() > 1 else (table.scale_high - table.scale_low) ** 2 / 12
    variance = np.full(size, max(float(spread), least))
    scores = np.array([model_scores.get(name, np.nan) for name in table.stimulus_ids])
    scored = ~np.isnan(scores)
    if (scored & rated).sum() < _FEWEST_SCORED or np.ptp(scores[scored & rated]) == 0:
        return mean, variance
    slope, offset = np.polyfit(scores[scored & rated], table.mos[scored & rated], 1)
    mean[scored] = np.clip(slope * scores[scored] + offset, table.scale_low, table.scale_high)
    variance[scored] = max(float(np.mean((table.mos - mean)[scored & rated] ** 2)), least)
    return mean, variance


def _noise(table: MosTable, prior_mean: Numbers) -> Numbers:
    """Return the variance (J,) to expect of one rating."""
    least: Numbers = np.maximum(expected_sos(table, prior_mean), _LEAST_SPREAD * (table.scale_high - table.scale_low))
    return least**2
