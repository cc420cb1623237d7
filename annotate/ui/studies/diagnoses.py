"""What people complain about beside what a model found wrong with the same pictures, here or in a CSV of diagnoses."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from annotate.design.languages import texts_in
from annotate.errors import DiagnosisError, SettingError
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import (
    TOLD_EVERY_S,
    forget_file_on_study_change,
    reset_on_failure,
    reset_on_study_change,
    run_in_background,
    show_buttons,
)
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.diagnosing import Diagnoser, PictureDiagnoses
from annotate.ui.studies.html import as_csv_link, cells, note, table, text, working
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.pictures import FileValue, uploaded_files
from annotate.ui.studies.progress import numbers
from annotate.ui.studies.users import SEE_RESULTS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.complaint_agreement import ComparedComplaints, ComparedPicture, Diagnosis, DiagnosisFigures

SHOWN = 50
DIAGNOSED_HERE = (
    "<p>The network that this app scores with looks at every picture of the study. What it found is kept until the app "
    "ends: it can be stopped, and goes on where it was.</p>"
)
DIAGNOSING: dict[str, Any] = {**SLOW, "concurrency_id": "diagnosing", "trigger_mode": "multiple"}
"""Takes minutes, in which other panels are not to wait. After a stop it may begin anew at once, while the picture that
was looked at is finished."""
HANDED_IN = (
    "<p>What <code>fiqa degradation</code> writes of these pictures with <code>--format csv</code>, or a table of "
    "your own: a column <code>stimulus</code> or <code>path</code>, one called <code>type</code>, and maybe "
    "<code>probability</code> and <code>severity</code>.</p>"
)
MEANING = (
    "Of all reasons given about the pictures of one diagnosis, the share that each has; in bold, the reason that the "
    "diagnosis names."
)


class DiagnosesPanel:
    """What the panel does."""

    def __init__(self, labelling: Labelling, diagnoser: Diagnoser) -> None:
        self.labelling, self.pictures = labelling, PictureDiagnoses(labelling, diagnoser)

    def diagnose(self, study_id: int | None) -> Iterator[str]:
        """Diagnose the pictures of the study and put that beside the complaints; yields how far it is."""
        from annotate import analysis  # late: it loads the database's library

        study, name = opened_study(study_id), self.pictures.diagnoser.network().name
        with self.labelling.database.read() as db:
            analysis.offered_reasons(db, study)  # before it takes minutes
        found, told = dict[str, "Diagnosis"](), -TOLD_EVERY_S
        try:
            for done, total, found in self.pictures.find_all(study):  # noqa: B007  what was found last is used below
                if time.monotonic() - told >= TOLD_EVERY_S:
                    told = time.monotonic()
                    yield working(f"{name} is looking at the pictures, {done:,} of {total:,}", done / max(1, total))
        except DiagnosisError as error:
            yield note(str(error), "warning")
            return
        shown = yield from run_in_background(
            lambda: self._beside(study, found), lambda: working("Putting diagnoses beside complaints")
        )
        yield _diagnosed_by(name, len(found), total) + shown

    def stopped(self, study_id: int | None) -> str:
        """Say how far it came."""
        done, total = self.pictures.count_done(opened_study(study_id))
        return note(f"Stopped after {done:,} of {counted(total, 'picture')}.")

    def _beside(self, study_id: int, diagnoses: "Mapping[str, Diagnosis]") -> str:
        from annotate import analysis
        from annotate.exchange.diagnoses import compared_csv

        with self.labelling.database.read() as db:
            compared = analysis.complaints_and_diagnoses(db, study_id, diagnoses)
        return compared_panel(compared, compared_csv(compared))

    def compare(self, study_id: int | None, file: FileValue | None) -> Iterator[str]:
        """Put the diagnoses of an uploaded file beside the complaints; yields what is done meanwhile."""
        if not file:
            raise SettingError("Choose a CSV with diagnoses first.")
        (given,) = uploaded_files([file])
        study = opened_study(study_id)

        def compare() -> str:
            """Read the file, and count."""
            from annotate import analysis
            from annotate.exchange.diagnoses import read_diagnoses

            with self.labelling.database.read() as db:
                diagnoses = read_diagnoses(given.path, analysis.stimulus_conditions(db, study), name=given.name)
            return self._beside(study, diagnoses)

        shown = yield from run_in_background(compare, lambda: working("Putting diagnoses beside complaints"))
        yield shown


def _diagnosed_by(name: str, diagnosed: int, total: int) -> str:
    """Say which network looked, and at how many pictures in vain."""
    without = total - diagnosed
    left = (
        f" {counted(without, 'picture has', 'pictures have')} no diagnosis: no face was found, or the file is missing."
        if without
        else ""
    )
    return note(f"{name} looked at {counted(total, 'picture')}.{left}")


def compared_panel(compared: "ComparedComplaints", as_csv: str) -> str:
    """Return how far complaints and diagnoses agree, which go with which, and every picture, which `as_csv` holds."""
    wording = texts_in("en").wording
    words = {reason: wording[f"reason_{reason}"] for reason in compared.offered}
    heads = ("Picture", "People", "Model", "Agree")
    pictures = counted(len(compared.pictures), "picture")
    rows = (_picture(each, words) for each in compared.pictures[:SHOWN])
    listed = table(heads, rows, caption=pictures, kind="mos")
    by_diagnosis = table(
        ("Diagnosis", "Pictures", "Complaints", *words.values()),
        (_figures(each) for each in compared.diagnoses),
        caption="Which complaints go with which diagnosis",
        kind="diagnoses",
    )
    first = f" The list shows the first {SHOWN}." if len(compared.pictures) > SHOWN else ""
    link = as_csv_link("complaints-and-diagnoses.csv", as_csv)
    saved = f'<p class="hint">Save all {pictures} {link}.{first}</p>'
    return f'{_agreement(compared)}{by_diagnosis}<p class="hint">{MEANING}</p>{listed}{saved}'


def _agreement(compared: "ComparedComplaints") -> str:
    found = compared.agreement
    if not found.pictures:
        return note("No picture has both complaints and a diagnosis that names one of the reasons, so nothing agrees.")
    shown = numbers([
        ("Agreement", f"{found.agreement:.0%}", _within(found.agreement_low, found.agreement_high, "{:.0%}")),
        ("By chance", f"{found.by_chance:.0%}", "if diagnoses were dealt at random"),
        ("Kappa", _number(found.kappa), _within(found.kappa_low, found.kappa_high, "{:.2f}")),
        ("Called clean", f"{found.clean:,}", "pictures that people complain about"),
    ])  # fmt: skip
    said = (
        f"Of {counted(found.pictures, 'picture')} with complaints and a diagnosis that names a reason, the share of "
        "which that is what people complain about most. Intervals (95 %) cover other photos."
    )
    return f'{shown}<p class="hint">{said}</p>'


def _within(low: float, high: float, form: str) -> str:
    return f"{form.format(low)} to {form.format(high)}" if math.isfinite(low) else "too few photos for an interval"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def _picture(each: "ComparedPicture", words: dict[str, str]) -> str:
    given = sorted(each.reasons.items(), key=lambda item: -item[1])
    people = ", ".join(f"{words.get(reason, reason)} {count:,}" for reason, count in given if count)
    agrees = "–" if each.agrees is None else "yes" if each.agrees else "no"
    return cells(text(each.stimulus), text(people) or "–", _diagnosis(each.diagnosis), agrees)


def _diagnosis(found: "Diagnosis | None") -> str:
    if found is None:
        return "–"
    sure = "" if found.probability is None else f" ({found.probability:.0%})"
    return f"{text(_readable(found.type))}{sure}"


def _figures(each: "DiagnosisFigures") -> str:
    shares = (
        f"<b>{share:.0%}</b>" if reason == each.expected else f"{share:.0%}" for reason, share in each.shares.items()
    )
    empty = each.complaints == 0
    return cells(
        text(_readable(each.diagnosis)),
        f"{each.pictures:,}",
        f"{each.complaints:,}",
        *("–" if empty else share for share in shares),
    )


def _readable(kind: str) -> str:
    return kind.replace("_", " ")


def build_diagnoses(labelling: Labelling, guard: Guard, study: gr.State, diagnoser: Diagnoser) -> gr.Accordion:
    """Lay out the panel and connect it; return what is shown where people may give reasons."""
    panel = DiagnosesPanel(labelling, diagnoser)
    whole = gr.Accordion("Complaints beside a model's diagnosis", open=False, visible=False, elem_id="diagnoses")
    with whole:
        gr.HTML(DIAGNOSED_HERE, apply_default_css=False, elem_classes="hint")
        with gr.Row(elem_classes="actions"):
            start = gr.Button(
                "Diagnose the pictures", variant="primary", elem_id="diagnose-pictures", scale=0, min_width=220
            )
            stop = gr.Button("Stop", visible=False, elem_id="stop-diagnosing", scale=0, min_width=120)
        with gr.Accordion("Or with diagnoses of your own, as a CSV", open=False, elem_id="given-diagnoses"):
            gr.HTML(HANDED_IN, apply_default_css=False, elem_classes="hint")
            file = gr.File(label="Diagnoses", file_types=[".csv"], height=120, elem_id="diagnoses-file")
            compare = gr.Button("Put beside complaints", elem_id="compare-diagnoses", scale=0, min_width=220)
        found = gr.HTML("", apply_default_css=False, elem_id="complaint-agreement")
    options: dict[str, Any] = {"preprocess": False, "who": SEE_RESULTS, **SLOW}
    idle = {start: True, stop: False}
    show_buttons(start.click, {start: False, stop: True})
    diagnosing = guard.on(start.click, panel.diagnose, [study], found, who=SEE_RESULTS, **DIAGNOSING)
    show_buttons(diagnosing.then, idle)
    show_buttons(stop.click, idle)
    guard.on(stop.click, panel.stopped, [study], found, who=SEE_RESULTS, cancels=[diagnosing], **AT_ONCE)
    compared = guard.on(compare.click, panel.compare, [study, file], found, **options)
    reset_on_failure(diagnosing, found, idle)
    reset_on_failure(compared, found)
    reset_on_study_change(study, [found], [diagnosing, compared], idle)
    forget_file_on_study_change(study, file)
    return whole
