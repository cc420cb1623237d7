"""The Set-up panel: pictures, protocol and state of a study, and what a reviewer would object to."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.design.items import MOST_TRAPS, ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary, check_ready
from annotate.design.states import State
from annotate.design.stored_protocol import UnreadableProtocol
from annotate.errors import ProtocolError, StudyError, StudyStateError
from annotate.methods import kinds_of_pictures, method_of
from annotate.methods.method import Unit
from annotate.stimuli.sources import Upload, open_files
from annotate.training_runs import TrainingRuns, study_key
from annotate.ui.labelling import Labelling
from annotate.ui.previews import BREAK_S
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import PRESS, note, text, whole_number, working
from annotate.ui.studies.links import complete_links, general_links
from annotate.ui.studies.log import log_panel
from annotate.ui.studies.members import build_members
from annotate.ui.studies.overview import study_overview
from annotate.ui.studies.ownership import AT_ONCE, LAST, SLOW, Guard
from annotate.ui.studies.pictures import (
    FILE_TYPES,
    HANDED_IN,
    FileValue,
    follow_intake,
    pictures_panel,
    said_of_intake,
    uploaded_files,
)
from annotate.ui.studies.protocol_form import FIELDS, build_form, in_words, read_changes, shown_values
from annotate.ui.studies.ratings_import import build_ratings_import
from annotate.ui.studies.stimulus import build_stimulus_editor, hide
from annotate.ui.studies.users import OWNERS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Study

WORDS, PICTURES = "words", "pictures"  # kinds of drawn attention checks
DRAWN: Mapping[Unit, tuple[str, str]] = {
    Unit.STIMULUS: ("Attention checks", "Drawn in the size of your pictures. 10 do."),
    Unit.PAIR: (
        "Known pairs",
        "A picture beside its worst version or, one in five, beside itself. 10 do; training pairs that lack come too.",
    ),
}
"""What is drawn, by what is rated at a time: its name and what is to be known."""
SHOWN_EVENTS, DELETED_AT_ONCE = 50, 100
OPENING = (
    "<h3>Open the study?</h3><p>What you changed in the form is saved with it. From the first rating on its meaning is "
    "fixed: <b>what is asked, the checks, the languages and texts, the questions, and what each picture is for</b> "
    "stay as they are. Pause the study to add pictures or to change how many ratings are wanted, sittings and breaks, "
    "the deadline, the number of people and the smallest screen.</p>"
)


class SetupShown(NamedTuple):
    """What the panel shows before the protocol's form.

    That is: overview, links, the buttons that open, try and pause, the form for more pictures, the part of it that
    draws checks with their number, kind and button, the button that saves, the one that closes, what asks before
    opening, the pictures, and the form of one picture.
    """

    overview: Any
    links: Any
    start: Any
    attempt: Any
    pause: Any
    adding: Any
    checks: Any
    count: Any
    kind: Any
    draw: Any
    save: Any
    end: Any
    asking: Any
    pictures: Any
    editor: Any


class Changed(NamedTuple):
    """What pictures change, and nothing of the protocol's form."""

    overview: Any
    pictures: Any
    editor: Any


class Added(NamedTuple):
    """What is said while pictures come in, the form they come in by, and that something changed."""

    busy: Any
    files: Any = gr.skip()
    more: Any = gr.skip()


class Gone(NamedTuple):
    """How far the deletion is, the confirmation, and that the study is gone."""

    ending: Any
    typed: Any = gr.skip()
    gone: Any = gr.skip()


class Setup:
    """What the panel does. `values` are those of the protocol's form, saved or not."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def show(self, study_id: int | None) -> tuple[Any, ...]:
        """Return everything in the panel: `SetupShown`, then the protocol's form."""
        if study_id is None:
            return (gr.skip(),) * (len(SetupShown._fields) + len(FIELDS))
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
        if isinstance(study.stored_protocol, UnreadableProtocol):
            return self._show_unreadable(study_id, study.stored_protocol)
        protocol, state = study.protocol, study.state
        changed = self.refresh(study_id)
        takes_pictures = state in (State.DRAFT, State.PAUSED)
        started = state in (State.OPEN, State.PAUSED)
        opening = "Open the study" if state is State.DRAFT else "Open it again"
        shown = SetupShown(
            overview=changed.overview,
            links=gr.update(value=general_links(study) if started else "", visible=started),
            start=gr.update(visible=takes_pictures, value=opening),
            attempt=gr.update(visible=state is State.DRAFT),
            pause=gr.update(visible=state is State.OPEN),
            adding=gr.update(visible=takes_pictures),
            **shown_drawing(protocol),
            save=gr.update(visible=takes_pictures),
            end=gr.update(visible=started),
            asking=gr.update(visible=False),
            pictures=changed.pictures,
            editor=changed.editor,
        )
        return *shown, *shown_values(protocol, state)

    def _show_unreadable(self, study_id: int, protocol: UnreadableProtocol) -> tuple[Any, ...]:
        """Return the panel of a study of which only the votes can be had; the form shows defaults, and locks them."""
        hidden = gr.update(visible=False)
        overview = note(str(protocol), "warning") + self._log(study_id)
        pictures = self.pictures(study_id)
        return (
            overview,
            *[hidden] * (len(SetupShown._fields) - 3),
            pictures,
            hidden,
            *shown_values(StudyProtocol(), State.CLOSED),
        )

    def refresh(self, study_id: int | None) -> Changed:
        """Return what pictures change."""
        return Changed(self.overview(study_id), self.pictures(opened_study(study_id)), gr.update(visible=False))

    def overview(self, study_id: int | None) -> Any:
        """Return what the study takes, what is wrong with it, and what was done to it, here and in other panels."""
        if study_id is None:
            return gr.skip()
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
            if isinstance(study.stored_protocol, UnreadableProtocol):
                said = note(str(study.stored_protocol), "warning")
            else:
                stimuli = queries.stimuli.summarize_stimuli(db, study_id)
                said = study_overview(study.protocol, study.state, stimuli)
        return said + self._log(study_id)

    def _log(self, study_id: int) -> str:
        with self.labelling.database.read() as db:
            return log_panel(queries.audit.latest_events(db, study_id, SHOWN_EVENTS))

    def pictures(self, study_id: int, first: int = 0) -> str:
        """Return a page of pictures."""
        return pictures_panel(self.labelling.database, self.labelling.settings.data_dir, study_id, first)

    def turn_page(self, details: dict[str, Any], study_id: int | None) -> Any:
        """Return another page of pictures."""
        if details.get("do") != "page":
            return gr.skip()
        return self.pictures(opened_study(study_id), whole_number(details.get("first")))

    def ask(self, study_id: int | None, *values: Any) -> tuple[Any, ...]:
        """Say what opening fixes, before it is done: what is asked, and the question."""
        protocol, stimuli = self._as_in_form(opened_study(study_id), values)
        warnings = check_ready(protocol, stimuli, datetime.now(UTC))
        method_of(protocol).check_design(protocol, stimuli)
        return "".join([OPENING, *(note(warning, "warning") for warning in warnings)]), gr.update(visible=True)

    def open(self, study_id: int | None, *values: Any) -> float:
        """Save the form, and let people rate."""
        now = datetime.now(UTC)
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            with form_in_words(study):
                queries.lifecycle.change_protocol(db, study.id, now, **read_changes(values, study.state))
            queries.lifecycle.change_state(db, study.id, State.OPEN, now)  # the overview warns
        return time.time()

    def try_out(self, study_id: int | None, *values: Any) -> str:
        """Open a test run of the study as it stands in the form; returns the link."""
        protocol, _ = self._as_in_form(opened_study(study_id), values)
        with self.labelling.database.read() as db:
            name, stimuli = (
                queries.studies.get_study(db, opened_study(study_id)).name,
                queries.stimuli.copy_stimuli(db, opened_study(study_id)),
            )
        preview = self.labelling.previews.start(name, protocol, stimuli)
        return (
            f'<p class="note good"><a data-here="{text(preview.path)}" target="_blank" rel="noopener">Go to the test '
            "run</a>: everything as participants have it, in a new tab, and nothing of it is stored. It shows what "
            f"stands in the form now. Breaks last {BREAK_S} seconds.</p>"
        )

    def pause(self, study_id: int | None) -> float:
        """Let nobody rate for a while."""
        with self.labelling.database.write() as db:
            queries.lifecycle.change_state(db, opened_study(study_id), State.PAUSED, datetime.now(UTC))
        return time.time()

    def save(self, study_id: int | None, *values: Any) -> float:
        """Change the protocol."""
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            with form_in_words(study):
                queries.lifecycle.change_protocol(db, study.id, datetime.now(UTC), **read_changes(values, study.state))
        gr.Info("The protocol is saved.")
        return time.time()

    def _as_in_form(self, study_id: int, values: Sequence[Any]) -> tuple[StudyProtocol, StimulusSummary]:
        """Return the protocol as the form has it, saved or not, and what the stimuli are."""
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
            with form_in_words(study):
                protocol = study.protocol.changed(study.state, **read_changes(values, study.state))
            return protocol, queries.stimuli.summarize_stimuli(db, study_id, protocol)

    def add(self, study_id: int | None, files: Sequence[FileValue] | None) -> Iterator[Added]:
        """Add uploaded pictures."""
        if not files:
            raise StudyError("Choose some pictures first.")
        with ExitStack() as opened:
            upload = opened.enter_context(open_files(uploaded_files(files), self.labelling.settings.data_dir))
            yield from self._add(opened_study(study_id), upload, opened)

    def draw_traps(self, study_id: int | None, count: float | None, kind: str = WORDS) -> Iterator[Added]:
        """Draw attention checks of a kind, or known pairs, and add them."""
        from annotate.stimuli.intake import trap_candidates  # late: the page is laid out without the database's library

        opened, number = opened_study(study_id), whole_number(count, least=1, most=MOST_TRAPS)
        database, data_dir = self.labelling.database, self.labelling.settings.data_dir
        traps = trap_candidates(database, opened, number, data_dir=data_dir, with_pictures=kind == PICTURES)
        yield from self._add(opened, Upload(traps))

    def end(self, study_id: int | None, typed: str) -> tuple[Any, ...]:
        """Close the study for good: the emptied confirmation, and that something changed."""
        self._confirmed(study_id, typed)
        with self.labelling.database.write() as db:
            queries.lifecycle.change_state(db, opened_study(study_id), State.CLOSED, datetime.now(UTC))
        return "", time.time()

    def delete(self, study_id: int | None, typed: str) -> Iterator[Gone]:
        """Delete the study with all votes."""
        name, opened = self._confirmed(study_id, typed), opened_study(study_id)
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened)
            if study.state in (State.OPEN, State.PAUSED):  # nobody rates what is about to go
                queries.lifecycle.change_state(db, opened, State.CLOSED, datetime.now(UTC))
            people, key = queries.participants.count_participants(db, opened), study_key(study)
        for done in range(0, people, DELETED_AT_ONCE):
            yield Gone(working(f"Deleting the votes of {counted(people, 'person', 'people')}", done / people))
            with self.labelling.database.write() as db:
                queries.participants.delete_some_participants(db, opened, DELETED_AT_ONCE)
        with self.labelling.database.write() as db:
            queries.studies.delete_study(db, opened)
        self.labelling.database.erase_deleted()
        TrainingRuns(self.labelling.settings.data_dir).forget(key)
        gr.Info(f"“{text(name)}” is deleted.")
        yield Gone("", typed="", gone=time.time())

    def _confirmed(self, study_id: int | None, typed: str) -> str:
        with self.labelling.database.read() as db:
            name = queries.studies.get_study(db, opened_study(study_id)).name
        if (typed or "").strip() != name:
            raise StudyStateError("Type the study's name exactly as it is above, to show that you mean it.")
        return name

    def _add(self, study_id: int, upload: Upload, opened: ExitStack | None = None) -> Iterator[Added]:
        from annotate.stimuli.intake import add_pictures

        database, folder = self.labelling.database, self.labelling.settings.data_dir
        with database.read() as db:
            name = queries.studies.get_study(db, study_id).name
        taken = yield from follow_intake(
            upload.candidates,
            lambda watched: add_pictures(database, folder, name, watched, datetime.now(UTC)),
            Added,
            opened.pop_all() if opened else None,
        )
        for sentence in (*upload.notices, *said_of_intake(taken)):
            gr.Warning(text(sentence))
        gr.Info(f"{counted(taken.added, 'picture was', 'pictures were')} added.")
        yield Added("", files=None, more=time.time())


def shown_drawing(protocol: StudyProtocol) -> dict[str, Any]:
    """Return the updates of what draws checks: attention checks, or of pairs known ones, which always need eyes."""
    of_pairs = method_of(protocol).unit is Unit.PAIR
    label, info = DRAWN[method_of(protocol).unit]
    return {
        "checks": gr.update(visible=of_pairs or ItemKind.TRAP in kinds_of_pictures(protocol)),
        "count": gr.update(label=label, info=info),
        "kind": gr.update(visible=not of_pairs),
        "draw": gr.update(value=f"Draw {label.lower()}"),
    }


def end_test_run() -> str:
    """Take the link of the test run away: a study that is open has none."""
    return ""


def build_setup_panel(
    labelling: Labelling, guard: Guard, study: gr.State, changed: gr.State, owned: gr.State, tab: gr.Tab
) -> gr.State:
    """Lay out the panel and connect it; returns a state that changes when a study is deleted.

    `owned` changes whenever a study is opened by one of its owners.
    """
    setup = Setup(labelling)
    gone, more = gr.State(0), gr.State(0)
    script = complete_links(labelling.settings.public_url)
    overview = gr.HTML("", apply_default_css=False, elem_id="study-overview")
    links = gr.HTML("", js_on_load=script, visible=False, apply_default_css=False, elem_id="setup-links")
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Open the study", variant="primary", elem_id="open-study", scale=0, min_width=160)
        attempt = gr.Button("Test run", elem_id="try-study", scale=0, min_width=120)
        pause = gr.Button("Pause", elem_id="pause-study", scale=0, min_width=120)
    tried = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="test-run")
    asking, said, confirm, cancel = _build_opening()
    gr.HTML("<h3>Pictures</h3>", apply_default_css=False, elem_classes="section-head")
    pictures = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="study-pictures")
    editor = build_stimulus_editor(labelling, guard, study, pictures, more)
    busy = gr.HTML("", apply_default_css=False, elem_id="adding")
    with gr.Accordion("Add pictures", open=False) as adding:
        files, add, checks, count, kind, draw = _build_adding()
    build_ratings_import(labelling, guard, study, more)
    gr.HTML("<h3>Protocol</h3>", apply_default_css=False, elem_classes="section-head")
    form = build_form()
    save = gr.Button("Save the protocol", elem_id="save-protocol")
    with gr.Accordion("Close or delete", open=False):
        typed, end, delete = _build_ending()
        ending = gr.HTML("", apply_default_css=False, elem_id="ending")
    build_members(labelling, guard, study, owned)
    drawing = (checks, count, kind, draw)
    shown = SetupShown(overview, links, start, attempt, pause, adding, *drawing, save, end, asking, pictures, editor)
    added = [*Added(busy, files, more)]
    guard.on([owned.change, changed.change], setup.show, [study], [*shown, *form], who=OWNERS, **AT_ONCE)
    guard.on(more.change, setup.refresh, [study], [*Changed(overview, pictures, editor)], who=OWNERS, **AT_ONCE)
    guard.on(tab.select, setup.overview, [study], overview, who=OWNERS, **AT_ONCE)
    guard.on(start.click, setup.ask, [study, *form], [said, asking], who=OWNERS, **AT_ONCE)
    guard.on(confirm.click, setup.open, [study, *form], changed, who=OWNERS, **AT_ONCE)
    confirm.click(end_test_run, None, tried, **AT_ONCE)
    cancel.click(hide, None, asking, **AT_ONCE)
    guard.on(pause.click, setup.pause, [study], changed, who=OWNERS, **AT_ONCE)
    guard.on(save.click, setup.save, [study, *form], changed, who=OWNERS, **AT_ONCE)
    guard.on(pictures.click, setup.turn_page, [study], pictures, details=True, who=OWNERS, **AT_ONCE)
    running = [guard.on(attempt.click, setup.try_out, [study, *form], tried, who=OWNERS, **SLOW)]
    reset_on_study_change(study, [tried], running)
    guard.on(add.click, setup.add, [study, files], added, preprocess=False, who=OWNERS, **SLOW)
    guard.on(draw.click, setup.draw_traps, [study, count, kind], added, who=OWNERS, **SLOW)
    guard.on(end.click, setup.end, [study, typed], [typed, changed], who=OWNERS, **AT_ONCE)
    guard.on(delete.click, setup.delete, [study, typed], [*Gone(ending, typed, gone)], who=OWNERS, **LAST)
    return gone


def _build_opening() -> tuple[gr.Column, gr.HTML, gr.Button, gr.Button]:
    """Lay out what is asked before a study is opened."""
    with gr.Column(visible=False, elem_id="opening") as asking:
        said = gr.HTML("", apply_default_css=False, elem_id="opening-says")
        with gr.Row(elem_classes="actions"):
            confirm = gr.Button("Open it now", variant="primary", elem_id="confirm-open", scale=0, min_width=140)
            cancel = gr.Button("Not yet", elem_id="cancel-open", scale=0, min_width=100)
    return asking, said, confirm, cancel


def _build_adding() -> tuple[gr.File, gr.Button, gr.Column, gr.Number, gr.Radio, gr.Button]:
    """Lay out how more pictures come in."""
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=7, min_width=280):
            files = gr.File(
                label="Pictures", file_count="multiple", file_types=FILE_TYPES, height=150, elem_id="more-files"
            )
            gr.HTML(f"<p>{HANDED_IN}</p>", apply_default_css=False, elem_classes="hint")
            add = gr.Button("Add these pictures", elem_id="add-pictures")
        with gr.Column(scale=4, min_width=240) as checks:
            count = gr.Number(
                10,
                label=DRAWN[Unit.STIMULUS][0],
                info=DRAWN[Unit.STIMULUS][1],
                minimum=1,
                maximum=MOST_TRAPS,
                precision=0,
                elem_id="trap-count",
            )
            kind = gr.Radio(
                [("Cards that say the grade", WORDS), ("A picture beside its worst version", PICTURES)],
                value=WORDS,
                label="Kind",
                info="A program can read the first; the second need eyes, and sharp pictures in the study.",
                elem_id="trap-kind",
            )
            draw = gr.Button("Draw attention checks", elem_id="draw-traps")
    return files, add, checks, count, kind, draw


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


@contextmanager
def form_in_words(study: "Study") -> Iterator[None]:
    """Call what is wrong with a value as the form of this study calls it."""
    try:
        yield
    except ProtocolError as error:
        raise in_words(error, method_of(study.protocol)) from None
