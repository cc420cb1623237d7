"""The Participants panel: decisions with reasons, links, and people who are deleted."""

import zipfile
from pathlib import Path

import gradio as gr
import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.errors import (
    PanelError,
    StudyError,
)
from annotate.queries.imports import ImportedRating
from annotate.queries.participants import Among
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.panels import PanelFiles
from annotate.ui.studies.participants import FOUND, Participants
from annotate.ui.studies.results import Results
from annotate.ui.studies.setup import Setup
from tests.annotate.rated import new_study
from tests.annotate.studies import candidates, honest_ratings, make_study, rate
from tests.annotate.ui.studies.handling import HOST, MARKUP, Labelling, last, now, packed, rated_study, sent, toasts


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
    assert "backups do until they are rotated" in said
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


@pytest.mark.parametrize("grades", [(3, 4, 5, 4), (3, 3, 3, 3)], ids=["opposite orders", "equal MOS"])
def test_a_pilot_of_two_people_has_results_and_participants(labelling: Labelling, grades: tuple[int, ...]) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(2))
    given = zip(("000.png", "001.png") * 2, ("p", "p", "q", "q"), grades, strict=True)
    rate(labelling.database, study_id, [ImportedRating(name, person, float(grade)) for name, person, grade in given])
    analyses = Analyses(labelling)
    summary, _, listed, *_ = last(Results(labelling, analyses).enter(HOST, study_id))
    assert "2 pictures have fewer than the 8 ratings" in summary
    assert "nan" not in summary
    assert "000.png" in listed
    people = last(Participants(labelling, analyses).enter(study_id, Among.ALL, ""))[2]
    assert ">p<" in people


def test_a_panel_gets_its_files_and_places_come_back(labelling: Labelling, tmp_path: Path) -> None:
    study_id, panels = rated_study(labelling), PanelFiles(labelling)
    with labelling.database.write() as db:
        person = queries.participants.get_participant(db, study_id, "p00")
        person.external_id = "5f1a"
        (sitting,) = queries.participants.list_sittings(db, person.id)
        queries.participants.set_sitting_accepted(db, sitting.id, accepted=False, reason="clicks", now=now())
    file = packed(last(panels.pack(study_id, None, "")))
    names = zipfile.ZipFile(file).namelist()
    assert [Path(name).name for name in names] == ["approve.csv", "bonuses.csv", "payments.csv", "reject.csv"]
    assert b'5f1a,OTHER,"Clicks. The answers' in zipfile.ZipFile(file).read("faces-panel/reject.csv")
    with pytest.raises(PanelError, match="A bonus of x cannot be paid"):
        last(panels.pack(study_id, None, "x"))
    with pytest.raises(PanelError, match="Choose the panel's list"):
        panels.release(study_id, None)
    returned = tmp_path / "upload"
    returned.write_text("Participant id,Status\n5f1a,RETURNED\n")
    assert "The places of 1 person are free again" in panels.release(study_id, sent(returned, "prolific.csv"))
    assert "Nobody of this list" in panels.release(study_id, sent(returned, "prolific.csv"))
