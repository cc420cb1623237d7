"""The figures of a study's results, as SVG text: crisp at any zoom, in the colours of the page, a few KB each.

Thousands of points are drawn as cells of a grid, the darker the more points are in it. What is drawn is computed in
`annotate.statistics.figures`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotate.statistics.ratings import Numbers
from annotate.ui.studies.html import text

if TYPE_CHECKING:
    from annotate.statistics.figures import ConfidenceFigure, Histogram, SosFigure

MOST_POINTS = 600
GRID = (64, 40)
WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 40
ROWS_WIDTH, ROW_HEIGHT, LONGEST_NAME = 420, 24, 22
"""Of figures that have a row for each of several names."""


@dataclass(frozen=True)
class Axes:
    """The frame of a figure; ranges are (low, high)."""

    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """Return where a value is, in units of the drawing."""
        low, high = self.x_range
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Return where a value is, in units of the drawing."""
        low, high = self.y_range
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def draw(self, marks: str, described: str) -> str:
        """Return the figure with its ticks and labels around the marks."""
        bottom, end = HEIGHT - BOTTOM, WIDTH - RIGHT
        across = "".join(
            f'<text class="tick" x="{self.x(each):.1f}" y="{bottom + 15}" text-anchor="middle">{each:g}</text>'
            for each in ticks(*self.x_range)
        )
        along = "".join(
            f'<line class="grid" x1="{LEFT}" x2="{end}" y1="{self.y(each):.1f}" y2="{self.y(each):.1f}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{self.y(each) + 4:.1f}" text-anchor="end">{each:g}</text>'
            for each in ticks(*self.y_range)
        )
        middle_x, middle_y = (LEFT + end) / 2, (TOP + bottom) / 2
        return (
            f'<svg class="figure" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{described}">{along}{marks}'
            f'<line class="axis" x1="{LEFT}" x2="{end}" y1="{bottom}" y2="{bottom}"/>{across}'
            f'<text class="label" x="{middle_x}" y="{HEIGHT - 6}" text-anchor="middle">{self.x_label}</text>'
            f'<text class="label" x="11" y="{middle_y}" text-anchor="middle" '
            f'transform="rotate(-90 11 {middle_y})">{self.y_label}</text></svg>'
        )

    def line(self, xs: Iterable[float], ys: Iterable[float], kind: str) -> str:
        """Return a line through the points that are numbers."""
        points = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
        return f'<polyline class="{kind}" points="{" ".join(points)}"/>' if points else ""

    def dots(self, xs: Numbers, ys: Numbers) -> str:
        """Return a dot per point, or cells of a grid where there are too many points."""
        if xs.size > MOST_POINTS:
            return self._cells(xs, ys)
        return "".join(
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="2.4"/>'
            for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
        )

    def _cells(self, xs: Numbers, ys: Numbers) -> str:
        counts, x_edges, y_edges = np.histogram2d(xs, ys, GRID, (self.x_range, self.y_range))
        wide, high = self.x(x_edges[1]) - self.x(x_edges[0]), self.y(y_edges[0]) - self.y(y_edges[1])
        columns, rows = np.nonzero(counts)
        shades = np.sqrt(counts / counts.max())  # that single points are seen beside hundreds
        return "".join(
            f'<rect x="{self.x(x_edges[column]):.1f}" y="{self.y(y_edges[row + 1]):.1f}" width="{wide:.2f}" '
            f'height="{high:.2f}" opacity="{shades[column, row]:.2f}"/>'
            for column, row in zip(columns.tolist(), rows.tolist(), strict=True)
        )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers within a range, about so many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(each for each in (1, 2, 5, 10) if rough <= each * power * (1 + 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def histogram_figure(histogram: "Histogram") -> str:
    """Draw how many pictures have which MOS."""
    edges = histogram.edges.tolist()
    axes = Axes("MOS", "Pictures", (edges[0], edges[-1]), (0, max(1, int(histogram.counts.max(initial=0)))))
    bars = "".join(
        f'<rect class="grade-{_fifth(index, len(edges) - 1)}" x="{axes.x(low) + 0.7:.1f}" y="{axes.y(count):.1f}" '
        f'width="{axes.x(high) - axes.x(low) - 1.4:.1f}" height="{axes.y(0) - axes.y(count):.1f}">'
        f"<title>{low:g} to {high:g}: {count:,}</title></rect>"
        for index, (low, high, count) in enumerate(zip(edges, edges[1:], histogram.counts.tolist(), strict=False))
    )
    return axes.draw(bars, f"Histogram of the MOS of {int(histogram.counts.sum())} pictures")


def sos_figure(figure: "SosFigure") -> str:
    """Draw SOS against MOS with the curve of the SOS hypothesis."""
    ends = float(figure.curve_mos[0]), float(figure.curve_mos[-1])
    highest = float(np.nanmax([*figure.sos, *figure.curve_sos, (ends[1] - ends[0]) / 4]))
    axes = Axes("MOS", "SOS", ends, (0, 1.05 * highest))
    curve = axes.line(figure.curve_mos.tolist(), figure.curve_sos.tolist(), "fitted")
    fitted = "" if math.isnan(figure.parameter) else f", a = {figure.parameter:.3f}"
    return axes.draw(axes.dots(figure.mos, figure.sos) + curve, f"SOS against MOS{fitted}")


def confidence_figure(figure: "ConfidenceFigure", wanted: int) -> str:
    """Draw how the interval narrows with ratings, measured and to be expected, and where the design ends."""
    finite = [each for each in (*figure.measured, *figure.expected) if math.isfinite(each)]
    ratings = figure.ratings.tolist()
    shown = [index for index, expected in enumerate(figure.expected.tolist()) if not expected > _clipped(finite)]
    axes = Axes("Ratings of a picture", "CI95, grades", (0, ratings[-1]), (0, 1.05 * _clipped(finite)))
    marks = axes.line((ratings[i] for i in shown), (float(figure.expected[i]) for i in shown), "fitted")
    known = [index for index in shown if math.isfinite(figure.measured[index])]
    within = [index for index in known if figure.measured[index] <= axes.y_range[1]]
    marks += axes.dots(figure.ratings[within].astype(float), figure.measured[within])
    if wanted <= ratings[-1]:
        x = axes.x(wanted)
        marks += f'<line class="wanted" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    return axes.draw(marks, f"CI95 against the number of ratings, {wanted} wanted")


def intervals_figure(rows: Sequence[tuple[str, float, float, float]], ends: tuple[float, float], label: str) -> str:
    """Draw a row a name: a point at its value, and a line from the low to the high end of its interval, if known.

    Names that are long are cut; pointing at one tells it, with the numbers.
    """
    bottom, right = TOP + ROW_HEIGHT * len(rows), ROWS_WIDTH - 3 * RIGHT
    left = 24 + 6.2 * min(LONGEST_NAME, max(len(name) for name, *_ in rows))

    def x(value: float) -> float:
        """Return where a value is, in units of the drawing; beyond an end, at it."""
        return left + (right - left) * (min(max(value, ends[0]), ends[1]) - ends[0]) / (ends[1] - ends[0])

    grid = "".join(
        f'<line class="grid" x1="{x(each):.1f}" x2="{x(each):.1f}" y1="{TOP}" y2="{bottom}"/>'
        f'<text class="tick" x="{x(each):.1f}" y="{bottom + 15}" text-anchor="middle">{each:g}</text>'
        for each in ticks(*ends)
    )
    drawn = "".join(_interval(row, x, TOP + ROW_HEIGHT * (place + 0.5), left) for place, row in enumerate(rows))
    height, middle = bottom + BOTTOM, (left + right) / 2
    return (
        f'<svg class="figure" viewBox="0 0 {ROWS_WIDTH} {height}" role="img" aria-label="{label}">{grid}{drawn}'
        f'<text class="label" x="{middle:.1f}" y="{height - 6}" text-anchor="middle">{label}</text></svg>'
    )


def _interval(row: tuple[str, float, float, float], x: Callable[[float], float], y: float, left: float) -> str:
    """Draw one row: its name, which ends at `left`, its point and its interval."""
    name, value, low, high = row
    shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    known = math.isfinite(low) and math.isfinite(high)
    within = f", {low:.2f} to {high:.2f}" if known else ""
    line = f'<line class="interval" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"/>' if known else ""
    point = f'<circle cx="{x(value):.1f}" cy="{y}" r="4"/>' if math.isfinite(value) else ""
    return (
        f"<g><title>{text(name)}: {value:.2f}{within}</title>"
        f'<text class="name" x="{left - 10:.1f}" y="{y + 4}" text-anchor="end">{text(shown)}</text>{line}{point}</g>'
    )


def ranked_figure(values: Numbers, low: Numbers, high: Numbers, ends: tuple[float, float], label: str) -> str:
    """Draw many values (J,), which stand in order, by their rank, each with its interval from low to high (J,)."""
    ranks = np.arange(1, values.size + 1)
    axes = Axes("Rank", label, (0, values.size + 1), ends)
    marks = "".join(
        f'<line class="interval" x1="{axes.x(rank):.1f}" x2="{axes.x(rank):.1f}" y1="{axes.y(bottom):.1f}" '
        f'y2="{axes.y(top):.1f}" opacity="0.35"/>'
        for rank, bottom, top in zip(ranks.tolist(), low.tolist(), high.tolist(), strict=True)
        if values.size <= MOST_POINTS
    )
    return axes.draw(marks + axes.dots(ranks.astype(float), values), f"{label} of {values.size} pictures by rank")


def grade_bars(counts: dict[float, int], grades: Sequence[float]) -> str:
    """Draw how often each grade was given to one picture."""
    highest = max(1, *counts.values())
    bars = "".join(
        f'<i class="grade-{_fifth(index, len(grades))}" style="height:{100 * counts.get(grade, 0) / highest:.0f}%" '
        f'title="{grade:g}: {counts.get(grade, 0)}"></i>'
        for index, grade in enumerate(grades)
    )
    return f'<div class="grades" role="img" aria-label="{_translate_errors(counts)}">{bars}</div>'


def _translate_errors(counts: dict[float, int]) -> str:
    return ", ".join(f"{count} times {grade:g}" for grade, count in sorted(counts.items())) or "no grades"


def _clipped(values: Sequence[float]) -> float:
    """Return the largest value worth drawing: with two ratings an interval is many grades wide, or none at all."""
    highest, middle = max(values, default=0.0), float(np.median(values)) if values else 0.0
    return min(highest, 4 * middle) or highest or 1.0


def _fifth(index: int, count: int) -> int:
    """Return which fifth of the scale a bar is in, 1..5."""
    return min(5, 5 * index // count + 1)
