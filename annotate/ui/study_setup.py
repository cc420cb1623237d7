"""The Set-up panel: pictures, protocol and state of a study, and what a reviewer would object to."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from annotate.errors import ProtocolError, StudyError, StudyStateError
from annotate.ratings import ItemKind
from annotate.study import Protocol, State, check_ready
from annotate.training_runs import TrainingRuns, study_key
from annotate.traps import draw_traps
from annotate.ui.labelling import Labelling
from annotate.ui.late import intake, store
from annotate.ui.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.study_html import PRESS, counted, note, text, whole_number, working
from annotate.ui.study_log import log_panel
from annotate.ui.study_pictures import (
    FILE_TYPES,
    HANDED_IN,
    FileValue,
    follow_intake,
    pictures_panel,
    said_of_intake,
    uploaded_files,
)
from annotate.ui.study_protocol import build_form, effort, in_words, read_values, shown_values
from annotate.uploads import Upload, open_files

TRAP_SIZE_PX = (512, 512)
"""Where there is no picture yet to take the size of."""
SHOWN_EVENTS, DELETED_AT_ONCE = 50, 100
NEXT_STEP = {
    State.DRAFT: "Nobody can rate yet. Add pictures, look through the protocol, then open the study.",
    State.OPEN: "People can rate now. To change how much is rated, or to add pictures, pause it.",
    State.PAUSED: "Nobody can rate at the moment; whoever is at it waits. Open it again to go on.",
    State.CLOSED: "The study has ended for good. Its votes can be looked at and downloaded.",
}


class Setup:
    """What the panel does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def show(self, study_id: int | None) -> tuple[Any, ...]:
        """Return everything in the panel: overview, five buttons, pictures, and the protocol's form."""
        if study_id is None:
            return (*(gr.skip(),) * 7, *(gr.skip() for _ in shown_values(Protocol(), State.DRAFT)))
        with self.labelling.database.read() as db:
            study = store.get_study(db, study_id)
            counts = store.count_stimuli(db, study_id)
            events = store.latest_events(db, study_id, SHOWN_EVENTS)
        protocol, state = Protocol.from_json(study.protocol), study.state
        takes_pictures = state in (State.DRAFT, State.PAUSED)
        return (
            _overview(protocol, state, counts) + log_panel(events),
            gr.update(visible=takes_pictures, value="Open the study" if state is State.DRAFT else "Open it again"),
            gr.update(visible=state is State.OPEN),
            gr.update(visible=takes_pictures),  # the form for more pictures
            gr.update(visible=takes_pictures),  # what saves the protocol
            gr.update(visible=state in (State.OPEN, State.PAUSED)),  # what closes it
            self.pictures(study_id),
            *shown_values(protocol, state),
        )

    def pictures(self, study_id: int, first: int = 0) -> str:
        """Return a page of pictures."""
        return pictures_panel(self.labelling.database, self.labelling.settings.data_dir, study_id, first)

    def turn_page(self, details: dict[str, Any], study_id: int | None) -> str:
        """Return another page of pictures."""
        return self.pictures(_opened(study_id), whole_number(details.get("first")))

    def open(self, study_id: int | None) -> float:
        """Let people rate."""
        return self._change_state(study_id, State.OPEN)

    def pause(self, study_id: int | None) -> float:
        """Let nobody rate for a while."""
        return self._change_state(study_id, State.PAUSED)

    def save(self, study_id: int | None, *values: Any) -> float:
        """Change the protocol."""
        try:
            with self.labelling.database.write() as db:
                store.change_protocol(db, _opened(study_id), datetime.now(UTC), **read_values(values))
        except ProtocolError as error:
            raise in_words(error) from None
        gr.Info("The protocol is saved.")
        return time.time()

    def add(self, study_id: int | None, files: Sequence[FileValue] | None) -> Iterator[tuple[Any, ...]]:
        """Add uploaded pictures: what is said of it, the emptied form, and that something changed."""
        if not files:
            raise StudyError("Choose some pictures first.")
        with ExitStack() as opened:
            upload = opened.enter_context(open_files(uploaded_files(files), self.labelling.settings.data_dir))
            yield from self._add(_opened(study_id), upload, opened)

    def draw_traps(self, study_id: int | None, count: float | None) -> Iterator[tuple[Any, ...]]:
        """Draw attention checks and add them."""
        with self.labelling.database.read() as db:
            study = store.get_study(db, _opened(study_id))
            shown = store.stimuli_page(db, study.id, limit=1, kind=ItemKind.RATED)
        size = (shown[0].width_px, shown[0].height_px) if shown else TRAP_SIZE_PX
        traps = draw_traps(Protocol.from_json(study.protocol).scale, whole_number(count, least=1, most=100), size)
        yield from self._add(study.id, Upload(traps))

    def end(self, study_id: int | None, typed: str) -> tuple[Any, ...]:
        """Close the study for good: the emptied confirmation, and that something changed."""
        self._confirmed(study_id, typed)
        return "", self._change_state(study_id, State.CLOSED)

    def delete(self, study_id: int | None, typed: str) -> Iterator[tuple[Any, ...]]:
        """Delete the study with all votes: how far that is, the emptied confirmation, and that the study is gone."""
        name, study = self._confirmed(study_id, typed), _opened(study_id)
        with self.labelling.database.write() as db:
            if store.get_study(db, study).state in (State.OPEN, State.PAUSED):  # nobody rates what is about to go
                store.change_state(db, study, State.CLOSED, datetime.now(UTC))
            people, key = store.count_participants(db, study), study_key(store.get_study(db, study))
        for done in range(0, people, DELETED_AT_ONCE):
            yield (
                working(f"Deleting the votes of {counted(people, 'person', 'people')}", done / people),
                gr.skip(),
                gr.skip(),
            )
            with self.labelling.database.write() as db:
                store.delete_some_participants(db, study, DELETED_AT_ONCE)
        with self.labelling.database.write() as db:
            store.delete_study(db, study)
        self.labelling.database.erase_deleted()
        TrainingRuns(self.labelling.settings.data_dir).forget(key)
        gr.Info(f"“{text(name)}” is deleted.")
        yield "", "", time.time()

    def _confirmed(self, study_id: int | None, typed: str) -> str:
        with self.labelling.database.read() as db:
            name = store.get_study(db, _opened(study_id)).name
        if (typed or "").strip() != name:
            raise StudyStateError("Type the study's name exactly as it is above, to show that you mean it.")
        return name

    def _change_state(self, study_id: int | None, state: State) -> float:
        with self.labelling.database.write() as db:
            store.change_state(db, _opened(study_id), state, datetime.now(UTC))  # the overview warns
        return time.time()

    def _add(self, study_id: int, upload: Upload, opened: ExitStack | None = None) -> Iterator[tuple[Any, ...]]:
        database, folder = self.labelling.database, self.labelling.settings.data_dir
        with database.read() as db:
            name = store.get_study(db, study_id).name
        taken = yield from follow_intake(
            upload.candidates,
            lambda watched: intake.add_pictures(database, folder, name, watched, datetime.now(UTC)),
            lambda panel: (panel, gr.skip(), gr.skip()),
            opened.pop_all() if opened else None,
        )
        for sentence in (*upload.notices, *said_of_intake(taken)):
            gr.Warning(text(sentence))
        gr.Info(f"{counted(taken.added, 'picture was', 'pictures were')} added.")
        yield "", None, time.time()


def build_setup_panel(labelling: Labelling, guard: Guard, study: gr.State, changed: gr.State) -> gr.State:
    """Lay out the panel and connect it; returns a state that changes when a study is deleted."""
    setup = Setup(labelling)
    gone = gr.State(0)
    overview = gr.HTML("", apply_default_css=False, elem_id="study-overview")
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Open the study", variant="primary", elem_id="open-study", scale=0, min_width=160)
        pause = gr.Button("Pause", elem_id="pause-study", scale=0, min_width=120)
    gr.HTML("<h3>Pictures</h3>", apply_default_css=False, elem_classes="section-head")
    pictures = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="study-pictures")
    busy = gr.HTML("", apply_default_css=False, elem_id="adding")
    with gr.Accordion("Add pictures", open=False) as adding:
        files, add, count, draw = _build_adding()
    gr.HTML("<h3>Protocol</h3>", apply_default_css=False, elem_classes="section-head")
    form = build_form()
    save = gr.Button("Save the protocol", elem_id="save-protocol")
    with gr.Accordion("Close or delete", open=False):
        typed, end, delete = _build_ending()
        ending = gr.HTML("", apply_default_css=False, elem_id="ending")
    shown = [overview, start, pause, adding, save, end, pictures, *form]
    guard.on([study.change, changed.change], setup.show, [study], shown, **AT_ONCE)
    guard.on(start.click, setup.open, [study], changed, **AT_ONCE)
    guard.on(pause.click, setup.pause, [study], changed, **AT_ONCE)
    guard.on(save.click, setup.save, [study, *form], changed, **AT_ONCE)
    guard.on(pictures.click, setup.turn_page, [study], pictures, details=True, **AT_ONCE)
    guard.on(add.click, setup.add, [study, files], [busy, files, changed], preprocess=False, **SLOW)
    guard.on(draw.click, setup.draw_traps, [study, count], [busy, files, changed], **SLOW)
    guard.on(end.click, setup.end, [study, typed], [typed, changed], **AT_ONCE)
    guard.on(delete.click, setup.delete, [study, typed], [ending, typed, gone], **SLOW)
    return gone


def _build_adding() -> tuple[gr.File, gr.Button, gr.Number, gr.Button]:
    """Lay out how more pictures come in."""
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=7, min_width=280):
            files = gr.File(
                label="Pictures", file_count="multiple", file_types=FILE_TYPES, height=150, elem_id="more-files"
            )
            gr.HTML(f"<p>{HANDED_IN}</p>", apply_default_css=False, elem_classes="hint")
            add = gr.Button("Add these pictures", elem_id="add-pictures")
        with gr.Column(scale=4, min_width=240):
            count = gr.Number(
                10,
                label="Attention checks",
                info="Grey cards, drawn in the size of your pictures, that say which grade to give. 10 do.",
                minimum=1,
                maximum=100,
                precision=0,
                elem_id="trap-count",
            )
            draw = gr.Button("Draw attention checks", elem_id="draw-traps")
    return files, add, count, draw


def _build_ending() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    """Lay out what cannot be taken back."""
    typed = gr.Textbox(
        label="Type the study's name to confirm",
        info="Neither can be taken back. Closing ends the rating and keeps everything; deleting removes every vote.",
        max_lines=1,
        elem_id="typed-name",
    )
    with gr.Row(elem_classes="actions"):
        end = gr.Button("Close for good", elem_id="close-study", scale=0, min_width=160)
        delete = gr.Button("Delete the study", variant="stop", elem_id="delete-study", scale=0, min_width=160)
    return typed, end, delete


def _overview(protocol: Protocol, state: State, counts: dict[ItemKind, int]) -> str:
    """Say what the state means, what the design takes, and what is wrong with it."""
    said = [note(NEXT_STEP[state])]
    if counts.get(ItemKind.RATED):
        needed = effort(protocol, counts)
        said.append(
            f'<p class="effort"><b>{needed.ratings:,}</b> ratings from at least <b>{needed.people:,}</b> people, '
            f"about <b>{counted(max(1, round(needed.minutes)), 'minute')}</b> a sitting.</p>"
        )
    if state is not State.CLOSED:
        said += _objections(protocol, counts)
    return "".join(said)


def _objections(protocol: Protocol, counts: dict[ItemKind, int]) -> list[str]:
    try:
        return [note(warning, "warning") for warning in check_ready(protocol, counts)]
    except StudyStateError as error:
        return [note(str(error), "warning")]


def _opened(study_id: int | None) -> int:
    if study_id is None:
        raise StudyError("Open a study first.")
    return study_id
