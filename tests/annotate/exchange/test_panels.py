"""Panels are told whom to approve, reject and pay, with reasons they take; places given back are free again."""

import csv
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.analysis import apply_screening
from annotate.database.engine import Database
from annotate.errors import PanelError
from annotate.exchange.panels import (
    CATEGORIES,
    HOW_CHECKED,
    SHORTEST_REASON,
    give_places_back,
    read_amount,
    read_panel_export,
    reason_to_reject,
    write_panel_files,
)
from annotate.rating import sitting
from annotate.rating.steps import Panel
from annotate.statistics.findings import Check, Finding
from tests.annotate.rated import NOW, Person, new_study

QUICK = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}
PROLIFIC = "Submission id,Participant id,Status,Completion code\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def study_id(database: Database) -> int:
    """Make a study in which anna and bert of a panel rated everything, and carl left."""
    study_id = new_study(database, images=3, **QUICK)
    for name in ("anna", "bert", "carl"):
        panel = Panel(f"{name}1", f"{name}-session")
        person = Person(database, study_id, panel=panel)
        database.transact(partial(sitting.give_consent, token=person.token, now=person.now, panel=panel))
        step = person.check_screen()
        if name == "carl":
            person.rate(step)
            continue
        person.rate_all(step)
        person.finish()
    return study_id


def decide(database: Database, study_id: int, name: str, *, accepted: bool, reason: str = "") -> None:
    with database.write() as db:
        person = queries.participants.participant_by_external_id(db, study_id, f"{name}1")
        assert person
        for each in queries.participants.list_sittings(db, person.id):
            queries.participants.set_sitting_accepted(db, each.id, accepted, reason, NOW)


def test_who_is_approved_rejected_and_paid_is_written_as_panels_take_it(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    decide(database, study_id, "anna", accepted=True)
    decide(database, study_id, "bert", accepted=False, reason="Clicked through")
    lines = "anna-session,anna1,AWAITING REVIEW,\nx,nobody,APPROVED,\n"
    export = read_panel_export(written(tmp_path / "prolific.csv", PROLIFIC + lines))
    with database.read() as db:
        report = write_panel_files(db, study_id, tmp_path / "out", export=export, bonus=Decimal("0.50"))
    assert (report.approved, report.rejected, report.undecided, report.unknown) == (1, 1, 0, 1)
    assert rows_of(tmp_path / "out" / "approve.csv") == [["anna1"]]
    assert rows_of(tmp_path / "out" / "bonuses.csv") == [["anna1", "0.50"]]
    head, rejected = rows_of(tmp_path / "out" / "reject.csv")
    assert head == ["participant_id", "rejection_category", "message"]
    assert rejected[:2] == ["bert1", "OTHER"]
    assert rejected[2].startswith("Clicked through.")
    assert len(rejected[2]) >= SHORTEST_REASON
    with (tmp_path / "out" / "payments.csv").open(newline="") as file:
        paid = {row["panel_id"]: row for row in csv.DictReader(file)}
    assert (paid["anna1"]["decision"], paid["anna1"]["bonus"]) == ("approve", "0.50")
    assert (paid["anna1"]["session"], paid["anna1"]["panel_status"]) == ("anna-session", "awaiting review")
    assert (paid["bert1"]["decision"], paid["bert1"]["bonus"], paid["carl1"]["rated"]) == ("reject", "", "1")


def test_who_fails_known_pairs_is_left_out_and_the_panel_is_told_why(sqlite_database: Database, tmp_path: Path) -> None:
    known: dict[str, Any] = {**QUICK, "method": "pairs", "gold": 2, "gold_every": 2, "ratings_wanted": 1}
    study_id = new_study(sqlite_database, images=4, **known)
    person = Person(sqlite_database, study_id, panel=Panel("dora1", "dora-session"))
    person.rate_all(person.start())  # no difference, all along
    person.finish()
    with sqlite_database.write() as db:
        (left_out,) = apply_screening(db, study_id, NOW).falls
        assert queries.participants.get_participant(db, study_id, left_out).external_id == "dora1"
        progress = queries.progress.study_progress(db, queries.studies.get_study(db, study_id), NOW)
        assert (progress.ratings, progress.missing) == (0, 6)  # their places are free
    decide(sqlite_database, study_id, "dora", accepted=False)
    with sqlite_database.read() as db:
        export = read_panel_export(written(tmp_path / "prolific.csv", PROLIFIC))
        write_panel_files(db, study_id, tmp_path / "out", export=export)
    (_, (panel_id, category, why)) = rows_of(tmp_path / "out" / "reject.csv")
    assert (panel_id, category) == ("dora1", CATEGORIES[Check.GOLD])
    assert why.startswith("2 of 2 known pairs failed")


def test_places_of_those_who_returned_are_free_again_unless_they_were_paid(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    decide(database, study_id, "anna", accepted=True)
    lines = "z,zoe,RETURNED,\na,anna1,RETURNED,\nb,bert1,AWAITING REVIEW,\nb2,bert1,TIMED-OUT,\n"
    lines += "carl-session,carl1,TIMED-OUT,\n"
    export = read_panel_export(written(tmp_path / "prolific.csv", PROLIFIC + lines))
    with database.write() as db:
        freed = give_places_back(db, study_id, export, NOW)
        assert freed.in_words() == (
            "The places of 1 person are free again, and their votes are left out. Of nobody in this "
            "study: 1 submission of those given back."
        )
    with database.write() as db:
        again = give_places_back(db, study_id, export, NOW)
        assert again.released == []  # once is enough
        assert again.in_words().startswith("Nobody of this list gave a place back that is still taken.")
        carl = queries.participants.participant_by_external_id(db, study_id, "carl1")
        assert carl
        assert (carl.votes_used, carl.votes_reason) == (False, "timed-out on the panel")
        stimuli = list(queries.stimuli.all_stimuli(db, study_id))
    assert {(each.taken, each.rated) for each in stimuli} == {(2, 2)}


def test_a_batch_of_mechanical_turk_goes_back_filled_in_found_by_its_codes(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    decide(database, study_id, "anna", accepted=True)
    decide(database, study_id, "bert", accepted=False, reason="Clicked through")
    with database.read() as db:
        codes = {
            person.external_id: sittings[0].completion_code
            for person, sittings in queries.participants.all_participants(db, study_id)
        }
    head = "HITId,AssignmentId,WorkerId,AssignmentStatus,Answer.surveycode\n"
    lines = f"h,A1,W1,Submitted,{codes['anna1']}\nh,A2,W2,Submitted, {codes['bert1']} \nh,A3,W3,Submitted,none\n"
    export = read_panel_export(written(tmp_path / "batch.csv", head + lines))
    with database.read() as db:
        report = write_panel_files(db, study_id, tmp_path / "out", export=export)
    assert report.unknown == 1
    with (tmp_path / "out" / "mturk.csv").open(newline="") as file:
        filled = {row["AssignmentId"]: row for row in csv.DictReader(file)}
    assert (filled["A1"]["Approve"], filled["A1"]["Reject"]) == ("x", "")
    assert filled["A2"]["Approve"] == ""
    assert len(filled["A2"]["Reject"]) >= SHORTEST_REASON
    assert (filled["A3"]["Approve"], filled["A3"]["WorkerId"]) == ("", "W3")


def test_a_reason_is_made_of_what_was_said_and_found_and_is_long_enough() -> None:
    assert reason_to_reject("", []).endswith(HOW_CHECKED)
    finding = Finding(Check.TRAP, "p", None, 3, 1, "3 of 4 attention checks were answered wrongly", True, True)
    reason = reason_to_reject("too careless.", [finding, finding])
    assert reason.startswith("Too careless; 3 of 4 attention checks were answered wrongly. The answers were compared")
    long = "x" * SHORTEST_REASON
    assert reason_to_reject(long, []) == f"X{long[1:]}."
    assert all(len(reason_to_reject(given, [])) >= SHORTEST_REASON for given in ("", "a", "b" * 60))


@pytest.mark.parametrize("amount", ["-1", "0.505", "many", "1001", "nan"])
def test_an_amount_that_cannot_be_paid_is_refused(amount: str) -> None:
    with pytest.raises(PanelError, match="write an amount from 0"):
        read_amount(amount)


def test_a_list_that_is_no_panels_is_refused_and_a_plain_one_is_read(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="no list of submissions"):
        read_panel_export(written(tmp_path / "a.csv", "name,state\nanna,returned\n"))
    plain = read_panel_export(written(tmp_path / "b.csv", "participant;status\nanna1;Returned\n"))
    assert [(each.participant, each.status) for each in plain.submissions] == [("anna1", "returned")]
