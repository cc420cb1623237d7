"""Fits the head of a trained network to labels, and tells at once how well it does on photos it was not fitted to.

All but the last two layers stays as it is, so what they see of a photo is computed once, and few labels suffice: a
whole network of half a million parameters would learn a few dozen photos by heart.

The photos are dealt out in folds, no source in two of them. For every fold there is a head that is fitted to the
others, and one is fitted to all photos, all of them side by side in one training. Scores of a fold by the head that
never saw it say how far the last one, which is kept, is to be trusted on other photos (cross-validation).

All heads start as that of the network, put on the scale of the labels by two numbers: how steep and how high its
regional quality is. That never changes the order of two regions, and is all that a handful of labels can tell. It is
done once, on all photos. From there every weight is held back by a prior that counts as much as a fixed number of
photos: few labels change little.

Shapes: V photos, K crops of a photo, N tokens of a crop, D features of a token, F folds.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.evaluation.metrics import plcc, srcc
from fiqa.models.head import RegionalHead
from training.errors import DataError

MOST_FOLDS = 5
CALIBRATION_STEPS = 60
SCALE_PRIOR = 0.02
"""How hard it is to leave the network's own scale, in squared errors of one photo."""
WEIGHT_PRIOR = 2.0
"""How hard it is to change a weight of the head by 1, in squared errors of one photo.

On simulated studies of 12, 60 and 300 photos, 1 to 3 did best on other photos. A tenth of it learnt 12 photos by heart;
ten times as much learnt little from 60.
"""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """What is fitted: tokens (V, K, N, D) half precision, target (V,) in 0..1, and the fold (V,) of each photo."""

    tokens: Tensor
    target: Tensor
    fold: NDArray[np.int64]

    def seen_by_head(self) -> Tensor:
        """Return which photos each head is fitted to, (F + 1, V): those of other folds, and for the last head all."""
        heads = np.arange(self.fold.max() + 2)
        return torch.from_numpy(self.fold[None] != heads[:, None])


def deal_folds(sources: Sequence[str], target: Floats, *, seed: int) -> NDArray[np.int64]:
    """Return the fold (V,) of each photo: sources stay together, and labels spread alike in every fold."""
    names, source = np.unique(np.asarray(sources), return_inverse=True)
    folds = min(MOST_FOLDS, len(names))
    if folds < 2:
        raise DataError("All photos are of one source, so none can be held out: add photos of others.")
    mean = np.bincount(source, weights=target) / np.bincount(source)
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(folds) for _ in range(-(-len(names) // folds))]
    fold_of_source = np.empty(len(names), dtype=np.int64)
    fold_of_source[np.argsort(mean, kind="stable")] = np.concatenate(rounds)[: len(names)]
    return fold_of_source[source]


def calibrate(head: RegionalHead, tokens: Tensor, target: Tensor) -> None:
    """Put a head on the scale of labels (V,) in place, by steepness and height of its quality before the sigmoid."""
    last = cast("nn.Linear", head.quality[-1])
    with torch.no_grad():
        rated, trusted = head.logits(tokens.flatten(0, 1).float())
    steepness, height = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([steepness, height], max_iter=CALIBRATION_STEPS, line_search_fn="strong_wolfe")

    def error() -> Tensor:
        """Return the error of the scores on the new scale, with its gradients."""
        optimiser.zero_grad()
        score = head.combine(steepness.exp() * rated + height, trusted)[0].view(len(tokens), -1).mean(1)
        change = steepness.square() + height.square() / 4
        loss: Tensor = (score - target).square().mean() + SCALE_PRIOR * change.sum() / len(tokens)
        loss.backward()
        return loss

    optimiser.step(error)
    with torch.no_grad():
        last.weight.mul_(steepness.exp())
        last.bias.mul_(steepness.exp()).add_(height)


class Heads(nn.Module):
    """A head for each fold, fitted to the other folds, and as the last one a head that is fitted to all photos."""

    def __init__(self, head: RegionalHead, examples: Examples) -> None:
        super().__init__()
        start = copy.deepcopy(head)
        calibrate(start, examples.tokens, examples.target)
        self.each = nn.ModuleList(copy.deepcopy(start) for _ in examples.seen_by_head())

    @property
    def final(self) -> RegionalHead:
        """The head that is fitted to all photos."""
        return cast("RegionalHead", self.each[-1])

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (V, K, N, D) to every head's score (F + 1, V), averaged over the crops."""
        flat = tokens.flatten(0, 1).float()
        return torch.stack([head(flat)[0].view(len(tokens), -1).mean(1) for head in self.each])


class HeadFitting:
    """Fits all heads; see `training.fit.loop.Task`.

    The latest heads are kept and not those that do best on the held-out photos: chosen by them, they would flatter.
    """

    metric = "drawn"
    AT_ONCE = 64
    """Photos that are scored together."""

    def __init__(self, heads: Heads, examples: Examples, *, batch: int, seed: int) -> None:
        self.network, self.examples, self.seed = heads, examples, seed
        self.batch = min(batch, len(examples.target))
        self._seen = examples.seen_by_head()
        self._start = [[weight.detach().clone() for weight in head.parameters()] for head in heads.each]
        self._drawn = 0

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return each head's squared error on the photos of a batch that it may see, and its prior, added up."""
        self._drawn = draw + 1
        rng = np.random.default_rng((self.seed, draw))
        chosen = rng.choice(len(self.examples.target), self.batch, replace=False)
        seen = self._seen[:, chosen]
        errors = (network(self.examples.tokens[chosen]) - self.examples.target[chosen]).square()
        error = (errors * seen).sum(1) / seen.sum(1).clamp_min(1)
        loss = (error + self._prior()).sum()
        return {"loss": loss, "error": error.detach().mean()}

    def _prior(self) -> Tensor:
        """Return for every head (F + 1,) what it costs to have left its start; the more photos, the less."""
        changes = [
            torch.stack([(now - start).square().sum() for now, start in zip(head.parameters(), starts, strict=True)])
            for head, starts in zip(self.network.each, self._start, strict=True)
        ]
        return WEIGHT_PRIOR * torch.stack(changes).sum(1) / self._seen.sum(1)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return SRCC and PLCC on held-out photos."""
        predicted, target = held_out_scores(cast("Heads", network), self.examples), self.examples.target.numpy()
        return {"srcc": srcc(predicted, target), "plcc": plcc(predicted, target), "drawn": float(self._drawn)}


@torch.inference_mode()
def held_out_scores(heads: Heads, examples: Examples) -> Floats:
    """Return the score (V,) of every photo in 0..1 by the head that was not fitted to it.

    Heads differ a little in how high they score, by chance, which would spoil the order of photos of different folds.
    So each is shifted to give all photos the mean that the heads give them together; that asks for no labels.
    """
    parts = examples.tokens.split(HeadFitting.AT_ONCE)
    scores = torch.cat([heads(part) for part in parts], dim=1).numpy()[:-1]
    level = scores - scores.mean(axis=1, keepdims=True) + scores.mean()
    return cast("Floats", level[examples.fold, np.arange(len(examples.fold))])
