"""Pictures come into a study wholly or not at all."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import StimulusError, StudyError, StudyStateError
from annotate.stimuli.files import Candidate
from annotate.stimuli.intake import add_pictures, create_study
from tests.annotate.studies import NOW, candidates, make_study, picture


def gold(number: int, expected: float) -> Candidate:
    return Candidate("gold.png", partial(picture, number), kind=ItemKind.GOLD, expected=expected)


def counts(database: Database, study_id: int) -> dict[ItemKind, int]:
    with database.read() as db:
        return queries.stimuli.count_stimuli(db, study_id)


def test_new_study_is_a_draft_with_its_pictures(database: Database, tmp_path: Path) -> None:
    taken = create_study(database, tmp_path, "faces", [*candidates(3), gold(9, 2.0)], StudyProtocol(), NOW)
    assert (taken.state, taken.added, taken.duplicates) == (State.DRAFT, 4, ())
    assert counts(database, taken.study_id) == {ItemKind.RATED: 3, ItemKind.GOLD: 1}
    assert "A sitting asks for 1 attention check; the study has none. Add some, or ask for none." in taken.warnings


def test_bad_picture_makes_no_study(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StimulusError):
        create_study(database, tmp_path, "faces", [*candidates(3), Candidate("x", bytes)], StudyProtocol(), NOW)
    with database.read() as db:
        assert queries.studies.list_studies(db) == []
    assert not (tmp_path / "stimuli").exists()


def test_taken_name_is_refused_before_pictures_are_looked_at(database: Database, tmp_path: Path) -> None:
    make_study(database, tmp_path, candidates(1))

    def unread() -> Iterator[Candidate]:
        pytest.fail("looked at")
        yield

    with pytest.raises(StudyError, match="called 'faces' already"):
        create_study(database, tmp_path, "faces", unread(), StudyProtocol(), NOW)


def test_grade_that_cannot_be_given_is_expected_of_nothing(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match=r"expected grade of gold\.png cannot be given: 7\.0 is no grade"):
        create_study(database, tmp_path, "faces", [gold(1, 7.0)], StudyProtocol(), NOW)


def test_pictures_are_added_to_a_draft_and_known_ones_named(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(2))
    taken = add_pictures(database, tmp_path, "faces", [*candidates(2), gold(7, 3.0)], NOW)
    assert (taken.added, taken.duplicates) == (1, (("000.png", "000.png"), ("001.png", "001.png")))
    assert counts(database, study_id) == {ItemKind.RATED: 2, ItemKind.GOLD: 1}


def test_pictures_are_not_added_while_people_rate(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(2))
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
    with pytest.raises(StudyStateError, match="while it is paused"):
        add_pictures(database, tmp_path, "faces", candidates(3), NOW)
