"""What people said of photos, as heads are fitted to it: mean opinions, votes, or preferences between two photos.

A target has units (photos, or pairs of them) and says what it costs that a head scores the photos of a unit as it does,
in squared errors of one photo, the scores being in 0..1. What a target needs to know besides the scores, such as how
large a difference of scores people notice, are numbers of its own, fitted with each head.

Shapes: V photos, U units of a target, k photos of a unit, B units of a batch, H heads, n numbers of a target's own;
K crops of a photo, N tokens of a crop, D features.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.evaluation.metrics import plcc, srcc
from fiqa.models.head import RegionalHead
from training.fit.losses import paired_comparison, squared_earth_movers

CALIBRATION_STEPS = 60
SCALE_PRIOR = 0.02
"""How hard it is to leave the network's own scale, in squared errors of one photo."""
MISFIT = 0.1
"""Standard deviation of what a head gets wrong however certain a MOS is, as a share of the range."""
PAIR_WEIGHT = 0.1
"""Squared errors of one photo that the surprise at a pair's answers counts as; the only value that was tried."""
USUAL_SPREAD = 0.2
"""Standard deviation of votes on one photo, as a share of the range, where few votes tell."""
USUAL_STEEPNESS, USUAL_TIE = 10.0, -0.7
"""Of preferences, where few answers tell: distance in units of the model from a score of 0 to 1; tie parameter."""

Floats = NDArray[np.float32]


class Target(Protocol):
    """What heads are fitted to."""

    name: ClassVar[str]
    """Of its cost, in the history of a training."""

    @property
    def weight(self) -> float:
        """Of its cost beside others', and beside the prior of the heads' weights."""
        ...

    @property
    def photos(self) -> Tensor:
        """The photos (U, k) that each unit is about."""
        ...

    def prepare(self, head: RegionalHead, tokens: Tensor) -> Tensor:
        """Put a head on the scale of the labels, if they have one; return the target's own numbers (n,) to begin with.

        `tokens` (V, K, N, D) are those of all photos.
        """
        ...

    def costs(self, scores: Tensor, units: NDArray[np.int64], own: Tensor) -> Tensor:
        """Return the cost (H, B) of scores (H, B, k) of the photos of some units (B,), with own numbers (H, n)."""
        ...

    def figures(self, scores: Floats) -> Mapping[str, float]:
        """Return how well scores (V,) of all photos do, by figures whose names say which."""
        ...


@dataclass(frozen=True, eq=False)
class MeanOpinions:
    """The MOS (U,) of photos (U, 1) as a share of its range; costs the squared error times `counts` (U,), 1 on average.

    `certainty` says how much each should count.
    """

    photos: Tensor
    share: Tensor
    counts: Tensor
    weight: float = 1.0
    name: ClassVar[str] = "error"

    def prepare(self, head: RegionalHead, tokens: Tensor) -> Tensor:
        """Put the head on the scale of the MOS; there are no numbers of its own."""
        calibrate(head, tokens[self.photos[:, 0]], self.share)
        return torch.empty(0)

    def costs(self, scores: Tensor, units: NDArray[np.int64], own: Tensor) -> Tensor:
        """Return squared errors."""
        return self.counts[units] * (scores[..., 0] - self.share[units]).square()

    def figures(self, scores: Floats) -> Mapping[str, float]:
        """Return SRCC and PLCC with the MOS."""
        predicted, share = scores[self.photos[:, 0]], self.share.numpy()
        return {"srcc": srcc(predicted, share), "plcc": plcc(predicted, share)}


@dataclass(frozen=True, eq=False)
class VoteShares:
    """How often each of G grades (U, G) was given to photos (U, 1); the grades lie at equal steps from 0 to 1.

    Votes on a photo are taken for normal about its score, each person giving the nearest grade. Costs the squared earth
    mover's distance from what was given. Own number: logarithm of the standard deviation, one for all photos.
    """

    photos: Tensor
    votes: Tensor
    weight: float = 1.0
    name: ClassVar[str] = "distance"

    def prepare(self, head: RegionalHead, tokens: Tensor) -> Tensor:
        """Leave the head, whose scale `MeanOpinions` knows; return how far votes spread about its scores."""
        with torch.no_grad():
            scores = score_photos(head, tokens)[self.photos]
        usual = torch.tensor([np.log(USUAL_SPREAD)], dtype=torch.float32)
        own = usual.clone().requires_grad_()
        every = np.arange(len(self.photos))

        def cost() -> Tensor:
            distance = self.costs(scores[None], every, own[None]).mean()
            return distance + SCALE_PRIOR * (own - usual).square().sum() / len(self.photos)

        minimise(cost, [own])
        return own.detach()

    def costs(self, scores: Tensor, units: NDArray[np.int64], own: Tensor) -> Tensor:
        """Return squared earth mover's distances."""
        grades = self.votes.shape[1]
        borders = (torch.arange(1, grades) - 0.5) / (grades - 1)
        given = (self.votes / self.votes.sum(1, keepdim=True)).cumsum(1)[units, :-1]
        return squared_earth_movers(torch.special.ndtr((borders - scores) / own[..., None].exp()), given)

    def figures(self, scores: Floats) -> Mapping[str, float]:
        """Return nothing of its own: the agreement with the mean says how good the order is."""
        return {}


@dataclass(frozen=True, eq=False)
class PairPreferences:
    """Answers (U, 3) to pairs of photos (U, 2): how often the first, neither or the second was called better.

    Costs how surprising they are, by Bradley, Terry and Davidson (`paired_comparison`), a pair counting by how often it
    was answered. Own numbers: logarithm of how steeply preference grows with the difference of scores, tie parameter.
    """

    photos: Tensor
    answers: Tensor
    weight: float = PAIR_WEIGHT
    name: ClassVar[str] = "surprise"

    def prepare(self, head: RegionalHead, tokens: Tensor) -> Tensor:
        """Leave the head as it is, since preferences have no scale; return what explains them best by its scores."""
        with torch.no_grad():
            scores = score_photos(head, tokens)
        usual = torch.tensor([np.log(USUAL_STEEPNESS), USUAL_TIE], dtype=torch.float32)
        own = usual.clone().requires_grad_()
        every = np.arange(len(self.photos))

        def cost() -> Tensor:
            surprise = self.costs(scores[self.photos][None], every, own[None]).mean()
            return surprise + SCALE_PRIOR * (own - usual).square().sum() / len(self.photos)

        minimise(cost, [own])
        return own.detach()

    def costs(self, scores: Tensor, units: NDArray[np.int64], own: Tensor) -> Tensor:
        """Return negative log likelihoods an answer, times how often the pair was answered beside the others."""
        difference = own[:, :1].exp() * (scores[..., 0] - scores[..., 1])
        usual = self.answers.sum() / len(self.answers)
        return paired_comparison(difference, own[:, 1:], self.answers[units] / usual)

    def figures(self, scores: Floats) -> Mapping[str, float]:
        """Return the share of preferences that the scores have in order."""
        first, second = scores[self.photos].T
        return {"pairs": share_in_order(first - second, self.answers[:, 0].numpy(), self.answers[:, 2].numpy())}


def certainty(error: NDArray[np.float64]) -> Floats:
    """Return how much each MOS (V,) should count, 1 on average, by its standard error (V,) as a share of the range.

    By the inverse of the variance that the difference of score and MOS has: `MISFIT` is in it, so that no photo counts
    for many. Where the error is not known (NaN) it is taken for the usual one.
    """
    known = np.isfinite(error)
    variance = np.where(known, error, np.mean(error[known]) if known.any() else 0.0) ** 2
    counts: Floats = (1 / (MISFIT**2 + variance)).astype(np.float32)
    counts /= counts.mean()
    return counts


def share_in_order(gap: NDArray[np.floating], first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the share of preferences, for the first or second of pairs (P,), that differences of scores agree with.

    Equal scores agree with half of them. NaN where nobody preferred one.
    """
    right = np.where(gap > 0, first, np.where(gap < 0, second, (first + second) / 2))
    total = (first + second).sum()
    return float(right.sum() / total) if total else float("nan")


def score_photos(head: RegionalHead, tokens: Tensor) -> Tensor:
    """Map tokens (V, K, N, D) to scores (V,) in 0..1, averaged over the crops."""
    score: Tensor = head(tokens.flatten(0, 1).float())[0].view(len(tokens), -1).mean(1)
    return score


def calibrate(head: RegionalHead, tokens: Tensor, target: Tensor) -> None:
    """Put a head on the scale of labels (V,) in place, by steepness and height of its quality before the sigmoid."""
    last = cast("nn.Linear", head.quality[-1])
    with torch.no_grad():
        rated, trusted = head.logits(tokens.flatten(0, 1).float())
    steepness, height = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)

    def error() -> Tensor:
        """Return the mean square error, and what it costs to leave the scale that there is."""
        score = head.combine(steepness.exp() * rated + height, trusted)[0].view(len(tokens), -1).mean(1)
        change = steepness.square() + height.square() / 4
        return (score - target).square().mean() + SCALE_PRIOR * change.sum() / len(tokens)

    minimise(error, [steepness, height])
    with torch.no_grad():
        last.weight.mul_(steepness.exp())
        last.bias.mul_(steepness.exp()).add_(height)


def minimise(cost: Callable[[], Tensor], numbers: list[Tensor]) -> None:
    """Set a few numbers to where a smooth cost of them is least."""
    optimiser = torch.optim.LBFGS(numbers, max_iter=CALIBRATION_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        """Return the cost, with its gradients."""
        optimiser.zero_grad()
        found = cost()
        found.backward()
        return found

    optimiser.step(closure)
