"""The figures of a study's results: what is drawn is what was measured, and nothing too large to send."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

from annotate.statistics.figures import ci95_against_ratings, mos_against_sos, mos_histogram
from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.ratings import Ratings
from annotate.ui.studies.figures import (
    GRID,
    MOST_POINTS,
    Axes,
    confidence_figure,
    grade_bars,
    histogram_figure,
    intervals_figure,
    sos_figure,
    ticks,
)
from tests.annotate.simulated import simulate_crowd
from tests.annotate.small_studies import small_studies


def table(stimuli: int = 60) -> MosTable:
    return estimate_mos(simulate_crowd(stimuli, 8, per_person=stimuli, seed=3))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1, 5, [1, 2, 3, 4, 5]), (0, 100, [0, 20, 40, 60, 80, 100]), (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8]), (0, 1, None)],
)
def test_ticks_are_round_numbers_within_the_range(low: float, high: float, expected: list[float] | None) -> None:
    found = ticks(low, high)
    assert found == (expected or [0, 0.2, 0.4, 0.6, 0.8, 1])


def test_a_bar_is_as_high_as_its_count() -> None:
    histogram = mos_histogram(table())
    heights = [float(each) for each in re.findall(r'height="([\d.]+)"', histogram_figure(histogram))]
    assert len(heights) == histogram.counts.size
    np.testing.assert_allclose(np.array(heights) / max(heights), histogram.counts / histogram.counts.max(), atol=0.01)


def test_few_pictures_are_points_and_many_are_cells() -> None:
    few = sos_figure(mos_against_sos(table()))
    assert few.count("<circle") == 60
    many = Axes("x", "y", (0, 1), (0, 1)).dots(*np.random.default_rng(1).random((2, 40_000)))
    assert "<circle" not in many
    assert MOST_POINTS < many.count("<rect") <= GRID[0] * GRID[1]
    assert len(many) < 300_000


def test_the_line_of_certainty_falls_with_ratings() -> None:
    svg = confidence_figure(ci95_against_ratings(table()), wanted=20)
    (points,) = re.findall(r'class="fitted" points="([^"]+)"', svg)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert heights == sorted(heights)  # downwards in SVG
    assert 'class="wanted"' in svg


@settings(deadline=None)  # the machine may be busy
@given(ratings=small_studies())
@pytest.mark.slow
def test_every_small_study_has_figures(ratings: Ratings) -> None:
    small = estimate_mos(ratings)
    for svg in (
        histogram_figure(mos_histogram(small)),
        sos_figure(mos_against_sos(small)),
        confidence_figure(ci95_against_ratings(small), wanted=20),
    ):
        assert svg.startswith("<svg")
        assert "nan" not in svg
        assert "inf" not in svg


def test_grades_are_said_to_those_who_do_not_see_them() -> None:
    assert 'aria-label="2 times 1, 4 times 5"' in grade_bars({5.0: 4, 1.0: 2}, (1.0, 2.0, 3.0, 4.0, 5.0))


def test_an_interval_is_as_long_as_it_is_wide_and_names_are_no_markup() -> None:
    unknown = float("nan")
    rows = [("a<b>", 2.0, 1.5, 2.5), ("c", 3.5, 3.0, 5.0), ("d" * 60, 3.0, unknown, unknown)]
    svg = intervals_figure(rows, (1, 5), "MOS")
    lines = re.findall(r'class="interval" x1="([\d.]+)" x2="([\d.]+)"', svg)
    short, long = (float(end) - float(start) for start, end in lines)
    assert long == pytest.approx(2 * short, rel=0.01)
    assert "a&lt;b&gt;: 2.00, 1.50 to 2.50" in svg
    assert "d" * 60 in svg
    assert "d" * 21 + "…" in svg
    assert "nan" not in svg
