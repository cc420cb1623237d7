"""Tables and the blocks that generated text stands in."""

import pytest

from training.report.tables import markdown_table, replace_block


def test_columns_are_aligned_and_floats_rounded() -> None:
    lines = markdown_table(("name", "value"), [("blur", 0.12345), ("a longer name", 12)]).splitlines()
    assert lines[2:] == ["| blur          | 0.123 |", "| a longer name | 12    |"]
    assert len({len(line) for line in lines}) == 1


def test_a_cell_cannot_break_the_table() -> None:
    assert markdown_table(("a",), [("x|y\nz",)]).splitlines()[2] == r"| x\|y z |"


def test_only_the_named_block_is_replaced() -> None:
    text = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    new = replace_block(text, "figures", "new")
    assert new == "before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n"
    assert replace_block(new, "figures", "new") == new


@pytest.mark.parametrize("text", ["", "<!-- figures -->", "<!-- /figures --> <!-- figures -->"])
def test_a_missing_block_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="figures"):
        replace_block(text, "figures", "new")
