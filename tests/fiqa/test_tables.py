from fiqa.tables import aligned, interval, markdown_table, number


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([["method", "mean"], ["a", "0.5"]]) == ["method  mean", "a        0.5"]


def test_a_cell_cannot_break_a_markdown_table() -> None:
    assert markdown_table(["group", "mean"], [["a|b", "0.5"]]).splitlines()[-1] == "| a\\|b | 0.5 |"


def test_what_is_not_known_is_a_dash() -> None:
    assert (number(None), interval(None)) == ("–", "–")
    assert (number(0.5, sign="+"), interval((-0.1, 0.25))) == ("+0.500", "-0.100 to 0.250")
