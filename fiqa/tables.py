"""Rows of cells as text: aligned columns for a terminal, Markdown for a page."""

from collections.abc import Sequence

from fiqa.results import Interval

NONE = "–"
Rows = Sequence[Sequence[str]]


def aligned(rows: Rows) -> list[str]:
    """Return rows of cells as lines with aligned columns, the first to the left and numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]


def markdown_table(heads: Sequence[str], rows: Rows) -> str:
    """Return a table in GitHub's Markdown, numbers to the right, with a line end."""
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)],
        *([cell.replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value: float | None, *, sign: str = "") -> str:
    """Return a number with three decimals, a dash for None."""
    return NONE if value is None else f"{value:{sign}.3f}"


def interval(ends: Interval | None, *, sign: str = "") -> str:
    """Return an interval as "0.123 to 0.456", a dash for None."""
    return NONE if ends is None else f"{ends[0]:{sign}.3f} to {ends[1]:{sign}.3f}"
