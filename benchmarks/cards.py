"""Figures in model cards: each benchmark has a block of its own there, and writes nothing else."""

from pathlib import Path

from training.errors import DataError
from training.report.tables import replace_block


def write_block(card: Path, name: str, content: str) -> None:
    """Replace the block of a model card that holds a benchmark's figures; raise DataError when it has none."""
    try:
        text = replace_block(card.read_text(encoding="utf-8"), name, content)
    except ValueError as error:
        raise DataError(f"{card} cannot take the figures: {error}.") from error
    card.write_text(text, encoding="utf-8")
