"""Ratings in long format: one row per rating, so that an incomplete design needs no mostly empty matrix.

Shapes: V ratings, J stimuli, I participants, S sittings. The rows hold indices; the ids they stand for are kept
beside them, so that a stimulus nobody rated yet, or a participant whose ratings were left out, keeps its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.design.items import ItemKind
from annotate.errors import RatingsError

if TYPE_CHECKING:
    import pandas as pd

Flags = NDArray[np.bool_]


Indices = NDArray[np.int64]


Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ratings:
    """The ratings of one study.

    stimulus, participant, sitting: (V,) indices into the ids of that name
    grade:        (V,) on the scale from `scale_low` to `scale_high`; NaN is the answer "unusable content"
    sequence:     (V,) order of the answers within a sitting
    response_ms:  (V,) from the picture's display to the answer; NaN where unknown
    kind:         (V,) ItemKind
    expected:     (V,) right grade of gold and trap items; NaN elsewhere
    """

    stimulus: Indices
    participant: Indices
    grade: Numbers
    stimulus_ids: tuple[str, ...]
    participant_ids: tuple[str, ...]
    scale_low: float
    scale_high: float
    sitting: Indices
    sitting_ids: tuple[str, ...]
    sequence: Indices
    response_ms: Numbers
    kind: Indices
    expected: Numbers

    @classmethod
    def from_columns(
        cls,
        stimulus: ArrayLike,
        participant: ArrayLike,
        grade: ArrayLike,
        *,
        scale: tuple[float, float] = (1.0, 5.0),
        stimuli: Sequence[object] | None = None,
        sitting: ArrayLike | None = None,
        sequence: ArrayLike | None = None,
        response_ms: ArrayLike | None = None,
        kind: ArrayLike | None = None,
        expected: ArrayLike | None = None,
    ) -> "Ratings":
        """Make ratings from columns of V keys (numbers or texts) and V grades.

        `stimuli` names every stimulus of the study, those without a rating too. Left out, `sitting` is one sitting
        per participant, `sequence` the order of the rows, `kind` RATED, `response_ms` and `expected` unknown.

        Raises:
            RatingsError: the columns differ in length, or a rating is of a stimulus not in `stimuli`.
        """
        grades = np.asarray(grade, np.float64)
        optional = [column for column in (sitting, sequence, response_ms, kind, expected) if column is not None]
        _check_lengths(grades.size, stimulus, participant, *optional)
        stimulus_ids, stimulus_rows = _indexed(stimulus, stimuli)
        participant_ids, participant_rows = _indexed(participant, None)
        sitting_ids, sitting_rows = _indexed(participant if sitting is None else sitting, None)
        unknown = np.full(grades.size, np.nan)
        return cls(
            stimulus=stimulus_rows,
            participant=participant_rows,
            grade=grades,
            stimulus_ids=stimulus_ids,
            participant_ids=participant_ids,
            scale_low=scale[0],
            scale_high=scale[1],
            sitting=sitting_rows,
            sitting_ids=sitting_ids,
            sequence=np.arange(grades.size) if sequence is None else np.asarray(sequence, np.int64),
            response_ms=unknown if response_ms is None else np.asarray(response_ms, np.float64),
            kind=np.zeros(grades.size, np.int64) if kind is None else np.asarray(kind, np.int64),
            expected=unknown if expected is None else np.asarray(expected, np.float64),
        )

    @classmethod
    def from_frame(
        cls, frame: "pd.DataFrame", *, scale: tuple[float, float] = (1.0, 5.0), stimuli: Sequence[object] | None = None
    ) -> "Ratings":
        """Make ratings from a pandas table, such as the ratings.csv of an export.

        Args:
            frame: Columns `stimulus`, `participant` and `grade`; if there are, `sitting` (of its participant),
                `sequence`, `response_ms`, `kind` (rated, gold, trap, repeat, training) and `expected` too.
            scale: The worst grade and the best.
            stimuli: Every stimulus of the study, those without a rating too.

        Raises:
            RatingsError: A column is missing, a kind is unknown, or a rating is of a stimulus not in `stimuli`.
        """
        if missing := [name for name in ("stimulus", "participant", "grade") if name not in frame]:
            raise RatingsError(f"The table has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}.")
        given = {name: frame[name].to_numpy() for name in ("sequence", "response_ms", "expected") if name in frame}
        if "sequence" in given:
            given["sequence"] = np.nan_to_num(given["sequence"].astype(float))  # ratings from elsewhere have none
        if "sitting" in frame:
            given["sitting"] = (frame["participant"].astype(str) + "/" + frame["sitting"].astype(str)).to_numpy(str)
        if "kind" in frame:
            given["kind"] = np.array([_kind(name) for name in frame["kind"]], np.int64)
        stimulus, participant = frame["stimulus"].to_numpy(str), frame["participant"].to_numpy(str)
        grade = frame["grade"].to_numpy(float)
        return cls.from_columns(stimulus, participant, grade, scale=scale, stimuli=stimuli, **given)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas table with one row a rating; `from_frame` reads it."""
        import pandas as pd

        ids = {name: np.array(getattr(self, f"{name}_ids"), object) for name in ("stimulus", "participant", "sitting")}
        named = {name: ids[name][getattr(self, name)] for name in ids}
        kinds = [ItemKind(kind).name.lower() for kind in self.kind]
        numbers = {name: getattr(self, name) for name in ("grade", "sequence", "response_ms", "expected")}
        return pd.DataFrame({**named, "kind": kinds, **numbers})

    def __len__(self) -> int:
        return self.grade.size

    @property
    def scale_range(self) -> float:
        """The distance from the worst grade to the best."""
        return self.scale_high - self.scale_low

    @property
    def counted(self) -> Flags:
        """The (V,) rows that may enter a MOS: first showings of pictures to be rated, answered with a grade."""
        counted: Flags = (self.kind == ItemKind.RATED) & ~np.isnan(self.grade)
        return counted

    def where(self, rows: Flags | Indices) -> "Ratings":
        """Return the chosen rows; the ids, and so the meaning of every index, stay as they are."""
        return replace(
            self,
            stimulus=self.stimulus[rows],
            participant=self.participant[rows],
            grade=self.grade[rows],
            sitting=self.sitting[rows],
            sequence=self.sequence[rows],
            response_ms=self.response_ms[rows],
            kind=self.kind[rows],
            expected=self.expected[rows],
        )


def mean_by(index: Indices, values: Numbers, size: int) -> Numbers:
    """Return the mean (size,) of the values (V,) of each index; NaN where there is none."""
    counts = np.bincount(index, minlength=size)
    means: Numbers = np.full(size, np.nan)
    np.divide(np.bincount(index, values, size), counts, out=means, where=counts > 0)
    return means


def _kind(name: str) -> ItemKind:
    try:
        return ItemKind[str(name).upper()]
    except KeyError:
        known = ", ".join(kind.name.lower() for kind in ItemKind)
        raise RatingsError(f"There is no kind of item {name!r}: expected {known}.") from None


def _check_lengths(length: int, *columns: ArrayLike) -> None:
    for column in columns:
        if np.shape(column) != (length,):
            raise RatingsError(
                f"The columns of ratings differ in length: {length} grades beside a column of shape "
                f"{np.shape(column)}. Give every rating one value per column."
            )


def _indexed(keys: ArrayLike, every_key: Sequence[object] | None) -> tuple[tuple[str, ...], Indices]:
    """Return the ids as texts and the (V,) index of each key; in sorted order, or in that of `every_key`."""
    known, rows = np.unique(np.asarray(keys), return_inverse=True)
    if every_key is None:
        return tuple(map(str, known.tolist())), rows.astype(np.int64)
    place = {str(key): index for index, key in enumerate(every_key)}
    missing = [key for key in map(str, known.tolist()) if key not in place]
    if missing:
        raise RatingsError(f"There are ratings of {missing[0]!r}, which is no stimulus of this study.")
    places = np.array([place[str(key)] for key in known.tolist()], np.int64)
    return tuple(place), places[rows]
