"""Means and gaps by group, against SciPy and against drawing people one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from fiqa.audit import statistics
from fiqa.audit.statistics import BOOTSTRAPS, FEW_PEOPLE, _weights, group_means, largest_gap

Samples = tuple[NDArray[np.float64], list[str], list[str]]


def sample(*, people: int = 40, photos: int = 2, shift: float = 0.0) -> Samples:
    """Return scores of people with `photos` each, every other one in group b, which scores higher by `shift`."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(people), photos)
    group = np.where(person % 2, "b", "a")
    values = 0.7 + rng.normal(0, 0.05, people)[person] + rng.normal(0, 0.02, len(person)) + shift * (group == "b")
    return values, group.tolist(), [f"p{each}" for each in person]


def test_the_mean_and_the_counts_are_those_of_the_group() -> None:
    values, groups, people = sample()
    first, second = group_means(values, groups, people)
    assert (first.group, first.photos, first.people) == ("a", 40, 20)
    assert first.mean == pytest.approx(values[np.array(groups) == "a"].mean())
    assert second.mean == pytest.approx(values[np.array(groups) == "b"].mean())


def test_intervals_are_those_of_scipy_where_every_photo_is_a_person() -> None:
    values, groups, _ = sample(people=200, photos=1)
    ours = group_means(values, groups, [str(index) for index in range(200)])[0]
    mine = values[np.array(groups) == "a"]
    theirs = stats.bootstrap(
        (mine,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.interval == pytest.approx((theirs.low, theirs.high), abs=0.0006)


def test_intervals_are_those_of_drawing_people_one_by_one() -> None:
    values, groups, people = sample(people=12)
    names = sorted(set(people))
    mine = np.array(groups) == "a"
    means = []
    for weights in np.concatenate(list(_weights(len(names)))):
        drawn = np.concatenate(
            [np.flatnonzero(np.array(people) == n).repeat(int(w)) for n, w in zip(names, weights, strict=True)]
        )
        means.append(values[drawn][mine[drawn]].mean() if mine[drawn].any() else np.nan)
    assert len(means) == BOOTSTRAPS
    assert group_means(values, groups, people)[0].interval == pytest.approx(
        tuple(np.nanquantile(means, (0.025, 0.975)))
    )


def test_more_photos_of_the_same_people_do_not_make_the_interval_narrower() -> None:
    once, often = (group_means(*sample(people=20, photos=photos))[0].interval for photos in (1, 50))
    assert once
    assert often
    assert often[1] - often[0] > 0.8 * (once[1] - once[0])


def test_the_gap_is_the_difference_of_the_means_and_is_found_where_there_is_one() -> None:
    gap = largest_gap(*sample(shift=0.1))
    assert gap
    assert (gap.higher, gap.lower, gap.pairs) == ("b", "a", 1)
    first, second = group_means(*sample(shift=0.1))
    assert second.mean is not None
    assert first.mean is not None
    assert gap.difference == pytest.approx(second.mean - first.mean)
    assert gap.interval[0] < gap.difference < gap.interval[1]
    assert gap.corrected == gap.interval
    assert gap.is_certain


def test_groups_that_score_alike_are_seldom_told_apart_although_the_widest_pair_was_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "BOOTSTRAPS", 1500)
    certain = plain = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups = [name for name in "abcdef" for _ in range(15)]
        gap = largest_gap(rng.normal(0.7, 0.1, 90), groups, [str(index) for index in range(90)])
        assert gap
        assert gap.pairs == 15
        plain += gap.interval[0] > 0
        certain += gap.is_certain
    assert certain <= 4
    assert plain > 3 * max(certain, 1)


def test_one_person_has_a_mean_and_no_interval() -> None:
    values = np.array([0.2, 0.4, 0.8, 0.9])
    alone, others = group_means(values, ["a", "a", "b", "b"], ["p", "p", "q", "r"])
    assert alone.mean == pytest.approx(0.3)
    assert alone.interval is None
    assert (alone.people, alone.is_small) == (1, True)
    assert others.interval is not None


def test_photos_without_a_score_count_for_nothing() -> None:
    values = np.array([0.2, np.nan, np.nan])
    alone, none = group_means(values, ["a", "a", "b"], ["p", "q", "r"])
    assert (alone.photos, alone.people, alone.mean) == (1, 1, 0.2)
    assert (none.photos, none.people, none.mean, none.interval) == (0, 0, None, None)


def test_groups_of_few_people_are_not_compared() -> None:
    people = [str(index) for index in range(2 * FEW_PEOPLE - 1)]
    groups = ["a"] * FEW_PEOPLE + ["b"] * (FEW_PEOPLE - 1)
    assert largest_gap(np.linspace(0, 1, len(people)), groups, people) is None


rows = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from("abc"), st.sampled_from("pqrstuvwxyz")), min_size=1, max_size=40
)


@settings(max_examples=30, deadline=None)
@given(rows)
def test_whatever_the_groups_are_an_interval_lies_within_the_scores_and_one_person_has_none(
    rows: list[tuple[float, str, str]],
) -> None:
    values, groups, people = np.array([row[0] for row in rows]), [row[1] for row in rows], [row[2] for row in rows]
    for each in group_means(values, groups, people):
        mine = [row for row in rows if row[1] == each.group]
        assert each.people == len({row[2] for row in mine})
        assert each.photos == len(mine)
        assert (each.interval is None) == (each.people < 2)
        if each.interval:
            assert (
                min(row[0] for row in mine) - 1e-9
                <= each.interval[0]
                <= each.interval[1]
                <= max(row[0] for row in mine) + 1e-9
            )
    gap = largest_gap(values, groups, people)
    if gap:
        assert gap.difference >= 0
        assert gap.corrected[0] <= gap.interval[0]
        assert gap.interval[1] <= gap.corrected[1]
