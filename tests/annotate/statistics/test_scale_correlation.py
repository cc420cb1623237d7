"""The scales of a study are correlated by their MOS, over the pictures that have both."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.ratings import Ratings
from annotate.statistics.scale_correlation import correlate_scales

MOS = np.array([1.0, 2.2, 3.1, 4.0, 4.8, 2.5, 3.3])


def table_of(mos: np.ndarray) -> MosTable:
    names = [f"{number}.png" for number in range(mos.size)]
    return replace(estimate_mos(Ratings.from_columns(names, names, np.full(mos.size, 3.0))), mos=mos)


def test_each_two_scales_are_compared_as_scipy_does_with_an_interval_by_bonett_and_wright() -> None:
    other = MOS[[1, 0, 2, 4, 3, 5, 6]] + 0.1
    missing = np.where(np.arange(MOS.size) == 6, np.nan, MOS)
    found = correlate_scales({"overall": table_of(MOS), "details": table_of(other), "exposure": table_of(missing)})
    assert [(each.a, each.b, each.pictures) for each in found] == [
        ("overall", "details", 7), ("overall", "exposure", 6), ("details", "exposure", 6),
    ]  # fmt: skip
    first = found[0]
    assert first.srcc == pytest.approx(stats.spearmanr(MOS, other).statistic)
    assert first.plcc == pytest.approx(stats.pearsonr(MOS, other).statistic)
    width = 1.959964 * math.sqrt((1 + first.srcc**2 / 2) / 4)
    assert math.atanh(first.srcc_high) - math.atanh(first.srcc) == pytest.approx(width, rel=1e-5)
    assert math.atanh(first.srcc) - math.atanh(first.srcc_low) == pytest.approx(width, rel=1e-5)
    assert (found[1].srcc, found[1].srcc_low, found[1].srcc_high) == pytest.approx((1, 1, 1))


def test_nothing_is_said_of_few_pictures_or_of_equal_ones() -> None:
    (few,) = correlate_scales({"overall": table_of(MOS[:4]), "details": table_of(MOS[:4])})
    (equal,) = correlate_scales({"overall": table_of(MOS), "details": table_of(np.full(MOS.size, 3.0))})
    assert [(each.pictures, each.row()["srcc"], each.row()["plcc"]) for each in (few, equal)] == [
        (4, None, None), (7, None, None),
    ]  # fmt: skip
