"""Which pairs to compare next: those whose answer is expected to tell most about the scale.

The information of a pair is the mutual information between its answer and the distance of its stimuli, which the
comparisons so far leave normally distributed: much where the distance is uncertain and small, little where everybody
will prefer the same one. Pairs are chosen in batches that form a spanning tree of the stimuli, so that each batch
links all of them: A. Mikhailiuk et al., "Active sampling for pairwise comparisons via approximate message passing and
information gain maximization" (ICPR 2020).
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.special import entr, ndtr, ndtri

from annotate.statistics.paired_scale import PairedScale
from annotate.statistics.ratings import Numbers

_NODES = 21  # of the quadrature; more change nothing within 1e-6
_STEEPNESS = float(ndtri(0.75))  # of Thurstone's model, per JOD
_MOST_BITS = 1.0  # that one answer can tell


class PlannedPair(NamedTuple):
    """Two stimuli to compare, and what the answer is expected to tell, in bits."""

    stimulus: str
    other: str
    information: float


def plan_pairs(scale: PairedScale, count: int) -> list[PlannedPair]:
    """Return the `count` pairs (or all there are) most worth comparing next, batch by batch, best first in each."""
    left = expected_information(scale)
    pairs: list[PlannedPair] = []
    while len(pairs) < count:
        cost = np.where(left > -np.inf, _MOST_BITS + 1 - left, 0)  # no edge where it is 0; never negative
        tree = minimum_spanning_tree(np.triu(cost, 1)).tocoo()
        batch = sorted(zip(tree.row, tree.col, strict=True), key=lambda pair: -left[pair])
        if not batch:
            break
        pairs += [PlannedPair(scale.stimulus_ids[a], scale.stimulus_ids[b], float(left[a, b])) for a, b in batch]
        for a, b in batch:
            left[a, b] = left[b, a] = -np.inf
    return pairs[:count]


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
