"""Limits of screening in the Participants panel: moved, previewed, applied, and taken back."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.statistics.findings import DEFAULT_RULES, LIMITS
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import cells, note, table, text, working
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.progress import numbers
from annotate.ui.studies.users import OWNERS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.screening_preview import ScreeningPreview

SHOWN_PEOPLE = 30


class Limit(NamedTuple):
    """A limit as the page has it: the step of its slider, what it is called, and what it means."""

    step: float
    label: str
    info: str


SLIDERS: Mapping[str, Limit] = {
    "failed_share": Limit(0.01, "Checks that may fail", "Share of a sitting's known answers, or attention checks."),
    "longest_run": Limit(1, "Equal grades in a row", "So many are too many."),
    "least_spread": Limit(0.01, "Least spread of grades", "Of a sitting, as a share of the scale."),
    "shortest_ms": Limit(50, "Hasty below … ms", "Answers that come sooner count as hasty."),
    "hasty_share": Limit(0.01, "Answers that may be hasty", "Share of a sitting."),
    "agreement": Limit(0.01, "Least agreement", "With the others, as a share of the middle person's."),
}
"""A slider for each of LIMITS."""
HINT = (
    "Move a limit and see whose votes would be left out, and how MOS and certainty move. Nothing changes before you "
    "apply it. Applying uses the votes of those again whom an earlier screening left out and these limits do not find; "
    "what you decided by hand stays. It is logged, and can be undone."
)


class Changed(NamedTuple):
    """What applying and undoing change: what is said, that something changed, and the sliders."""

    said: Any
    applied: Any
    sliders: tuple[Any, ...]

    def flat(self) -> tuple[Any, ...]:
        """Return it as an event takes it."""
        return (self.said, self.applied, *self.sliders)


class ScreeningLimits:
    """What the form does; `values` are those of SLIDERS in order."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def show(self, study_id: int | None) -> tuple[Any, ...]:
        """Set the sliders to the limits that hold, with nothing said; pairs have none."""
        if study_id is None:
            return (gr.skip(),) * (2 + len(SLIDERS))
        with self.labelling.database.read() as db:
            of_grades = method_of(queries.studies.get_study(db, study_id).protocol).unit is Unit.STIMULUS
        return gr.update(visible=of_grades), "", *self._sliders(study_id)

    def preview(self, study_id: int | None, *values: float) -> Iterator[str]:
        """Say what these limits would do."""
        opened = opened_study(study_id)
        following = run_in_background(lambda: self._preview(opened, values), lambda: working("Screening"))
        while True:
            try:
                said = next(following)
            except StopIteration as end:
                yield preview_panel(end.value)
                return
            yield said

    def apply(self, study_id: int | None, *values: float) -> tuple[Any, ...]:
        """Screen by these limits, and leave out whom they find."""
        from annotate import analysis  # late: it loads the database's library

        with self.labelling.database.write() as db:
            applied = analysis.apply_screening(db, opened_study(study_id), datetime.now(UTC), limits_of(values))
        return self._changed(study_id, "Applied", applied)

    def undo(self, study_id: int | None) -> tuple[Any, ...]:
        """Take the last screening back."""
        with self.labelling.database.write() as db:
            undone = queries.screenings.undo_screening(db, opened_study(study_id), datetime.now(UTC))
        return self._changed(study_id, "Undone", undone)

    def _changed(self, study_id: int | None, what: str, applied: "queries.screenings.Applied") -> tuple[Any, ...]:
        falls = counted(len(applied.falls), "more person is", "more people are")
        returns = counted(len(applied.returns), "person counts", "people count")
        said = note(f"{what}: {falls} left out, {returns} again.", "good")
        return Changed(said, time.time(), self._sliders(study_id)).flat()

    def _preview(self, study_id: int, values: Sequence[float]) -> "ScreeningPreview":
        from annotate import analysis

        with self.labelling.database.read() as db:
            return analysis.preview(db, study_id, limits_of(values))

    def _sliders(self, study_id: int | None) -> tuple[Any, ...]:
        with self.labelling.database.read() as db:
            limits = queries.screenings.applied_limits(db, opened_study(study_id))
        return tuple(gr.update(value=limits.get(name, getattr(DEFAULT_RULES, name))) for name in SLIDERS)


def limits_of(values: Sequence[float]) -> dict[str, float]:
    """Return the limits that the sliders say."""
    return {name: float(value) for name, value in zip(SLIDERS, values, strict=True)}


def build_screening(labelling: Labelling, guard: Guard, study: gr.State, tab: gr.Tab) -> gr.State:
    """Lay out the form and connect it; returns a state that changes when a screening is applied or undone."""
    limits, applied = ScreeningLimits(labelling), gr.State(0)
    with gr.Accordion("Limits of the checks", open=False, elem_id="screening-limits") as form:
        gr.HTML(f'<p class="hint">{HINT}</p>', apply_default_css=False)
        with gr.Row(elem_classes="fields"):
            sliders = [
                gr.Slider(
                    *LIMITS[name],
                    getattr(DEFAULT_RULES, name),
                    step=each.step,
                    label=each.label,
                    info=each.info,
                    elem_id=f"limit-{name}",
                )
                for name, each in SLIDERS.items()
            ]
        said = gr.HTML("", apply_default_css=False, elem_id="screening-preview")
        with gr.Row(elem_classes="actions"):
            apply = gr.Button("Apply these limits", variant="primary", elem_id="apply-limits", scale=0, min_width=180)
            undo = gr.Button("Undo the last screening", elem_id="undo-screening", scale=0, min_width=200)
    guard.on(tab.select, limits.show, [study], [form, said, *sliders], who=OWNERS, **AT_ONCE)
    moved = [slider.release for slider in sliders]
    guard.on(moved, limits.preview, [study, *sliders], said, who=OWNERS, trigger_mode="always_last", **SLOW)
    changed = [said, applied, *sliders]
    guard.on(apply.click, limits.apply, [study, *sliders], changed, who=OWNERS, **SLOW)
    guard.on(undo.click, limits.undo, [study], changed, who=OWNERS, **SLOW)
    return applied


def preview_panel(preview: "ScreeningPreview") -> str:
    """Show who falls, who counts again, and how the figures move."""
    row = preview.row()
    figures = [
        ("Left out", f"{len(preview.falls):,}", "more than now"),
        ("Used again", f"{len(preview.returns):,}", "whom an earlier screening left out"),
        ("Votes", f"{row['ratings_after']:,}", f"of {row['ratings_before']:,} that count now"),
        ("Typical certainty", f"± {_number(row['ci95_after'])}", f"now ± {_number(row['ci95_before'])}"),
        ("MOS moves by", _number(row["mos_shift"]), _most(row)),
    ]
    return numbers(figures) + _who(preview)


def _most(row: Mapping[str, Any]) -> str:
    if row["mos_shift_most"] is None:
        return "no picture has votes both ways"
    order = f"; rank correlation {row['mos_srcc']:.3f}" if row["mos_srcc"] is not None else ""
    return f"on average, at most {row['mos_shift_most']:.2f} ({text(row['moved_most'])}){order}"


def _who(preview: "ScreeningPreview") -> str:
    """List who falls, and why."""
    reasons: dict[str, str] = {}
    for finding in preview.screening.findings:
        if finding.excludes_votes:
            reasons.setdefault(finding.participant, f"{finding.check.value}: {finding.reason}")
    if not preview.falls:
        return note("Nobody falls who counts now.")
    rows = [cells(f"<code>{text(name)}</code>", text(reasons.get(name, ""))) for name in preview.falls[:SHOWN_PEOPLE]]
    more = len(preview.falls) - len(rows)
    rest = note(f"and {more:,} more.") if more else ""
    return table(("Person", "Because"), rows, caption="Who falls", kind="falls") + rest


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
