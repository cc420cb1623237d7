"""The table of all pictures in the Results panel: figures in columns, sorted by any of them, a page at a time."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotate.statistics.ratings import Indices, Numbers
from annotate.ui.studies.html import ROWS_OF_A_PAGE, cells, pager, sort_head, table, text, whole_number
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.analysis import Analysis
    from annotate.statistics.mos import MosTable
    from annotate.statistics.paired_scale import PairedScale

FEWEST_RATINGS = 8
"""Of a picture, to carry a spread and an interval: as many as `statistics.mos` needs for the P.910 estimate. With two
ratings the interval is 19 grades wide on five grades or, where they are equal, nought."""
Order = dict[str, Any]
"""The column that is sorted by, the direction, and the number of the first row."""
PICTURE = "stimulus"
"""The column of names."""
WHAT_IS_SHOWN = (
    f"A spread and an interval are shown from {FEWEST_RATINGS} ratings of a picture on; exports hold them for all."
)


def number(value: float | None) -> str:
    """Return a figure with two decimals, a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:z.2f}"


def _main(value: float) -> str:
    return f'<b class="score">{number(value)}</b>'


def _signed(value: float) -> str:
    return f'<b class="score">{value:+.2f}</b>'


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _count_if_any(value: float) -> str:
    return f"{value:,.0f}" if value else ""


@dataclass(frozen=True, eq=False)
class Column:
    """Figures of the pictures (J,), NaN where there is none, and how one is written as HTML."""

    label: str
    values: Numbers
    write: Callable[[float], str] = number


@dataclass(frozen=True, eq=False)
class PictureTable:
    """Figures of J pictures by column; `start` is how they are ordered at first, `hint` what is to be known."""

    names: tuple[str, ...]
    columns: Mapping[str, Column]
    start: Order
    hint: str

    def rearranged(self, order: object, details: Mapping[str, Any]) -> Order:
        """Return the order that a press on the table asks for; a second press on a column turns its direction."""
        before = {**self.start, **order} if isinstance(order, dict) else self.start
        if details.get("do") == "page":
            return {**before, "first": whole_number(details.get("first"))}
        column = details.get("column")
        if details.get("do") != "sort" or column not in {PICTURE, *self.columns}:
            return before
        descending = column == before["column"] and not before["descending"]
        return {"column": column, "descending": descending, "first": 0}

    def sorted_rows(self, column: str, *, descending: bool) -> Indices:
        """Return the rows in order; those without a value come last either way."""
        if column not in self.columns:
            rows = np.argsort(np.array(self.names), kind="stable")
            return rows[::-1] if descending else rows
        values = self.columns[column].values
        return np.argsort(np.where(np.isnan(values), np.inf, -values if descending else values), kind="stable")

    def panel(self, order: Order) -> str:
        """Return a page of the table."""
        chosen, descending = str(order["column"]), bool(order["descending"])
        rows = self.sorted_rows(chosen, descending=descending)
        first = min(whole_number(order["first"]), max(0, rows.size - 1))
        shown = rows[first : first + ROWS_OF_A_PAGE].tolist()
        labels = {PICTURE: "Picture", **{name: column.label for name, column in self.columns.items()}}
        heads = [sort_head(label, name, chosen, descending=descending) for name, label in labels.items()]
        caption = counted(rows.size, "picture")
        listed = table(heads, map(self._line, shown), caption=caption, kind="mos") + pager(first, len(shown), rows.size)
        return f'<h3>Every picture</h3><p class="hint">{self.hint}</p>{listed}'

    def _line(self, row: int) -> str:
        return cells(text(self.names[row]), *(each.write(float(each.values[row])) for each in self.columns.values()))


def carries(mos: "MosTable") -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which pictures have enough ratings to carry a spread and an interval."""
    return np.asarray(mos.ratings) >= FEWEST_RATINGS


def mos_table(analysis: "Analysis") -> PictureTable:
    """Return the figures of pictures that were graded, with the DMOS where the method has one."""
    mos = analysis.table
    ci95, sos = (np.where(carries(mos), each, np.nan) for each in (mos.ci95, mos.sos))
    columns = {
        "mos": Column("MOS", mos.mos, _main),
        "ci95": Column("± CI95", ci95),
        "sos": Column("SOS", sos),
        "ratings": Column("Ratings", mos.ratings.astype(float), _count),
        "mos_p910": Column("P.910 estimate", mos.mos_p910),
        "unusable": Column("Unusable", mos.unusable.astype(float), _count_if_any),
    }
    if analysis.dmos:
        columns = {**_dmos_columns(analysis), **columns}
    start = {"column": next(iter(columns)), "descending": False, "first": 0}
    return PictureTable(mos.stimulus_ids, columns, start, WHAT_IS_SHOWN)


def _dmos_columns(analysis: "Analysis") -> dict[str, Column]:
    found = [analysis.dmos.get(name, {}) for name in analysis.table.stimulus_ids]
    dmos, widths = (np.array([row.get(name) for row in found], float) for name in ("dmos", "dmos_ci95"))
    return {
        "dmos": Column("DMOS", dmos, _main),
        "dmos_ci95": Column("± CI95 of the DMOS", np.where(carries(analysis.table), widths, np.nan)),
    }


EXPLAINED = (
    "JOD are just-objectionable differences: of two pictures that are 1 apart, three in four people prefer the better "
    "one. The mean of a group is 0; pictures of different groups cannot be compared."
)


def scale_table(scale: "PairedScale") -> PictureTable:
    """Return where the pictures stand that were compared, group by group, the best first."""
    rows = np.argsort(-scale.jod, kind="stable")
    columns = {
        "jod": Column("JOD", scale.jod[rows], _signed),
        "ci95": Column("± CI95", scale.ci95[rows]),
        "comparisons": Column("Comparisons", scale.comparisons[rows].astype(float), _count),
    }
    start = {"column": "jod", "descending": True, "first": 0}
    if scale.group.any():
        columns["group"] = Column("Group", (1 + scale.group[rows]).astype(np.float64), _count)
        start = {"column": "group", "descending": False, "first": 0}
    return PictureTable(tuple(scale.stimulus_ids[row] for row in rows.tolist()), columns, start, EXPLAINED)
