"""Where conditions stand, in JOD, also where not every source has all of them."""

import numpy as np
import pytest

from annotate.errors import RatingsError
from annotate.statistics.paired_conditions import condition_effects, scale_conditions
from tests.annotate.paired import simulate


def test_effects_are_those_that_positions_were_made_of_though_groups_lack_conditions() -> None:
    group = np.array([0, 0, 0, 1, 1, 2, 2])
    condition = np.array([0, 1, 2, 0, 1, 1, 2])
    made = np.array([1.0, 0.25, -1.25])
    positions = np.array([0.0, 5.0, -3.0])[group] + made[condition]
    assert condition_effects(positions, group, condition) == pytest.approx(made)


def test_conditions_that_no_group_links_have_no_common_scale() -> None:
    assert np.isnan(condition_effects(np.arange(4.0), np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]))).all()


def test_simulated_conditions_lie_in_their_intervals() -> None:
    comparisons = simulate(np.array([1.0, 0.0, -1.0, 1.4, 0.4, -0.6, 9.0]), people=12, seed=3)
    names = dict(zip(comparisons.stimulus_ids, [*"abcabc", None], strict=True))
    found = scale_conditions(comparisons, names, samples=40)
    assert [each.condition for each in found] == [*"abc"]
    assert [(each.pictures, each.comparisons) for each in found] == [(2, 2 * 6 * 12)] * 3
    for each, truth in zip(found, (1.0, 0.0, -1.0), strict=True):
        assert 0.05 < each.ci95 < 0.6
        assert abs(each.jod - truth) < 1.5 * each.ci95
    assert scale_conditions(comparisons, dict.fromkeys(names, "a")) == []


def test_conditions_of_sources_that_share_none_are_refused() -> None:
    comparisons = simulate(np.array([1.0, 0.0]), people=3)
    apart = type(comparisons).from_columns(["a", "c"], ["b", "d"], ["p", "p"], ["left", "left"])
    with pytest.raises(RatingsError, match="no source has some of them together"):
        scale_conditions(apart, {"a": "1", "b": "2", "c": "3", "d": "4"})
