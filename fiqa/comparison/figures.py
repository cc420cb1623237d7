"""A comparison as figures: SVG text, by Matplotlib, that follows the light or dark page it stands in.

Matplotlib is imported when a figure is drawn, so that a page is served without waiting for it.
"""

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.comparison.statistics import TIE, PairFigures
from fiqa.reports import shortened
from fiqa.results import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#010203"
"""Drawn in this colour, then replaced by the colour of the text around the figure."""
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Paul Tol's bright scheme, which people with colour-blindness tell apart."""
GAIN, LOSS = "#228833", "#ee6677"
_COMMENTS = re.compile(r"<!--.*?-->", re.DOTALL)
LONGEST_LABEL = 20
"""Letters of a method's name where two have to find room."""
MOST_LINES = 150
"""Slopes drawn at most; of more photos an even choice is drawn."""

Scores = NDArray[np.float64]


def distributions(scores: dict[str, Scores], score_range: Interval) -> str:
    """Draw how the scores of every method are distributed: a density, a box and the photos themselves.

    Names stand above their rows, so that the figure can be read on a narrow screen. `scores` has (N,) of each method,
    NaN where there is none.
    """

    def draw(axes: "Axes") -> None:
        """Draw a row for every method."""
        rng, ink = np.random.default_rng(0), {"color": INK}
        for row, (name, values) in enumerate(_scored(scores)):
            colour = COLOURS[row % len(COLOURS)]
            _name_row(axes, shortened(name, 2 * LONGEST_LABEL), row)
            if not len(values):
                continue
            if np.ptp(values) > 0:
                _half_violin(axes, values, row, colour)
            axes.boxplot(
                values, positions=[row], orientation="horizontal", widths=0.12, showfliers=False, manage_ticks=False,
                boxprops=ink, whiskerprops=ink, capprops=ink, medianprops={"color": colour, "linewidth": 2},
            )  # fmt: skip
            axes.scatter(values, row + 0.22 + 0.1 * rng.uniform(-1, 1, len(values)), 7, colour, alpha=0.8, linewidths=0)
        axes.set_yticks([])
        axes.set_ylim(len(scores) - 0.55, -0.75)
        axes.set_xlim(*score_range)
        axes.set_xlabel("score")

    return svg_figure(
        draw, height=0.7 + 0.9 * len(scores), width=4.2, label="Distribution of the scores of every method"
    )


def slopes(pair: PairFigures, before: Scores, after: Scores) -> str:
    """Draw a line for every photo from its score under `a` to that under `b`; (N,) each, NaN where there is none."""
    a, b = shortened(pair.a, LONGEST_LABEL), shortened(pair.b, LONGEST_LABEL)
    both = np.flatnonzero(~np.isnan(before) & ~np.isnan(after))
    shown = both[np.linspace(0, len(both) - 1, min(MOST_LINES, len(both))).astype(int)] if len(both) else both

    def draw(axes: "Axes") -> None:
        """Draw a line for every photo, and one for the means."""
        for first, second in zip(before[shown], after[shown], strict=True):
            colour = GAIN if second - first >= TIE else LOSS if first - second >= TIE else COLOURS[-1]
            axes.plot([0, 1], [first, second], color=colour, alpha=0.75, linewidth=0.9)
        if len(both):
            axes.plot([0, 1], [before[both].mean(), after[both].mean()], color=INK, linewidth=2.5, marker="o")
        axes.set_xticks([0, 1], [a, b])
        axes.set_xlim(-0.15, 1.15)
        axes.set_ylabel("score")

    return svg_figure(draw, height=3.6, width=3.6, label=f"Scores of each photo under {pair.a} and {pair.b}")


def gain_against_input(pair: PairFigures, before: Scores, after: Scores) -> str:
    """Draw what each photo gained, b − a, against its score under `a`; (N,) each, NaN where there is none."""
    a, b = shortened(pair.a, LONGEST_LABEL), shortened(pair.b, LONGEST_LABEL)
    gains = after - before

    def draw(axes: "Axes") -> None:
        """Draw a point for every photo."""
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.scatter(before, gains, 14, np.where(gains >= 0, GAIN, LOSS), alpha=0.85, linewidths=0)
        axes.set_xlabel(f"score under {a}")
        axes.set_ylabel(f"{b} − {a}")

    return svg_figure(
        draw, height=3.6, width=3.6, label=f"Gain of {pair.b} over {pair.a} against the score under {pair.a}"
    )


def win_matrix(methods: Sequence[str], pairs: Sequence[PairFigures]) -> str:
    """Draw in how many photos the method of each row beats that of each column, ties counted as half."""
    labels = [shortened(method, LONGEST_LABEL) for method in methods]
    shares = np.full((len(methods), len(methods)), np.nan)
    for pair in pairs:
        if pair.win_rate is not None:
            a, b = methods.index(pair.a), methods.index(pair.b)
            shares[b, a], shares[a, b] = pair.win_rate, 1 - pair.win_rate

    def draw(axes: "Axes") -> None:
        """Draw a cell for every two methods."""
        axes.imshow(shares, cmap="PRGn", vmin=-0.4, vmax=1.4)  # light enough for what is written on it
        for row, column in zip(*np.nonzero(~np.isnan(shares)), strict=True):
            axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", color="black")
        axes.set_xticks(range(len(methods)), labels, rotation=30, ha="right")
        axes.set_yticks(range(len(methods)), labels)
        axes.set_xlabel("is beaten")
        axes.set_ylabel("beats")

    side = 1.6 + 0.6 * len(methods)
    return svg_figure(draw, height=side, width=side + 0.6, label="Share of photos in which one method beats another")


def _scored(scores: dict[str, Scores]) -> list[tuple[str, Scores]]:
    return [(name, values[~np.isnan(values)]) for name, values in scores.items()]


def _name_row(axes: "Axes", name: str, row: int) -> None:
    """Write a method's name at the left above what is drawn in its row; it may hold signs of mathematics."""
    axes.text(
        0.015, row - 0.58, name, transform=axes.get_yaxis_transform(), color=INK, va="center", parse_math=False,
    )  # fmt: skip


def _half_violin(axes: "Axes", values: Scores, row: int, colour: str) -> None:
    """Draw the density of values (N,) above their row."""
    from scipy.stats import gaussian_kde

    places = np.linspace(values.min(), values.max(), 128)
    density = gaussian_kde(values)(places)
    axes.fill_between(
        places, row - 0.1, row - 0.1 - 0.35 * density / density.max(), color=colour, alpha=0.6, linewidth=0
    )


def svg_figure(draw: "Callable[[Axes], None]", *, height: float, width: float = 7.2, label: str) -> str:
    """Return what `draw` puts on its axes as SVG, in inches of `width` and `height`, named `label` for who listens."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    draw(axes)
    _ink(axes)
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Title": label})
    drawn = buffer.getvalue()
    drawn = _COMMENTS.sub("", drawn[drawn.index("<svg") :])  # they repeat what is written
    return drawn.replace(INK, "currentColor").replace("<svg ", '<svg role="img" ', 1)


def _ink(axes: "Axes") -> None:
    """Draw frame, ticks and labels in `INK`; names may hold signs of mathematics, which stay as they are."""
    axes.tick_params(colors=INK)
    for side, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    for text in (axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_color(INK)
        text.set_parse_math(False)
