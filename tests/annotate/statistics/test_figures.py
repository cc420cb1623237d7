"""The figures' numbers are those of the table."""

import numpy as np
import pytest

from annotate.statistics.figures import ci95_against_ratings, mos_against_sos, mos_histogram
from annotate.statistics.mos import estimate_mos, student_t
from annotate.statistics.ratings import Ratings
from tests.annotate.simulated import Design, simulate

TABLE = Design(stimuli=100, participants=40, seen=50, golds=0, traps=0, repeats=0, clickers=0)
EMPTY = Ratings.from_columns([], [], [], stimuli=["a"])


def test_histogram_spans_the_scale_and_counts_every_stimulus() -> None:
    table = estimate_mos(simulate(TABLE, seed=0).ratings)
    histogram = mos_histogram(table, bins=8)
    assert histogram.edges.tolist() == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert histogram.counts.sum() == 100


def test_curve_of_the_sos_hypothesis_runs_through_the_points() -> None:
    table = estimate_mos(simulate(TABLE, seed=0).ratings)
    figure = mos_against_sos(table)
    at_points = np.interp(figure.mos, figure.curve_mos, figure.curve_sos)
    assert np.mean(figure.sos**2 - at_points**2) == pytest.approx(0, abs=0.05)
    assert figure.curve_sos[[0, -1]].tolist() == [0, 0]
    assert figure.curve_sos.max() == pytest.approx(2 * np.sqrt(figure.parameter))


def test_interval_narrows_with_ratings_as_students_t_says() -> None:
    table = estimate_mos(simulate(TABLE, seed=0).ratings)
    figure = ci95_against_ratings(table)
    assert figure.ratings[[0, -1]].tolist() == [2, 40]
    assert (np.diff(figure.expected) < 0).all()
    sos = figure.expected * np.sqrt(figure.ratings) / student_t(figure.ratings)
    np.testing.assert_allclose(sos, sos[0])
    assert figure.measured[18] == np.median(table.ci95)  # all have 20
    assert np.isnan(np.delete(figure.measured, 18)).all()
    assert figure.expected[18] == pytest.approx(figure.measured[18], rel=0.1)


def test_study_without_ratings_has_figures_without_points() -> None:
    table = estimate_mos(EMPTY)
    assert mos_histogram(table).counts.sum() == 0
    assert mos_against_sos(table).mos.size == 0
    assert np.isnan(ci95_against_ratings(table).measured).all()
