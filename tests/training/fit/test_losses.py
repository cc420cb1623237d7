"""Losses against recorded values, definitions and invariants."""

import pytest
import torch
from numpy.testing import assert_allclose

from tests.fiqa.official import reference
from training.fit.losses import charbonnier, dual_set_contrast, pairwise_ranking, set_contrast, soft_proximity

VECTORS = reference.vectors()
S, R = (torch.from_numpy(VECTORS[f"spm/{name}"]).double() for name in "SR")


@pytest.mark.parametrize(("anchors", "others", "name"), [(S, R, "S"), (R, S, "R")])
def test_soft_proximity_mapping_matches_the_record(anchors: torch.Tensor, others: torch.Tensor, name: str) -> None:
    mixtures, weights = soft_proximity(anchors, others)
    assert_allclose(weights, VECTORS[f"spm/alpha_{name}"], atol=1e-7)
    assert_allclose(mixtures, VECTORS[f"spm/hat_{name}"], atol=1e-7)


def test_contrast_of_every_anchor_matches_the_recorded_one() -> None:
    assert_allclose(set_contrast(S, R), VECTORS["spm/figure_per_anchor_SR"], atol=1e-6)
    assert_allclose(set_contrast(R, S), VECTORS["spm/figure_per_anchor_RS"], atol=1e-6)


def test_dual_set_contrast_is_the_sum_of_both_directions() -> None:
    expected = VECTORS["spm/figure_SR"] + VECTORS["spm/figure_RS"]
    assert_allclose(dual_set_contrast(S, R), expected, atol=1e-6)


def test_charbonnier_is_the_absolute_error_away_from_zero_and_smooth_at_zero() -> None:
    predicted = torch.tensor([0.3, 0.9], requires_grad=True)
    assert charbonnier(predicted, torch.tensor([0.8, 0.4])).item() == pytest.approx(0.5, abs=1e-5)
    loss = charbonnier(predicted, predicted.detach())
    loss.backward()
    assert loss.item() == pytest.approx(1e-3, rel=1e-4)
    assert predicted.grad is not None
    assert predicted.grad.abs().max() == 0


def test_ranking_loss_is_zero_for_the_right_order_and_distance_only() -> None:
    target = torch.tensor([0.1, 0.5, 0.9])
    assert pairwise_ranking(target, target).item() == pytest.approx(0, abs=1e-7)
    assert pairwise_ranking(target + 0.3, target).item() == pytest.approx(0, abs=1e-7)
    assert pairwise_ranking(target.flip(0), target) > pairwise_ranking(torch.zeros(3), target) > 0


def test_ranking_loss_of_equal_targets_is_zero_and_finite() -> None:
    assert pairwise_ranking(torch.tensor([0.1, 0.9]), torch.tensor([0.5, 0.5])).item() == 0
