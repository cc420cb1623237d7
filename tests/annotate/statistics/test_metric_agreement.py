"""Metrics are judged by the order in which people put the pictures, and what is certain of two of them is so."""

import numpy as np
import pytest
from scipy import stats

from annotate.errors import RatingsError
from annotate.statistics.metric_agreement import MetricAgreement, _Ranked, compare_metrics
from annotate.statistics.mos import MosTable, estimate_mos
from tests.annotate.simulated import simulate_crowd

PICTURES = 120


@pytest.fixture(scope="module")
def table() -> MosTable:
    return estimate_mos(simulate_crowd(PICTURES, 20, per_person=PICTURES, seed=2))


def noisy(table: MosTable, spread: float, seed: int) -> dict[str, float]:
    values = table.mos + np.random.default_rng(seed).normal(0, spread, table.mos.size)
    return dict(zip(table.stimulus_ids, values.tolist(), strict=True))


def compared(table: MosTable, **spreads: float) -> dict[str, MetricAgreement]:
    metrics = {name: noisy(table, spread, seed) for seed, (name, spread) in enumerate(spreads.items())}
    return {each.metric: each for each in compare_metrics(table, metrics, {})}


def test_srcc_is_scipys_and_the_best_comes_first(table: MosTable) -> None:
    found = compared(table, good=0.3, bad=2.0)
    assert [*found] == ["good", "bad"]
    expected = stats.spearmanr(table.mos, [*noisy(table, 0.3, 0).values()]).statistic
    assert found["good"].srcc == pytest.approx(expected)
    assert found["good"].srcc_low < expected < found["good"].srcc_high
    assert found["bad"].is_behind
    assert found["bad"].behind == pytest.approx(found["good"].srcc - found["bad"].srcc)
    assert (found["good"].behind, found["good"].is_behind) == (0, False)


def test_metrics_that_are_alike_are_not_told_apart(table: MosTable) -> None:
    assert not any(each.is_behind for each in compared(table, one=1.0, other=1.05).values())


def test_a_perfect_metric_orders_every_pair_and_its_reverse_none(table: MosTable) -> None:
    right = dict(zip(table.stimulus_ids, table.mos.tolist(), strict=True))
    wrong = {name: -value for name, value in right.items()}
    flat = dict.fromkeys(right, 1.0)
    found = {each.metric: each for each in compare_metrics(table, {"right": right, "wrong": wrong, "flat": flat}, {})}
    assert (found["right"].pairs_right, found["wrong"].pairs_right, found["flat"].pairs_right) == (1, 0, 0.5)
    assert 0 < found["right"].pairs < PICTURES * (PICTURES - 1) / 2  # people cannot tell all of them apart
    assert found["flat"].row()["srcc"] is None
    turned = compare_metrics(table, {"Wrong": wrong, "lpips": wrong}, {}, lower=["wrong"])
    assert [each.lower_is_better for each in turned] == [True, True]
    assert [each.srcc for each in turned] == pytest.approx([1, 1])


def test_ranks_under_weights_are_those_of_a_column_that_has_each_value_as_often() -> None:
    rng = np.random.default_rng(3)
    column, weights = rng.integers(0, 6, 30).astype(float), rng.integers(0, 4, 30)
    expected = stats.rankdata(np.repeat(column, weights)) - 0.5
    ranks = _Ranked(column).ranks(weights[None].astype(float))[0]
    np.testing.assert_allclose(np.repeat(ranks, weights), expected)


def test_pictures_of_one_source_make_the_interval_wider(table: MosTable) -> None:
    values = noisy(table, 0.8, 1)
    grouped = {name: f"s{place // 24}" for place, name in enumerate(table.stimulus_ids)}
    (alone,), (together,) = (compare_metrics(table, {"m": values}, sources) for sources in ({}, grouped))
    assert together.srcc == alone.srcc
    assert together.srcc_high - together.srcc_low > alone.srcc_high - alone.srcc_low


def test_metrics_that_know_too_few_pictures_are_refused(table: MosTable) -> None:
    with pytest.raises(RatingsError, match="Only 3 pictures"):
        compare_metrics(table, {"m": dict.fromkeys(table.stimulus_ids[:3], 1.0)}, {})
