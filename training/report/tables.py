"""Tables that read well on a terminal and in a Markdown file, so that both show the same."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an aligned Markdown table; floats have three decimals."""
    body = [[_cell(value) for value in row] for row in rows]
    lines = [[_cell(column) for column in columns], *body]
    widths = [max(3, *(len(line[index]) for line in lines)) for index in range(len(columns))]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(line, widths) for line in [lines[0], rule, *body])


def replace_block(text: str, name: str, content: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`; raise ValueError when they are not there."""
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, opened, rest = text.partition(opening)
    _, closed, after = rest.partition(closing)
    if not opened or not closed:
        raise ValueError(f"it has no block from {opening} to {closing}")
    return f"{before}{opening}\n\n{content.strip()}\n\n{closing}{after}"


def _cell(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text.replace("|", r"\|").replace("\n", " ")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
