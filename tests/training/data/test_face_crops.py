"""What the quality network is shown of rendered views, and what it is told of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fiqa.models import LITE
from fiqa.models.landmark_encoding import OutlineEncoding
from tests.training.face_shape import face_landmarks
from training.data import face_crops
from training.data.face_crops import FaceCropSample, FaceCropSource
from training.data.views import RenderedViews

SMALL = replace(LITE, crop_px=32, patch_px=8)
LABEL = 0.3
LEARNT, BEST = 0.02 + 0.96 * LABEL, 0.98
"""What the network learns of the label, and of that of a clean view."""


def views() -> RenderedViews:
    """One face, clean and damaged: white, and black."""
    severity = np.zeros((2, 12), dtype=np.float32)
    severity[1, 0] = 0.5
    pixels = np.stack([np.full((52, 52, 3), 255, np.uint8), np.zeros((52, 52, 3), np.uint8)])
    return RenderedViews(
        pixels=pixels, landmarks=np.stack([face_landmarks((26, 26), 30)] * 2), metrics=np.array([[1.0] * 3, [0.5] * 3]),
        severity=severity, reference=np.array([0, 0]), identity=np.zeros(2, np.int64), weight=np.array([0.0, 1.0]),
    )  # fmt: skip


def sample(monkeypatch: pytest.MonkeyPatch, part: str) -> FaceCropSample:
    monkeypatch.setattr(face_crops, "PARTS", {part: 1.0})
    monkeypatch.setattr(face_crops, "UNKNOWN_SHARE", 0.0)
    return FaceCropSource(views(), np.array([1.0, LABEL], np.float32), SMALL, crops=4, seed=0).batch(0, 12)


def test_equal_numbers_give_equal_batches_and_others_give_others() -> None:
    source = FaceCropSource(views(), np.array([1.0, LABEL], np.float32), SMALL, crops=4, seed=0)
    first, again, other = source.batch(4, 8), source.batch(4, 8), source.batch(5, 8)
    assert np.array_equal(first.crops, again.crops)
    assert torch.equal(first.target, again.target)
    assert not np.array_equal(first.crops, other.crops)


def test_damage_all_over_is_the_views_label_in_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(monkeypatch, "all over")
    assert drawn.crops.max() == 0
    assert drawn.target.numpy() == pytest.approx(LEARNT)
    assert drawn.regional.numpy() == pytest.approx(LEARNT)


def test_damage_on_the_face_alone_has_the_label_of_damage_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(monkeypatch, "face")
    assert drawn.target.numpy() == pytest.approx(LEARNT)
    assert drawn.crops.max() == 255
    assert drawn.regional.max() > 0.9


def test_damage_around_the_face_leaves_the_label_of_the_clean_view(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(monkeypatch, "surroundings")
    assert drawn.target.numpy() == pytest.approx(BEST)
    assert drawn.crops.min() == 0
    assert drawn.regional.min() < LABEL + 0.1


def test_half_a_face_lies_in_between_and_its_tokens_say_which_half(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(monkeypatch, "half")
    assert ((drawn.target >= LEARNT) & (drawn.target <= BEST)).all()
    bright = torch.from_numpy(drawn.crops.astype(np.float32)).mean(-1).unfold(1, 8, 8).unfold(2, 8, 8).mean((-1, -2))
    expected = BEST - (1 - bright / 255) * (BEST - LEARNT)
    assert drawn.regional.numpy() == pytest.approx(expected.numpy(), abs=0.01)


def test_landmarks_lie_on_the_face_of_the_crop_up_to_the_finders_error(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(monkeypatch, "face")
    inside = OutlineEncoding(SMALL)(drawn.landmarks).view(12, -1)
    damage = (BEST - drawn.regional).view(12, -1)
    assert np.corrcoef(inside.ravel(), damage.ravel())[0, 1] > 0.6


def test_no_label_is_one_that_a_sigmoid_does_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_crops, "PARTS", {"all over": 1.0})
    drawn = FaceCropSource(views(), np.array([1.0, 0.0], np.float32), SMALL, crops=4, seed=0).batch(0, 12)
    assert drawn.target.numpy() == pytest.approx(0.02)
    assert drawn.regional.numpy() == pytest.approx(0.02)


def test_all_crops_of_a_view_follow_one_another_as_inference_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_crops, "UNKNOWN_SHARE", 0.0)
    monkeypatch.setattr(face_crops, "MOVED_PX", 0)
    labels = np.array([1.0, LABEL], np.float32)
    drawn = FaceCropSource(views(), labels, SMALL, crops=4, seed=0, all_crops=True).batch(0, 12)
    assert (len(drawn.crops), drawn.crops_a_view) == (12, 4)
    height = drawn.landmarks[..., 1].mean(dim=1).view(3, 4)
    assert (height[:, :2].amin(1) > height[:, 2:].amax(1)).all(), "a face lies lower in the upper crops"
