"""Agreement between predictions and opinions: the four figures that image quality papers report."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def plcc(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return Pearson's linear correlation in -1..1; NaN where one side is constant."""
    return _correlation(stats.pearsonr, predicted, target)


def srcc(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return Spearman's rank correlation in -1..1; NaN where one side is constant."""
    return _correlation(stats.spearmanr, predicted, target)


def krcc(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return Kendall's rank correlation (tau-b) in -1..1; NaN where one side is constant."""
    return _correlation(stats.kendalltau, predicted, target)


def rmse(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return the root of the mean squared error, in the unit of the target."""
    return float(np.sqrt(np.mean((np.asarray(predicted, float) - np.asarray(target, float)) ** 2)))


AGREEMENT: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "PLCC": plcc,
    "SRCC": srcc,
    "KRCC": krcc,
    "RMSE": rmse,
}


def _correlation(function: object, predicted: ArrayLike, target: ArrayLike) -> float:
    a, b = np.asarray(predicted, float), np.asarray(target, float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"Need two equally long lists of at least two numbers, got {a.shape} and {b.shape}.")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(function(a, b).statistic)  # type: ignore[operator]
