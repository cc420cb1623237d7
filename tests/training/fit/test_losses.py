"""Losses against recorded values, definitions and invariants."""

import choix
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from tests.fiqa.official import reference
from training.fit.losses import (
    charbonnier,
    dual_set_contrast,
    paired_comparison,
    pairwise_ranking,
    set_contrast,
    soft_proximity,
    squared_earth_movers,
)

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


def test_an_error_counts_as_much_as_it_is_said_to() -> None:
    predicted, target, counts = torch.tensor([0.3, 0.9]), torch.tensor([0.8, 0.4]), torch.tensor([2.0, 0.0])
    assert charbonnier(predicted, target, counts=counts) == charbonnier(predicted[:1], target[:1])


def test_ranking_loss_is_zero_for_the_right_order_and_distance_only() -> None:
    target = torch.tensor([0.1, 0.5, 0.9])
    assert pairwise_ranking(target, target).item() == pytest.approx(0, abs=1e-7)
    assert pairwise_ranking(target + 0.3, target).item() == pytest.approx(0, abs=1e-7)
    assert pairwise_ranking(target.flip(0), target) > pairwise_ranking(torch.zeros(3), target) > 0


def test_ranking_loss_of_equal_targets_is_zero_and_finite() -> None:
    assert pairwise_ranking(torch.tensor([0.1, 0.9]), torch.tensor([0.5, 0.5])).item() == 0


def test_likelihood_of_preferences_without_ties_is_logistic_regression() -> None:
    difference, share = torch.tensor([-2.0, 0.0, 0.7, 40.0]), torch.tensor([0.1, 0.5, 1.0, 1.0])
    answers = torch.stack([share, torch.zeros(4), 1 - share], dim=1)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(difference, share, reduction="none")
    assert_allclose(paired_comparison(difference, torch.tensor(-50.0), answers), expected, atol=1e-6)


def test_gradient_of_the_likelihood_of_preferences_is_what_was_expected_less_what_was_answered() -> None:
    difference = torch.tensor([-1.5, 0.3], dtype=torch.double, requires_grad=True)
    tie = torch.tensor(-0.4, dtype=torch.double, requires_grad=True)
    answers = torch.tensor([[2.0, 1.0, 5.0], [0.0, 3.0, 4.0]], dtype=torch.double)
    paired_comparison(difference, tie, answers).sum().backward()
    weight = torch.stack([difference / 2, tie.expand(2), -difference / 2], dim=1).detach().exp()
    expected = answers.sum(1, keepdim=True) * weight / weight.sum(1, keepdim=True)
    surplus = expected - answers
    assert difference.grad is not None
    assert tie.grad is not None
    assert_allclose(difference.grad, (surplus[:, 0] - surplus[:, 2]) / 2, atol=1e-12)
    assert_allclose(tie.grad, surplus[:, 1].sum(), atol=1e-12)


def test_the_likelihood_of_preferences_is_greatest_where_choix_says() -> None:
    wins = [(0, 1)] * 5 + [(1, 0)] * 2 + [(1, 2)] * 4 + [(2, 1)] * 3 + [(0, 2)] * 6 + [(2, 0)]
    position = torch.tensor(choix.ilsr_pairwise(3, wins), requires_grad=True)
    winner, loser = np.array(wins).T
    answers = torch.tensor([1.0, 0.0, 0.0], dtype=torch.double).expand(len(wins), 3)
    paired_comparison(position[winner] - position[loser], torch.tensor(-60.0), answers).sum().backward()
    assert position.grad is not None
    assert_allclose(position.grad, 0, atol=1e-6)


def test_earth_movers_distance_grows_with_the_square_of_the_share_and_with_every_grade_it_is_moved() -> None:
    votes = torch.eye(5).cumsum(1)[:, :-1]
    assert_allclose(squared_earth_movers(votes[:1], votes), torch.tensor([0, 1, 2, 3, 4]) / 4)
    half = (votes[0] + votes[2]) / 2
    assert squared_earth_movers(votes[0], half) == squared_earth_movers(votes[0], votes[2]) / 4
