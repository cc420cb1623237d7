"""Whatever a few people say of a few pictures, every statistic is a figure in its range, or says that it is none."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.statistics.figures import ci95_against_ratings, mos_against_sos, mos_histogram
from annotate.statistics.findings import ScreeningRules
from annotate.statistics.mos import estimate_mos
from annotate.statistics.participant_checks import agreement
from annotate.statistics.planning import missing_ratings, next_batch
from annotate.statistics.ratings import Ratings
from annotate.statistics.reliability import estimate_reliability
from annotate.statistics.screening import screen
from tests.annotate.small_studies import small_studies

CORRELATIONS = ("icc_single", "icc_mean", "krippendorff_alpha", "split_half_srcc", "spearman_brown_srcc")
STRICT = ScreeningRules(fewest_votes=1, fewest_repeats=1, failed_items=1, longest_run=3)
"""Checks that judge whoever gave a single vote, so that small studies reach every line."""


def in_range(values: object, low: float, high: float) -> bool:
    """Return whether every figure that there is lies from low to high, but for rounding."""
    array = np.asarray(values, np.float64)
    known = array[~np.isnan(array)]
    return bool(np.isfinite(known).all() and (known >= low - 1e-9).all() and (known <= high + 1e-9).all())


@settings(deadline=None)  # the machine may be busy
@given(ratings=small_studies())
def test_mos_and_its_figures_stay_on_the_scale(ratings: Ratings) -> None:
    table = estimate_mos(ratings)
    assert in_range(table.mos, table.scale_low, table.scale_high)
    assert in_range(table.sos, 0, ratings.scale_range)
    assert in_range(table.ci95, 0, np.inf)
    json.dumps([*table.rows(), *table.participant_rows()], allow_nan=False)
    assert mos_histogram(table).counts.sum() == (table.ratings > 0).sum()
    assert in_range(mos_against_sos(table).curve_sos, 0, ratings.scale_range / 2)
    assert in_range(ci95_against_ratings(table).expected, 0, np.inf)


@settings(deadline=None)  # the machine may be busy
@given(ratings=small_studies())
@pytest.mark.slow
def test_agreement_is_a_correlation_or_undefined(ratings: Ratings) -> None:
    row = estimate_reliability(ratings).row()
    json.dumps(row, allow_nan=False)
    assert in_range([row[name] for name in CORRELATIONS], -1, 1)
    assert in_range([row["split_half_srcc_sd"], row["sos_parameter"]], 0, 1)
    compared = agreement(ratings)
    assert in_range(compared.correlation, -1, 1)
    assert in_range(compared.at_most, -1, 1)
    graded = ratings.grade[ratings.counted]
    if np.unique(graded).size == 1:
        assert {row[name] for name in CORRELATIONS} == {None}


@pytest.mark.parametrize("rules", [ScreeningRules(), STRICT], ids=["default", "strict"])
@settings(deadline=None)  # the machine may be busy
@given(ratings=small_studies())
@pytest.mark.slow
def test_screening_judges_everybody_by_finite_figures(ratings: Ratings, rules: ScreeningRules) -> None:
    found = screen(ratings, rules)
    json.dumps([finding.row() for finding in found.findings], allow_nan=False)
    assert "nan" not in " ".join(finding.reason for finding in found.findings)
    assert found.used.shape == (len(ratings),)


@settings(deadline=None)  # the machine may be busy
@given(ratings=small_studies(), ci95=st.sampled_from((None, 0.1, 1.0)))
def test_plan_lists_exactly_the_pictures_that_miss_ratings(ratings: Ratings, ci95: float | None) -> None:
    table = estimate_mos(ratings)
    missing = missing_ratings(table, wanted_ci95=ci95)
    batch = next_batch(table, 8, wanted_ci95=ci95)
    json.dumps([candidate.row() for candidate in batch], allow_nan=False)
    listed = {candidate.stimulus for candidate in batch}
    assert listed == {name for name, count in zip(table.stimulus_ids, missing, strict=True) if count}
    assert all(candidate.after_one < candidate.uncertainty for candidate in batch)


@pytest.mark.parametrize("second", [(5, 4), (4, 3), (3, 3)])
def test_pilot_of_two_people_who_order_two_pictures_the_opposite_way_has_figures(second: tuple[int, int]) -> None:
    pilot = Ratings.from_columns(["a", "b"] * 2, ["p", "p", "q", "q"], [3, 4, *second])
    row = estimate_reliability(pilot).row()
    assert in_range([row[name] for name in CORRELATIONS], -1, 1)
    assert row["spearman_brown_srcc"] == row["split_half_srcc"]  # both are -1, or undefined
