"""DMOS against closed forms."""

import numpy as np
import pytest
from scipy import stats

from annotate.statistics.dmos import differential_mos
from annotate.statistics.ratings import Ratings


def test_dmos_is_the_mean_of_each_person_s_difference_plus_the_best_grade() -> None:
    stimulus = ["ref", "a", "ref", "a", "ref", "a", "b"]
    participant = ["p", "p", "q", "q", "r", "r", "s"]
    ratings = Ratings.from_columns(stimulus, participant, [5, 3, 4, 3, 5, 5, 2], scale=(1, 5))
    found = differential_mos(ratings, {"a": "ref", "b": "ref"})
    differences = np.array([3.0, 4.0, 5.0])
    half = stats.t.ppf(0.975, 2) * differences.std(ddof=1) / np.sqrt(3)
    assert found["a"] == pytest.approx({"dmos": 4.0, "dmos_ci95": half})
    assert found["b"] == {"dmos": None, "dmos_ci95": None}  # its only rater never saw the reference


def test_strict_and_lenient_people_give_the_same_dmos() -> None:
    lenient = Ratings.from_columns(["ref", "a"] * 2, ["p", "p", "q", "q"], [5, 4, 5, 4], scale=(1, 5))
    strict = Ratings.from_columns(["ref", "a"] * 2, ["p", "p", "q", "q"], [3, 2, 4, 3], scale=(1, 5))
    assert differential_mos(lenient, {"a": "ref"}) == differential_mos(strict, {"a": "ref"})
