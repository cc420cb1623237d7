"""Fits the head of a trained network to what people said, and tells how well it does on photos it was not fitted to.

All but the last two layers stays as it is, so what they see of a photo is computed once, and few labels suffice: a
whole network of half a million parameters would learn a few dozen photos by heart.

The photos are dealt out in folds, no source in two of them. For every fold there is a head that is fitted to the
others, and one is fitted to all photos, all of them side by side in one training. Scores of a fold by the head that
never saw it say how far the last one, which is kept, is to be trusted on other photos (cross-validation). A pair is
seen by the heads that may see both of its photos.

All heads start as that of the network, put on the scale of a MOS by two numbers: how steep and how high its regional
quality is. That never changes the order of two regions, and is all that a handful of labels can tell. It is done once,
on all photos; preferences have no scale, and leave the network's. From there every weight is held back by a prior that
counts as much as a fixed number of photos: few labels change little.

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

from fiqa.models.head import RegionalHead
from training.errors import DataError
from training.fit.targets import Target, score_photos

MOST_FOLDS = 5
WEIGHT_PRIOR = 2.0
"""How hard it is to change a weight of the head by 1, in squared errors of one photo.

On simulated studies of 12, 60 and 300 photos, 1 to 3 did best on other photos. A tenth of it learnt 12 photos by heart;
ten times as much learnt little from 60.
"""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """Tokens (V, K, N, D) in half precision and the fold (V,) of each photo, and what was said of them."""

    tokens: Tensor
    fold: NDArray[np.int64]
    targets: tuple[Target, ...]

    @property
    def units(self) -> int:
        """How many labels there are: of photos, and of pairs."""
        return sum(len(target.photos) for target in self.targets)

    def seen_by_head(self) -> Tensor:
        """Return which photos each head is fitted to, (F + 1, V): those of other folds, and for the last head all."""
        heads = np.arange(self.fold.max() + 2)
        return torch.from_numpy(self.fold[None] != heads[:, None])


def deal_folds(sources: Sequence[str], quality: Floats, *, seed: int) -> NDArray[np.int64]:
    """Return the fold (V,) of each photo: sources stay together, and quality (V,) spreads alike in every fold."""
    names, source = np.unique(np.asarray(sources), return_inverse=True)
    folds = min(MOST_FOLDS, len(names))
    if folds < 2:
        raise DataError("All photos are of one source, so none can be held out: add photos of others.")
    mean = np.bincount(source, weights=quality) / np.bincount(source)
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(folds) for _ in range(-(-len(names) // folds))]
    fold_of_source = np.empty(len(names), dtype=np.int64)
    fold_of_source[np.argsort(mean, kind="stable")] = np.concatenate(rounds)[: len(names)]
    return fold_of_source[source]


class Heads(nn.Module):
    """A head for each fold, fitted to the other folds, and as the last one a head that is fitted to all photos.

    `own` holds each target's own numbers for every head (F + 1, n).
    """

    def __init__(self, head: RegionalHead, examples: Examples) -> None:
        super().__init__()
        start, count = copy.deepcopy(head), len(examples.seen_by_head())
        own = [target.prepare(start, examples.tokens) for target in examples.targets]
        self.own = nn.ParameterList(nn.Parameter(numbers.repeat(count, 1)) for numbers in own)
        self.each = nn.ModuleList(copy.deepcopy(start) for _ in range(count))

    @property
    def final(self) -> RegionalHead:
        """The head that is fitted to all photos."""
        return cast("RegionalHead", self.each[-1])

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (V, K, N, D) to every head's score (F + 1, V), averaged over the crops."""
        return torch.stack([score_photos(cast("RegionalHead", head), tokens) for head in self.each])


class HeadFitting:
    """Fits all heads; see `training.fit.loop.Task`.

    The latest heads are kept and not those that do best on the held-out photos: chosen by them, they would flatter.
    """

    metric = "drawn"
    AT_ONCE = 64
    """Photos that are scored together."""

    def __init__(self, heads: Heads, examples: Examples, *, batch: int, seed: int) -> None:
        self.network, self.examples, self.seed = heads, examples, seed
        self.batch = batch
        self._seen = examples.seen_by_head()
        self._units = torch.stack([self._seen[:, target.photos].all(dim=-1).sum(1) for target in examples.targets])
        """How many units of each target every head may see."""
        self._start = [[weight.detach().clone() for weight in head.parameters()] for head in heads.each]
        self._drawn = 0

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return each head's mean cost of the units of a batch that it may see, and its prior, added up."""
        self._drawn = draw + 1
        rng = np.random.default_rng((self.seed, draw))
        loss, told = self._prior(), {}
        for target, own, units in zip(self.examples.targets, self.network.own, self._units, strict=True):
            cost = self._cost(network, target, own, rng)
            loss = loss + target.weight * units / self._units.sum(0).clamp_min(1) * cost
            told[target.name] = cost.detach().mean()
        return {"loss": loss.sum(), **told}

    def _cost(self, network: nn.Module, target: Target, own: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the mean cost (F + 1,) of some units of a target."""
        size = len(target.photos)
        units = rng.choice(size, min(self.batch, size), replace=False)
        drawn = target.photos[units]
        photos, place = drawn.unique(return_inverse=True)
        scores, seen = network(self.examples.tokens[photos])[:, place], self._seen[:, drawn].all(dim=-1)
        return (target.costs(scores, units, own) * seen).sum(1) / seen.sum(1).clamp_min(1)

    def _prior(self) -> Tensor:
        """Return for every head (F + 1,) what it costs to have left its start; the more units it sees, the less."""
        changes = [
            torch.stack([(now - start).square().sum() for now, start in zip(head.parameters(), starts, strict=True)])
            for head, starts in zip(self.network.each, self._start, strict=True)
        ]
        return WEIGHT_PRIOR * torch.stack(changes).sum(1) / self._units.sum(0).clamp_min(1)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return each target's figures on held-out photos."""
        scores = held_out_scores(cast("Heads", network), self.examples)
        figures = {name: value for target in self.examples.targets for name, value in target.figures(scores).items()}
        return {**figures, "drawn": float(self._drawn)}


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
