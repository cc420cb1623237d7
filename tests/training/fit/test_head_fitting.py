"""Heads that are fitted to some photos and measured on the others."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from fiqa.evaluation.metrics import srcc
from fiqa.models import LITE
from fiqa.models.head import RegionalHead
from training.errors import DataError
from training.fit.head_fitting import Examples, HeadFitting, Heads, deal_folds, held_out_scores
from training.fit.targets import MeanOpinions, calibrate

PHOTOS, DIM = 20, 6
UNGUIDED = replace(LITE, landmarks="none", smoothing=0)
"""Takes tokens of any number, none of which is told how far it lies in the face."""


@pytest.fixture
def head() -> RegionalHead:
    torch.manual_seed(0)
    return RegionalHead(DIM, UNGUIDED).eval()


@pytest.fixture
def tokens() -> Tensor:
    """Tokens (V, 2, 3, D): a photo's are alike, and some photos' are larger."""
    generator = torch.Generator().manual_seed(1)
    level = torch.linspace(-2, 2, PHOTOS)[:, None, None, None]
    return (level + torch.randn(PHOTOS, 2, 3, DIM, generator=generator) / 2).half()


def scores(head: RegionalHead, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = head(tokens.flatten(0, 1).float())[0].view(len(tokens), -1).mean(1)
    return found


def examples_of(tokens: Tensor, target: Tensor) -> Examples:
    fold = deal_folds([str(number) for number in range(len(target))], target.numpy(), seed=0)
    return Examples(tokens, fold, (opinions(target),))


def opinions(target: Tensor) -> MeanOpinions:
    return MeanOpinions(torch.arange(len(target))[:, None], target, torch.ones(len(target)))


def gradients(heads: Heads, examples: Examples, number: int) -> list[Tensor]:
    heads.zero_grad()
    HeadFitting(heads, examples, batch=PHOTOS, seed=0).loss(heads, 0)["loss"].backward()
    return [weight.grad.clone() for weight in heads.each[number].parameters() if weight.grad is not None]


def test_folds_keep_sources_together_and_spread_labels_alike() -> None:
    target = np.linspace(0, 1, 100, dtype=np.float32)
    sources = [str(number % 25) for number in range(100)]
    fold = deal_folds(sources, target, seed=3)
    assert set(fold) == set(range(5))
    assert all(len({fold[number] for number in range(100) if sources[number] == name}) == 1 for name in set(sources))
    single = deal_folds([str(number) for number in range(100)], target, seed=3)
    assert all(abs(target[single == number].mean() - 0.5) < 0.03 for number in range(5))


def test_photos_of_one_source_cannot_be_held_out() -> None:
    assert set(deal_folds(["a", "a", "b"], np.array([0.1, 0.2, 0.9], dtype=np.float32), seed=0)) == {0, 1}
    with pytest.raises(DataError, match="All photos are of one source"):
        deal_folds(["a"] * 9, np.linspace(0, 1, 9, dtype=np.float32), seed=0)


def test_calibration_puts_scores_on_the_labels_scale_and_keeps_their_order(head: RegionalHead, tokens: Tensor) -> None:
    before = scores(head, tokens)
    wanted = 0.1 + 0.8 * (before - before.min()) / (before.max() - before.min())
    calibrate(head, tokens, wanted)
    after = scores(head, tokens)
    assert (after - wanted).abs().mean() < 0.2 * (before - wanted).abs().mean()
    assert srcc(before, after) > 0.99


def test_a_single_label_hardly_moves_a_head(head: RegionalHead, tokens: Tensor) -> None:
    before = scores(head, tokens)
    calibrate(head, tokens[:1], torch.tensor([float(before[0]) + 0.05]))
    assert (scores(head, tokens) - before).abs().max() < 0.2


def test_no_head_but_the_last_learns_from_photos_of_its_own_fold(head: RegionalHead, tokens: Tensor) -> None:
    target = scores(head, tokens)
    examples = examples_of(tokens, target)
    heads = Heads(head, examples)
    mine = torch.from_numpy(examples.fold == 0)
    other = Examples(tokens, examples.fold, (opinions(torch.where(mine, 1 - target, target)),))
    assert all(map(torch.equal, gradients(heads, examples, 0), gradients(heads, other, 0)))
    assert not all(map(torch.equal, gradients(heads, examples, -1), gradients(heads, other, -1)))
    assert not all(map(torch.equal, gradients(heads, examples, 1), gradients(heads, other, 1)))


def test_held_out_scores_are_those_of_the_head_that_never_saw_the_photo_on_a_common_level(
    head: RegionalHead, tokens: Tensor
) -> None:
    examples = examples_of(tokens, torch.linspace(0, 1, PHOTOS))
    heads = Heads(head, examples).eval()
    with torch.no_grad():
        for number, weight in enumerate(heads.parameters()):
            weight.add_(0.1 * np.sin(number))
    each = torch.stack([scores(cast("RegionalHead", own), tokens) for own in heads.each])[:-1].numpy()
    found = held_out_scores(heads, examples)
    for fold, own in enumerate(each):
        mine = examples.fold == fold
        assert found[mine] == pytest.approx(own[mine] - own.mean() + each.mean(), abs=1e-5)
    assert len({round(float(own.mean()), 3) for own in each}) > 1


def test_the_prior_weighs_less_the_more_photos_there_are(head: RegionalHead, tokens: Tensor) -> None:
    def cost(photos: int) -> float:
        examples = examples_of(tokens[:photos], torch.linspace(0, 1, photos))
        heads = Heads(head, examples)
        task = HeadFitting(heads, examples, batch=photos, seed=0)
        at_start = task._prior()[-1].item()
        with torch.no_grad():
            cast("Tensor", heads.final.quality[0].bias)[0] += 1
        assert at_start == 0
        return task._prior()[-1].item()

    assert cost(10) == pytest.approx(2 * cost(20))


def test_batches_depend_on_their_number_alone(head: RegionalHead, tokens: Tensor) -> None:
    examples = examples_of(tokens, torch.linspace(0, 1, PHOTOS))
    heads = Heads(head, examples)
    task, again = (HeadFitting(heads, examples, batch=7, seed=0) for _ in range(2))
    losses = [each.loss(heads, draw)["loss"].item() for each in (task, again) for draw in (4, 5)]
    assert losses[0] == losses[2] != losses[1] == losses[3]
    assert task.validate(heads)["drawn"] == 6
