"""The report: one set of figures, the same on the terminal, in the model card and in the drawings."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import accuracy
from benchmarks.accuracy_report import BLOCK, draw_figures, report
from training.report.tables import replace_block

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "accuracy.json"
FIGURES: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))


def test_the_model_card_states_the_figures_that_were_kept() -> None:
    card = (ROOT / "docs" / "model_card.md").read_text(encoding="utf-8")
    written = replace_block(card, BLOCK, report(FIGURES))
    assert card == written, (
        "run: python -m benchmarks.accuracy --read benchmarks/accuracy.json --card docs/model_card.md"
    )


def test_the_figures_are_those_of_the_bundled_weights() -> None:
    card = json.loads((ROOT / "assets" / "checkpoints" / "lite" / "checkpoint.json").read_text(encoding="utf-8"))
    assert FIGURES["size"]["sha256"] == card["sha256"], "lite was exchanged: measure it again"


def test_every_subject_has_a_table() -> None:
    text = report(FIGURES)
    for words in (
        "parameters",
        "paper's types",
        "BRISQUE",
        "Gaussian noise",
        "mirrored",
        "turned",
        "one photo alone",
        "saved again",
        "landmarks are",
        "nearest neighbours",
    ):
        assert words in text


def test_faces_that_were_small_have_tables_where_they_were_measured() -> None:
    small = {"agreement": FIGURES["agreement"], "levels": FIGURES["levels"]}
    assert "small when they were damaged" not in report({**FIGURES, "small": {}})
    assert "small when they were damaged" in report({**FIGURES, "small": small})


def test_a_figure_that_is_not_defined_is_a_dash() -> None:
    undefined = json.loads(json.dumps(FIGURES))
    undefined["invariance"]["mirrored"]["mean"] = {"value": None, "low": None, "high": None}
    row = [line for line in report(undefined).splitlines() if line.startswith("| mirrored")][-1]
    assert "| –" in row


def test_kept_figures_are_written_into_a_card_and_drawn(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"# Card\n<!-- {BLOCK} -->\n<!-- /{BLOCK} -->\nend\n")
    accuracy.main(["--read", str(KEPT), "--card", str(card), "--figures", str(tmp_path)])
    assert report(FIGURES) in card.read_text()
    assert card.read_text().endswith("end\n")
    for name in ("scatter.png", "measures.png"):
        with Image.open(tmp_path / name) as drawing:
            assert drawing.width > 400


def test_drawing_makes_the_folder_it_is_asked_for(tmp_path: Path) -> None:
    draw_figures(tmp_path / "new" / "folder", FIGURES)
    assert (tmp_path / "new" / "folder" / "scatter.png").is_file()
