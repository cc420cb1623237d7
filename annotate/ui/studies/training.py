"""The Train panel: from a study's votes to a checkpoint, how far that agrees with people, and what to label next.

A training is a process of its own (`annotate.training_runs`): the panel starts, watches and stops it, and finds it
again after a reload of the page or a restart of the app. What it needs of the networks the app lends it, as `Trainer`.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate.design.further_scales import MAIN
from annotate.errors import TrainingRunError
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.stimuli.files import stimulus_path
from annotate.training_runs import TrainingRuns, command_for, missing, study_key
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import reset_on_study_change, run_in_background
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.downloads import Downloads, build_saved
from annotate.ui.studies.html import empty, note, working
from annotate.ui.studies.next_pairs import next_pairs_panel
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.scales import known_scale, offer_scales
from annotate.ui.studies.training_panels import batch_panel, command_panel, not_trained, result_panel, training_panel
from annotate.ui.studies.users import OWNERS, SEE_RESULTS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Stimulus, Study
    from annotate.exchange.export import ExportReport

ASK = files("annotate.ui.studies").joinpath("training.js").read_text(encoding="utf-8")
FEWEST = 6
"""Labelled pictures to train on."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
LONGEST_BATCH = 1000
SCORED_AT_ONCE = 8
"""Pictures scored between two reports on how far it is."""


@dataclass(frozen=True)
class Trainer:
    """What the app lends: its trainings, and `score`, which maps a checkpoint's name and a picture's bytes to a score.

    The score is None where the picture gets none, such as one without a face.
    """

    runs: TrainingRuns
    score: Callable[[str, bytes], float | None]


class TrainingShown(NamedTuple):
    """How far a training is: the panel, what came of it, and the buttons Train and Stop."""

    panel: Any
    result: Any
    start: Any
    stop: Any


class TrainPanel:
    """What the panel does."""

    def __init__(self, labelling: Labelling, trainer: Trainer) -> None:
        self.labelling, self.trainer = labelling, trainer

    def enter(self, study_id: int | None) -> tuple[Any, ...]:
        """Show a study: how far it is, the name to train under, the command, no batch, and the scales to choose."""
        study = self._study(study_id)
        last = self.trainer.runs.find(study_key(study))
        scale = known_scale(study.protocol, last and last.scale)
        scales = offer_scales(study.protocol, scale)
        return *self.show(study_id), self._free_name(study), self.command(study_id, scale), "", scales

    def command(self, study_id: int | None, scale: object = MAIN) -> str:
        """Return how to train on a scale by hand."""
        study = self._study(study_id)
        name = self._free_name(study)
        export = f"python -m annotate export {shlex.quote(study.name)} {name}-export"
        return command_panel(export, command_for(Path(f"{name}-export"), name, known_scale(study.protocol, scale)))

    def _free_name(self, study: "Study") -> str:
        wanted = re.sub(r"[^\w.-]+", "-", study.name, flags=re.ASCII).strip("-.")
        return self.trainer.runs.free_name(wanted or "study")

    def show(self, study_id: int | None) -> TrainingShown:
        """Show how far it is."""
        study = self._study(study_id)
        training = self.trainer.runs.find(study_key(study))
        problem = missing()
        if training is None:
            said = note(problem, "warning") if problem else not_trained()
            return TrainingShown(said, "", *_buttons(running=False, able=not problem))
        result = training.result if training.state == "finished" else None
        learnt = study.protocol.scale_titles("en").get(training.scale, "") if training.scale != MAIN else ""
        shown = result_panel(result, self._pictures(study.id), learnt) if result else ""
        buttons = _buttons(running=training.is_running, able=not problem)
        return TrainingShown(training_panel(training), shown, *buttons)

    def start(self, study_id: int | None, name: str, scale: object = MAIN) -> Iterator[TrainingShown]:
        """Export the study and train on one of its scales."""
        study = self._study(study_id)
        learnt = known_scale(study.protocol, scale)
        wanted = (name or "").strip()
        if not NAME.fullmatch(wanted):
            raise TrainingRunError("Name the checkpoint with letters, digits, dots, dashes or underscores.")
        if self.trainer.runs.free_name(wanted) != wanted:
            raise TrainingRunError(f"There is a checkpoint {wanted} already; choose another name.")
        key, busy = study_key(study), working("Exporting the pictures and their MOS")
        for panel in run_in_background(
            lambda: self.trainer.runs.start(key, wanted, self._exporter(study.id, learnt), learnt), lambda: busy
        ):
            yield TrainingShown(panel, "", *_buttons(running=False, able=False))
        yield self.show(study_id)

    def stop(self, study_id: int | None) -> TrainingShown:
        """Ask the training to stop."""
        self.trainer.runs.stop(study_key(self._study(study_id)))
        return self.show(study_id)

    def propose(self, study_id: int | None, count: float | None) -> Iterator[str]:
        """Rank the pictures that lack ratings by what one more would tell, with the scores of the new checkpoint.

        Where pairs are compared, list those that the study asks next.
        """
        study, wanted = self._study(study_id), min(LONGEST_BATCH, max(1, int(count or 1)))
        if method_of(study.protocol).unit is Unit.PAIR:
            yield self._next_pairs(study, wanted)
            return
        training = self.trainer.runs.find(study_key(study))
        result = training.result if training else None
        scores = {each["stimulus"]: each["after"] for each in result["predictions"]} if result else {}
        unscored = [each for each in self._stimuli(study.id) if each.name not in scores] if result else []
        for done, each in enumerate(unscored):
            if done % SCORED_AT_ONCE == 0:
                yield working(f"Scoring pictures without votes, {done} of {len(unscored)}", done / len(unscored))
            path = stimulus_path(self.labelling.settings.data_dir, each.sha256, each.format)
            if result and (score := self.trainer.score(result["name"], path.read_bytes())) is not None:
                scores[each.name] = score
        yield self._batch(study, scores, wanted, known_scale(study.protocol, training and training.scale))

    def _next_pairs(self, study: "Study", count: int) -> str:
        from annotate import queries

        with self.labelling.database.read() as db:
            pairs = queries.next_pairs.next_pairs(db, study, count)
            missing = queries.next_pairs.missing_answers(db, study)
        return next_pairs_panel(pairs, missing, self._pictures(study.id))

    def _batch(self, study: "Study", scores: Mapping[str, float], count: int, scale: str) -> str:
        from annotate.analysis import mos_table  # late: SciPy takes long to load, and nobody waits for it at the start
        from annotate.statistics.planning import next_batch

        with self.labelling.database.read() as db:
            table = mos_table(db, study.id, scale)
        if not table.stimulus_ids:
            return empty("No pictures", "Add pictures in Set-up.")
        batch = next_batch(table, count, wanted_ratings=study.protocol.ratings_wanted, model_scores=scores or None)
        return batch_panel(batch, self._pictures(study.id), scores)

    def _exporter(self, study_id: int, scale: str) -> Callable[[Path], object]:
        """Return what exports a study, unless too few of its pictures have ratings on a scale."""

        def export(folder: Path) -> None:
            """Write the study to a folder; raise TrainingRunError when there is too little of it."""
            from annotate.exchange.export import export_study  # late, as above

            database, data_dir = self.labelling.database, self.labelling.settings.data_dir
            report: ExportReport = export_study(
                database, study_id, data_dir, folder, with_people=False
            )  # a training needs to know nobody, and is not told who is deleted
            labelled = sum(report.splits.values()) if scale == MAIN else self._count_rated(study_id, scale)
            if labelled < FEWEST:
                raise TrainingRunError(
                    f"{counted(labelled, 'picture has', 'pictures have')} ratings; training needs {FEWEST} or more."
                )

        return export

    def _count_rated(self, study_id: int, scale: str) -> int:
        from annotate.analysis import mos_table

        with self.labelling.database.read() as db:
            return int((mos_table(db, study_id, scale).ratings > 0).sum())

    def _study(self, study_id: int | None) -> "Study":
        from annotate import queries  # late: the page is laid out without the database's library

        with self.labelling.database.read() as db:
            return queries.studies.get_study(db, opened_study(study_id))

    def _stimuli(self, study_id: int) -> "list[Stimulus]":
        from annotate import queries
        from annotate.design.items import ItemKind

        with self.labelling.database.read() as db:
            return [each for each in queries.stimuli.all_stimuli(db, study_id) if each.kind is ItemKind.RATED]

    def _pictures(self, study_id: int) -> dict[str, Path]:
        """Return the files of all pictures by name."""
        data_dir = self.labelling.settings.data_dir
        return {each.name: stimulus_path(data_dir, each.sha256, each.format) for each in self._stimuli(study_id)}


def build_training_panel(labelling: Labelling, guard: Guard, study: gr.State, trainer: Trainer, tab: gr.Tab) -> None:
    """Lay out the panel inside `tab` and connect it."""
    panel = TrainPanel(labelling, trainer)
    with gr.Row(elem_classes="actions"):
        name = gr.Textbox(label="Name of the checkpoint", max_lines=1, max_length=64, elem_id="training-name", scale=2)
        start = gr.Button("Train on this study", variant="primary", elem_id="train", scale=0, min_width=200)
        stop = gr.Button("Stop", visible=False, elem_id="stop-training", scale=0, min_width=120)
    scale = gr.Radio([], label="Scale to learn", visible=False, elem_id="training-scale")
    progress = gr.HTML("", js_on_load=ASK, apply_default_css=False, elem_id="training")
    result = gr.HTML("", apply_default_css=False, elem_id="training-result")
    with gr.Row(elem_classes="actions"):
        count = gr.Number(
            20, label="Pictures or pairs of the next batch", precision=0, minimum=1, maximum=LONGEST_BATCH, scale=1
        )
        propose = gr.Button("Propose the next batch", elem_id="propose-batch", scale=0, min_width=220)
    batch = gr.HTML("", apply_default_css=False, elem_id="next-batch")
    with gr.Accordion("Train elsewhere, or by hand", open=False, elem_id="train-elsewhere"):
        command = gr.HTML("", apply_default_css=False, elem_id="training-command")
        pack = gr.Button("Download pictures and labels", elem_id="pack-export", scale=0, min_width=220)
        busy = build_saved("packing-export")
    shown = [*TrainingShown(progress, result, start, stop)]
    running = [
        guard.on(tab.select, panel.enter, [study], [*shown, name, command, batch, scale], who=OWNERS, **AT_ONCE),
        guard.on(scale.input, panel.command, [study, scale], command, who=OWNERS, **AT_ONCE),
        guard.on(progress.input, panel.show, [study], shown, who=OWNERS, **AT_ONCE),
        guard.on(propose.click, panel.propose, [study, count], batch, who=OWNERS, **SLOW),
        guard.on(pack.click, Downloads(labelling).training, [study], busy, who=SEE_RESULTS, user=True, **SLOW),
    ]
    reset_on_study_change(study, [progress, result, batch, busy], running)
    guard.on(start.click, panel.start, [study, name, scale], shown, who=OWNERS, **SLOW)
    guard.on(stop.click, panel.stop, [study], shown, who=OWNERS, **AT_ONCE)


def _buttons(*, running: bool, able: bool) -> tuple[Any, Any]:
    """Return the buttons Train and Stop."""
    return gr.update(visible=not running, interactive=able), gr.update(visible=running)
