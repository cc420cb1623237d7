"""Ratings and MOS as pandas tables."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from annotate.design.items import ItemKind
from annotate.errors import RatingsError
from annotate.statistics.mos import estimate_mos
from annotate.statistics.ratings import Ratings
from tests.annotate.simulated import Design, simulate


def test_ratings_come_back_from_their_table() -> None:
    ratings = simulate(Design(stimuli=20, participants=12, seen=10), seed=0).ratings
    again = Ratings.from_frame(ratings.to_frame(), stimuli=ratings.stimulus_ids)
    assert again.stimulus_ids == ratings.stimulus_ids
    for name in ("stimulus", "grade", "sequence", "response_ms", "kind", "expected"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ratings, name), err_msg=name)
    for name in ("mos", "mos_p910", "ci95"):
        np.testing.assert_array_equal(getattr(estimate_mos(again), name), getattr(estimate_mos(ratings), name))


def test_a_sitting_belongs_to_its_participant() -> None:
    frame = pd.DataFrame({"stimulus": ["a", "a"], "participant": ["p", "q"], "grade": [1, 5], "sitting": [1, 1]})
    assert Ratings.from_frame(frame).sitting_ids == ("p/1", "q/1")


def test_three_columns_are_enough_and_kinds_have_names() -> None:
    frame = pd.DataFrame({"stimulus": ["a", "b"], "participant": ["p", "p"], "grade": [4.0, np.nan]})
    assert Ratings.from_frame(frame).kind.tolist() == [ItemKind.RATED] * 2
    gold = Ratings.from_frame(frame.assign(kind=["rated", "gold"]))
    assert gold.kind.tolist() == [ItemKind.RATED, ItemKind.GOLD]


def test_a_table_that_is_none_of_ratings_is_refused() -> None:
    with pytest.raises(RatingsError, match="no column participant, grade; it has stimulus"):
        Ratings.from_frame(pd.DataFrame({"stimulus": ["a"]}))
    frame = pd.DataFrame({"stimulus": ["a"], "participant": ["p"], "grade": [4], "kind": ["silver"]})
    with pytest.raises(RatingsError, match="'silver': expected rated, gold"):
        Ratings.from_frame(frame)


def test_mos_are_a_table_with_the_columns_of_the_export() -> None:
    few = Design(stimuli=6, participants=5, seen=6, golds=0, traps=0, repeats=0)
    table = estimate_mos(simulate(few, seed=1).ratings)
    frame = table.to_frame()
    assert frame["stimulus"].tolist() == list(table.stimulus_ids)
    np.testing.assert_array_equal(frame["mos"], table.mos)
    assert list(frame.columns) == list(next(table.rows()))
    assert frame["mos_p910"].isna().all()  # too few ratings


@pytest.mark.slow
def test_pandas_is_loaded_for_a_table_and_not_before() -> None:
    code = "import sys, annotate.statistics.mos, annotate.__main__; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
