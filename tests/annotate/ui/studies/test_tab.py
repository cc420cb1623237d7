"""What an owner does in the Studies tab, through its handlers, on the real store."""

import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.states import State
from annotate.errors import (
    StudyError,
)
from annotate.stimuli import intake
from annotate.stimuli.intake import Taken
from annotate.ui.studies import background
from annotate.ui.studies.downloads import Downloads
from annotate.ui.studies.progress import Progress
from annotate.ui.studies.setup import Setup, SetupShown
from annotate.ui.studies.tab import TabShown, asked_for
from tests.annotate.studies import picture
from tests.annotate.ui.studies.handling import (
    HOST,
    VISIT,
    Labelling,
    form,
    last,
    packed,
    page_of,
    rated_study,
    sent,
    toasts,
    uploaded,
)
from tests.annotate.unreadable import make_unreadable


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
    assert "2 pictures to rate, 1 known answer, 1 training picture" in shown[SetupShown._fields.index("pictures")]
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
    assert page_of(labelling).enter(VISIT, None, None, "#studies/1/results") == TabShown()


def test_a_pass_that_is_none_leads_back_to_the_door(labelling: Labelling) -> None:
    study, door, home, opened, listed, *_ = page_of(labelling).enter(VISIT, "forged", 1, "#studies/1/results")
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
    owner_pass, _, study, door, _, opened, _, _, panels, _ = page.sign_in(VISIT, secret, f"#studies/{study_id}/results")
    assert (study, door["visible"], opened["visible"], panels["selected"]) == (study_id, False, True, "results")
    study, _, home, *_ = page.enter(VISIT, owner_pass, study_id, "#studies")
    assert (study, home["visible"]) == (None, True)
    study, _, _, opened, *_ = page.enter(VISIT, owner_pass, study_id, "#score")  # back from another tab
    assert (study, opened["visible"]) == (study_id, True)


def test_what_another_window_did_to_a_study_is_followed(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id, page, setup = rated_study(labelling), page_of(labelling), Setup(labelling)
    title, state, *_ = page.title(HOST, study_id)
    assert f'data-address="{study_id}"' in title
    assert page.refresh(HOST, study_id, state) == TabShown()
    setup.open(study_id, *form(labelling, study_id))
    *_, changed = page.refresh(HOST, study_id, state)
    assert changed > 0
    with toasts(monkeypatch) as said:
        last(setup.delete(study_id, "faces"))
        study, _, home, *_ = page.refresh(HOST, study_id, State.OPEN)
        assert (study, home["visible"]) == (None, True)
        assert page.sign_in(VISIT, page.ownership.made_secret or "", f"#studies/{study_id}/results")[2] is None
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


def test_a_study_of_a_newer_version_is_one_row_that_can_be_exported_and_deleted(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated_study(labelling, name="readable")
    study_id, page, setup = rated_study(labelling, name="newer"), page_of(labelling), Setup(labelling)
    make_unreadable(labelling.database, study_id)
    listed = page.listed(HOST)
    assert listed.count("<tr>") == 3  # the heads and both
    assert "cannot be read</span> A protocol has no &#x27;of_a_newer_version&#x27;" in listed
    assert "72 of 240" in listed  # the other as ever
    last(page.create("third", "acr5", uploaded(tmp_path / "files", 1)))

    shown = SetupShown(*setup.show(study_id)[: len(SetupShown._fields)])
    assert "update the program" in shown.overview
    assert shown.pictures.count("<figure>") == 12
    assert not shown.start["visible"]
    assert "update the program" in setup.overview(study_id)
    file = packed(last(Downloads(labelling).tables(HOST, study_id)))
    assert "newer-tables/ratings.csv" in zipfile.ZipFile(file).namelist()
    with toasts(monkeypatch) as said:
        last(setup.delete(study_id, "newer"))
    assert said == ["“newer” is deleted."]
    with labelling.database.read() as db:
        assert {each.name for each in queries.studies.list_studies(db)} == {"readable", "third"}
