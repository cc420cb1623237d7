"""One picture of a draft: its kind, its right grade and its feedback changed, or the picture removed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.review import KIND_NAMES
from annotate.errors import GradeError, StimulusError
from annotate.methods import kinds_of_pictures
from annotate.ui.labelling import Labelling
from annotate.ui.studies.chosen import chosen_picture, opened_study
from annotate.ui.studies.html import text, whole_number
from annotate.ui.studies.ownership import AT_ONCE, Guard
from annotate.ui.studies.users import OWNERS

LONGEST_FEEDBACK = 2000


class EditorShown(NamedTuple):
    """What a picture shows in the form."""

    chosen: Any
    form: Any
    head: Any
    kind: Any
    expected: Any
    feedback: Any


class StimulusEditor:
    """What the form does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def open(self, details: dict[str, Any], study_id: int | None) -> EditorShown:
        """Show a picture in the form."""
        if details.get("do") != "edit":
            return EditorShown(*(gr.skip(),) * len(EditorShown._fields))
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            found = queries.stimuli.get_stimulus(db, study.id, whole_number(details.get("picture")))
        kinds = kinds_of_pictures(study.protocol)
        checked = len({ItemKind.GOLD, ItemKind.TRAP, ItemKind.TRAINING} & {*kinds}) > 0
        return EditorShown(
            found.id,
            gr.update(visible=True),
            f"<h3>{text(found.name)}</h3>",
            gr.update(choices=kind_choices(dict.fromkeys([*kinds, found.kind])), value=found.kind.name),
            gr.update(value=found.expected, visible=checked),
            gr.update(value=found.feedback, visible=checked),
        )

    def save(
        self, study_id: int | None, picture: int | None, kind: str, expected: float | None, feedback: str
    ) -> float:
        """Change the picture; returns that something changed."""
        chosen = ItemKind[kind]
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            found = queries.stimuli.get_stimulus(db, study.id, chosen_picture(picture))
            grade = _grade(study.protocol, chosen, expected)
            said = (feedback or "").strip()[:LONGEST_FEEDBACK] if chosen is ItemKind.TRAINING else ""
            queries.stimuli.change_stimulus(db, found, datetime.now(UTC), kind=chosen, expected=grade, feedback=said)
        return _changed()

    def remove(self, study_id: int | None, picture: int | None) -> float:
        """Take the picture out of the study; returns that something changed."""
        with self.labelling.database.write() as db:
            queries.stimuli.remove_stimulus(
                db, queries.stimuli.get_stimulus(db, opened_study(study_id), chosen_picture(picture)), datetime.now(UTC)
            )
        return _changed()


def build_stimulus_editor(
    labelling: Labelling, guard: Guard, study: gr.State, pictures: gr.HTML, changed: gr.State
) -> gr.Column:
    """Lay out the form, hidden until a picture is chosen in `pictures`, and connect it; returns it."""
    editor, chosen = StimulusEditor(labelling), gr.State(None)
    script = files("annotate.ui.studies").joinpath("stimulus.js").read_text(encoding="utf-8")
    with gr.Column(visible=False, elem_id="picture-editor") as form:
        head = gr.HTML("", js_on_load=script, apply_default_css=False)
        with gr.Row(elem_classes="fields"):
            fields = _build_fields()
        with gr.Row(elem_classes="actions"):
            save = gr.Button("Save the picture", variant="primary", elem_id="save-picture", scale=0, min_width=160)
            remove = gr.Button("Remove from the study", elem_id="remove-picture", scale=0, min_width=180)
            cancel = gr.Button("Cancel", elem_id="cancel-picture", scale=0, min_width=100)
    guard.on(
        pictures.click,
        editor.open,
        [study],
        [*EditorShown(chosen, form, head, *fields)],
        details=True,
        who=OWNERS,
        **AT_ONCE,
    )
    guard.on(save.click, editor.save, [study, chosen, *fields], changed, who=OWNERS, **AT_ONCE)
    guard.on(remove.click, editor.remove, [study, chosen], changed, who=OWNERS, **AT_ONCE)
    cancel.click(hide, None, form, **AT_ONCE)
    made: gr.Column = form
    return made


def kind_choices(kinds: Iterable[ItemKind]) -> list[tuple[str, str]]:
    """Return what a picture may be for, as a choice of the form."""
    return [(KIND_NAMES[kind][0], kind.name) for kind in kinds]


def hide() -> dict[str, Any]:
    """Hide what was opened and is not wanted after all."""
    hidden: dict[str, Any] = gr.update(visible=False)
    return hidden


def _build_fields() -> tuple[gr.Radio, gr.Number, gr.Textbox]:
    return (
        gr.Radio(kind_choices(KIND_NAMES), label="What it is for", value=ItemKind.RATED.name, elem_id="picture-kind"),
        gr.Number(
            None,
            label="Right grade",
            info="Of a known answer or an attention check; in training, what is expected.",
            elem_id="picture-expected",
        ),
        gr.Textbox(
            "",
            label="Feedback",
            info="Said in training after the answer, in the words of the study's language.",
            lines=2,
            max_length=LONGEST_FEEDBACK,
            elem_id="picture-feedback",
        ),
    )


def _grade(protocol: StudyProtocol, kind: ItemKind, expected: float | None) -> float | None:
    """Return the right grade of a picture of that kind; raise StimulusError when it lacks one or cannot be given."""
    if kind is ItemKind.RATED:
        return None
    if expected is None:
        if kind is ItemKind.TRAINING:
            return None
        raise StimulusError(f"Say the right grade: {KIND_NAMES[kind][1]} need one.")
    try:
        return protocol.scale.check(expected)
    except GradeError as error:
        raise StimulusError(f"The right grade cannot be given: {error}") from None


def _changed() -> float:
    return datetime.now(UTC).timestamp()
