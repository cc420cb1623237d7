"""An audit as a picture: for every column the mean of each group with its interval, as it is and by damage."""

from io import BytesIO
from typing import TYPE_CHECKING

from fiqa.audit.summary import Audit, ColumnFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#222222", "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Paul Tol's bright scheme after a dark grey for the score as it is; people with colour-blindness tell them apart."""
WIDTH_IN, ROW_IN, DPI = 7.0, 0.42, 160


def draw(audit: Audit, kind: str = "png") -> bytes:
    """Draw an audit, one panel a column, as the bytes of a PNG or SVG; small groups are drawn hollow."""
    from matplotlib.figure import Figure

    rows = [len(column.groups) for column in audit.columns]
    figure = Figure((WIDTH_IN, 1.2 + ROW_IN * sum(rows) + 0.5 * len(rows)), dpi=DPI, layout="constrained")
    panels = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=rows)[:, 0]
    for axes, column in zip(panels, audit.columns, strict=True):
        _panel(axes, column)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    panels[-1].set_xlabel("score, and how much it falls")
    buffer = BytesIO()
    figure.savefig(buffer, format=kind)
    return buffer.getvalue()


def _panel(axes: "Axes", column: ColumnFigures) -> None:
    step = 0.7 / len(column.means)
    for number, (figure, means) in enumerate(column.means.items()):
        colour, label = COLOURS[number % len(COLOURS)], figure
        for row, mean in enumerate(means):
            if mean.mean is None:
                continue
            y = row - 0.35 + (number + 0.5) * step
            if mean.interval:
                axes.plot(mean.interval, (y, y), color=colour, linewidth=1.4)
            face = "none" if mean.is_small else colour
            axes.plot(mean.mean, y, "o", markersize=4.5, color=colour, markerfacecolor=face, label=label)
            label = "_"
    names = [f"{each.group} ({each.people})" for each in next(iter(column.means.values()))]
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title(column.column, loc="left", fontsize="small", fontweight="bold")
    axes.grid(axis="x", linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
