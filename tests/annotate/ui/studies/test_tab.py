"""What an owner does in the Studies tab, through its handlers, on the real store."""

import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import gradio as gr
import pytest

from annotate import queries
from annotate.database.backup import verify
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol, StudyTexts
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion
from annotate.design.states import State
from annotate.errors import (
    AccessError,
    BackupError,
    ExportError,
    ProtocolError,
    StimulusError,
    StudyError,
    StudyStateError,
)
from annotate.exchange.backup_archive import restore_all
from annotate.queries.imports import ImportedRating
from annotate.queries.participants import Among
from annotate.rating import sitting
from annotate.rating.links import open_link
from annotate.settings import Settings
from annotate.stimuli import intake
from annotate.stimuli.intake import Taken
from annotate.ui.studies import background, downloads
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.downloads import Downloads
from annotate.ui.studies.links import complete_links, make_links, renew_link
from annotate.ui.studies.ownership import Ownership
from annotate.ui.studies.participants import FOUND, Participants
from annotate.ui.studies.pictures import FileValue
from annotate.ui.studies.progress import Progress
from annotate.ui.studies.protocol_form import FIELDS, read_values, shown_value, shown_values
from annotate.ui.studies.results import START, Results
from annotate.ui.studies.setup import SHOWN, Setup
from annotate.ui.studies.stimulus import StimulusEditor
from annotate.ui.studies.tab import Studies, asked_for
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate

MARKUP = "<img src=x onerror=alert(1)>"
QUICK = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}
Labelling = Any
"""What stands for one: settings and a database that is open already."""


@pytest.fixture
def labelling(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labelling:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "data")})
    return SimpleNamespace(database=database, settings=settings)


def rated_study(labelling: Labelling, *, images: int = 12, people: int = 6, name: str = "faces") -> int:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(images), name=name)
    rate(labelling.database, study_id, honest_ratings([f"{number:03}.png" for number in range(images)], people))
    return study_id


def page_of(labelling: Labelling) -> Studies:
    return Studies(labelling, Ownership(labelling.settings, lambda _scope: ""))


def uploaded(folder: Path, count: int) -> list[FileValue]:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(picture(number))
    return [sent(path) for path in sorted(folder.iterdir())]


def sent(path: Path, name: str | None = None) -> FileValue:
    """Return what a page sends of a file."""
    return {"path": str(path), "orig_name": name or path.name}


def form(labelling: Labelling, study_id: int, **changed: Any) -> list[Any]:
    """Return what stands in the protocol's form, with fields that were changed and not saved."""
    with labelling.database.read() as db:
        protocol = StudyProtocol.from_json(queries.studies.get_study(db, study_id).protocol)
    return [changed.get(field.name, shown_value(protocol, field)) for field in FIELDS]


def last(steps: Iterator[Any]) -> Any:
    return list(steps)[-1]


@contextmanager
def toasts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect what is said in passing; outside an event Gradio has nowhere to show it."""
    said: list[str] = []
    for kind in ("Info", "Warning"):
        monkeypatch.setattr(gr, kind, said.append)
    yield said


def test_a_study_is_made_of_uploads_and_a_table(labelling: Labelling, tmp_path: Path) -> None:
    files = uploaded(tmp_path / "files", 4)
    manifest = tmp_path / "files" / "about.csv"
    manifest.write_text("path,kind,expected\n000.png,rated,\n001.png,rated,\n002.png,gold,5\n003.png,training,2\n")
    outcome = last(page_of(labelling).create("faces", "acr5", [*files, sent(manifest)]))
    with labelling.database.read() as db:
        study = queries.studies.find_study(db, "faces")
        assert queries.stimuli.count_stimuli(db, study.id) == {
            ItemKind.RATED: 2,
            ItemKind.GOLD: 1,
            ItemKind.TRAINING: 1,
        }
    assert outcome[3] == study.id
    assert study.state is State.DRAFT
    shown = Setup(labelling).show(study.id)
    assert "2 pictures to rate, 1 known answer, 1 training picture" in shown[SHOWN.index("pictures")]
    assert "40</b> ratings wanted: <b>20</b> people" in shown[0]
    assert "A sitting asks for 1 attention check; the study has none." in shown[0]


def test_uploads_keep_the_names_that_they_have_on_their_owners_machine(labelling: Labelling, tmp_path: Path) -> None:
    names = ("2026-01-01 12:00:00.png", "who?.png", "face!.png", "face.png")
    files = [sent(Path(each["path"]), name) for each, name in zip(uploaded(tmp_path / "x", 4), names, strict=True)]
    table = tmp_path / "x" / "about.csv"
    table.write_text("path,source\n" + "".join(f"{name},s\n" for name in names))
    last(page_of(labelling).create("faces", "acr5", [*files, sent(table)]))
    with labelling.database.read() as db:
        assert [
            each.name for each in queries.stimuli.all_stimuli(db, queries.studies.find_study(db, "faces").id)
        ] == list(names)


def test_a_table_that_is_passed_over_is_named(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("a/000.png", picture(0))
        archive.writestr("b/001.png", picture(1))
        archive.writestr("b/stimuli.csv", "path\n001.png\n")
    with toasts(monkeypatch) as said:
        last(page_of(labelling).create("faces", "acr5", [sent(tmp_path / "faces.zip")]))
    assert said == ["b/stimuli.csv is passed over: not all pictures are beside or below it."]


def test_who_opens_the_tab_without_a_pass_is_told_nothing_so_that_a_sign_in_meanwhile_stands(
    labelling: Labelling,
) -> None:
    assert page_of(labelling).enter(None, None, None, "#studies/1/results") == (gr.skip(),) * 6


def test_a_pass_that_is_none_leads_back_to_the_door(labelling: Labelling) -> None:
    study, door, home, opened, listed, _ = page_of(labelling).enter(None, "forged", 1, "#studies/1/results")
    assert (study, door["visible"], home["visible"], opened["visible"], listed) == (None, True, False, False, "")


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("#studies/12/results", (12, "results")),
        ("#studies/12", (12, "setup")),
        ("#studies/12/no such panel", (12, "setup")),
        ("#studies", (None, None)),
        ("#studies/-1/results", (None, None)),
        ("#score", None),
        ("", None),
    ],
)
def test_an_address_asks_for_a_study_and_a_panel(address: str, asked: tuple[int | None, str | None] | None) -> None:
    assert asked_for(address) == asked


def test_a_sent_link_opens_the_panel_after_signing_in(labelling: Labelling) -> None:
    study_id, page = rated_study(labelling), page_of(labelling)
    secret = page.ownership.made_secret or ""
    request = gr.Request()
    owner_pass, _, study, door, _, opened, _, panels = page.sign_in(secret, f"#studies/{study_id}/results", request)
    assert (study, door["visible"], opened["visible"], panels["selected"]) == (study_id, False, True, "results")
    study, _, home, *_ = page.enter(None, owner_pass, study_id, "#studies")
    assert (study, home["visible"]) == (None, True)
    study, _, _, opened, *_ = page.enter(None, owner_pass, study_id, "#score")  # back from another tab
    assert (study, opened["visible"]) == (study_id, True)


def test_what_another_window_did_to_a_study_is_followed(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id, page, setup = rated_study(labelling), page_of(labelling), Setup(labelling)
    title, state = page.title(study_id)
    assert f'data-address="{study_id}"' in title
    assert page.refresh(study_id, state) == (gr.skip(),) * 6
    setup.open(study_id, *form(labelling, study_id))
    *_, changed = page.refresh(study_id, state)
    assert changed > 0
    with toasts(monkeypatch) as said:
        last(setup.delete(study_id, "faces"))
        study, _, home, *_ = page.refresh(study_id, State.OPEN)
        assert (study, home["visible"]) == (None, True)
        assert page.sign_in(page.ownership.made_secret or "", f"#studies/{study_id}/results", gr.Request())[2] is None
    assert said[1:] == ["This study was deleted in another window.", "There is no such study any more: it was deleted."]
    shown = Progress(labelling).show(study_id)
    assert "This study was deleted" in shown
    assert "data-live" not in shown


def test_pictures_of_a_zip_are_all_taken_in_when_the_page_is_left_on_the_way(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, left = tmp_path / "faces.zip", threading.Event()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(4):
            file.writestr(f"{number:03}.png", picture(number))
    create_study = intake.create_study

    def wait_until_left(*arguments: Any) -> Taken:
        left.wait(timeout=30)
        return create_study(*arguments)

    monkeypatch.setattr(intake, "create_study", wait_until_left)
    monkeypatch.setattr(background, "TOLD_EVERY_S", 0.01)
    steps = page_of(labelling).create("faces", "acr5", [sent(archive)])
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    left.set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with labelling.database.read() as db:
            if [queries.stimuli.count_stimuli(db, each.id) for each in queries.studies.list_studies(db)] == [
                {ItemKind.RATED: 4}
            ]:
                return
        time.sleep(0.02)
    pytest.fail("not all pictures came in")


def test_a_study_needs_a_name_before_pictures_are_looked_at(labelling: Labelling) -> None:
    with pytest.raises(StudyError, match="name first"):
        last(page_of(labelling).create("  ", "acr5", [sent(Path("/nowhere/a.png"))]))


def test_names_with_markup_show_as_text(labelling: Labelling) -> None:
    study_id = rated_study(labelling, name=MARKUP)
    page, setup = page_of(labelling), Setup(labelling)
    everything = page.listed() + page.title(study_id)[0] + str(setup.show(study_id))
    assert MARKUP not in everything
    assert everything.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def test_a_draft_is_opened_paused_and_closed_for_good(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    assert "can rate now" in setup.show(study_id)[0]
    setup.pause(study_id)
    setup.open(study_id, *form(labelling, study_id))
    with pytest.raises(StudyStateError, match="name exactly"):
        setup.end(study_id, "Faces")
    setup.end(study_id, "faces")
    with pytest.raises(StudyStateError, match="cannot become open"):
        setup.open(study_id, *form(labelling, study_id))


def test_a_study_without_pictures_says_so_and_does_not_open(labelling: Labelling) -> None:
    study_id = last(page_of(labelling).create("empty", "acr5", None))[3]
    setup = Setup(labelling)
    assert "no pictures to rate" in setup.show(study_id)[0]
    with pytest.raises(StudyStateError, match="add some"):
        setup.open(study_id, *form(labelling, study_id))


def test_deleting_needs_the_name_and_leaves_nothing(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    with pytest.raises(StudyStateError, match="name exactly"):
        last(setup.delete(study_id, ""))
    with toasts(monkeypatch):
        steps = list(setup.delete(study_id, "faces"))
    assert "Deleting the votes of 6 people" in steps[0][0]
    with pytest.raises(StudyError, match="not exist"):
        setup.show(study_id)
    assert "No studies yet" in page_of(labelling).listed()


def test_the_form_holds_every_value_of_the_protocol(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = StudyProtocol(
        ratings_wanted=7,
        sitting_limit_s=900,
        gold_tolerance=0.5,
        closes_at=datetime(2030, 1, 1, 12, tzinfo=UTC),
        languages=("en", "de"),
        texts={"de": StudyTexts(consent="Ja?")},
        questions=(READY_QUESTIONS["device"], StartQuestion("lens", {"en": "Lenses?"}, {"en": ("yes", "no")})),
    )
    values = [update["value"] for update in shown_values(protocol, State.DRAFT)]
    assert StudyProtocol.from_json(read_values(values)) == protocol
    study_id, setup = rated_study(labelling), Setup(labelling)
    with toasts(monkeypatch):
        setup.save(study_id, *values)
    with labelling.database.read() as db:
        assert StudyProtocol.from_json(queries.studies.get_study(db, study_id).protocol) == protocol


def test_a_bad_value_is_called_as_the_form_calls_it(labelling: Labelling) -> None:
    study_id = rated_study(labelling)
    values = form(labelling, study_id)
    values[1] = 0
    with pytest.raises(ProtocolError, match="“Ratings per picture” is 0; expected 1 to 1000"):
        Setup(labelling).save(study_id, *values)


def test_what_must_not_change_while_paused_is_locked() -> None:
    locked = {
        field.name
        for field, update in zip(FIELDS, shown_values(StudyProtocol(), State.PAUSED), strict=True)
        if not update["interactive"]
    }
    assert {"scale", "gold_every", "consent", "languages", "own_questions"} <= locked
    assert not {"ratings_wanted", "sitting_items"} & locked
    assert not any(update["interactive"] for update in shown_values(StudyProtocol(), State.OPEN))


def test_attention_checks_are_drawn_and_added(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id = rated_study(labelling)
    with toasts(monkeypatch) as said:
        last(Setup(labelling).draw_traps(study_id, 3))
    assert said == ["3 pictures were added."]
    with labelling.database.read() as db:
        assert queries.stimuli.count_stimuli(db, study_id)[ItemKind.TRAP] == 3


def test_the_same_picture_handed_in_twice_is_told(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = rated_study(labelling, images=2)
    with toasts(monkeypatch) as said:
        last(Setup(labelling).add(study_id, uploaded(tmp_path / "more", 3)))
    assert said[0].startswith("The same pictures are kept once: 000.png is 000.png")
    assert said[1] == "1 picture was added."


def test_opening_says_what_it_fixes_and_saves_what_was_changed(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    changed = form(labelling, study_id, ratings_wanted=3, closes_at="2090-01-01 12:00")
    said, asked = setup.ask(study_id, *changed)
    assert asked["visible"]
    assert "stay as they are" in said
    assert "3 ratings per picture are few" in said  # of the form, and not of what is saved
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol["ratings_wanted"]) == (State.DRAFT, 20)
    setup.open(study_id, *changed)
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol["ratings_wanted"]) == (State.OPEN, 3)
        assert study.protocol["closes_at"] == "2090-01-01T12:00:00+00:00"
        assert study.protocol["texts"].keys() == {"en", "de", "es"}  # as participants read them from now on


def test_a_form_that_makes_no_sense_opens_nothing(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    for name, value, reason in (
        ("ratings_wanted", 0, "“Ratings per picture” is 0"),
        ("closes_at", "next week", "“Deadline"),
        ("ratings_wanted", None, "“Ratings per picture” is empty; expected a whole number"),
        ("languages", [], "tick at least one under “Languages offered”"),
        ("languages", ["de", "es"], "“First language” is English, which is not offered; offer it, or choose Deutsch"),
        ("own_questions", "Glasses?", "is no question"),
    ):
        bad = form(labelling, study_id, **{name: value})
        for act in (setup.ask, setup.open, setup.save, setup.try_out):
            with pytest.raises(ProtocolError, match=reason):
                act(study_id, *bad)
    with labelling.database.read() as db:
        assert queries.studies.get_study(db, study_id).state is State.DRAFT


def test_what_was_changed_while_paused_is_saved_by_opening_again(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    setup.pause(study_id)
    setup.open(study_id, *form(labelling, study_id, max_people=7))
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol["max_people"]) == (State.OPEN, 7)


def test_after_opening_the_links_are_there(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    links = SHOWN.index("links")
    assert not setup.show(study_id)[links]["visible"]
    setup.open(study_id, *form(labelling, study_id))
    shown = setup.show(study_id)[links]
    assert shown["visible"]
    assert "?study=" in shown["value"]
    assert "FIQA_PUBLIC_URL" in shown["value"]  # shown by the page where only this computer reaches it


def test_links_begin_with_the_public_address() -> None:
    assert 'const PUBLIC_URL = "https://faces.example.org/";' in complete_links("https://faces.example.org/")
    assert "const PUBLIC_URL = null;" in complete_links(None)


def test_new_pictures_leave_the_form_as_it_stands(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    overview, pictures, editor = setup.refresh(study_id)
    assert "ratings wanted" in overview
    assert "12 pictures to rate" in pictures
    assert not editor["visible"]


def test_a_picture_of_a_draft_is_changed_and_removed(labelling: Labelling) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(3))
    editor, setup = StimulusEditor(labelling), Setup(labelling)
    with labelling.database.read() as db:
        first, second, _ = (each.id for each in queries.stimuli.all_stimuli(db, study_id))
    picked, opened, head, kind, expected, feedback = editor.open({"do": "edit", "picture": str(first)}, study_id)
    assert (picked, opened["visible"], kind, expected, feedback) == (first, True, "RATED", None, "")
    assert "000.png" in head
    with pytest.raises(StimulusError, match="Say the right grade: known answers need one"):
        editor.save(study_id, first, "GOLD", None, "")
    with pytest.raises(StimulusError, match="The right grade cannot be given"):
        editor.save(study_id, first, "TRAINING", 7, "")
    editor.save(study_id, first, "TRAINING", 2, " Look at the eyes. ")
    editor.remove(study_id, second)
    assert "1 picture to rate, 1 training picture" in setup.pictures(study_id)
    with labelling.database.read() as db:
        changed = queries.stimuli.get_stimulus(db, study_id, first)
        assert (changed.kind, changed.expected, changed.feedback) == (ItemKind.TRAINING, 2, "Look at the eyes.")
        assert [event.what for event in queries.audit.list_events(db, study_id)][-2:] == [
            "picture changed",
            "picture removed",
        ]
    with pytest.raises(StudyError, match="not in the study any more"):
        editor.remove(study_id, second)


def test_a_picture_stays_as_it_is_once_the_study_is_open_or_it_was_rated(labelling: Labelling) -> None:
    rated = rated_study(labelling)
    editor, setup = StimulusEditor(labelling), Setup(labelling)
    with labelling.database.read() as db:
        first = next(queries.stimuli.all_stimuli(db, rated)).id
    assert 'data-do="edit"' in setup.pictures(rated)
    with pytest.raises(StudyStateError, match="has ratings already"):
        editor.remove(rated, first)
    setup.open(rated, *form(labelling, rated))
    assert 'data-do="edit"' not in setup.pictures(rated)
    with pytest.raises(StudyStateError, match="only be changed or removed in a draft"):
        editor.remove(rated, first)
    with pytest.raises(StudyStateError, match="only be changed or removed in a draft"):
        editor.save(rated, first, "TRAINING", None, "")


def test_progress_tells_who_rates_and_when_it_will_be_done(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=4, ratings_wanted=2, **QUICK)
    person = Person(database, study_id)
    panel = Progress(labelling)
    assert "nobody is rating" in panel.show(study_id)
    assert "1 invited, not begun" in panel.show(study_id)
    person.now = now()
    step = person.start()
    assert "too early to say" in panel.show(study_id)
    for _ in range(3):
        step = person.rate(step)
    shown = panel.show(study_id)
    assert "<b>3</b> of 8 wanted" in shown
    assert "3 of 4" in shown
    assert "<b>1</b> 1 rating now" in shown
    assert "at 0.3 ratings a minute" in shown
    assert "data-live" in shown


def test_who_has_just_finished_is_not_rating_and_no_time_is_told(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=2, ratings_wanted=3, **QUICK)
    finished, left = (Person(database, study_id) for _ in range(2))
    finished.now = now()
    finished.rate_all(finished.start())
    finished.finish()
    left.now = now() - timedelta(hours=2)
    left.rate(left.start())
    make_links(database, study_id, 3, "en")
    shown = Progress(labelling).show(study_id)
    assert "<b>2</b> 1 finished, 1 left before the end, 3 invited, not begun" in shown
    assert "<b>3</b> ratings missing; nobody is rating now" in shown
    assert re.search(r"Nobody is rating now; last seen \d+ s ago\.", shown)
    assert "min" not in shown.partition("Pictures by")[0]


def test_those_who_are_rating_are_told_what_the_owner_says(
    database: Database, labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = new_study(database, images=3, **QUICK)
    person, panel = Person(database, study_id), Progress(labelling)
    step = person.start()
    assert step.message == ""
    with toasts(monkeypatch):
        panel.tell(study_id, f"  The server restarts at noon. {MARKUP} ")
        step = person.rate(step)
        assert step.message == f"The server restarts at noon. {MARKUP}"
        assert panel.enter(study_id)[1] == step.message
        panel.tell(study_id, "")
    assert person.rate(step).message == ""
    with pytest.raises(StudyError, match="shorten it to 500"):
        panel.tell(study_id, "x" * 501)


def test_who_has_not_taken_their_code_is_listed(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=1, ratings_wanted=9, **QUICK)
    taken, waiting, _unfinished, _invited = people = [Person(database, study_id) for _ in range(4)]
    for person in people[:3]:
        person.rate_all(person.start())
    for person in (taken, waiting):
        person.finish()
    database.transact(lambda db: sitting.take_code(db, taken.token, NOW))
    with database.read() as db:
        names = [open_link(db, person.token)[0].pseudonym for person in people]
    panel = Participants(labelling, Analyses(labelling))
    listed, _ = last(panel.show(study_id, "without code", ""))
    assert [name in listed for name in names] == [False, True, True, False]
    assert "code not taken" in listed
    assert "all rated, Finish not pressed" in listed
    invited, _ = last(panel.show(study_id, "invited", ""))
    assert [name in invited for name in names] == [False, False, False, True]
    assert "invited</td>" in invited
    assert ">used<" not in invited


def test_what_a_state_does_not_allow_is_not_offered(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)

    def offered() -> tuple[bool, ...]:
        """Return whether one may open, take a test run, pause, add, save and close."""
        shown = dict(zip(SHOWN, setup.show(study_id), strict=False))
        return tuple(shown[name]["visible"] for name in ("start", "attempt", "pause", "adding", "save", "end"))

    assert offered() == (True, True, False, True, True, False)
    setup.open(study_id, *form(labelling, study_id))
    assert offered() == (False, False, True, False, False, True)
    setup.end(study_id, "faces")
    assert offered() == (False,) * 6


def test_a_closed_study_is_not_watched(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    setup.end(study_id, "faces")
    assert "data-live" not in Progress(labelling).show(study_id)


def test_people_are_decided_on_with_reasons_that_are_kept(database: Database, labelling: Labelling) -> None:
    study_id = rated_study(labelling)
    people = Participants(labelling, Analyses(labelling))
    page = (study_id, "all", "", 0, "p00")
    card, listed = people.reject(*page, MARKUP)
    assert "rejected" in card
    assert MARKUP not in card + listed
    assert "left out" in listed
    with database.read() as db:
        assert queries.participants.unused_participants(db, study_id) == {"p00"}
        assert queries.participants.count_participants(db, study_id, among=Among.REJECTED) == 1
        assert [event.what for event in queries.audit.list_events(db, study_id)][-2:] == ["sitting", "votes"]
        assert {each.rated for each in queries.stimuli.all_stimuli(db, study_id)} == {5}
    card, _, link = people.ask_again(*page, "a mistake of ours")
    assert "participant=" in link
    with database.read() as db:
        assert queries.participants.unused_participants(db, study_id) == set()
        assert queries.participants.count_participants(db, study_id, among=Among.UNDECIDED) == 6
    with pytest.raises(StudyError, match="Give a reason first"):
        people.pay_only(*page, "  ")
    people.pay_only(*page, "too late")
    with database.read() as db:
        assert queries.participants.count_participants(db, study_id, among=Among.ACCEPTED) == 1
        assert queries.participants.unused_participants(db, study_id) == {"p00"}
    people.accept(*page, "")
    with database.read() as db:
        assert queries.participants.unused_participants(db, study_id) == set()
        reasons = [
            event.detail["reason"] for event in queries.audit.list_events(db, study_id) if event.what == "sitting"
        ]
    assert reasons == [MARKUP, "a mistake of ours", "too late", ""]


def test_a_person_that_is_deleted_leaves_the_log_and_the_figures_that_are_kept(
    database: Database, labelling: Labelling
) -> None:
    study_id, analyses = rated_study(labelling), Analyses(labelling)
    people = Participants(labelling, analyses)
    last(people.show(study_id, "all", ""))
    people.reject(study_id, "all", "", 0, "p00", "clicks")
    assert "Sitting 1 of p00 is rejected: clicks" in Setup(labelling).show(study_id)[0]
    assert analyses.findings(study_id) is not None
    _, _, said, *_ = people.delete(study_id, "all", "", 0, "p00", "p00")
    assert "backups, keep what they held" in said
    assert analyses.findings(study_id) is None
    shown = Setup(labelling).show(study_id)[0]
    assert "p00" not in shown
    assert "Somebody was deleted" in shown


def test_a_person_is_deleted_only_by_name(database: Database, labelling: Labelling) -> None:
    study_id = rated_study(labelling)
    people = Participants(labelling, Analyses(labelling))
    with pytest.raises(StudyError, match="code"):
        people.delete(study_id, "all", "", 0, "p00", "p01")
    people.delete(study_id, "all", "", 0, "p00", "p00")
    with database.read() as db:
        assert queries.participants.count_participants(db, study_id) == 5
        assert {each.rated for each in queries.stimuli.all_stimuli(db, study_id)} == {5}


def test_clickers_are_shown_with_reasons_and_left_out_at_once(
    labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(30))
    names = [f"{number:03}.png" for number in range(30)]
    clicks = [queries.imports.ImportedRating(name, "clicker", 3.0) for name in names]
    rate(labelling.database, study_id, [*honest_ratings(names, 8), *clicks])
    people = Participants(labelling, Analyses(labelling))
    assert "straight-liner" in last(people.show(study_id, FOUND, ""))[0]
    details = {"do": "look", "person": "clicker"}
    _, card, _, proposed, link = people.look(details, study_id)
    assert "standard deviation" in proposed or "same" in proposed or "equal" in proposed
    assert link == ""
    people.accept(study_id, "all", "", 0, "clicker", proposed)  # which nobody meant as a reason to accept
    with labelling.database.read() as db:
        assert (
            queries.participants.list_sittings(db, queries.participants.get_participant(db, study_id, "clicker").id)[
                0
            ].accepted_reason
            == ""
        )
    assert last(people.turn_page(details, study_id, "all", "")) == (gr.skip(), gr.skip())
    assert "straight-liner" in card
    with toasts(monkeypatch) as said:
        last(people.leave_out(study_id, "all", ""))
    assert said == ["The votes of 1 more person are left out; the pictures are wanted again from others."]


def test_what_the_checks_find_later_leaves_new_links_alone(labelling: Labelling) -> None:
    study_id = rated_study(labelling)
    first, *later = Participants(labelling, Analyses(labelling)).enter(study_id, "all", "")
    assert "?study=" in first[0]
    assert first[1] == ""
    assert later
    for step in later:
        assert "<table" in step[2]
        assert [*step[:2], *step[3:]] == [gr.skip()] * 6


def test_thousands_of_people_come_in_pages(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        for number in range(120):
            queries.participants.create_participant(db, study_id, now(), pseudonym=f"P{number:03}")
    people = Participants(labelling, Analyses(labelling))
    first, _ = last(people.show(study_id, "all", ""))
    assert first.count("<tr>") == 51
    assert "1–50 of 120" in first
    third, _ = last(people.turn_page({"do": "page", "first": "100"}, study_id, "all", ""))
    assert "P119" in third
    assert "101–120 of 120" in third
    one, _ = last(people.show(study_id, "all", " p077 "))
    assert "P077" in one
    assert one.count("<tr>") == 2


def test_personal_links_open_and_a_new_one_closes_the_old(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=1)
    links = make_links(database, study_id, 3, "de")
    tokens = [path.partition("&participant=")[2] for _, path in links]
    with database.read() as db:
        assert [open_link(db, token)[0].pseudonym for token in tokens] == [name for name, _ in links]
    _, path = renew_link(database, study_id, links[0][0])
    with database.read() as db:
        assert open_link(db, path.partition("&participant=")[2])[0].language == "de"
        with pytest.raises(AccessError):
            open_link(db, tokens[0])


@pytest.mark.parametrize("grades", [(3, 4, 5, 4), (3, 3, 3, 3)], ids=["opposite orders", "equal MOS"])
def test_a_pilot_of_two_people_has_results_and_participants(labelling: Labelling, grades: tuple[int, ...]) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(2))
    given = zip(("000.png", "001.png") * 2, ("p", "p", "q", "q"), grades, strict=True)
    rate(labelling.database, study_id, [ImportedRating(name, person, float(grade)) for name, person, grade in given])
    analyses = Analyses(labelling)
    summary, listed, *_ = last(Results(labelling, analyses).enter(study_id))
    assert "2 pictures have fewer than the 8 ratings" in summary
    assert "nan" not in summary
    assert "000.png" in listed
    people = last(Participants(labelling, analyses).enter(study_id, Among.ALL, ""))[2]
    assert ">p<" in people


def test_results_show_what_the_votes_say(labelling: Labelling) -> None:
    study_id = rated_study(labelling, people=8)
    results = Results(labelling, Analyses(labelling))
    summary, table, order, disputed, batch = last(results.enter(study_id))
    assert summary.count("<svg") == 3
    assert "Krippendorff" in summary
    assert "missing for that" not in summary
    assert table.count("<tr>") == 13
    assert disputed.count("<figure>") > 0
    assert 'class="grades"' in disputed
    assert "144 ratings are missing" in batch
    assert "8 of 20 ratings" in batch
    assert "±" not in batch  # a picture's certainty is told in one place
    turned, order = last(results.arrange({"do": "sort", "column": "mos"}, study_id, order))
    assert order["descending"]
    assert turned.index("011.png") < turned.index("000.png")


def test_figures_that_the_votes_do_not_carry_are_not_shown_and_what_is_missing_is_said(labelling: Labelling) -> None:
    study_id = rated_study(labelling, images=6, people=2)
    summary, table, _, disputed, _ = last(Results(labelling, Analyses(labelling)).enter(study_id))
    assert "6 pictures have fewer than the 8 ratings" in summary
    assert "36 ratings are missing for that" in summary
    assert "<svg" not in summary
    assert "±" not in summary
    assert "Krippendorff" not in summary
    assert disputed == ""
    _, mos, ci95, sos, ratings, *_ = re.findall(r"<td>(.*?)</td>", table)
    assert re.search(r"\d\.\d\d", mos)
    assert (ci95, sos, ratings) == ("–", "–", "2")


def test_results_without_a_vote_say_so(labelling: Labelling) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(2))
    summary, *_ = last(Results(labelling, Analyses(labelling)).enter(study_id))
    assert "No votes yet" in summary


@pytest.mark.parametrize("details", [{}, {"do": "sort", "column": "participant_ids"}, {"do": "page", "first": "-1"}])
def test_nonsense_about_the_table_changes_nothing(labelling: Labelling, details: dict[str, Any]) -> None:
    study_id = rated_study(labelling)
    _, order = last(Results(labelling, Analyses(labelling)).arrange(details, study_id, "nonsense"))
    assert order == START


def test_an_analysis_is_computed_again_only_when_a_vote_changed(database: Database, labelling: Labelling) -> None:
    study_id, analyses = rated_study(labelling), Analyses(labelling)
    first = finish(analyses.get(study_id))
    assert finish(analyses.get(study_id)) is first
    with database.write() as db:
        person = queries.participants.get_participant(db, study_id, "p00")
        queries.participants.set_votes_used(db, person.id, used=False, reason="", now=now())
    second = finish(analyses.get(study_id))
    assert second is not first
    assert int(second.table.ratings.max()) == 5


def test_an_undone_and_a_new_answer_change_the_version(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=2, **QUICK)
    person = Person(database, study_id)
    step, seen = person.start(), set()
    for act in (lambda: person.rate(step, 2.0), person.undo, lambda: person.rate(person.look(), 4.0), person.withdraw):
        act()
        with database.read() as db:
            seen.add(queries.progress.study_version(db, study_id))
    assert len(seen) == 4


def packed(said: str) -> Path:
    """Return the file that a link on the page leads to."""
    name, address = re.findall(r'download="([^"]+)" href="gradio_api/file=([^"]+)"', said)[0]
    path = Path(unquote(unescape(address)))
    assert path.name == unescape(name)
    return path


def test_downloads_lie_where_nobody_can_guess(labelling: Labelling, tmp_path: Path) -> None:
    study_id = rated_study(labelling, name="fa/ces …")
    downloads = Downloads(labelling)
    tables, training = (packed(last(pack(study_id))) for pack in (downloads.tables, downloads.training))
    for file in (tables, training):
        assert file.parent.parent == tmp_path / "uploads"
        assert len(file.parent.name) >= 40
        assert file.parent.stat().st_mode & 0o077 == 0
        assert list(file.parent.iterdir()) == [file]
    assert min(zipfile.ZipFile(tables).namelist()) == "fa-ces-tables/README.md"
    label = json.loads(zipfile.ZipFile(training).read("fa-ces-training/train/label.json"))
    assert len(label["Image"]) == len(label["MOS"]) > 0


def test_a_backup_is_a_whole_copy_with_or_without_the_pictures(labelling: Labelling, tmp_path: Path) -> None:
    rated_study(labelling)
    downloads = Downloads(labelling)
    if labelling.database.sqlite_path is None:
        with pytest.raises(BackupError, match="pg_dump"):
            last(downloads.backup())
        with pytest.raises(BackupError, match="stimuli"):
            last(downloads.backup_all())
        return
    assert verify(packed(last(downloads.backup()))).ratings == 72
    everything = restore_all(packed(last(downloads.backup_all())), tmp_path / "new.sqlite3", tmp_path / "new", now())
    assert (everything.ratings, everything.pictures) == (72, 12)


def test_more_pictures_than_a_browser_takes_are_sent_to_the_command_line(
    labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = rated_study(labelling)
    monkeypatch.setattr(downloads, "LARGEST_BYTES", 10)
    with pytest.raises(ExportError, match="python -m annotate export 'faces' FOLDER"):
        last(Downloads(labelling).training(study_id))


def finish(steps: Any) -> Any:
    """Run a generator and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def now() -> datetime:
    return datetime.now(UTC)
