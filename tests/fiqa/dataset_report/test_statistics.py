"""Intervals and differences are those of the references."""

import numpy as np
import pytest
from scipy import stats

from fiqa.dataset_report.statistics import distance, drift, mean_interval, quantile_interval

VALUES = np.random.default_rng(0).beta(5, 2, 200)


def test_the_interval_of_a_mean_is_students() -> None:
    expected = stats.t.interval(0.95, len(VALUES) - 1, VALUES.mean(), stats.sem(VALUES))
    assert mean_interval(VALUES) == pytest.approx(expected)
    assert mean_interval(VALUES[:1]) is None


def test_photos_of_one_person_count_as_statsmodels_counts_clusters() -> None:
    # Late: it takes two seconds, of every process that collects this file.
    from statsmodels.regression.linear_model import OLS  # type: ignore[import-untyped]

    people = [str(number // 4) for number in range(len(VALUES))]
    values = VALUES + np.repeat(np.random.default_rng(1).normal(0, 0.1, 50), 4)
    fit = OLS(values, np.ones_like(values)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(50), 4)}, use_t=True
    )
    assert mean_interval(values, people) == pytest.approx(tuple(fit.conf_int()[0]))
    assert mean_interval(values, ["one"] * len(values)) is None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_interval_of_a_quantile_holds_it_in_19_of_20_sets(share: float) -> None:
    truth, rng, held = float(stats.beta.ppf(share, 5, 2)), np.random.default_rng(2), 0
    for _ in range(400):
        low, high = quantile_interval(rng.beta(5, 2, 100), share) or (1.0, 0.0)
        held += low <= truth <= high
    assert 0.93 <= held / 400 <= 0.99
    assert quantile_interval(VALUES[:3], share) is None


def test_drift_is_that_of_a_bootstrap_of_the_photos() -> None:
    after = np.random.default_rng(3).beta(5, 3, 150)
    found = {each.figure: each for each in drift(VALUES, after, (0.0, 1.0))}
    assert list(found) == ["mean", "10% quantile", "50% quantile", "90% quantile"]
    expected = stats.bootstrap(
        (after, VALUES), lambda a, b, axis: a.mean(axis) - b.mean(axis), method="percentile", rng=0
    ).confidence_interval
    assert found["mean"].difference == pytest.approx(after.mean() - VALUES.mean())
    assert found["mean"].interval == pytest.approx(tuple(expected), abs=0.004)
    assert found["mean"].is_certain
    assert found["50% quantile"].difference == pytest.approx(np.median(after) - np.median(VALUES))


def test_two_sets_of_one_kind_do_not_drift() -> None:
    halves = VALUES[::2], VALUES[1::2]
    assert not any(each.is_certain for each in drift(*halves, (0.0, 1.0)))
    found, p = distance(*halves)
    assert found < 0.2
    assert p > 0.05
    assert distance(VALUES, VALUES - 1) == pytest.approx((1.0, 0.0), abs=1e-9)


def test_a_million_scores_take_no_longer_than_their_histogram() -> None:
    many = np.random.default_rng(4).beta(5, 2, 1_000_000)
    (mean, *_) = drift(many, many + 0.001, (0.0, 1.001))
    assert mean.difference == pytest.approx(0.001)
    assert mean.interval is not None
    assert mean.interval[1] - mean.interval[0] < 0.002
