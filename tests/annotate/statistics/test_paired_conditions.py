"""Where conditions stand, in JOD, also where not every source has all of them, and which differ."""

import numpy as np
import pytest

from annotate.errors import RatingsError
from annotate.statistics.comparisons import Comparisons
from annotate.statistics.conditions import Origin
from annotate.statistics.paired_conditions import PairedConditions, condition_effects, scale_conditions
from tests.annotate.paired import simulate


def test_effects_are_those_that_positions_were_made_of_though_groups_lack_conditions() -> None:
    group = np.array([0, 0, 0, 1, 1, 2, 2])
    condition = np.array([0, 1, 2, 0, 1, 1, 2])
    made = np.array([1.0, 0.25, -1.25])
    positions = np.array([0.0, 5.0, -3.0])[group] + made[condition]
    assert condition_effects(positions, group, condition) == pytest.approx(made)


def test_conditions_that_no_group_links_have_no_common_scale() -> None:
    assert np.isnan(condition_effects(np.arange(4.0), np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]))).all()


def test_simulated_conditions_lie_in_their_intervals_and_are_told_from_each_other() -> None:
    comparisons = simulate(np.array([1.0, 0.0, -1.0, 1.4, 0.4, -0.6, 9.0]), people=12, seed=3)
    origins = {
        name: Origin(None, condition)
        for name, condition in zip(comparisons.stimulus_ids, [*"abcabc", None], strict=True)
    }
    found = scale_conditions(comparisons, origins)
    assert [each.condition for each in found.figures] == [*"abc"]
    assert [(each.pictures, each.sources, each.comparisons) for each in found.figures] == [(2, 2, 2 * 6 * 12)] * 3
    for each, truth in zip(found.figures, (1.0, 0.0, -1.0), strict=True):
        assert 0.05 < each.ci95 < 0.8
        assert abs(each.jod - truth) < 1.5 * each.ci95
    assert [(each.a, each.b, each.shared, each.sources) for each in found.pairs] == [
        (*two, False, 4) for two in ("ab", "ac", "bc")
    ]
    assert all(each.is_certain for each in found.pairs)
    assert found.pairs[1].difference == pytest.approx(found.figures[0].jod - found.figures[2].jod)
    assert scale_conditions(comparisons, dict.fromkeys(origins, Origin(None, "a"))) == PairedConditions()


def test_intervals_cover_photos_on_which_conditions_differ_and_of_one_photo_other_people_alone() -> None:
    effects = np.array([0.5, 0.0, -0.5])
    alike, unlike = (
        simulate(np.concatenate([effects, 10 + effects + turned]), people=10, rounds=2, seed=4)
        for turned in (np.zeros(3), np.array([-1.0, 0.0, 1.0]))
    )
    names = alike.stimulus_ids
    two = {name: Origin(f"s{at // 3}", "abc"[at % 3]) for at, name in enumerate(names)}
    one = {name: Origin("s0", "abc"[at % 3]) for at, name in enumerate(names)}
    widths = [scale_conditions(each, two).figures[0].ci95 for each in (alike, unlike)]
    assert widths[1] > 2 * widths[0]
    assert scale_conditions(unlike, one).figures[0].ci95 < widths[0]
    alone = unlike.where(unlike.participant == 0)
    assert all(np.isnan(each.p) for each in scale_conditions(alone, two).pairs)


def test_conditions_of_sources_that_share_none_are_refused() -> None:
    apart = Comparisons.from_columns(["a", "c"], ["b", "d"], ["p", "p"], ["left", "left"])
    with pytest.raises(RatingsError, match="no source has some of them together"):
        scale_conditions(apart, {name: Origin(None, name) for name in "abcd"})
