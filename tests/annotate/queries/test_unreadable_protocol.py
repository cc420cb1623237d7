"""One study whose protocol cannot be read stops neither the others nor its own export and deletion."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Study
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import ProtocolError
from annotate.exchange.export import export_study
from annotate.rating import links
from annotate.stimuli.intake import create_study
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.studies import candidates, honest_ratings, make_study, rate
from tests.annotate.unreadable import NEWER, make_unreadable


@pytest.fixture
def study_id(database: Database, tmp_path: Path) -> int:
    study_id = make_study(database, tmp_path, candidates(3), name="newer")
    rate(database, study_id, honest_ratings(["000.png", "001.png"], 2))
    make_unreadable(database, study_id)
    return study_id


def test_the_others_are_listed_and_made_as_ever(database: Database, study_id: int, tmp_path: Path) -> None:
    create_study(database, tmp_path, "readable", candidates(2), StudyProtocol(ratings_wanted=3), NOW)
    with database.read() as db:
        readable, newer = queries.studies.list_studies(db)
    assert readable.protocol.ratings_wanted == 3
    assert newer.id == study_id
    assert newer.stored_protocol.to_json() == NEWER
    with pytest.raises(ProtocolError, match="'of_a_newer_version'"):
        _ = newer.protocol


def test_it_stays_as_it_is_stored_until_it_is_deleted(database: Database, study_id: int) -> None:
    with database.write() as db:
        queries.studies.set_message(db, study_id, "One moment, please.", NOW)
        with pytest.raises(ProtocolError):
            queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
    with database.read() as db:
        assert queries.studies.get_study(db, study_id).stored_protocol.to_json() == NEWER
    with database.write() as db:
        queries.studies.delete_study(db, study_id)
    with database.read() as db:
        assert queries.studies.list_studies(db) == []


def test_its_votes_people_and_stored_protocol_are_exported(database: Database, study_id: int, tmp_path: Path) -> None:
    with database.write() as db:
        person = queries.participants.get_participant(db, study_id, "p00")
        person.start_answers = {"glasses": "yes"}
    report = export_study(database, study_id, tmp_path, tmp_path / "out")
    assert (report.ratings, report.splits) == (4, {})
    names = {each.name for each in (tmp_path / "out").iterdir()}
    assert {"ratings.csv", "participants.csv", "sittings.csv", "decisions.csv", "protocol.json", "README.md"} <= names
    assert not {"mos.csv", "texts.csv", "dataset.json", "train"} & names
    assert json.loads((tmp_path / "out" / "protocol.json").read_text())["protocol"] == NEWER
    people = json.loads((tmp_path / "out" / "participants.json").read_text())
    assert [each["start_answers"] for each in people] == ['{"glasses": "yes"}', None]


def test_who_is_rating_in_it_can_still_withdraw(database: Database) -> None:
    person = Person(database, new_study(database, images=2, training_count=0))
    step = person.start()
    with database.read() as db:
        study_id = links.open_link(db, person.token)[1].id
    make_unreadable(database, study_id)
    with pytest.raises(ProtocolError):
        person.rate(step)
    person.withdraw()
    with database.read() as db:
        assert queries.participants.count_participants(db, study_id) == 0


@pytest.mark.parametrize("stored", ["{", "", "null", "3", '{"texts": {"en": [1]}}'])
def test_a_damaged_cell_is_one_unreadable_study(sqlite_database: Database, stored: Any) -> None:
    with sqlite_database.write() as db:
        study_id = queries.studies.create_study(db, "damaged", StudyProtocol(), datetime.now(UTC)).id
    make_unreadable(sqlite_database, study_id, stored)
    with sqlite_database.read() as db:
        (study,) = queries.studies.list_studies(db)
        with pytest.raises(ProtocolError, match="cannot be read"):
            _ = study.protocol
        assert isinstance(study, Study)
