"""Figures with intervals: right on average, honest about views that belong together."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from training.report.agreement import Estimate, agreement_table, measure_agreement

RNG = np.random.default_rng(0)
TARGET = RNG.uniform(size=120)
SCORES = TARGET + RNG.normal(0, 0.2, size=120)


def test_figures_are_those_of_scipy_and_lie_within_their_intervals() -> None:
    figures = measure_agreement(SCORES, TARGET, bootstraps=200)
    assert figures["PLCC"].value == pytest.approx(stats.pearsonr(SCORES, TARGET).statistic)
    assert figures["SRCC"].value == pytest.approx(stats.spearmanr(SCORES, TARGET).statistic)
    assert figures["KRCC"].value == pytest.approx(stats.kendalltau(SCORES, TARGET).statistic)
    assert figures["RMSE"].value == pytest.approx(np.sqrt(np.mean((SCORES - TARGET) ** 2)))
    assert all(each.low < each.value < each.high for each in figures.values())


def test_interval_of_plcc_agrees_with_scipys_bootstrap() -> None:
    ours = measure_agreement(SCORES, TARGET)["PLCC"]
    theirs = stats.bootstrap(
        (SCORES, TARGET), lambda a, b: stats.pearsonr(a, b).statistic,
        paired=True, vectorized=False, n_resamples=1000, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_copies_of_a_sample_in_one_cluster_do_not_narrow_the_interval() -> None:
    alone = measure_agreement(SCORES, TARGET, bootstraps=300)["SRCC"]
    clusters = np.tile(np.arange(len(SCORES)), 4)
    copied = measure_agreement(np.tile(SCORES, 4), np.tile(TARGET, 4), clusters, bootstraps=300)["SRCC"]
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.05)


def test_equal_data_gives_equal_intervals() -> None:
    assert measure_agreement(SCORES, TARGET, bootstraps=50) == measure_agreement(SCORES, TARGET, bootstraps=50)


def test_views_of_one_photo_alone_have_figures_but_no_intervals() -> None:
    figure = measure_agreement(SCORES, TARGET, np.zeros(len(SCORES)))["SRCC"]
    assert str(figure) == f"{stats.spearmanr(SCORES, TARGET).statistic:.3f}"
    assert figure.to_dict()["low"] is None


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples_have_no_figures(count: int) -> None:
    assert all(math.isnan(each.value) for each in measure_agreement(SCORES[:count], TARGET[:count]).values())


def test_undefined_figures_are_dashes_on_paper_and_null_in_json() -> None:
    constant = measure_agreement(np.ones(5), TARGET[:5], bootstraps=20)["SRCC"]
    assert str(constant) == "–"
    assert json.loads(json.dumps(constant.to_dict(), allow_nan=False))["value"] is None


def test_table_has_a_line_for_each_row_with_its_count() -> None:
    figures = dict.fromkeys(("PLCC", "SRCC", "KRCC", "RMSE"), Estimate(0.5, 0.25, 0.75))
    table = agreement_table("subject", {"all": figures}, {"all": 7})
    assert [cell.strip() for cell in table.splitlines()[2].split("|")[1:4]] == ["all", "7", "0.500 (0.250 to 0.750)"]
