"""What is excluded counts nowhere, and nothing is excluded before somebody says so."""

import random
from pathlib import Path

import pytest

from annotate import queries
from annotate.analysis import apply_screening, load_votes, mos_rows, reliability, screen_study
from annotate.database.engine import Database
from annotate.queries.imports import ImportedRating
from tests.annotate.studies import NOW, candidates, honest_ratings, make_study, rate

NAMES = [f"{number:03}.png" for number in range(40)]
CLICKERS = {f"x{number}" for number in range(4)}


@pytest.fixture
def study_id(database: Database, tmp_path: Path) -> int:
    """Make a study rated by 16 people and 4 who click at random."""
    chance = random.Random(7)  # noqa: S311
    clicks = [ImportedRating(name, who, float(chance.randint(1, 5))) for who in sorted(CLICKERS) for name in NAMES]
    study_id = make_study(database, tmp_path, candidates(len(NAMES)))
    rate(database, study_id, honest_ratings(NAMES, 16) + clicks)
    return study_id


def test_screening_alone_changes_nothing(database: Database, study_id: int) -> None:
    with database.read() as db:
        _, screening = screen_study(db, study_id)
        assert not screening.used.all()
        assert load_votes(db, study_id).used.all()
        assert {row["ratings"] for row in mos_rows(db, study_id)} == {20}


def test_applied_screening_takes_the_clickers_out_with_reasons(database: Database, study_id: int) -> None:
    with database.write() as db:
        applied = apply_screening(db, study_id, NOW)
    assert set(applied.falls) == CLICKERS
    with database.read() as db:
        assert queries.participants.unused_participants(db, study_id) == CLICKERS
        assert all(queries.participants.get_participant(db, study_id, who).votes_reason for who in CLICKERS)
        assert {row["ratings"] for row in mos_rows(db, study_id)} == {16}
        assert {each.rated for each in queries.stimuli.all_stimuli(db, study_id)} == {16}


def test_screening_applied_twice_finds_nobody_new(database: Database, study_id: int) -> None:
    with database.write() as db:
        apply_screening(db, study_id, NOW)
    with database.write() as db:
        assert apply_screening(db, study_id, NOW).falls == ()


@pytest.mark.slow
def test_agreement_is_of_the_votes_that_are_used(database: Database, study_id: int) -> None:
    with database.read() as db:
        before = reliability(db, study_id)["icc_single"]
    with database.write() as db:
        apply_screening(db, study_id, NOW)
    with database.read() as db:
        after = reliability(db, study_id)["icc_single"]
    assert before is not None
    assert after is not None
    assert after > before + 0.1
