"""The figures of the maps benchmark: the same in file and page, of the bundled weights."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from benchmarks import maps
from benchmarks.maps import BLOCK, astronauts, report, summarise_maps
from fiqa.predictor import QualityPredictor
from training.report.tables import replace_block

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "maps.json"
FIGURES: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))


def test_the_page_states_the_figures_that_were_kept() -> None:
    page = (ROOT / "docs" / "attention.md").read_text(encoding="utf-8")
    assert page == replace_block(page, BLOCK, report(FIGURES)), (
        "run: python -m benchmarks.maps --read benchmarks/maps.json --page docs/attention.md"
    )


def test_the_figures_are_those_of_the_bundled_weights() -> None:
    card = json.loads((ROOT / "assets" / "checkpoints" / "lite" / "checkpoint.json").read_text(encoding="utf-8"))
    assert FIGURES["sha256"] == card["sha256"], "lite was exchanged: measure it again"


def test_a_gain_is_what_an_order_does_better_than_a_random_one(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"correlation of neighbouring cells": 0.5}
    for name, (deletion, insertion) in {
        "contribution": (0.3, 0.8), "occlusion": (0.6, 0.4), "a random order": (0.5, 0.6),
    }.items():  # fmt: skip
        row |= {f"deletion by {name}": deletion, f"insertion by {name}": insertion}
    monkeypatch.setattr(maps, "measure_face", lambda *_, **__: row)
    face = (np.zeros((1, 1, 3), np.uint8), np.zeros((68, 2), np.float32))
    found = summarise_maps(cast("QualityPredictor", None), [face, face])
    gains = {name.removeprefix("gain over a random order, "): each for name, each in found.items() if "gain" in name}
    assert {name: each["value"] for name, each in gains.items()} == {
        "deletion by contribution": 0.2, "deletion by occlusion": -0.1,
        "insertion by contribution": 0.2, "insertion by occlusion": -0.2,
    }  # fmt: skip
    assert found["n"] == 2


def test_the_astronaut_and_her_mirror_image_stand_in_for_photos() -> None:
    first, second = astronauts()
    assert np.array_equal(first[0], second[0][:, ::-1])
    assert first[1].shape == second[1].shape == (68, 2)
