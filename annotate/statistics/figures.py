"""The numbers behind a study's figures; the tab draws them.

Shapes: J stimuli, B bins, N points of a curve.
"""

from dataclasses import dataclass

import numpy as np

from annotate.statistics.mos import MosTable, expected_sos, half_width, sos_parameter
from annotate.statistics.ratings import Indices, Numbers

BINS = 20
FEWEST_POINTS = 40


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many stimuli (B,) have a MOS between each two of the edges (B + 1,), which span the scale."""

    edges: Numbers
    counts: Indices


@dataclass(frozen=True, eq=False)
class SosFigure:
    """MOS and SOS of every stimulus that has both (at most J,), and the SOS hypothesis through them (N,)."""

    mos: Numbers
    sos: Numbers
    curve_mos: Numbers
    curve_sos: Numbers
    parameter: float


@dataclass(frozen=True, eq=False)
class ConfidenceFigure:
    """CI95 in grades against the number of ratings (N,): the middle stimulus measured, and what is to be expected.

    measured: median over the stimuli with exactly so many ratings, NaN where there is none
    expected: for a stimulus of the study's typical SOS
    """

    ratings: Indices
    measured: Numbers
    expected: Numbers


def mos_histogram(table: MosTable, bins: int = BINS) -> Histogram:
    """Return how the MOS spread over the scale."""
    counts, edges = np.histogram(table.mos[~np.isnan(table.mos)], bins, (table.scale_low, table.scale_high))
    return Histogram(edges, counts.astype(np.int64))


def mos_against_sos(table: MosTable, points: int = 101) -> SosFigure:
    """Return SOS against MOS with the curve of the SOS hypothesis, NaN where there is nothing to fit."""
    known = ~np.isnan(table.sos)
    mos = np.linspace(table.scale_low, table.scale_high, points)
    parameter = sos_parameter(table)
    sos = np.sqrt(parameter * (mos - table.scale_low) * (table.scale_high - mos))
    return SosFigure(table.mos[known], table.sos[known], mos, sos, parameter)


def ci95_against_ratings(table: MosTable) -> ConfidenceFigure:
    """Return how the interval narrows with ratings, from 2 to twice as many as there are and at least 40."""
    most = max(FEWEST_POINTS, 2 * int(table.ratings.max(initial=0)))
    ratings = np.arange(2, most + 1)
    measured = [np.median(found) if (found := table.ci95[table.ratings == count]).size else np.nan for count in ratings]
    sos = expected_sos(table)
    typical = np.full(ratings.size, np.sqrt(np.mean(sos**2)) if sos.size else np.nan)
    return ConfidenceFigure(ratings, np.array(measured), half_width(typical, ratings))
