"""Comparisons of pairs as a table."""

import pandas as pd
import pytest

from annotate.errors import RatingsError
from annotate.statistics.comparisons import Comparisons

TABLE = pd.DataFrame(
    {
        "left": ["a", "b", "d"],
        "right": ["b", "c", "e"],
        "participant": list("ppq"),
        "preferred": ["left", "none", "right"],
    }
)


def test_a_table_is_read_with_all_its_names() -> None:
    comparisons = Comparisons.from_frame(TABLE)
    assert comparisons.stimulus_ids == ("a", "b", "c", "d", "e")
    assert comparisons.participant_ids == ("p", "q")
    assert comparisons.preferred.tolist() == [1, 0, -1]
    assert comparisons.counts.tolist() == [1, 2, 1, 1, 1]


def test_a_table_comes_back_as_it_was() -> None:
    again = Comparisons.from_frame(TABLE).to_frame().drop(columns="response_ms")
    pd.testing.assert_frame_equal(again, TABLE, check_dtype=False)


def test_stimuli_that_nothing_links_are_in_groups_of_their_own() -> None:
    assert Comparisons.from_frame(TABLE).groups.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (TABLE.drop(columns="participant"), "no column participant"),
        (TABLE.assign(preferred="both"), "no answer 'both'"),
        (TABLE.assign(right=TABLE["left"]), "a is compared with itself"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(table: pd.DataFrame, problem: str) -> None:
    with pytest.raises(RatingsError, match=problem):
        Comparisons.from_frame(table)
