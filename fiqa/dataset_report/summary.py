"""Everything that a report tells of one set of scores, or of two, joined."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.audit.groups import MOST_GROUPS, as_groups
from fiqa.dataset_report.inputs import ScoreSet, score_range
from fiqa.dataset_report.statistics import (
    SHARES,
    Difference,
    distance,
    drift,
    mean_interval,
    quantile_interval,
)
from fiqa.errors import SettingError
from fiqa.results import Box, Interval

if TYPE_CHECKING:
    import pandas as pd

FOLDER, PERSON = "folder", "person"
OTHERS = "others"
EXAMPLES = 12
"""Photos shown at either end."""
LOWEST = 0.1
"""The share of the photos that counts as the lowest."""


@dataclass(frozen=True)
class SetFigures:
    """One set: how many photos, how many without a score, mean and quantiles by share with intervals."""

    name: str
    photos: int
    unscored: int
    mean: float | None
    interval: Interval | None
    quantiles: dict[str, tuple[float, Interval | None]]


@dataclass(frozen=True)
class SliceFigures:
    """One group of a column; `lowest` is the share of its scores among the lowest tenth of all."""

    group: str
    photos: int
    unscored: int
    mean: float | None
    interval: Interval | None
    lowest: float | None


@dataclass(frozen=True)
class Drift:
    """How the second set differs from the first; `paired` is of the `shared` photos that both have a score of."""

    differences: Sequence[Difference]
    distance: float
    p: float
    shared: int
    paired: Difference | None


@dataclass(frozen=True)
class Example:
    """A photo at one end of the scores, and where its face is, where that is known."""

    path: str
    score: float
    box_xyxy: Box | None


@dataclass(frozen=True)
class DatasetReport:
    """What there is to tell; slices, `worst` and `best` are of the first set. `scores` are those of each set, (N,)."""

    sets: Sequence[SetFigures]
    slices: dict[str, list[SliceFigures]]
    drift: Drift | None
    worst: Sequence[Example]
    best: Sequence[Example]
    score_range: Interval
    notices: Sequence[str]
    scores: dict[str, NDArray[np.float64]]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data, without the single scores."""
        return {name: value for name, value in asdict(self).items() if name != "scores"}


def summarise(first: ScoreSet, second: ScoreSet | None = None, columns: Sequence[str] | None = None) -> DatasetReport:
    """Return what there is to tell of a set, and of how another differs from it.

    `columns` are those to slice by; unless given, those that stand beside the scores, and the photos' folders. Raises
    SettingError for a column that is not there, and where no photo has a score.
    """
    sets = [first] if second is None else [first, second]
    for each in sets:
        if each.frame["score"].isna().all():
            raise SettingError(f"No photo in {each.name} has a score.")
    frame, ends = first.frame, score_range(sets)
    names = [first.name] if second is None else _distinct(first.name, second.name)
    by_person = [PERSON] if PERSON in frame.columns else []
    chosen = [*(columns if columns is not None else _usual_columns(first))]
    return DatasetReport(
        sets=[_set_figures(name, each.frame, ends) for name, each in zip(names, sets, strict=True)],
        slices={column: _slices(frame, _grouped(first, column), ends) for column in chosen},
        drift=None if second is None else _drift(frame, second.frame, ends),
        worst=[*_examples(frame.nsmallest(EXAMPLES, "score"))],
        best=[*_examples(frame.nlargest(EXAMPLES, "score"))],
        score_range=ends,
        notices=["Intervals of means count the photos of one person as one." for _ in by_person],
        scores={name: _scored(each.frame) for name, each in zip(names, sets, strict=True)},
    )


def _distinct(first: str, second: str) -> list[str]:
    return [first, second] if first != second else [f"{first} (first)", f"{second} (second)"]


def _scored(frame: "pd.DataFrame") -> NDArray[np.float64]:
    return np.asarray(frame["score"].dropna(), dtype=np.float64)


def _set_figures(name: str, frame: "pd.DataFrame", ends: Interval) -> SetFigures:
    values = _scored(frame)
    quantiles = {
        f"{share:.0%}": (float(np.quantile(values, share)), quantile_interval(values, share)) for share in SHARES
    }
    unscored = len(frame) - len(values)
    return SetFigures(name, len(frame), unscored, float(values.mean()), _mean_interval(frame, ends), quantiles)


def _mean_interval(frame: "pd.DataFrame", ends: Interval) -> Interval | None:
    """Return the interval of the mean score, cut to the range of scores."""
    scored = frame[frame["score"].notna()]
    found = mean_interval(_scored(frame), [*scored[PERSON]] if PERSON in frame.columns else None)
    return found and (max(found[0], ends[0]), min(found[1], ends[1]))


def _usual_columns(scores: ScoreSet) -> list[str]:
    """Return the columns to slice by where none is named: those with more than one value and not one for each photo."""
    own = [name for name in scores.own_columns if name != PERSON]
    offered = own if FOLDER in own else [*own, FOLDER]
    return [name for name in offered if 1 < len(set(_column(scores, name))) < len(scores.frame)]


def _column(scores: ScoreSet, name: str) -> list[str]:
    """Return a column as text, "" where it says nothing; the folder of a photo is its path's."""
    if name in scores.frame.columns:
        return ["" if value is None or value != value else str(value) for value in scores.frame[name]]  # noqa: PLR0124
    if name == FOLDER:
        return [PurePath(path).parent.name for path in scores.frame["path"]]
    offered = ", ".join([*scores.own_columns, FOLDER])
    raise SettingError(f"{scores.name} has no column {name}: it has {offered}.")


def _grouped(scores: ScoreSet, name: str) -> list[str]:
    """Return the group of each photo: numbers in quarters, the rarest words together."""
    values = _column(scores, name)
    words, counts = np.unique(np.asarray(values, str), return_counts=True)
    if len(words) > MOST_GROUPS and not all(map(_is_number, words)):
        kept = set(words[np.argsort(-counts, kind="stable")[: MOST_GROUPS - 1]])
        values = [value if value in kept else OTHERS for value in values]
    return as_groups(name, values)


def _is_number(word: str) -> bool:
    try:
        float(word or 0)
    except ValueError:
        return False
    return True


def _slices(frame: "pd.DataFrame", groups: Sequence[str], ends: Interval) -> list[SliceFigures]:
    """Return the figures of every group, the lowest mean first; photos that no group names are left out."""
    limit = float(np.quantile(_scored(frame), LOWEST))
    found = [
        _slice_figures(str(group), rows, limit, ends)
        for group, rows in frame.groupby(np.asarray(groups, object), sort=True)
        if group
    ]
    return sorted(found, key=lambda each: (each.mean is None, each.mean))


def _slice_figures(group: str, rows: "pd.DataFrame", limit: float, ends: Interval) -> SliceFigures:
    values = _scored(rows)
    if not len(values):
        return SliceFigures(group, len(rows), len(rows), None, None, None)
    lowest = float((values <= limit).mean())
    unscored = len(rows) - len(values)
    return SliceFigures(group, len(rows), unscored, float(values.mean()), _mean_interval(rows, ends), lowest)


def _drift(before: "pd.DataFrame", after: "pd.DataFrame", ends: Interval) -> Drift:
    scores = [
        each.dropna(subset="score").drop_duplicates("path").set_index("path")["score"] for each in (before, after)
    ]
    both = np.asarray((scores[1] - scores[0]).dropna(), dtype=np.float64)
    paired = Difference("photo by photo", float(both.mean()), mean_interval(both)) if len(both) else None
    found = distance(_scored(before), _scored(after))
    return Drift(drift(_scored(before), _scored(after), ends), *found, len(both), paired)


def _examples(rows: "pd.DataFrame") -> Iterator[Example]:
    for row in rows.itertuples():
        box = getattr(row, "box_xyxy", None)
        yield Example(str(row.path), float(row.score), None if box is None or isinstance(box, float) else tuple(box))
