"""Reliability figures are those of the published examples, and recover what was planted."""

import math

import krippendorff
import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from annotate.statistics.mos import estimate_mos
from annotate.statistics.ratings import Ratings
from annotate.statistics.reliability import (
    estimate_reliability,
    icc,
    krippendorff_alpha,
    spearman_brown,
    split_half_srcc,
)
from tests.annotate.simulated import Design, simulate

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Six targets, four judges: table 2 of the paper of 1979."""
_ = math.nan
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
"""Four observers, twelve units: the example of "Computing Krippendorff's Alpha-Reliability" (2011)."""
HONEST = Design(golds=0, traps=0, repeats=0, clickers=0)


def long_format(matrix: ArrayLike, scale: tuple[float, float]) -> Ratings:
    """Return the ratings of a matrix (J, I) with NaN where there are none."""
    grades = np.asarray(matrix, float)
    stimulus, participant = np.nonzero(~np.isnan(grades))
    return Ratings.from_columns(stimulus, participant, grades[stimulus, participant], scale=scale)


def test_icc_is_that_of_shrout_and_fleiss() -> None:
    single, mean = icc(long_format(SHROUT_FLEISS, (1, 10)))
    assert single == pytest.approx(0.17, abs=5e-3)
    assert mean == pytest.approx(0.44, abs=5e-3)


def test_icc_of_an_incomplete_design_is_the_share_of_the_stimuli_in_the_variance() -> None:
    rng = np.random.default_rng(0)
    stimulus = np.repeat(np.arange(3000), rng.integers(1, 12, 3000))
    grade = rng.normal(0, 2, 3000)[stimulus] + rng.normal(0, 1, stimulus.size)
    single, _mean = icc(Ratings.from_columns(stimulus, np.arange(stimulus.size), grade))
    assert single == pytest.approx(4 / 5, abs=0.01)


def test_krippendorffs_alpha_is_that_of_the_example() -> None:
    assert krippendorff_alpha(long_format(np.transpose(KRIPPENDORFF), (1, 5))) == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_of_categories_is_that_of_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.clip(np.round(rng.uniform(1, 5, (60, 1)) + rng.normal(0, 1, (60, 7))), 1, 5)
    matrix[rng.random(matrix.shape) < 0.6] = np.nan
    reference = krippendorff.alpha(reliability_data=matrix.T, level_of_measurement="ordinal")
    assert krippendorff_alpha(long_format(matrix, (1, 5))) == pytest.approx(reference, abs=1e-12)


@pytest.mark.slow
def test_alpha_of_a_continuous_scale_is_nearly_that_of_its_unrounded_grades() -> None:
    rng = np.random.default_rng(0)
    matrix = np.clip(rng.uniform(5, 95, (80, 1)) + rng.normal(0, 12, (80, 8)), 0, 100)
    matrix[rng.random(matrix.shape) < 0.4] = np.nan
    exact = krippendorff.alpha(reliability_data=matrix.T, level_of_measurement="interval")
    assert krippendorff_alpha(long_format(matrix, (0, 100))) == pytest.approx(exact, abs=1e-3)


def test_split_halves_are_disjoint_groups_of_participants() -> None:
    rng = np.random.default_rng(1)
    likes = rng.normal(size=(2, 40))  # two camps of one person each: no half agrees with the other
    ratings = long_format(likes.T, (-4, 4))
    expected = stats.spearmanr(*likes).statistic
    np.testing.assert_allclose(split_half_srcc(ratings, seed=0, splits=5), expected)


def test_split_halves_foretell_how_well_a_second_study_would_agree() -> None:
    """Spearman-Brown's figure for the full MOS is the SRCC with the MOS of as many other people."""
    together = simulate(Design(participants=200, golds=0, traps=0, repeats=0, clickers=0), seed=0)
    first, second = (together.ratings.participant % 2 == half for half in (0, 1))
    mos = [estimate_mos(together.ratings, half).mos for half in (first, second)]
    foretold = estimate_reliability(together.ratings, first)
    assert foretold.spearman_brown_srcc == pytest.approx(stats.spearmanr(*mos).statistic, abs=0.006)
    assert foretold.spearman_brown_srcc == pytest.approx(spearman_brown(foretold.split_half_srcc, 2))


def test_figures_are_the_same_for_the_same_seed() -> None:
    ratings = simulate(HONEST, seed=0).ratings
    assert estimate_reliability(ratings, seed=3) == estimate_reliability(ratings, seed=3)
    assert estimate_reliability(ratings, seed=3) != estimate_reliability(ratings, seed=4)


def test_random_clickers_lower_every_figure() -> None:
    study = simulate(Design(golds=0, traps=0, repeats=0), seed=0)
    honest = estimate_reliability(study.ratings, ~study.clicker[study.ratings.participant])
    mixed = estimate_reliability(study.ratings)
    assert mixed.icc_single < honest.icc_single
    assert mixed.icc_mean < honest.icc_mean
    assert mixed.krippendorff_alpha < honest.krippendorff_alpha
    assert mixed.split_half_srcc < honest.split_half_srcc
    assert mixed.sos_parameter > honest.sos_parameter


def test_perfect_agreement_is_one() -> None:
    figures = estimate_reliability(long_format(np.repeat([[1.0], [3.0], [4.0]], 6, axis=1), (1, 5)))
    assert [figures.icc_single, figures.icc_mean, figures.krippendorff_alpha] == pytest.approx([1, 1, 1])
    assert figures.spearman_brown_srcc == pytest.approx(1)
    assert figures.sos_parameter == 0


@pytest.mark.parametrize("matrix", [np.full((0, 0), np.nan), [[3.0]], [[3.0], [4.0]], [[3.0, 3.0], [3.0, 3.0]]])
def test_too_little_to_say_is_said(matrix: ArrayLike) -> None:
    row = estimate_reliability(long_format(matrix, (1, 5))).row()
    assert row["krippendorff_alpha"] is None
    assert row["split_half_srcc"] is None
    assert row["icc_single"] is None
