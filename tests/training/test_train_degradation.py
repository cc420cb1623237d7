"""Sets of the contrastive training, and what supervision asks of the encoder."""

import numpy as np
import pytest
import torch

from fiqa.models import LITE
from fiqa.models.degradation_encoder import DegradationEncoder
from tests.training.face_shape import face_landmarks
from training.data.rendering import TYPES
from training.data.views import RenderedViews
from training.errors import DataError
from training.train_degradation import DegradationTask, EncoderInTraining, degradation_naming, versions_by_face

KINDS = 1 + len(TYPES)


def views_of(faces: int, *, missing: int | None = None) -> RenderedViews:
    """One clean view and one of every type for each face; face `missing` lacks the last type."""
    severity = np.tile(np.vstack([np.zeros(len(TYPES)), 0.5 * np.eye(len(TYPES))]), (faces, 1)).astype(np.float32)
    identity = np.repeat(np.arange(faces), KINDS)
    if missing is not None:
        severity[(missing + 1) * KINDS - 1] = 0
    count = len(severity)
    return RenderedViews(
        pixels=np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3)).astype(np.uint8),
        landmarks=np.stack([face_landmarks((32, 32), 30)] * count),
        metrics=np.ones((count, 4)),
        severity=severity,
        reference=np.arange(count),
        identity=identity,
        weight=np.ones(count),
    )


def test_a_face_has_one_group_of_views_for_every_degradation_and_one_for_none() -> None:
    versions = versions_by_face(views_of(2))
    assert list(versions) == [0, 1]
    assert [group.tolist() for group in versions[1]] == [[KINDS + kind] for kind in range(KINDS)]


def test_a_face_that_lacks_a_degradation_is_in_no_set() -> None:
    assert list(versions_by_face(views_of(3, missing=1))) == [0, 2]


def test_too_few_faces_for_the_pairs_are_named() -> None:
    with pytest.raises(DataError, match=r"4 faces .* there are 3"):
        task(views_of(3), pairs=2)


def test_without_labels_the_heads_that_name_degradations_learn_nothing() -> None:
    contrast = task(views_of(2), pairs=1)
    contrast.loss(contrast.network, 0)["loss"].backward()
    assert contrast.network.types.weight.grad is None
    assert contrast.network.encoder.layers[0].weight.grad is not None


def test_naming_costs_nothing_when_types_and_severities_are_right_and_more_when_they_are_not() -> None:
    wanted = torch.zeros(2, len(TYPES))
    wanted[1, 3] = 0.5
    right = torch.full((2, KINDS), -50.0)
    right[0, 0] = right[1, 4] = 50.0
    assert degradation_naming(right, wanted, wanted).item() == pytest.approx(0, abs=1e-6)
    assert degradation_naming(right, wanted + 0.1, wanted).item() == pytest.approx(0.1 * len(TYPES), abs=1e-5)
    assert degradation_naming(right.flip(0), wanted, wanted).item() == pytest.approx(100, abs=1e-3)


def task(views: RenderedViews, *, pairs: int) -> DegradationTask:
    network = EncoderInTraining(DegradationEncoder(LITE))
    return DegradationTask(network, views, views, crop_px=32, pairs=pairs, supervision=0.0, seed=0)
