"""The Results panel: what the votes say, how far they can be relied on, and what should be rated next."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
import numpy as np

from annotate import queries, statistics
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.stimuli.files import stimulus_path
from annotate.ui.labelling import Labelling
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.conditions import conditions_panel
from annotate.ui.studies.downloads import build_downloads
from annotate.ui.studies.figures import confidence_figure, grade_bars, histogram_figure, sos_figure
from annotate.ui.studies.html import (
    PRESS,
    ROWS_OF_A_PAGE,
    cells,
    empty,
    note,
    pager,
    sort_head,
    table,
    text,
    thumbnail,
    whole_number,
)
from annotate.ui.studies.metrics import build_metrics
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.progress import numbers
from annotate.ui.studies.scale import scale_panel
from annotate.ui.studies.users import SEE_RESULTS
from annotate.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from annotate.analysis import Analysis
    from annotate.database.tables import Stimulus, Study
    from annotate.statistics.mos import MosTable

SHOWN_DISPUTED = 12
SHOWN_NEXT = 20
FEWEST_RATINGS = 8
"""Of a picture, to carry a spread and an interval: as many as `statistics.mos` needs for the P.910 estimate. With two
ratings the interval is 19 grades wide on five grades or, where they are equal, nought."""
FEWEST_PICTURES = 5
"""With so many ratings, for figures on all pictures together."""
Order = dict[str, Any]
START: Order = {"column": "mos", "descending": False, "first": 0}
COLUMNS: Mapping[str, str] = {
    "stimulus": "Picture",
    "mos": "MOS",
    "ci95": "± CI95",
    "sos": "SOS",
    "ratings": "Ratings",
    "mos_p910": "P.910 estimate",
    "unusable": "Unusable",
}
FIGURES = (
    (
        "Spread of the MOS",
        "The more of the scale is used, the better pictures can be told apart.",
    ),
    ("Disagreement", "Each point is a picture; the line, the SOS hypothesis: people agree at the ends of the scale."),
    ("Certainty", "How far the MOS may be off, for pictures with so many ratings: points measured, line expected."),
)
RELIABILITY = (
    ("icc_mean", "ICC of the MOS", "How much of the spread of the MOS is the pictures', not the people's."),
    ("icc_single", "ICC of one rating", "The same for one person's answer: how far one rating can be trusted."),
    ("krippendorff_alpha", "Krippendorff's α", "Agreement beyond chance; above 0.8 is high, below 0.67 is weak."),
    ("split_half_srcc", "Split-half SRCC", "How far two random halves of the people order the pictures alike."),
    ("spearman_brown_srcc", "… of all people", "What that says of everybody together, by Spearman–Brown."),
    (
        "sos_parameter",
        "SOS parameter a",
        "How much people differ, from 0, not at all, to 1, as much as is possible.",
    ),
)
MARKS = ((0.9, "excellent"), (0.75, "good"), (0.5, "moderate"), (-math.inf, "poor"))
"""Of an ICC, after T. K. Koo and M. Y. Li, "A guideline of selecting and reporting ICC" (2016)."""


class ResultsShown(NamedTuple):
    """What the panel shows."""

    summary: Any = ""
    conditions: Any = ""
    listed: Any = ""
    order: Any = START
    disputed: Any = ""
    batch: Any = ""


class TableShown(NamedTuple):
    """The table, and how it is ordered."""

    listed: Any
    order: Any


class Results:
    """What the panel does. The table follows from a column, a direction and the first row's number."""

    def __init__(self, labelling: Labelling, analyses: Analyses) -> None:
        self.labelling, self.analyses = labelling, analyses

    def enter(self, study_id: int | None) -> Iterator[ResultsShown]:
        """Show everything."""
        if study_id is None:
            yield ResultsShown(*(gr.skip(),) * len(ResultsShown._fields))
            return
        with self.labelling.database.read() as db:
            if method_of(queries.studies.get_study(db, study_id).protocol).unit is Unit.PAIR:
                yield ResultsShown(summary=scale_panel(db, study_id))
                return
        following = self.analyses.get(study_id)
        while True:
            try:
                said = next(following)
            except StopIteration as end:
                analysis: Analysis = end.value
                break
            yield ResultsShown(summary=said)
        with self.labelling.database.read() as db:
            yield self._shown(db, queries.studies.get_study(db, study_id), analysis)

    def _shown(self, db: "Session", study: "Study", analysis: "Analysis") -> ResultsShown:
        batch = self._next(db, study, analysis)
        if not analysis.table.ratings.sum():
            said = empty("No votes yet", "Once people rate, their MOS and how far they agree are shown here.")
            return ResultsShown(summary=said, batch=batch)
        return ResultsShown(
            summary=summary_panel(analysis, study.protocol.ratings_wanted),
            conditions=conditions_panel(analysis.conditions, study.protocol.scale),
            listed=mos_panel(analysis.table, START),
            disputed=self._disputed(db, study, analysis.table),
            batch=batch,
        )

    def arrange(self, details: dict[str, Any], study_id: int | None, order: object) -> Iterator[TableShown]:
        """Sort the table, or turn its page."""
        order = rearranged(order, details)
        following = self.analyses.get(opened_study(study_id))
        while True:
            try:
                yield TableShown(next(following), order)
            except StopIteration as end:
                yield TableShown(mos_panel(end.value.table, order), order)
                return

    def _disputed(self, db: "Session", study: "Study", mos: "MosTable") -> str:
        spread = np.where(carries(mos), np.nan_to_num(mos.sos, nan=-1), -1)
        rows = [row for row in np.argsort(-spread, kind="stable")[:SHOWN_DISPUTED].tolist() if spread[row] > 0]
        names = [mos.stimulus_ids[row] for row in rows]
        scale = study.protocol.scale
        stimuli = queries.stimuli.stimuli_by_name(db, study.id, names)
        counts = queries.ratings.grade_counts(db, study.id, names) if scale.step else {}
        figures = [
            self._figure(stimuli[mos.stimulus_ids[row]], _said_of(mos, row), counts, scale.grades()) for row in rows
        ]
        return f'<h3>Most disputed</h3><div class="pictures">{"".join(figures)}</div>' if figures else ""

    def _next(self, db: "Session", study: "Study", analysis: "Analysis") -> str:
        wanted = study.protocol.ratings_wanted
        batch = statistics.planning.next_batch(analysis.table, SHOWN_NEXT, wanted_ratings=wanted)
        stimuli = queries.stimuli.stimuli_by_name(db, study.id, [each.stimulus for each in batch])
        if not batch:
            return "<h3>Label next</h3>" + empty(
                "Every picture has its ratings", f"The protocol asks for {wanted} of each."
            )
        figures = [self._figure(stimuli[each.stimulus], f"{each.ratings} of {wanted} ratings") for each in batch]
        missing = int((wanted - analysis.table.ratings).clip(0).sum())
        lack = f"{counted(missing, 'rating is', 'ratings are')} missing in all"
        said = f"{lack}. Of these pictures one more rating is expected to tell most."
        shown = f'<p class="summary">{said}</p><div class="pictures">{"".join(figures)}</div>'
        return f"<h3>Label next</h3>{shown}"

    def _figure(
        self,
        stimulus: "Stimulus",
        said: str,
        counts: Mapping[str, dict[float, int]] | None = None,
        grades: Sequence[float] = (),
    ) -> str:
        path = stimulus_path(self.labelling.settings.data_dir, stimulus.sha256, stimulus.format)
        bars = grade_bars(counts[stimulus.name], grades) if counts else ""
        caption = f"<span>{text(stimulus.name)}</span>{bars}<small>{text(said)}</small>"
        return f"<figure>{thumbnail(path)}<figcaption>{caption}</figcaption></figure>"


def build_results_panel(labelling: Labelling, guard: Guard, analyses: Analyses, study: gr.State, tab: gr.Tab) -> None:
    """Lay out the panel inside `tab` and connect it."""
    results = Results(labelling, analyses)
    order = gr.State(START)
    summary = gr.HTML("", apply_default_css=False, elem_id="study-summary")
    build_downloads(labelling, guard, study)
    conditions = gr.HTML("", apply_default_css=False, elem_id="study-conditions")
    build_metrics(labelling, guard, study)
    disputed = gr.HTML("", apply_default_css=False, elem_id="disputed")
    listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="mos-table")
    batch = gr.HTML("", apply_default_css=False, elem_id="label-next")
    shown = ResultsShown(summary, conditions, listed, order, disputed, batch)
    running = [
        guard.on(tab.select, results.enter, [study], [*shown], who=SEE_RESULTS, **SLOW),
        guard.on(
            listed.click,
            results.arrange,
            [study, order],
            [*TableShown(listed, order)],
            details=True,
            who=SEE_RESULTS,
            **AT_ONCE,
        ),
    ]
    reset_on_study_change(study, [summary, conditions, listed, disputed, batch], running)


def rearranged(order: object, details: Mapping[str, Any]) -> Order:
    """Return the order that a press on the table asks for; a second press on a column turns its direction."""
    before = {**START, **order} if isinstance(order, dict) else START
    if details.get("do") == "page":
        return {**before, "first": whole_number(details.get("first"))}
    column = details.get("column")
    if details.get("do") != "sort" or column not in COLUMNS:
        return before
    descending = column == before["column"] and not before["descending"]
    return {"column": column, "descending": descending, "first": 0}


def carries(mos: "MosTable") -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which pictures have enough ratings to carry a spread and an interval."""
    return np.asarray(mos.ratings) >= FEWEST_RATINGS


def mos_panel(mos: "MosTable", order: Order) -> str:
    """Return a page of the table of all pictures."""
    rows = sorted_rows(mos, str(order["column"]), descending=bool(order["descending"]))
    first = min(whole_number(order["first"]), max(0, rows.size - 1))
    shown = rows[first : first + ROWS_OF_A_PAGE].tolist()
    heads = [
        sort_head(label, column, str(order["column"]), descending=bool(order["descending"]))
        for column, label in COLUMNS.items()
    ]
    lines = [_line(mos, row) for row in shown]
    caption = counted(rows.size, "picture")
    listed = table(heads, lines, caption=caption, kind="mos") + pager(first, len(shown), rows.size)
    return f'<h3>Every picture</h3><p class="hint">{WHAT_IS_SHOWN}</p>{listed}'


WHAT_IS_SHOWN = (
    f"A spread and an interval are shown from {FEWEST_RATINGS} ratings of a picture on; exports hold them for all."
)


def _line(mos: "MosTable", row: int) -> str:
    spread = carries(mos)[row]
    return cells(
        text(mos.stimulus_ids[row]),
        f'<b class="score">{_number(mos.mos[row])}</b>',
        _number(mos.ci95[row] if spread else None),
        _number(mos.sos[row] if spread else None),
        f"{mos.ratings[row]:,}",
        _number(mos.mos_p910[row]),
        f"{mos.unusable[row]:,}" if mos.unusable[row] else "",
    )


def sorted_rows(mos: "MosTable", column: str, *, descending: bool) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the rows of the table in order; those without a value come last either way."""
    if column == "stimulus":
        rows = np.argsort(np.array(mos.stimulus_ids), kind="stable")
        return rows[::-1] if descending else rows
    values = np.asarray(getattr(mos, column), np.float64)
    if column in ("ci95", "sos"):
        values = np.where(carries(mos), values, np.nan)  # in the order of what is shown
    return np.argsort(np.where(np.isnan(values), np.inf, -values if descending else values), kind="stable")


def summary_panel(analysis: "Analysis", wanted: int) -> str:
    """Return the numbers, and, once there are enough votes for them, the figures and how far people agree."""
    mos = analysis.table
    rated, enough = int((mos.ratings > 0).sum()), int(carries(mos).sum())
    carried = enough >= min(FEWEST_PICTURES, len(mos.stimulus_ids))
    middle = float(np.median(mos.ci95[carries(mos)])) if enough else math.nan
    headline = numbers([
        ("Votes used", f"{int(mos.ratings.sum()):,}", f"of {counted(rated, 'picture')}"),
        ("Typical certainty", f"± {_number(middle)}" if enough else "–", "half the 95 % interval of a picture's MOS"),
        ("Agreement", _number(analysis.reliability.icc_mean if carried else None), "ICC of the MOS, 1 is perfect"),
    ])  # fmt: skip
    shown = _figures(mos, wanted) + _reliability(analysis) if carried else ""
    made = f"As of {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; open the panel again for what came since."
    return f'{headline}{_what_is_missing(mos)}{shown}<p class="hint">{made}</p>'


def _what_is_missing(mos: "MosTable") -> str:
    """Say how many votes are missing for figures that are not shown, or nothing where none is."""
    thin = len(mos.stimulus_ids) - int(carries(mos).sum())
    if not thin:
        return ""
    missing = int((FEWEST_RATINGS - mos.ratings).clip(0).sum())
    pictures = counted(thin, "picture has", "pictures have")
    return note(
        f"{pictures} fewer than the {FEWEST_RATINGS} ratings that carry an interval: "
        f"{counted(missing, 'rating is', 'ratings are')} missing for that. Agreement and figures are shown once "
        f"{min(FEWEST_PICTURES, len(mos.stimulus_ids))} pictures have them."
    )


def _figures(mos: "MosTable", wanted: int) -> str:
    """Draw what the pictures with enough ratings say."""
    enough = mos.only({name for name, kept in zip(mos.stimulus_ids, carries(mos), strict=True) if kept})
    drawn = (
        histogram_figure(statistics.figures.mos_histogram(enough)),
        sos_figure(statistics.figures.mos_against_sos(enough)),
        confidence_figure(statistics.figures.ci95_against_ratings(enough), wanted),
    )
    shown = "".join(
        f"<figure><h4>{title}</h4>{svg}<figcaption>{said}</figcaption></figure>"
        for (title, said), svg in zip(FIGURES, drawn, strict=True)
    )
    return f'<div class="figures">{shown}</div>'


def _reliability(analysis: "Analysis") -> str:
    values = analysis.reliability.row()
    rows = [
        cells(label, f'<b class="score">{_number(values[name])}</b> {_mark(name, values[name])}', said)
        for name, label, said in RELIABILITY
    ]
    return table(
        ("Figure", "Value", "What it means"), rows, caption="How far the votes can be relied on", kind="reliability"
    )


def _mark(name: str, value: float | None) -> str:
    if value is None or name != "icc_mean":
        return ""
    return f"<small>{next(word for least, word in MARKS if value >= least)}</small>"


def _said_of(mos: "MosTable", row: int) -> str:
    return f"MOS {_number(mos.mos[row])}, SOS {_number(mos.sos[row])}, {counted(int(mos.ratings[row]), 'rating')}"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"
