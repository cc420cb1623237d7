"""Drawings of agreement: scores against labels, and measures side by side. matplotlib, without its global state."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

COLOUR, QUIET = "#4f46e5", "#9ca3af"


def draw_scatter(
    path: Path, target: ArrayLike, predicted: ArrayLike, *,
    labels: tuple[str, str], groups: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Draw predictions against labels as a PNG, one colour a group; `labels` name the two axes."""
    x, y = np.asarray(target, float), np.asarray(predicted, float)
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.subplots()
    names = np.asarray(groups if groups is not None else [""] * len(x))
    for name in np.unique(names):
        mine = names == name
        colour = COLOUR if groups is None else None  # None: the next one of matplotlib's cycle
        axes.scatter(x[mine], y[mine], s=10, alpha=0.6, linewidths=0, label=name, color=colour)
    ends = min(x.min(), y.min()), max(x.max(), y.max())
    axes.plot(ends, ends, color=QUIET, linewidth=1, zorder=0)
    axes.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
    if groups is not None:
        axes.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=160)


def draw_bars(path: Path, bars: Mapping[str, Mapping[str, float | None]], *, label: str) -> None:
    """Draw one bar a name as a PNG, with its interval; a bar is {"value", "low", "high"}, None where undefined."""
    known = {name: bar for name, bar in bars.items() if bar["value"] is not None}
    figure = Figure(figsize=(6.4, 0.6 + 0.38 * len(known)), layout="constrained")
    axes = figure.subplots()
    values = np.array([[bar["value"], bar["low"], bar["high"]] for bar in known.values()], dtype=float).reshape(-1, 3)
    errors = np.abs(values[:, 1:] - values[:, :1]).T
    axes.barh(list(known), values[:, 0], xerr=errors, color=COLOUR, ecolor=QUIET, height=0.65)
    axes.invert_yaxis()
    axes.axvline(0, color=QUIET, linewidth=1)
    axes.set(xlabel=label)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=160)
