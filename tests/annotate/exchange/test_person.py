"""Who asks what a study holds of them gets all of it, and nothing of anybody else."""

import json
from pathlib import Path

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.errors import ExportError, StudyError
from annotate.exchange.person import person_file, write_person
from annotate.rating import steps
from annotate.rating.links import hash_token
from tests.annotate.rated import NOW, Person, new_study

PANEL_ID = "5f1e2d3c4b5a69788796a5b4"
QUIET = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0}


def test_the_file_holds_everything_of_one_person(database: Database) -> None:
    study_id = new_study(database, images=3, **QUIET)
    person, other = Person(database, study_id, panel=steps.Panel(PANEL_ID)), Person(database, study_id)
    other.rate_all(other.start())
    step = person.rate(person.rate(person.start(), 2.0), 5.0)
    assert step.picture
    person.rate_all(person.undo())
    code = str(person.finish().completion_code)
    with database.write() as db:
        mine, theirs = (each.participant for each in queries.participants.participants_page(db, study_id))
        queries.participants.set_votes_used(db, mine.id, used=False, reason="too fast", now=NOW)
        queries.participants.set_votes_used(db, theirs.id, used=False, reason="not this one", now=NOW)
    with database.read() as db:
        content = person_file(db, study_id, mine.pseudonym, NOW)
    read = json.loads(content)
    assert (read["study"], read["person"]["external_id"]) == ("faces", PANEL_ID)
    assert [each["grade"] for each in read["answers"] if each["undone_at"]] == [5.0]
    assert len(read["answers"]) == 4
    assert all(len(each["pictures"]) == 1 for each in read["answers"])
    assert [each["completion_code"] for each in read["sittings"]] == [code]
    assert read["decisions"][-1]["reason"] == "too fast"
    assert "consent" in read["texts"]
    assert len(read["links_made_at"]) == 1
    for secret in (theirs.pseudonym, "not this one", hash_token(person.token)):
        assert secret not in content


def test_nobody_of_that_code_is_said_and_no_file_is_written_over(database: Database, tmp_path: Path) -> None:
    study_id = new_study(database, images=1, **QUIET)
    with database.read() as db, pytest.raises(StudyError, match="no participant 'X'"):
        person_file(db, study_id, "X", NOW)
    write_person("{}", tmp_path / "a.json")
    with pytest.raises(ExportError, match="exists"):
        write_person("other", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == "{}"
