"""Losses of the trainings.

Quality: Charbonnier, as the paper; a pairwise ranking loss as an option. What people answered to pairs: the likelihood
of Bradley and Terry. How votes spread over the grades: the squared earth mover's distance.
Degradation: dual-set contrastive learning with Soft Proximity Mapping (the paper's equations 4 to 6).

Shapes: B samples, P pairs, G grades, m and n sizes of the sets S and R, D features.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def charbonnier(predicted: Tensor, target: Tensor, *, counts: Tensor | None = None, epsilon: float = 1e-3) -> Tensor:
    """Return mean √((p - t)² + ε²) of scores (B,): an absolute error that is smooth at 0.

    `counts` (B,) says how much each counts, 1 on average; None for all alike.
    """
    errors = ((predicted - target).square() + epsilon**2).sqrt()
    return (errors if counts is None else counts * errors).mean()


def pairwise_ranking(predicted: Tensor, target: Tensor, *, margin: float = 1.0, smallest: float = 0.02) -> Tensor:
    """Return the mean hinge on all pairs of a batch (B,) that are predicted in the wrong order or too close.

    A pair should differ by `margin` times the difference of its targets; pairs closer than `smallest`
    are left out, because their order is noise.
    """
    wanted = target[:, None] - target[None]
    given = predicted[:, None] - predicted[None]
    ordered = wanted > smallest
    return F.relu(margin * wanted - given)[ordered].sum() / ordered.sum().clamp_min(1)


def paired_comparison(difference: Tensor, tie: Tensor, answers: Tensor) -> Tensor:
    """Return the negative log likelihood (…, P) of answers to pairs whose first photo is by `difference` the better.

    P(first) : P(none) : P(second) = exp(d/2) : exp(t) : exp(-d/2)

    R. Bradley and M. Terry (1952), with ties after R. Davidson (1970). Without ties (t = -∞) P(first) is the logistic
    function of d, and this is logistic regression.

    Args:
        difference: d (…, P), in units of the model, in which 1.1 to 2 are one just-objectionable difference.
        tie: t, of any shape that fits d.
        answers: How often "the first", "no difference" and "the second" (P, 3) were answered, counts or shares.
    """
    none = tie.expand_as(difference)
    return -(answers * torch.stack([difference / 2, none, -difference / 2], dim=-1).log_softmax(dim=-1)).sum(-1)


def squared_earth_movers(predicted: Tensor, given: Tensor) -> Tensor:
    """Return the mean squared difference (…) of two cumulative distributions over ordered grades (…, G - 1).

    The distance that NIMA trains with (H. Talebi and P. Milanfar, 2018), squared (L. Hou et al., 2016). The last
    value of every cumulative distribution is 1 and left out.
    """
    return (predicted - given).square().mean(dim=-1)


def soft_proximity(anchors: Tensor, others: Tensor, *, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Map every anchor (m, D) to a soft mixture of the other set (n, D).

    Returns the mixtures ŝ (m, D) and their weights α (m, n): softmax of negative squared distances.
    """
    weights = torch.softmax(-_squared_distances(anchors, others) / temperature, dim=1)
    return weights @ others, weights


def set_contrast(anchors: Tensor, others: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return the loss (m,) of every anchor: attracted by its own mixture, repelled by those of the other anchors."""
    mixtures, _ = soft_proximity(anchors, others, temperature=temperature)
    logits = -_squared_distances(anchors, mixtures) / temperature
    return F.cross_entropy(logits, torch.arange(len(anchors), device=logits.device), reduction="none")


def dual_set_contrast(synthetic: Tensor, real: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return L(S, R) + L(R, S) for features of one face's degraded versions (m, D) and of real photos (n, D)."""
    forward = set_contrast(synthetic, real, temperature=temperature).mean()
    return forward + set_contrast(real, synthetic, temperature=temperature).mean()


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return (m, n) squared Euclidean distances, exactly: cdist loses digits where two points are close."""
    return (a[:, None] - b[None]).square().sum(-1)
