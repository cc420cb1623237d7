"""What heads are fitted to: what each kind of label costs, and what it asks of a head before."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from fiqa.models import LITE
from fiqa.models.head import RegionalHead
from training.fit.head_fitting import Examples, HeadFitting, Heads, deal_folds
from training.fit.targets import MeanOpinions, PairPreferences, VoteShares, certainty, score_photos, share_in_order

PHOTOS, DIM = 12, 6
UNGUIDED = replace(LITE, landmarks="none", smoothing=0)


@pytest.fixture
def head() -> RegionalHead:
    torch.manual_seed(0)
    return RegionalHead(DIM, UNGUIDED).eval()


@pytest.fixture
def tokens() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    level = torch.linspace(-2, 2, PHOTOS)[:, None, None, None]
    return (level + torch.randn(PHOTOS, 2, 3, DIM, generator=generator) / 2).half()


def neighbours(answers: tuple[float, float, float], count: int = PHOTOS) -> PairPreferences:
    """Return one answer, to every photo and the next."""
    photos = torch.stack([torch.arange(count - 1), torch.arange(1, count)], dim=1)
    return PairPreferences(photos, torch.tensor([answers]).repeat(count - 1, 1))


def test_preferences_in_order_count_equal_scores_half() -> None:
    gap, first, second = np.array([1.0, -1.0, 0.0]), np.array([3.0, 1.0, 2.0]), np.array([1.0, 5.0, 0.0])
    assert share_in_order(gap, first, second) == pytest.approx((3 + 5 + 1) / 12)
    assert np.isnan(share_in_order(gap, first * 0, second * 0))


def test_preferences_leave_the_head_and_find_how_steeply_they_follow_its_scores(
    head: RegionalHead, tokens: Tensor
) -> None:
    with torch.no_grad():
        before = score_photos(head, tokens)
    photos = torch.combinations(torch.arange(PHOTOS))
    gap = 6.0 * (before[photos[:, 0]] - before[photos[:, 1]])
    likely = torch.stack([gap / 2, torch.full_like(gap, -0.2), -gap / 2], dim=1).softmax(dim=1)
    steepness, tie = PairPreferences(photos, 1000 * likely).prepare(head, tokens)
    assert (steepness.exp().item(), tie.item()) == pytest.approx((6, -0.2), rel=0.05)
    assert torch.equal(score_photos(head, tokens).detach(), before)


def test_a_pair_counts_by_how_often_it_was_answered() -> None:
    photos = torch.tensor([[0, 1], [1, 2]])
    pairs = PairPreferences(photos, torch.tensor([[9.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))
    scores = torch.tensor([[[0.2, 0.6], [0.2, 0.6]]])
    costs = pairs.costs(scores, np.arange(2), torch.tensor([[1.0, -0.5]]))
    assert costs[0, 0] == pytest.approx(3 * costs[0, 1].item())


def test_votes_that_are_normal_about_the_scores_cost_nothing(head: RegionalHead, tokens: Tensor) -> None:
    with torch.no_grad():
        scores = score_photos(head, tokens)
    below = torch.special.ndtr((torch.tensor([0.125, 0.375, 0.625, 0.875]) - scores[:, None]) / 0.15)
    shares = torch.diff(below, dim=1, prepend=torch.zeros(PHOTOS, 1), append=torch.ones(PHOTOS, 1))
    votes = VoteShares(torch.arange(PHOTOS)[:, None], 20 * shares)
    own = votes.prepare(head, tokens)
    assert own.exp().item() == pytest.approx(0.15, rel=0.05)
    costs = votes.costs(scores[None, :, None], np.arange(PHOTOS), own[None])
    assert costs.max() < 1e-4 < votes.costs(scores[None, :, None] + 0.2, np.arange(PHOTOS), own[None]).min()


def test_a_mos_counts_by_the_inverse_of_its_variance_beside_what_a_head_gets_wrong_anyway() -> None:
    counts = certainty(np.array([0.0, 0.1, 0.2]))
    assert counts / counts[0] == pytest.approx([1, 1 / 2, 1 / 5])
    assert counts.mean() == pytest.approx(1)
    assert certainty(np.full(3, np.nan)) == pytest.approx(np.ones(3))
    assert certainty(np.array([0.1, np.nan, 0.1])) == pytest.approx(np.ones(3))


def test_a_pair_is_seen_by_heads_that_may_see_both_photos(head: RegionalHead, tokens: Tensor) -> None:
    fold = deal_folds([str(number // 2) for number in range(PHOTOS)], np.arange(PHOTOS, dtype=np.float32), seed=0)
    pairs = neighbours((1, 0, 0))
    examples = Examples(tokens, fold, (pairs,))
    heads = Heads(head, examples)
    about_first_fold = torch.from_numpy((fold[pairs.photos] == 0).any(axis=1))[:, None]
    other = replace(pairs, answers=torch.where(about_first_fold, pairs.answers.flip(1), pairs.answers))
    changed = Examples(tokens, fold, (other,))
    assert torch.equal(gradient(heads, examples, 0), gradient(heads, changed, 0))
    assert not torch.equal(gradient(heads, examples, 1), gradient(heads, changed, 1))


def gradient(heads: Heads, examples: Examples, number: int) -> Tensor:
    """Return the gradient of all weights of one head."""
    heads.zero_grad()
    HeadFitting(heads, examples, batch=PHOTOS, seed=0).loss(heads, 0)["loss"].backward()
    grads = [weight.grad.flatten() for weight in heads.each[number].parameters() if weight.grad is not None]
    return torch.cat(grads)


def test_a_mean_and_preferences_are_learnt_together(head: RegionalHead, tokens: Tensor) -> None:
    mean = MeanOpinions(torch.arange(4)[:, None], torch.tensor([0.2, 0.4, 0.5, 0.9]), torch.ones(4))
    fold = deal_folds([str(number) for number in range(PHOTOS)], np.arange(PHOTOS, dtype=np.float32), seed=0)
    examples = Examples(tokens, fold, (mean, neighbours((1, 0, 3))))
    heads = Heads(head, examples)
    task = HeadFitting(heads, examples, batch=64, seed=0)
    first = task.loss(heads, 0)
    optimiser = torch.optim.Adam(heads.parameters(), lr=3e-3)
    for draw in range(60):
        optimiser.zero_grad()
        task.loss(heads, draw)["loss"].backward()
        optimiser.step()
    last = task.loss(heads, 60)
    assert last["error"] < first["error"]
    assert last["surprise"] < first["surprise"]
    assert {"srcc", "plcc", "pairs", "drawn"} == task.validate(heads).keys()
