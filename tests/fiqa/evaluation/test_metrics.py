"""Metrics against their definitions."""

import math

import numpy as np
import pytest

from fiqa.evaluation.metrics import krcc, plcc, rmse, srcc

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=40), RNG.normal(size=40)


def test_plcc_is_the_covariance_of_standardised_values() -> None:
    expected = np.mean((A - A.mean()) * (B - B.mean())) / (A.std() * B.std())
    assert plcc(A, B) == pytest.approx(expected)


def test_srcc_is_plcc_of_ranks_and_ignores_monotonic_changes() -> None:
    ranks = [np.argsort(np.argsort(values)) for values in (A, B)]
    assert srcc(A, B) == pytest.approx(plcc(*ranks))
    assert srcc(np.exp(A), B**3) == pytest.approx(srcc(A, B))


def test_krcc_counts_concordant_pairs() -> None:
    pairs = [(i, j) for i in range(40) for j in range(i)]
    concordant = sum(np.sign(A[i] - A[j]) * np.sign(B[i] - B[j]) for i, j in pairs)
    assert krcc(A, B) == pytest.approx(concordant / len(pairs))


def test_rmse_keeps_the_unit() -> None:
    assert rmse([1.0, 2.0], [4.0, 2.0]) == pytest.approx(math.sqrt(4.5))


@pytest.mark.parametrize("metric", [plcc, srcc, krcc])
def test_a_constant_side_gives_nan_not_a_number(metric: object) -> None:
    assert math.isnan(metric(np.ones(5), A[:5]))  # type: ignore[operator]


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        srcc([1, 2], [1, 2, 3])
