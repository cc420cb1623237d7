"""Which metric agrees with these people: CSV files of values in, SRCC and pairs ordered right with intervals out."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from annotate.design.further_scales import MAIN
from annotate.errors import SettingError
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import forget_file_on_study_change, reset_on_study_change, run_in_background
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.figures import intervals_figure
from annotate.ui.studies.html import cells, note, table, text, working
from annotate.ui.studies.ownership import SLOW, Guard
from annotate.ui.studies.pictures import FileValue, uploaded_files
from annotate.ui.studies.scales import known_scale
from annotate.ui.studies.users import SEE_RESULTS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.metric_agreement import MetricAgreement

HANDED_IN = (
    "<p>What <code>fiqa score</code> or <code>fiqa compare</code> write with <code>--format csv</code>, or a table "
    "of your own: a column <code>stimulus</code> or <code>path</code>, and one of numbers for each metric. Several "
    "files are compared with each other.</p>"
)
HEADS = ("Metric", "SRCC", "95 % interval", "Pairs right", "95 % interval", "Behind the best", "95 % interval")
MEANING = (
    "SRCC: how far the metric orders the pictures as people do, 1 is the same order. Pairs right: of the pairs that "
    "people clearly tell apart, the share it orders as they do; guessing gives 0.5. Intervals cover other photos; a "
    "metric is behind for certain where the last one lies above 0."
)


class Metrics:
    """What the panel does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def compare(
        self, study_id: int | None, files: Sequence[FileValue] | None, lower: str, scale: object = MAIN
    ) -> Iterator[str]:
        """Compare the metrics of uploaded files; yields what is done meanwhile."""
        if not files:
            raise SettingError("Choose a CSV with values of metrics first.")
        study, given = opened_study(study_id), [(file.path, file.name) for file in uploaded_files(files)]
        names = [each.strip() for each in (lower or "").split(",") if each.strip()]

        def compare() -> "list[MetricAgreement]":
            """Read the files, and resample."""
            from annotate import analysis, queries
            from annotate.exchange.metrics import read_metrics

            with self.labelling.database.read() as db:
                analysis.check_asks_for_grades(db, study)
                metrics = read_metrics(given, analysis.stimulus_conditions(db, study))
                chosen = known_scale(queries.studies.get_study(db, study).protocol, scale)
                return analysis.agreement(db, study, metrics, scale=chosen, lower=names)

        found = yield from run_in_background(compare, lambda: working("Comparing the metrics with people"))
        yield agreement_panel(found)


def agreement_panel(found: "Sequence[MetricAgreement]") -> str:
    """Return a figure and a table of how far metrics agree with people."""
    rows = [(each.metric, each.srcc, each.srcc_low, each.srcc_high) for each in found]
    known = [value for each in rows for value in each[1:] if math.isfinite(value)]
    ends = (min(0.0, math.floor(10 * min(known, default=0)) / 10), 1.0)
    drawn = intervals_figure(rows, ends, "SRCC with the MOS")
    pairs = counted(found[0].pairs, "pair that people clearly tell apart", "pairs that people clearly tell apart")
    caption = f"{counted(found[0].pictures, 'picture')}, {pairs}"
    listed = table(HEADS, map(_row, found), caption=caption, kind="metrics")
    return f'<div class="figures wide"><figure>{drawn}</figure></div>{listed}{note(MEANING)}'


def _row(each: "MetricAgreement") -> str:
    name = text(each.metric) + " <small>(lower is better)</small>" * each.lower_is_better
    behind = _number(each.behind) if each.behind else "–"
    certain = " <small>for certain</small>" * each.is_behind
    return cells(
        name,
        f'<b class="score">{_number(each.srcc)}</b>',
        _interval(each.srcc_low, each.srcc_high),
        f'<b class="score">{_number(each.pairs_right)}</b>',
        _interval(each.pairs_low, each.pairs_high),
        behind + certain,
        _interval(each.behind_low, each.behind_high) if each.behind else "",
    )


def _interval(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}" if math.isfinite(low) else "–"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def build_metrics(labelling: Labelling, guard: Guard, study: gr.State, scale: gr.Radio) -> None:
    """Lay out the comparison of metrics and connect it."""
    metrics = Metrics(labelling)
    with gr.Accordion("Which metric agrees with these people", open=False, elem_id="metrics"):
        gr.HTML(HANDED_IN, apply_default_css=False, elem_classes="hint")
        files = gr.File(label="Values", file_count="multiple", file_types=[".csv"], height=120, elem_id="metric-files")
        lower = gr.Textbox(
            "",
            label="Lower is better",
            info="Metrics of the files, with commas between. LPIPS, DISTS, NIQE, BRISQUE and their like are known.",
            max_lines=1,
            elem_id="metric-lower",
        )
        compare = gr.Button("Compare with people", elem_id="compare-metrics", scale=0, min_width=200)
        found = gr.HTML("", apply_default_css=False, elem_id="metric-agreement")
    options: dict[str, Any] = {"preprocess": False, "who": SEE_RESULTS, **SLOW}
    running = [guard.on(compare.click, metrics.compare, [study, files, lower, scale], found, **options)]
    reset_on_study_change(study, [found], running)
    forget_file_on_study_change(study, files)
