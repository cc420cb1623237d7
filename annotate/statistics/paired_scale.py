"""The scale behind paired comparisons: where each stimulus stands, in just-objectionable differences (JOD).

Two models of the probability that one of a distance d above the other is preferred, each with room for ties:

    Thurstone, case V   P(better) = Φ(d - t), P(worse) = Φ(-d - t)
                        (L. Thurstone, 1927; ties after W. Glenn and H. David, 1960; without ties t = 0)
    Bradley-Terry       P(better) : P(none) : P(worse) = exp(d/2) : exp(t) : exp(-d/2)
                        (R. Bradley and M. Terry, 1952; ties after R. Davidson, 1970)

Both are fitted by maximum likelihood with a weak normal prior on the positions, as in M. Perez-Ortiz and R. Mantiuk,
"A practical guide and software for analysing pairwise comparison experiments" (2017), so that a stimulus that won or
lost every comparison stands somewhere finite. The likelihood is concave; Newton's method finds its only top.

The unit: at a distance of 1 JOD, three in four people prefer the better one, ties shared out evenly. Only differences
mean something, so the mean of each group of linked stimuli is 0; stimuli of different groups cannot be compared.

Shapes: J stimuli; P distinct pairs with how often each was answered "better", "no difference" and "worse" (P, 3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr, ndtri

from annotate.statistics.comparisons import LEFT, NONE, RIGHT, Comparisons
from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.ratings import Indices, Numbers

if TYPE_CHECKING:
    import pandas as pd

Model = Literal["thurstone", "bradley-terry"]
PRIOR_JOD = 5.0
"""Standard deviation of the prior: stimuli of one source seldom lie further apart."""
_MOST_STEPS = 100
_SMALLEST_GAIN = 1e-10  # of the log likelihood
_SMOOTHEST = 40.0  # beyond this distance in units of the model, probabilities are 0 and 1 in double precision
_ENOUGH_PER_PAIR = 5  # answers, for a test of the fit


@dataclass(frozen=True, eq=False)
class PairedScale:
    """Positions of stimuli (J,) in JOD; the mean of each group is 0.

    ci95 is the half width of the interval from the curvature of the likelihood, against the mean of the group.
    `covariance` (J, J) is that of the positions in JOD²; how far a group's mean is off, within the prior, is in it.
    `tie` is the model's parameter of ties, `tie_share` how often "no difference" is answered to two stimuli that stand
    at the same place.
    `misfit` is the probability of data as far from the model as these were, if it were right; NaN where every pair
    was compared too seldom to tell.
    """

    stimulus_ids: tuple[str, ...]
    jod: Numbers
    ci95: Numbers
    comparisons: Indices
    group: Indices
    covariance: Numbers
    tie: float
    tie_share: float
    misfit: float

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one JSON-safe dictionary per stimulus."""
        columns = (self.jod, self.ci95, self.comparisons, self.group)
        for name, jod, ci95, count, group in zip(
            self.stimulus_ids, *(column.tolist() for column in columns), strict=True
        ):
            yield {"stimulus": name, "jod": jod, "ci95": ci95, "comparisons": count, "group": group + 1}

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas table with one row a stimulus, under the names of `rows`."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["stimulus", "jod", "ci95", "comparisons", "group"])


class Pairs(NamedTuple):
    """Distinct pairs: indices of both stimuli (P,), and the answers "first", "none", "second" to each (P, 3)."""

    first: Indices
    second: Indices
    answers: Numbers


class _Terms(NamedTuple):
    """Log probabilities of the three answers (P, 3), and their derivatives by distance d and tie parameter t."""

    log: Numbers
    by_d: Numbers
    by_t: Numbers
    by_dd: Numbers
    by_dt: Numbers
    by_tt: Numbers


@dataclass(frozen=True)
class _Family:
    """A model of the answers. `jod` is the distance of 1 JOD, and `tie_share` how often equals tie, by parameter t."""

    terms: Callable[[Numbers, float], _Terms]
    jod: Callable[[float], float]
    tie_share: Callable[[float], float]
    no_ties: float
    first_tie: float


def fit_paired_scale(
    comparisons: Comparisons, *, model: Model = "thurstone", prior_jod: float = PRIOR_JOD
) -> PairedScale:
    """Return where each stimulus stands.

    Args:
        comparisons: V answers to pairs of J stimuli.
        model: "thurstone" (case V) or "bradley-terry".
        prior_jod: Standard deviation of the normal prior on positions, in JOD.
    """
    pairs, family = count_pairs(comparisons), _FAMILIES[model]
    position, tie, precision = _fit(pairs, len(comparisons.stimulus_ids), family, prior_jod)
    groups = comparisons.groups
    centring, unit = _centring(groups), family.jod(tie)
    covariance: Numbers = np.linalg.inv(precision).astype(np.float64) / unit**2
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", centring, covariance, centring), 0))
    return PairedScale(
        stimulus_ids=comparisons.stimulus_ids,
        jod=centring @ position / unit,
        ci95=ndtri((1 + CONFIDENCE) / 2) * spread,
        comparisons=comparisons.counts,
        group=groups,
        covariance=covariance,
        tie=tie,
        tie_share=family.tie_share(tie),
        misfit=_misfit(pairs, family.terms(position[pairs.first] - position[pairs.second], tie).log, position.size),
    )


def participant_pulls(comparisons: Comparisons, scale: PairedScale, *, model: Model = "thurstone") -> Numbers:
    """Return how far the answers of each participant who gave any pull each stimulus (I, J), in JOD.

    The spread of these pulls is that of the scale over other people who differ as these do (the sandwich estimate of P.
    Huber, 1967), as resampling them gives it, at the cost of one fit.

    Args:
        comparisons: Those that the scale was fitted to.
        scale: The scale.
        model: That it was fitted with.
    """
    family = _FAMILIES[model]
    unit, answers = family.jod(scale.tie), np.arange(len(comparisons))
    distance = unit * (scale.jod[comparisons.left] - scale.jod[comparisons.right])
    slope = family.terms(distance, scale.tie).by_d[answers, LEFT - comparisons.preferred]
    person = np.unique(comparisons.participant, return_inverse=True)[1].reshape(-1)
    slopes = np.zeros((int(person.max()) + 1, scale.jod.size))
    np.add.at(slopes, (person, comparisons.left), slope)
    np.add.at(slopes, (person, comparisons.right), -slope)
    pulls: Numbers = unit * slopes @ scale.covariance
    return pulls


def bootstrap_paired_scale(
    comparisons: Comparisons, *, model: Model = "thurstone", samples: int = 200, seed: int = 0
) -> Numbers:
    """Return the half widths (J,) of 95 % intervals in JOD from resampling participants.

    Wider than `ci95` where people differ in taste: the likelihood takes every answer to be independent.
    """
    drawn = [each.jod for each in resampled_scales(comparisons, model=model, samples=samples, seed=seed)]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    widths: Numbers = (high - low) / 2
    return widths


def resampled_scales(
    comparisons: Comparisons, *, model: Model = "thurstone", samples: int = 200, seed: int = 0
) -> Iterator[PairedScale]:
    """Yield the scales of so many studies with as many participants, drawn from those there are."""
    generator = np.random.default_rng(seed)
    people = len(comparisons.participant_ids)
    rows = [np.flatnonzero(comparisons.participant == person) for person in range(people)]
    for _ in range(samples):
        chosen = np.concatenate([rows[person] for person in generator.integers(people, size=people)])
        yield fit_paired_scale(comparisons.where(chosen), model=model)


def count_pairs(comparisons: Comparisons) -> Pairs:
    """Count the answers to each distinct pair, whichever of the two was on the left."""
    turned = comparisons.left > comparisons.right
    first = np.where(turned, comparisons.right, comparisons.left)
    second = np.where(turned, comparisons.left, comparisons.right)
    answer = np.where(turned, -comparisons.preferred, comparisons.preferred)
    both, rows = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
    rows = rows.reshape(-1)
    counted = [np.bincount(rows, answer == value, len(both)) for value in (LEFT, NONE, RIGHT)]
    return Pairs(both[:, 0], both[:, 1], np.stack(counted, axis=1))


def _fit(pairs: Pairs, size: int, family: _Family, prior_jod: float) -> tuple[Numbers, float, Numbers]:
    """Return positions (J,) in units of the model, the tie parameter, and the precision of the positions (J, J)."""
    has_ties = bool(pairs.answers[:, 1].any())
    weight = 1 / (prior_jod * family.jod(family.no_ties)) ** 2
    found = np.zeros(size + 1)
    found[size] = family.first_tie if has_ties else family.no_ties
    value, gradient, curvature = _objective(pairs, found, family, weight)
    for _ in range(_MOST_STEPS):
        free = size + has_ties
        step = np.zeros(size + 1)
        step[:free] = np.linalg.solve(curvature[:free, :free], gradient[:free])
        before = value
        found, value, gradient, curvature = _stepped(pairs, found, step, family, weight, before)
        if value - before < _SMALLEST_GAIN:
            break
    return found[:size], float(found[size]), _without_tie(curvature, has_ties=has_ties)


def _stepped(
    pairs: Pairs, at: Numbers, step: Numbers, family: _Family, weight: float, before: float
) -> tuple[Numbers, float, Numbers, Numbers]:
    """Go as far along `step` as makes things better."""
    length = 1.0
    while length > 2**-30:
        there = at + length * step
        if there[-1] >= family.no_ties:
            value, gradient, curvature = _objective(pairs, there, family, weight)
            if value >= before:
                return there, value, gradient, curvature
        length /= 2
    return at, *_objective(pairs, at, family, weight)


def _objective(pairs: Pairs, at: Numbers, family: _Family, weight: float) -> tuple[float, Numbers, Numbers]:
    """Return the log posterior, its gradient (J + 1,) and its negative curvature (J + 1, J + 1)."""
    size = at.size - 1
    terms = family.terms(at[pairs.first] - at[pairs.second], float(at[size]))
    n = pairs.answers
    by_d, by_dd, by_dt = ((n * term).sum(axis=1) for term in (terms.by_d, terms.by_dd, terms.by_dt))
    gradient = _sums(pairs.first, by_d, size) - _sums(pairs.second, by_d, size)
    gradient[:size] -= weight * at[:size]
    gradient[size] = (n * terms.by_t).sum()
    curvature = np.zeros((size + 1, size + 1))
    np.add.at(curvature, (pairs.first, pairs.second), by_dd)
    curvature += curvature.T
    mixed = _sums(pairs.first, by_dt, size) - _sums(pairs.second, by_dt, size)
    curvature[size, :] = curvature[:, size] = -mixed
    diagonal = -_sums(pairs.first, by_dd, size) - _sums(pairs.second, by_dd, size)
    diagonal[:size] += weight
    diagonal[size] = -(n * terms.by_tt).sum()
    np.fill_diagonal(curvature, diagonal)
    value = float((n * np.where(n > 0, terms.log, 0)).sum() - weight / 2 * (at[:size] ** 2).sum())
    return value, gradient, curvature


def _sums(stimulus: Indices, values: Numbers, size: int) -> Numbers:
    """Return the sums (J + 1,) of the values (P,) of each stimulus; the last place is the tie parameter's."""
    return np.bincount(stimulus, values, size + 1).astype(np.float64)


def _without_tie(curvature: Numbers, *, has_ties: bool) -> Numbers:
    """Return the precision (J, J) of the positions, whatever the tie parameter is."""
    positions, mixed = curvature[:-1, :-1], curvature[:-1, -1]
    return positions - np.outer(mixed, mixed) / curvature[-1, -1] if has_ties else positions


def _centring(groups: Indices) -> Numbers:
    """Return the matrix (J, J) that takes away the mean of each group."""
    same = groups[:, None] == groups
    centring: Numbers = np.eye(groups.size) - same / same.sum(axis=1)
    return centring


def _misfit(pairs: Pairs, log: Numbers, stimuli: int) -> float:
    """Return the p value of the likelihood ratio against one probability per pair and answer; NaN without data."""
    totals = pairs.answers.sum(axis=1, keepdims=True)
    has_ties = bool(pairs.answers[:, 1].any())
    degrees = pairs.first.size * (1 + has_ties) - (stimuli - 1) - has_ties
    if degrees < 1 or np.median(totals) < _ENOUGH_PER_PAIR:
        return float("nan")
    seen = np.log(np.where(pairs.answers > 0, pairs.answers, 1) / totals)
    ratio = 2 * (pairs.answers * np.where(pairs.answers > 0, seen - log, 0)).sum()
    return float(stats.chi2.sf(ratio, degrees))


def _davidson(d: Numbers, t: float) -> _Terms:
    d = np.clip(d, -_SMOOTHEST, _SMOOTHEST)
    logits = np.stack([d / 2, np.full_like(d, t), -d / 2], axis=1)
    log = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    better, none, worse = np.exp(log).T
    tilt = (better - worse) / 2
    by_d = np.array([0.5, 0.0, -0.5]) - tilt[:, None]
    by_t = np.array([0.0, 1.0, 0.0]) - none[:, None]
    by_dd = np.repeat((tilt**2 - (better + worse) / 4)[:, None], 3, axis=1)
    by_dt = np.repeat((tilt * none)[:, None], 3, axis=1)
    by_tt = np.repeat((none * (none - 1))[:, None], 3, axis=1)
    return _Terms(log, by_d, by_t, by_dd, by_dt, by_tt)


def _glenn_david(d: Numbers, t: float) -> _Terms:
    d = np.clip(d, -_SMOOTHEST / 2, _SMOOTHEST / 2)
    better, worse = d - t, -d - t
    log_better, log_worse = log_ndtr(better), log_ndtr(worse)
    up, down = _hazard(better, log_better), _hazard(worse, log_worse)
    curve_up, curve_down = -up * (better + up), -down * (worse + down)
    # Φ(d + t) - Φ(d - t), on the side where both are small; without room for ties nobody answers so
    log_upper, log_lower = log_ndtr(t - np.abs(d)), log_ndtr(-t - np.abs(d))
    log_none = log_upper + np.log(-np.expm1(log_lower - log_upper)) if t > 0 else np.zeros_like(d)
    far, near = np.exp(_log_density(d + t) - log_none), np.exp(_log_density(d - t) - log_none)
    none_d, none_t = far - near, far + near
    none_dd = -(d + t) * far + (d - t) * near - none_d**2
    none_tt = -(d + t) * far + (d - t) * near - none_t**2
    none_dt = -(d + t) * far - (d - t) * near - none_d * none_t
    return _Terms(
        np.stack([log_better, log_none, log_worse], axis=1),
        np.stack([up, none_d, -down], axis=1),
        np.stack([-up, none_t, -down], axis=1),
        np.stack([curve_up, none_dd, curve_down], axis=1),
        np.stack([-curve_up, none_dt, curve_down], axis=1),
        np.stack([curve_up, none_tt, curve_down], axis=1),
    )


def _hazard(x: Numbers, log_cdf: Numbers) -> Numbers:
    """Return φ(x) / Φ(x)."""
    ratio: Numbers = np.exp(_log_density(x) - log_cdf)
    return ratio


def _log_density(x: Numbers) -> Numbers:
    density: Numbers = -(x**2 + np.log(2 * np.pi)) / 2
    return density


def _thurstone_jod(t: float) -> float:
    return float(brentq(lambda d: ndtr(d - t) + ndtr(d + t) - 1.5, 0, t + 1))


def _davidson_jod(t: float) -> float:
    tie = np.exp(t)
    return float(2 * np.log((tie + np.sqrt(tie**2 + 12)) / 2))


_FAMILIES: dict[Model, _Family] = {
    "thurstone": _Family(_glenn_david, _thurstone_jod, lambda t: float(2 * ndtr(t) - 1), 0.0, 0.3),
    "bradley-terry": _Family(_davidson, _davidson_jod, lambda t: float(np.exp(t) / (2 + np.exp(t))), -np.inf, -0.7),
}
