"""The command that puts comparisons of pairs on a scale."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotate.__main__ import main

Scale = Callable[..., Any]


@pytest.fixture
def scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scale:
    """Run the command on a table of five comparisons, and return what it says as JSON."""
    table = tmp_path / "pairs.csv"
    rows = ["left,right,participant,preferred", *["a,b,p,left"] * 3, "b,a,q,left", "c,d,q,none"]
    table.write_text("\n".join(rows))

    def run(*options: str) -> Any:
        assert main(["scale", str(table), "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("options", [(), ("--model", "bradley-terry"), ("--bootstrap", "5")])
def test_comparisons_get_a_scale_per_group(scale: Scale, options: tuple[str, ...]) -> None:
    rows = scale(*options)
    assert [row["stimulus"] for row in rows if row["group"] == 1] == ["a", "b"]
    assert rows[0]["jod"] == pytest.approx(-rows[1]["jod"])
    assert rows[0]["jod"] > 0


def test_figures_of_participants_and_the_next_pairs_are_told(scale: Scale) -> None:
    assert [row["comparisons"] for row in scale("--participants")] == [3, 2]
    assert len(scale("--next", "2")) == 2


def test_a_table_without_comparisons_is_one_line_and_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.csv").write_text("left,right,participant,preferred\n")
    assert main(["scale", str(tmp_path / "empty.csv")]) == 1
    assert capsys.readouterr().err == "annotate: empty.csv holds no comparisons.\n"
