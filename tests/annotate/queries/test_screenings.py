"""A screening is applied with its limits, replaces the one before, and is undone to what was there."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from annotate import analysis, queries
from annotate.database.engine import Database
from annotate.errors import RatingsError, StudyError
from annotate.queries.imports import ImportedRating
from tests.annotate.studies import NOW, candidates, honest_ratings, make_study, rate

NAMES = [f"{number:03}.png" for number in range(30)]
STRICT = {"longest_run": 6}


@pytest.fixture
def study_id(database: Database, tmp_path: Path) -> int:
    """Make a study rated by 10 honest people and two who give one grade, one of them all along."""
    study_id = make_study(database, tmp_path, candidates(len(NAMES)))
    lazy = [ImportedRating(name, "lazy", 3.0) for name in NAMES]
    tired = [
        ImportedRating(each.stimulus, "tired", 3.0 if 10 <= place < 18 else each.grade)
        for place, each in enumerate(honest_ratings(NAMES, 1, seed=9))
    ]
    rate(database, study_id, [*honest_ratings(NAMES, 10), *lazy, *tired])
    return study_id


def unused(database: Database, study_id: int) -> set[str]:
    with database.read() as db:
        return queries.participants.unused_participants(db, study_id)


def apply(database: Database, study_id: int, limits: Mapping[str, float] | None = None) -> queries.screenings.Applied:
    with database.write() as db:
        return analysis.apply_screening(db, study_id, NOW, limits)


def undo(database: Database, study_id: int) -> queries.screenings.Applied:
    with database.write() as db:
        return queries.screenings.undo_screening(db, study_id, NOW)


@pytest.mark.slow
def test_a_preview_changes_nothing_and_says_what_applying_does(database: Database, study_id: int) -> None:
    with database.read() as db:
        preview = analysis.preview(db, study_id, STRICT)
    assert {"lazy", "tired"} <= set(preview.falls)
    assert unused(database, study_id) == set()
    assert set(apply(database, study_id, STRICT).falls) == set(preview.falls)
    with database.read() as db:
        after = analysis.mos_table(db, study_id)
        assert after.mos.tolist() == preview.after.mos.tolist()
        assert queries.screenings.applied_limits(db, study_id) == STRICT
        assert {each.participant for each in analysis.screen_study(db, study_id)[1].findings} >= {"lazy", "tired"}


def test_looser_limits_use_again_whom_stricter_ones_left_out(database: Database, study_id: int) -> None:
    apply(database, study_id, STRICT)
    assert "tired" in apply(database, study_id, {}).returns
    assert unused(database, study_id) == {"lazy"}
    with database.read() as db:
        assert queries.screenings.applied_limits(db, study_id) == {}


def test_undoing_goes_back_screening_by_screening(database: Database, study_id: int) -> None:
    strict = set(apply(database, study_id, STRICT).falls)
    apply(database, study_id, {})
    assert "tired" in undo(database, study_id).falls
    assert unused(database, study_id) == strict
    with database.read() as db:
        assert queries.screenings.applied_limits(db, study_id) == STRICT
    undo(database, study_id)
    assert unused(database, study_id) == set()
    with database.read() as db:
        assert {each.rated for each in queries.stimuli.all_stimuli(db, study_id)} == {12}
    with pytest.raises(StudyError, match="No screening was applied"):
        undo(database, study_id)


def test_what_somebody_decided_by_hand_stays(database: Database, study_id: int) -> None:
    with database.write() as db:
        by_hand = queries.participants.get_participant(db, study_id, "p00")
        queries.participants.set_votes_used(db, by_hand.id, used=False, reason="a colleague", now=NOW)
    apply(database, study_id)
    with database.write() as db:  # decided after the screening: undoing leaves it
        lazy = queries.participants.get_participant(db, study_id, "lazy")
        queries.participants.set_votes_used(db, lazy.id, used=False, reason="seen to click", now=NOW)
    undo(database, study_id)
    assert unused(database, study_id) == {"p00", "lazy"}
    with database.read() as db:
        assert queries.screenings.decided_by_hand(db, study_id) == {"p00", "lazy"}


def test_who_is_deleted_is_no_part_of_the_way_back(database: Database, study_id: int) -> None:
    apply(database, study_id)
    with database.write() as db:
        queries.participants.delete_participant(db, queries.participants.get_participant(db, study_id, "lazy"), NOW)
    assert undo(database, study_id) == queries.screenings.Applied((), ())


@pytest.mark.parametrize("limits", [{"agreement": 2.0}, {"no_such": 1.0}])
def test_a_limit_that_is_none_is_refused(database: Database, study_id: int, limits: dict[str, float]) -> None:
    with database.read() as db, pytest.raises(RatingsError, match="limit"):
        analysis.preview(db, study_id, limits)
