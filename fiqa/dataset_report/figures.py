"""Figures of a report of scores: SVG text, drawn as those of a comparison are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.comparison.figures import COLOURS, INK, svg_figure
from fiqa.dataset_report.summary import SliceFigures
from fiqa.results import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 50


def histogram(scores: dict[str, NDArray[np.float64]], ends: Interval) -> str:
    """Draw the share of the photos (N,) of every set by score."""

    def draw(axes: "Axes") -> None:
        """Draw one outline for each set."""
        for (name, values), colour in zip(scores.items(), COLOURS, strict=False):
            counts, edges = np.histogram(values, BARS, ends)
            axes.stairs(100 * counts / len(values), edges, fill=True, color=colour, alpha=0.5, label=name)
        axes.set_xlim(*ends)
        axes.set_xlabel("score")
        axes.set_ylabel("% of the photos")
        if len(scores) > 1:
            for text in axes.legend(frameon=False).get_texts():
                text.set_color(INK)
                text.set_parse_math(False)

    return svg_figure(draw, height=3, label="How many photos have which score")


def means(column: str, groups: Sequence[SliceFigures]) -> str:
    """Draw the mean of every group with its interval."""
    told = [(each.group, each.mean, each.interval) for each in groups if each.mean is not None]

    def draw(axes: "Axes") -> None:
        """Draw a point and a line for each group."""
        for row, (_, mean, interval) in enumerate(told):
            axes.plot(mean, row, "o", color=COLOURS[0])
            if interval is not None:
                axes.plot(interval, [row, row], color=COLOURS[0])
        axes.set_yticks(range(len(told)), [group for group, _, _ in told])
        axes.invert_yaxis()
        axes.set_xlabel("mean score")

    return svg_figure(draw, height=0.9 + 0.3 * len(told), label=f"Mean score by {column}")
