"""What other limits would do is what screening and the estimates say, and the sliders are those of the rules."""

import numpy as np
import pytest

from annotate.statistics.findings import DEFAULT_RULES
from annotate.statistics.mos import estimate_mos
from annotate.statistics.screening import screen
from annotate.statistics.screening_preview import preview_screening
from tests.annotate.simulated import Design, simulate

DESIGN = Design(stimuli=60, participants=20, seen=60)


def test_a_preview_has_the_figures_before_and_after() -> None:
    ratings = simulate(DESIGN, seed=3).ratings
    everybody, rated = np.ones(len(ratings), bool), ratings.stimulus_ids[:60]
    screening = screen(ratings)
    found = preview_screening(ratings, everybody, DEFAULT_RULES, stimuli=rated)
    assert set(found.falls) == {
        name for name, used in zip(ratings.participant_ids, screening.participant_used, strict=True) if not used
    }
    assert len(found.falls) == 4
    assert found.returns == ()
    after = estimate_mos(ratings, screening.used).only(rated)
    np.testing.assert_array_equal(found.after.mos, after.mos)
    row = found.row()
    moved = np.abs(after.mos - estimate_mos(ratings).only(rated).mos)
    assert row["mos_shift"] == pytest.approx(np.nanmean(moved))
    assert row["moved_most"] == rated[int(np.nanargmax(moved))]
    assert row["ci95_after"] < row["ci95_before"]  # without clickers people agree
    assert row["ratings_before"] - row["ratings_after"] == 4 * 60
    assert 0.9 < row["mos_srcc"] < 1


def test_who_was_decided_by_hand_stays_out_and_others_return() -> None:
    ratings = simulate(Design(stimuli=40, participants=10, seen=40, clickers=0), seed=1).ratings
    first, second = ratings.participant_ids[:2]
    used = ratings.participant > 1
    found = preview_screening(ratings, used, DEFAULT_RULES, stimuli=ratings.stimulus_ids, decided=[first])
    assert (found.falls, found.returns) == ((), (second,))


def test_without_votes_there_is_nothing_to_move() -> None:
    ratings = simulate(Design(stimuli=4, participants=2, seen=2, golds=0, traps=0, repeats=0), seed=1).ratings
    empty = ratings.where(np.zeros(len(ratings), bool))
    row = preview_screening(empty, np.zeros(0, bool), DEFAULT_RULES, stimuli=ratings.stimulus_ids).row()
    assert (row["mos_shift"], row["ci95_after"], row["falls"]) == (None, None, [])
