"""Comparisons of pairs from a CSV."""

from pathlib import Path

import pytest

from annotate.errors import ImportedRatingsError
from annotate.exchange.comparisons import read_comparisons

HEADER = "left,right,participant,preferred,response_ms\n"


def test_a_table_as_excel_writes_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "sep=;\nParticipant;Left;Right;Preferred;Response_ms\nanna;a.png;b.png;Left;812,5\n\nben;a.png;b.png;none;\n"
    )
    comparisons = read_comparisons(path)
    assert comparisons.stimulus_ids == ("a.png", "b.png")
    assert comparisons.preferred.tolist() == [1, 0]
    assert comparisons.response_ms[0] == 812.5


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("", "holds no comparisons"),
        ("a,b,p,left,\na,,p,left,\n", "line 3, names no right"),
        ("a,a,p,left,\n", "line 2, compares a with itself"),
        ("a,b,p,best,\n", "line 2, prefers 'best'; expected left, none, right"),
        ("a,b,p,left,soon\n", "line 2, has the response time 'soon'"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(rows: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(ImportedRatingsError, match=problem):
        read_comparisons(path)


def test_columns_that_are_missing_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("one,other,preferred\na,b,left\n")
    with pytest.raises(ImportedRatingsError, match="lacks the columns left, right and participant; its columns are"):
        read_comparisons(path)
