"""The figures on naming degradations: those that were kept, of the weights that are bundled, wherever they stand."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.degradation_report import BLOCK, GOALS, percent, report
from training.report.tables import replace_block

ROOT = Path(__file__).parents[2]
FIGURES: dict[str, Any] = json.loads((ROOT / "benchmarks" / "degradation.json").read_text(encoding="utf-8"))


def test_the_model_card_states_the_figures_that_were_kept() -> None:
    card = (ROOT / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert card == replace_block(card, BLOCK, report(FIGURES)), (
        "run: python -m benchmarks.degradation --json benchmarks/degradation.json --card docs/model_card.md"
    )


def test_the_figures_are_those_of_the_bundled_weights() -> None:
    card = json.loads((ROOT / "assets" / "checkpoints" / "lite" / "checkpoint.json").read_text(encoding="utf-8"))
    assert FIGURES["sha256"] == card["sha256"], "lite was exchanged: measure it again"


@pytest.mark.parametrize("goal", ["type_right", "severity_within_a_level", "one_of_two_named_first"])
def test_the_page_on_degradations_states_them_too(goal: str) -> None:
    assert percent(FIGURES[goal]) in (ROOT / "docs" / "degradation.md").read_text(encoding="utf-8")


def test_every_goal_and_every_confusion_has_a_row() -> None:
    text = report(FIGURES)
    assert all(f"| {words}" in text for words in GOALS.values())
    cells = [[cell.strip() for cell in line.split("|")[1:]] for line in text.splitlines() if line.startswith("|")]
    clean = next(row for row in cells if row[0] == "clean")
    assert clean[1] == f"{100 * FIGURES['confusion'][0][0]:.0f}"
