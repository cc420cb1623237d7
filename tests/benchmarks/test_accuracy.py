"""The arithmetic of the accuracy benchmark, on views whose scores are made up."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks import accuracy
from fiqa.degradation.synthetic import LEVELS, PAPER_TYPES
from fiqa.models.degradation_encoder import DegradationEncoder
from tests.training.face_shape import face_landmarks
from training.data.rendering import TYPES
from training.data.views import PseudoMos, RenderedViews

PHOTOS = 3
UNSEEN = ["haze", "webp"]


def severities() -> NDArray[np.float32]:
    """Return what one photo is rendered with: clean, every type at every level, a stack within the paper's types,
    one with an unseen type and one of unseen types alone.
    """
    singles = [{name: level / LEVELS} for name in TYPES for level in range(1, LEVELS + 1)]
    stacks = [{"jpeg": 0.5, "low_light": 0.5}, {"jpeg": 0.5, "haze": 0.5}, {"webp": 0.5, "haze": 0.5}]
    return np.array([[row.get(name, 0) for name in TYPES] for row in [{}, *singles, *stacks]], dtype=np.float32)


def views() -> RenderedViews:
    severity = np.tile(severities(), (PHOTOS, 1))
    count = len(severity)
    return RenderedViews(
        pixels=np.zeros((count, 8, 8, 3), dtype=np.uint8),
        landmarks=np.stack([face_landmarks((4, 4), 6)] * count),
        metrics=np.zeros((count, 4)),
        severity=severity,
        reference=np.arange(count),
        identity=np.repeat(np.arange(PHOTOS), count // PHOTOS),
        weight=np.ones(count),
    )


VIEWS = views()
QUALITY: NDArray[np.float32] = (1 - VIEWS.severity.sum(1) / 2).astype(np.float32)


def test_perfect_scores_agree_perfectly_and_every_subject_has_its_views() -> None:
    figures = accuracy.agreement(QUALITY, QUALITY, VIEWS)
    assert all(each["SRCC"]["value"] == pytest.approx(1) for each in figures.values() if each["SRCC"]["value"])
    singles = 1 + LEVELS * len(TYPES)
    assert figures["all types"]["n"] == PHOTOS * (singles + 3)
    assert figures["the paper's types and motion blur"]["n"] == PHOTOS * (2 + LEVELS * len(PAPER_TYPES))
    assert figures["— stacked"]["n"] == PHOTOS
    assert figures["— stacked, all types"]["n"] == 3 * PHOTOS


def test_neighbouring_levels_count_five_pairs_a_photo_and_type() -> None:
    shares = accuracy.neighbouring_levels(QUALITY, VIEWS)
    assert set(shares) == set(TYPES)
    assert all(each["n"] == PHOTOS * LEVELS and each["share"]["value"] == 1 for each in shares.values())


def test_a_level_scored_above_a_milder_one_costs_one_pair_of_its_type_alone() -> None:
    scores = QUALITY.copy()
    column = TYPES.index("jpeg")
    worst = np.flatnonzero((VIEWS.severity[:, column] == 1) & (VIEWS.identity == 0))[0]
    scores[worst] = 0.75  # level 4 has 0.6, the clean view 1
    shares = accuracy.neighbouring_levels(scores, VIEWS)
    assert shares["jpeg"]["share"]["value"] == pytest.approx(1 - 1 / (PHOTOS * LEVELS), abs=1e-4)
    assert shares["webp"]["share"]["value"] == 1


def test_each_type_is_measured_alone_with_the_clean_views() -> None:
    figures = accuracy.types_alone(QUALITY, QUALITY, VIEWS)
    assert set(figures) == set(TYPES)
    assert all(each["n"] == PHOTOS * (1 + LEVELS) and each["srcc"]["value"] == 1 for each in figures.values())


def test_within_photos_the_worst_photo_is_told() -> None:
    scores = QUALITY.copy()
    scores[VIEWS.identity == 1] *= -1
    figures = accuracy.within_photos(scores, QUALITY, VIEWS)
    assert (figures["n"], figures["median"]["value"], figures["lowest"]) == (PHOTOS, 1, -1)


def test_small_faces_are_compared_with_the_ranks_of_all_training_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "scores_of", lambda _predictor, _views: QUALITY)
    small = replace(VIEWS, metrics=np.repeat(-QUALITY[:, None], 4, axis=1).astype(float))
    mapping = PseudoMos.fit(np.repeat(np.linspace(-1, 1, 50)[:, None], 4, axis=1))
    figures = accuracy.small_faces(cast("Any", None), small, mapping)
    assert figures["agreement"]["all types"]["n"] == len(VIEWS)
    assert figures["agreement"]["all types"]["SRCC"]["value"] == pytest.approx(-1)
    assert figures["levels"]["webp"]["share"]["value"] == 1


def test_types_are_told_by_the_nearest_views(monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(_encoder: object, asked: RenderedViews, chosen: NDArray[np.int64], _crop_px: int) -> torch.Tensor:
        severity = asked.severity[chosen]
        return torch.from_numpy(np.where(severity > 0, 1.0, 0.0))

    monkeypatch.setattr(accuracy, "embed", embed)
    encoder: DegradationEncoder = object()  # type: ignore[assignment]
    figures = accuracy.type_accuracy(encoder, VIEWS, VIEWS, 128)
    assert figures["accuracy"]["value"] == 1
    assert figures["n"] == PHOTOS * (1 + (LEVELS - 1) * len(TYPES)), "level 1 is not asked for"
    assert set(figures["by_type"]) == {"clean", *TYPES}


def test_held_out_views_show_the_unseen_types_alone_or_touch_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "load_predictor", lambda *_args, **_options: None)
    monkeypatch.setattr(accuracy, "scores_of", lambda _predictor, _views: -QUALITY)
    options = argparse.Namespace(held_out=Path("unused"), held_out_types=UNSEEN)
    figures = accuracy.held_out(options, "lite", QUALITY, QUALITY, VIEWS)
    alone = figures["views of these types alone, and clean"]
    assert alone["lite"]["n"] == PHOTOS * (1 + LEVELS * len(UNSEEN) + 1)
    assert alone["trained without Haze and WebP"]["SRCC"]["value"] == -1
    assert figures["those, and stacks with one of them"]["lite"]["n"] == alone["lite"]["n"] + PHOTOS


def test_views_without_a_number_are_counted_and_left_out() -> None:
    sample = np.arange(len(VIEWS))
    values = QUALITY.astype(float)
    values[::4] = np.nan
    figures = accuracy.measured_srcc(values, QUALITY, VIEWS, sample)
    assert figures["refused"] == len(range(0, len(VIEWS), 4))
    assert figures["srcc"]["value"] == pytest.approx(1)


def test_a_measure_that_breaks_on_a_picture_gives_no_number() -> None:
    def breaks(_photo: NDArray[np.uint8]) -> float:
        raise np.linalg.LinAlgError

    assert np.isnan(accuracy._or_nan(breaks, VIEWS.pixels[0]))


def test_a_made_up_symmetric_face_is_seen_from_the_front() -> None:
    figures = accuracy.poses(QUALITY, QUALITY, VIEWS)
    assert figures["from the front"]["photos"] == PHOTOS
    assert figures["turned"]["photos"] == 0


def test_figures_are_json() -> None:
    figures = [accuracy.agreement(QUALITY, QUALITY, VIEWS), accuracy.poses(QUALITY, QUALITY, VIEWS)]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
