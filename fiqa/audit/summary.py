"""From the scores of photos to the figures of an audit: means by group, falls by damage, largest gaps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.audit.appearance import ORDER
from fiqa.audit.scoring import CLEAN, AuditedPhoto, Damage
from fiqa.audit.statistics import FEW_PEOPLE, Gap, GroupMean, group_means, largest_gap
from fiqa.results import Interval

if TYPE_CHECKING:
    import pandas as pd

SKIN_TONE_NOTICE = (
    "The skin tone is measured from pixels: light and white balance move it as much as skin does. "
    "Read it among photos taken under one light only, and never as ethnicity."
)
CAUSE_NOTICE = (
    "A gap between groups may come from how their photos were taken: compare groups whose photos were taken alike."
)


@dataclass(frozen=True)
class ColumnFigures:
    """One column of groups: the mean of every figure in every group, and the largest gap in each figure.

    Figures are `CLEAN` and `fall: DAMAGE`, how much the score falls by it. `unnamed` counts photos without a group in
    this column, `unscored` (by group) those without a score. A gap is None where too few groups can be compared.
    """

    column: str
    means: Mapping[str, Sequence[GroupMean]]
    gaps: Mapping[str, Gap | None]
    unnamed: int
    unscored: Mapping[str, int]

    @property
    def groups(self) -> list[str]:
        """The names of the groups."""
        return [each.group for each in self.means[CLEAN]]


@dataclass(frozen=True)
class Audit:
    """The figures of one checkpoint on photos of people; `notices` are sentences that go with them."""

    checkpoint: str
    sha256: str | None
    score_range: Interval
    photos: int
    people: int
    unscored: int
    damages: tuple[str, ...]
    columns: tuple[ColumnFigures, ...]
    notices: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Audit":
        """Return the audit that `to_dict` made JSON-ready data of."""
        columns = tuple(_read_column(each) for each in content["columns"])
        rest = {name: value for name, value in content.items() if name != "columns"}
        lists = {name: tuple(rest[name]) for name in ("score_range", "damages", "notices")}
        return cls(**{**rest, **lists, "columns": columns})

    def to_frame(self) -> "pd.DataFrame":
        """Return one row for every column, group and figure: mean, interval, people and photos."""
        import pandas as pd

        rows = [
            (column.column, each.group, figure, each.mean, *(each.interval or (None, None)), each.people, each.photos)
            for column in self.columns
            for figure, means in column.means.items()
            for each in means
        ]
        heads = ["column", "group", "figure", "mean", "interval_low", "interval_high", "people", "photos"]
        return pd.DataFrame(rows, columns=heads)


def summarise(
    photos: Sequence[AuditedPhoto], columns: Sequence[str], damages: Sequence[Damage], *,
    checkpoint: str, sha256: str | None, score_range: Interval, notices: Sequence[str] = (),
) -> Audit:  # fmt: skip
    """Return the figures of photos by the groups in each of the columns."""
    figures = _figures(photos, damages)
    summed = tuple(_column(name, photos, figures) for name in columns)
    return Audit(
        checkpoint=checkpoint,
        sha256=sha256,
        score_range=score_range,
        photos=len(photos),
        people=len({photo.person for photo in photos}),
        unscored=sum(photo.error is not None for photo in photos),
        damages=tuple(each.label for each in damages),
        columns=tuple(column for column in summed if column.groups),
        notices=(*notices, *_about(summed)),
    )


def _figures(photos: Sequence[AuditedPhoto], damages: Sequence[Damage]) -> dict[str, NDArray[np.float64]]:
    """Return the score as it is (N,) and its falls (N,), NaN where a photo has none."""
    clean = np.array([photo.scores.get(CLEAN, np.nan) for photo in photos])
    falls = {
        f"fall: {each.label}": clean - [photo.scores.get(each.label, np.nan) for photo in photos] for each in damages
    }
    return {CLEAN: clean, **falls}


def _column(name: str, photos: Sequence[AuditedPhoto], figures: Mapping[str, NDArray[np.float64]]) -> ColumnFigures:
    rows = [index for index, photo in enumerate(photos) if name in photo.groups]
    if not rows:
        return ColumnFigures(name, {CLEAN: []}, {}, len(photos), {})
    groups, people = [photos[row].groups[name] for row in rows], [photos[row].person for row in rows]
    unscored = [group for row, group in zip(rows, groups, strict=True) if photos[row].error is not None]
    return ColumnFigures(
        column=name,
        means={figure: _means(values[rows], groups, people) for figure, values in figures.items()},
        gaps={figure: largest_gap(values[rows], groups, people) for figure, values in figures.items()},
        unnamed=len(photos) - len(rows),
        unscored={group: unscored.count(group) for group in sorted(set(unscored))},
    )


def _means(values: NDArray[np.float64], groups: Sequence[str], people: Sequence[str]) -> list[GroupMean]:
    """Return the mean of every group: what is measured in its own order, the others by name."""
    return sorted(
        group_means(values, groups, people), key=lambda each: ORDER.index(each.group) if each.group in ORDER else -1
    )


def _read_column(content: Mapping[str, Any]) -> ColumnFigures:
    means = {
        figure: [GroupMean(**{**each, "interval": each["interval"] and tuple(each["interval"])}) for each in groups]
        for figure, groups in content["means"].items()
    }
    gaps = {
        figure: gap and Gap(**{**gap, "interval": tuple(gap["interval"]), "corrected": tuple(gap["corrected"])})
        for figure, gap in content["gaps"].items()
    }
    return ColumnFigures(**{**content, "means": means, "gaps": gaps})


def _about(columns: Sequence[ColumnFigures]) -> list[str]:
    """Return what must be said beside the figures."""
    told = [notice for column in columns for notice in _about_column(column)]
    measured = [SKIN_TONE_NOTICE] if any(column.column == "skin tone" for column in columns) else []
    return [CAUSE_NOTICE, *told, *measured]


def _about_column(column: ColumnFigures) -> Iterator[str]:
    if not column.groups:
        yield f"No photo has a {column.column}: the column is left out."
        return
    means = column.means[CLEAN]
    if lonely := [each.group for each in means if each.people == 1]:
        yield f"{column.column}: one person alone in {', '.join(lonely)}, so there is no interval."
    if few := [each.group for each in means if 1 < each.people < FEW_PEOPLE]:
        yield f"{column.column}: fewer than {FEW_PEOPLE} people in {', '.join(few)}, which is not compared."
    if column.unnamed:
        yield f"{column.column}: {column.unnamed} photos have no group and are left out there."
