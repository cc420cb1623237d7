"""Drawings: pictures with what they are given in them."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.report.drawings import draw_bars, draw_scatter

LABELS = ("MOS", "score")


def coloured(path: Path) -> int:
    """Return how many distinctly coloured pixels a drawing has."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.ptp(pixels, axis=2) > 60).sum())


def test_more_points_make_a_fuller_scatter_plot(tmp_path: Path) -> None:
    few, many = np.linspace(0, 1, 5), np.linspace(0, 1, 100)
    draw_scatter(tmp_path / "few.png", few, few, labels=LABELS)
    draw_scatter(tmp_path / "many.png", many, many, labels=LABELS)
    assert 0 < coloured(tmp_path / "few.png") < coloured(tmp_path / "many.png")


def test_groups_have_a_colour_each(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 40)
    draw_scatter(tmp_path / "groups.png", values, values, labels=LABELS, groups=["a", "b"] * 20)
    with Image.open(tmp_path / "groups.png") as picture:
        hues = np.asarray(picture.convert("HSV")).reshape(-1, 3)
    strong = hues[hues[:, 1] > 120, 0]
    assert np.ptp(strong) > 30


def test_an_undefined_bar_is_left_out_and_one_without_interval_drawn(tmp_path: Path) -> None:
    bars: dict[str, dict[str, float | None]] = {
        "known": {"value": 0.9, "low": 0.8, "high": 0.95},
        "alone": {"value": 0.5, "low": None, "high": None},
        "undefined": {"value": None, "low": None, "high": None},
    }
    draw_bars(tmp_path / "all.png", bars, label="SRCC")
    draw_bars(tmp_path / "two.png", {name: bars[name] for name in ("known", "alone")}, label="SRCC")
    with Image.open(tmp_path / "all.png") as all_, Image.open(tmp_path / "two.png") as two:
        assert all_.size == two.size
    assert coloured(tmp_path / "two.png") > 0
