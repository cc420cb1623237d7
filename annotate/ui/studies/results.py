"""The Results panel: what the votes say, how far they can be relied on, and what should be rated next."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
import numpy as np

from annotate import queries, statistics
from annotate.design.further_scales import MAIN
from annotate.design.protocol import StudyProtocol
from annotate.errors import StudyStateError
from annotate.stimuli.files import stimulus_path
from annotate.ui.labelling import Labelling
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.complaints import complaints_panel
from annotate.ui.studies.conditions import conditions_panel, paired_conditions_panel
from annotate.ui.studies.diagnoses import build_diagnoses
from annotate.ui.studies.diagnosing import Diagnoser
from annotate.ui.studies.downloads import build_downloads
from annotate.ui.studies.figures import confidence_figure, grade_bars, histogram_figure, sos_figure
from annotate.ui.studies.html import PRESS, cells, empty, note, table, text, thumbnail
from annotate.ui.studies.metrics import build_metrics
from annotate.ui.studies.next_pairs import next_pairs_panel
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.picture_table import FEWEST_RATINGS, PictureTable, carries, mos_table, number, scale_table
from annotate.ui.studies.progress import numbers
from annotate.ui.studies.scale import people_panel, scale_summary
from annotate.ui.studies.scales import correlations_panel, known_scale, offer_scales, scale_choice
from annotate.ui.studies.users import OWNERS, SEE_RESULTS, User
from annotate.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from annotate.analysis import Analysis, PairedAnalysis
    from annotate.database.tables import Stimulus, Study
    from annotate.statistics.mos import MosTable

SHOWN_DISPUTED = 12
SHOWN_NEXT = 20
FEWEST_PICTURES = 5
"""With so many ratings, for figures on all pictures together."""
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
    """What the panel shows; `order` is how the table is sorted, None as at first, `scale` the choice of a scale.

    `diagnoses` stand beside complaints, where the study asks for reasons.
    """

    summary: Any = ""
    conditions: Any = ""
    listed: Any = ""
    order: Any = None
    disputed: Any = ""
    complaints: Any = ""
    people: Any = ""
    batch: Any = ""
    scale: Any = gr.skip()
    diagnoses: Any = gr.skip()


class TableShown(NamedTuple):
    """The table, and how it is ordered."""

    listed: Any
    order: Any = gr.skip()


class Results:
    """What the panel does. The table follows from a column, a direction and the first row's number."""

    def __init__(self, labelling: Labelling, analyses: Analyses) -> None:
        self.labelling, self.analyses = labelling, analyses

    def enter(self, user: User, study_id: int | None, scale: object = MAIN) -> Iterator[ResultsShown]:
        """Show everything, of the chosen scale; figures of people are for owners."""
        from annotate.analysis import PairedAnalysis

        if study_id is None:
            yield ResultsShown(*(gr.skip(),) * len(ResultsShown._fields))
            return
        following = self.analyses.get(study_id, self._known(study_id, scale))
        while True:
            try:
                said = next(following)
            except StopIteration as end:
                analysis: Analysis | PairedAnalysis = end.value
                break
            yield ResultsShown(summary=said)
        if isinstance(analysis, PairedAnalysis):
            shown = paired_results(analysis, with_people=user.may(OWNERS, study_id))
            yield shown._replace(batch=self._next_pairs(study_id), diagnoses=self._offer_diagnoses(study_id))
            return
        with self.labelling.database.read() as db:
            yield self._shown(db, queries.studies.get_study(db, study_id), analysis)

    def _known(self, study_id: int, scale: object) -> str:
        with self.labelling.database.read() as db:
            return known_scale(queries.studies.get_study(db, study_id).protocol, scale)

    def _offer_diagnoses(self, study_id: int) -> Any:
        with self.labelling.database.read() as db:
            return gr.update(visible=bool(queries.studies.get_study(db, study_id).protocol.reasons))

    def _shown(self, db: "Session", study: "Study", analysis: "Analysis") -> ResultsShown:
        batch = self._next(db, study, analysis)
        if not analysis.table.ratings.sum():
            said = empty("No votes yet", "Once people rate, their MOS and how far they agree are shown here.")
            scales = offer_scales(study.protocol, analysis.scale)
            return ResultsShown(summary=said, batch=batch, scale=scales, diagnoses=self._offer_diagnoses(study.id))
        pictures = mos_table(analysis)
        return ResultsShown(
            summary=summary_panel(analysis, study.protocol),
            conditions=conditions_panel(analysis.conditions, study.protocol.scale),
            listed=pictures.panel(pictures.start),
            disputed=self._disputed(db, study, analysis),
            complaints=complaints_panel(analysis.complaints),
            batch=batch,
            scale=offer_scales(study.protocol, analysis.scale),
            diagnoses=self._offer_diagnoses(study.id),
        )

    def arrange(
        self, details: dict[str, Any], study_id: int | None, order: object, scale: object = MAIN
    ) -> Iterator[TableShown]:
        """Sort the table, or turn its page."""
        opened = opened_study(study_id)
        following = self.analyses.get(opened, self._known(opened, scale))
        while True:
            try:
                yield TableShown(next(following))
            except StopIteration as end:
                pictures = table_of(end.value)
                break
        if pictures:
            chosen = pictures.rearranged(order, details)
            yield TableShown(pictures.panel(chosen), chosen)

    def _disputed(self, db: "Session", study: "Study", analysis: "Analysis") -> str:
        mos = analysis.table
        spread = np.where(carries(mos), np.nan_to_num(mos.sos, nan=-1), -1)
        rows = [row for row in np.argsort(-spread, kind="stable")[:SHOWN_DISPUTED].tolist() if spread[row] > 0]
        names = [mos.stimulus_ids[row] for row in rows]
        scale = study.protocol.scale
        stimuli = queries.stimuli.stimuli_by_name(db, study.id, names)
        counts = queries.ratings.grade_counts(db, study.id, names, analysis.scale) if scale.step else {}
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

    def _next_pairs(self, study_id: int) -> str:
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
            try:
                pairs = queries.next_pairs.next_pairs(db, study, SHOWN_NEXT)
            except StudyStateError as error:  # the results are there all the same
                return f"<h3>Compare next</h3>{empty('The study cannot be opened', str(error))}"
            missing = queries.next_pairs.missing_answers(db, study)
            stimuli = queries.stimuli.stimuli_by_name(db, study_id, [name for each in pairs for name in each[:2]])
        data_dir = self.labelling.settings.data_dir
        paths = {name: stimulus_path(data_dir, each.sha256, each.format) for name, each in stimuli.items()}
        return f"<h3>Compare next</h3>{next_pairs_panel(pairs, missing, paths)}"

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


def build_results_panel(
    labelling: Labelling, guard: Guard, analyses: Analyses, study: gr.State, diagnoser: Diagnoser, tab: gr.Tab
) -> None:
    """Lay out the panel inside `tab` and connect it."""
    results = Results(labelling, analyses)
    order = gr.State(None)
    scale = scale_choice()
    summary = gr.HTML("", apply_default_css=False, elem_id="study-summary")
    build_downloads(labelling, guard, study)
    conditions = gr.HTML("", apply_default_css=False, elem_id="study-conditions")
    build_metrics(labelling, guard, study, scale)
    disputed = gr.HTML("", apply_default_css=False, elem_id="disputed")
    complaints = gr.HTML("", apply_default_css=False, elem_id="complaints")
    diagnoses = build_diagnoses(labelling, guard, study, diagnoser)
    listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="mos-table")
    people = gr.HTML("", apply_default_css=False, elem_id="comparers")
    batch = gr.HTML("", apply_default_css=False, elem_id="label-next")
    shown = ResultsShown(summary, conditions, listed, order, disputed, complaints, people, batch, scale, diagnoses)
    options: dict[str, Any] = {"who": SEE_RESULTS, "user": True, **SLOW}
    running = [
        guard.on([tab.select, scale.input], results.enter, [study, scale], [*shown], **options),
        guard.on(
            listed.click,
            results.arrange,
            [study, order, scale],
            [*TableShown(listed, order)],
            details=True,
            who=SEE_RESULTS,
            **AT_ONCE,
        ),
    ]
    reset_on_study_change(study, [summary, conditions, listed, disputed, complaints, people, batch], running)


def table_of(analysis: "Analysis | PairedAnalysis") -> PictureTable | None:
    """Return the table of all pictures; None where nobody has compared any."""
    from annotate.analysis import PairedAnalysis  # late, here and above: it loads the database's library

    if not isinstance(analysis, PairedAnalysis):
        return mos_table(analysis)
    return scale_table(analysis.scale) if analysis.scale else None


def paired_results(analysis: "PairedAnalysis", *, with_people: bool) -> ResultsShown:
    """Return what the answers to pairs say."""
    pictures, people = table_of(analysis), analysis.people
    if analysis.scale is None or pictures is None:
        return ResultsShown(
            summary=empty("No votes yet", "Once people compare pictures, their scale is shown here."),
            scale=gr.update(visible=False),
        )
    return ResultsShown(
        summary=scale_summary(analysis.scale) + as_of(),
        scale=gr.update(visible=False),
        conditions=paired_conditions_panel(analysis.conditions),
        listed=pictures.panel(pictures.start),
        complaints=complaints_panel(analysis.complaints),
        people=people_panel(people, analysis.findings) if people and with_people else "",
    )


def as_of() -> str:
    """Say when it was looked at."""
    now = datetime.now(UTC)
    return f'<p class="hint">As of {now:%Y-%m-%d %H:%M:%S} UTC; open the panel again for what came since.</p>'


def summary_panel(analysis: "Analysis", protocol: StudyProtocol) -> str:
    """Return the numbers, and, once there are enough votes for them, the figures and how far people agree."""
    mos = analysis.table
    rated, enough = int((mos.ratings > 0).sum()), int(carries(mos).sum())
    carried = enough >= min(FEWEST_PICTURES, len(mos.stimulus_ids))
    middle = float(np.median(mos.ci95[carries(mos)])) if enough else math.nan
    headline = numbers([
        ("Votes used", f"{int(mos.ratings.sum()):,}", f"of {counted(rated, 'picture')}"),
        ("Typical certainty", f"± {number(middle)}" if enough else "–", "half the 95 % interval of a picture's MOS"),
        ("Agreement", number(analysis.reliability.icc_mean if carried else None), "ICC of the MOS, 1 is perfect"),
    ])  # fmt: skip
    shown = _figures(mos, protocol.ratings_wanted) + _reliability(analysis) if carried else ""
    together = correlations_panel(analysis.correlations, protocol) if carried else ""
    return f"{headline}{_what_is_missing(mos)}{shown}{together}{as_of()}"


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
        cells(label, f'<b class="score">{number(values[name])}</b> {_mark(name, values[name])}', said)
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
    return f"MOS {number(mos.mos[row])}, SOS {number(mos.sos[row])}, {counted(int(mos.ratings[row]), 'rating')}"
