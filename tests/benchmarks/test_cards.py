"""Blocks of figures in model cards."""

from pathlib import Path

import pytest

from benchmarks.cards import write_block
from training.errors import DataError


def test_a_block_is_replaced_and_the_rest_of_the_card_stays(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n<!-- mine -->\nold\n<!-- /mine -->\nend\n")
    write_block(card, "mine", "new")
    assert card.read_text() == "# Card\n<!-- mine -->\n\nnew\n\n<!-- /mine -->\nend\n"


def test_a_card_without_a_place_for_the_figures_is_left_alone(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    with pytest.raises(DataError, match="cannot take the figures"):
        write_block(card, "mine", "new")
    assert card.read_text() == "# Card\n"
