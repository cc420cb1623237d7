import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fiqa.comparison.statistics import (
    compare_pairs,
    count_wins,
    describe_method,
    detectable_difference,
    holm,
    means_by_source,
    signed_rank_p,
    tail_share,
)

RNG = np.random.default_rng(7)
BEFORE = RNG.uniform(0.3, 0.9, 60)
AFTER = BEFORE + RNG.normal(0.02, 0.05, 60)
EACH_ITS_OWN = np.arange(60)


def test_the_mean_and_its_interval_are_those_of_scipy() -> None:
    figures = describe_method("b", AFTER, EACH_ITS_OWN)
    reference = stats.bootstrap(
        (AFTER,), np.mean, confidence_level=1 - 2 * tail_share(60), method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval

    assert figures.mean == pytest.approx(AFTER.mean())
    assert figures.interval == pytest.approx((reference.low, reference.high), abs=0.002)


def test_the_median_and_its_interval_are_those_of_scipy() -> None:
    figures = describe_method("b", AFTER, EACH_ITS_OWN)
    reference = stats.bootstrap(
        (AFTER,), np.median, confidence_level=1 - 2 * tail_share(60), method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval

    assert figures.median == pytest.approx(np.median(AFTER))
    assert figures.median_interval == pytest.approx((reference.low, reference.high), abs=0.004)


@pytest.mark.parametrize("count", [10, 30])
def test_the_interval_of_few_sources_is_as_wide_as_students(count: int) -> None:
    values = np.random.default_rng(2).normal(0.5, 0.1, count)
    low, high = describe_method("b", values, np.arange(count)).interval or (0.0, 0.0)
    students = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))

    assert high - low == pytest.approx(students[1] - students[0], rel=0.08)
    assert tail_share(10**6) == pytest.approx(0.025, abs=1e-4)


def test_photos_of_few_sources_tell_less_than_as_many_of_their_own() -> None:
    sources = np.arange(60) // 10
    by_source = AFTER + 0.2 * sources

    alone, together = (describe_method("b", by_source, owners) for owners in (EACH_ITS_OWN, sources))

    assert together.interval is not None
    assert alone.interval is not None
    assert np.diff(together.interval) > 1.5 * np.diff(alone.interval)


def test_a_photo_without_a_score_is_counted_and_leaves_the_mean_alone() -> None:
    scores = np.append(AFTER, np.nan)

    figures = describe_method("b", scores, np.arange(61))

    assert (figures.photos, figures.unscored) == (61, 1)
    assert figures.mean == pytest.approx(AFTER.mean())
    assert figures.unscored_share == pytest.approx(1 / 61)


def test_the_test_is_wilcoxons_signed_rank_test_of_scipy() -> None:
    assert signed_rank_p(AFTER - BEFORE) == pytest.approx(stats.wilcoxon(AFTER, BEFORE).pvalue)


def test_equal_methods_have_a_p_of_one_and_all_ties() -> None:
    (pair,) = compare_pairs({"a": BEFORE, "b": BEFORE.copy()}, EACH_ITS_OWN)

    assert (pair.p, pair.win_rate, pair.ties, pair.difference) == (1.0, 0.5, 60, 0.0)


def test_differences_are_b_minus_a_and_scored_photo_by_photo() -> None:
    (pair,) = compare_pairs({"a": BEFORE, "b": AFTER}, EACH_ITS_OWN)

    assert pair.difference == pytest.approx((AFTER - BEFORE).mean())
    assert pair.wins + pair.ties + pair.losses == 60


def test_a_photo_that_only_one_method_made_scorable_is_its_win() -> None:
    nan = np.nan

    assert count_wins(np.array([nan, 0.5, nan]), np.array([0.4, nan, nan])) == (1, 0, 1)


@pytest.mark.parametrize(
    "p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.9], [0.0001, 0.0001, 0.9, 0.04, 0.04]]
)
@pytest.mark.slow
def test_the_correction_is_holms_of_statsmodels(p_values: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")

    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1].tolist())


def test_p_values_are_corrected_for_the_number_of_pairs() -> None:
    rng = np.random.default_rng(3)
    scores = {name: BEFORE + rng.normal(shift, 0.05, 60) for name, shift in (("a", 0), ("b", 0.01), ("c", 0.02))}

    pairs = compare_pairs(scores, EACH_ITS_OWN)

    assert [pair.p for pair in pairs] == pytest.approx(
        holm([stats.wilcoxon(scores[pair.b], scores[pair.a]).pvalue for pair in pairs])
    )


def test_the_detectable_difference_has_the_power_it_claims() -> None:
    power = pytest.importorskip("statsmodels.stats.power")
    differences = AFTER - BEFORE

    effect = (detectable_difference(differences) or 0.0) / differences.std(ddof=1)

    assert power.TTestPower().power(effect, 60, 0.05) == pytest.approx(0.8, abs=0.01)


def test_the_test_sees_one_difference_a_source() -> None:
    sources = np.repeat(np.arange(6), 10)

    (pair,) = compare_pairs({"a": BEFORE, "b": AFTER}, sources)

    assert pair.p == pytest.approx(stats.wilcoxon(means_by_source(AFTER - BEFORE, sources)).pvalue)


@given(
    st.lists(
        st.tuples(*[st.one_of(st.just(float("nan")), st.floats(0, 1)) for _ in range(3)], st.integers(0, 4)),
        max_size=8,
    )
)
@pytest.mark.slow
def test_no_scores_however_few_or_missing_give_a_figure_out_of_range(
    rows: list[tuple[float, float, float, int]],
) -> None:
    table = np.array(rows, dtype=float).reshape(-1, 4)
    sources = table[:, 3].astype(int)

    methods = [describe_method(name, table[:, index], sources) for index, name in enumerate("abc")]
    pairs = compare_pairs({name: table[:, index] for index, name in enumerate("abc")}, sources)

    for figures in methods:
        assert figures.mean is None or 0 <= figures.mean <= 1
        assert figures.interval is None or 0 <= figures.interval[0] <= figures.interval[1] <= 1
    for pair in pairs:
        assert pair.p is None or 0 <= pair.p <= 1
        assert pair.win_rate is None or 0 <= pair.win_rate <= 1
        assert pair.detectable is None or (np.isfinite(pair.detectable) and pair.detectable >= 0)
