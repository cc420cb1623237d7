"""Which pairs to compare next: those whose answer is expected to tell most about the scale.

The information of a pair is the mutual information between its answer and the distance of its stimuli, which the
comparisons so far leave normally distributed: much where the distance is uncertain and small, little where everybody
will prefer the same one. Pairs are chosen in batches that form a spanning tree of the stimuli, so that each batch
links all of them: A. Mikhailiuk et al., "Active sampling for pairwise comparisons via approximate message passing and
information gain maximization" (ICPR 2020).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.special import entr, ndtr, ndtri

from annotate.statistics.paired_scale import PairedScale
from annotate.statistics.ratings import Numbers

_NODES = 21  # of the quadrature; more change nothing within 1e-6
_STEEPNESS = float(ndtri(0.75))  # of Thurstone's model, per JOD
_LEAST_VARIANCE = 1e-12  # of an answer that everybody gives
_MOST_BITS = 1.0  # that one answer can tell
NO_PAIR = -np.inf
"""In the place of the information of a pair that is not to be planned."""


class PlannedPair(NamedTuple):
    """Two stimuli to compare, and what the answer is expected to tell, in bits."""

    stimulus: str
    other: str
    information: float


def plan_pairs(scale: PairedScale, count: int, sources: Mapping[str, str | None] | None = None) -> list[PlannedPair]:
    """Return the `count` pairs (or all there are) most worth comparing next, batch by batch, best first in each.

    Where sources are given, by stimulus, stimuli of two sources make no pair.
    """
    left = expected_information(scale)
    if sources is not None:
        of = [sources.get(each) for each in scale.stimulus_ids]
        left[[[one != other for other in of] for one in of]] = NO_PAIR
    pairs: list[PlannedPair] = []
    while len(pairs) < count and (batch := plan_batch(left)):
        pairs += [PlannedPair(scale.stimulus_ids[a], scale.stimulus_ids[b], float(left[a, b])) for a, b in batch]
        for a, b in batch:
            left[a, b] = left[b, a] = NO_PAIR
    return pairs[:count]


def plan_batch(information: Numbers) -> list[tuple[int, int]]:
    """Return the pairs that link the stimuli with the most information (J, J), best first; none is `NO_PAIR`.

    Where those that are left cannot link all stimuli, they link as many as they can.
    """
    cost = np.where(information > NO_PAIR, _MOST_BITS + 1 - information, 0)  # no edge where it is 0; never negative
    tree = minimum_spanning_tree(np.triu(cost, 1)).tocoo()
    found = zip(tree.row.tolist(), tree.col.tolist(), strict=True)
    return sorted(found, key=lambda pair: -information[pair])


def with_answers_to_come(scale: PairedScale, answers: Mapping[tuple[int, int], int]) -> PairedScale:
    """Return the scale as certain as so many more answers to pairs (two indices) make it to be expected, no ties."""
    precision = np.linalg.inv(scale.covariance)
    for (one, other), count in answers.items():
        better = _STEEPNESS * (scale.jod[one] - scale.jod[other])
        density = _STEEPNESS * np.exp(-(better**2) / 2) / np.sqrt(2 * np.pi)
        known = count * density**2 / max(float(ndtr(better) * ndtr(-better)), _LEAST_VARIANCE)
        precision[[one, other], [one, other]] += known
        precision[[one, other], [other, one]] -= known
    return replace(scale, covariance=np.linalg.inv(precision).astype(np.float64))


def order_certainty(scale: PairedScale) -> float:
    """Return the probability with which the order of two neighbours on the scale is right, of those least certain."""
    order = np.argsort(scale.jod)
    below, above = order[:-1], order[1:]
    variance = np.diag(scale.covariance)
    spread = np.sqrt(variance[below] + variance[above] - 2 * scale.covariance[below, above])
    return float(ndtr((scale.jod[above] - scale.jod[below]) / spread).min()) if spread.size else 1.0


def expected_information(scale: PairedScale) -> Numbers:
    """Return the information (J, J) in bits, 0..1, that comparing each pair once more would give; no ties."""
    variance = np.diag(scale.covariance)
    spread = np.sqrt(np.maximum(variance[:, None] + variance - 2 * scale.covariance, 0))
    distance = scale.jod[:, None] - scale.jod
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    mean, noise = np.zeros((2, *distance.shape))
    for node, weight in zip(nodes, weights, strict=True):
        better = ndtr(_STEEPNESS * (distance + node * spread))
        mean += weight * better
        noise += weight * _bits(better)
    information: Numbers = np.maximum(_bits(mean) - noise, 0)
    return information


def _bits(better: Numbers) -> Numbers:
    """Return the entropy of a choice of two."""
    entropy: Numbers = (entr(better) + entr(1 - better)) / np.log(2)
    return entropy
