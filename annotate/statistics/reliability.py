"""How far the ratings of a study can be relied on: agreement between participants, and repeatability of the MOS.

ICC is ICC(1) of Shrout & Fleiss ("Intraclass correlations", Psychological Bulletin 1979): one-way random effects,
absolute agreement. It is the form for incomplete designs, in which every stimulus is seen by other participants; what
participants differ by, bias included, counts as error. Stimuli may have different numbers of ratings (k_0 of ANOVA).

Split halves: participants are parted at random into two groups, whose MOS are correlated over the stimuli both rated.
A MOS of all participants is more reliable than one of half of them, by the Spearman-Brown formula 2 r / (1 + r).

A figure that is undefined, as any correlation is where all MOS are equal, is NaN. Small studies can give negative
estimates; the formulas then leave the range of a correlation, so both are kept to -1..1 (`spearman_brown`, `icc`).

Shapes: V ratings, J stimuli, I participants.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from annotate.statistics.mos import MosTable, estimate_mos, sos_parameter
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings, mean_by

SPLITS = 50
_MOST_CATEGORIES = 11  # of a category scale; with more different grades it is a continuous one
_FINEST_STEPS = 101  # of a continuous scale in Krippendorff's alpha
_TIE_DECIMALS = 9  # equal MOS summed in another order differ by rounding, and must have one rank


@dataclass(frozen=True)
class Reliability:
    """Figures of one study, NaN where there is too little to say; 1 is perfect and 0 no better than chance.

    icc_single:          ICC(1,1), of one rating
    icc_mean:            ICC(1,k), of the MOS, with k the harmonic mean of the ratings per stimulus
    krippendorff_alpha:  of one rating; ordinal on category scales, interval on a continuous scale
    split_half_srcc:     mean over random halves of the participants
    split_half_srcc_sd:  its standard deviation over the halves
    spearman_brown_srcc: what that says of the MOS of all participants
    sos_parameter:       a of the SOS hypothesis; here 0 is perfect agreement
    """

    icc_single: float
    icc_mean: float
    krippendorff_alpha: float
    split_half_srcc: float
    split_half_srcc_sd: float
    spearman_brown_srcc: float
    sos_parameter: float

    def row(self) -> dict[str, float | None]:
        """Return a JSON-safe dictionary."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def estimate_reliability(
    ratings: Ratings, used: Flags | None = None, *, seed: int = 0, table: MosTable | None = None
) -> Reliability:
    """Return how far people agree.

    Args:
        ratings: V ratings; gold, trap, repeated and training items do not count.
        used: Which of them count (V,); all unless given.
        seed: Of the random halves.
        table: What `estimate_mos` gave for the same rows, where that is known already.

    Returns:
        ICC, Krippendorff's alpha, split halves and the SOS parameter, NaN for what too few votes say nothing of.
    """
    table = table or estimate_mos(ratings, used)
    votes = ratings.where(ratings.counted if used is None else ratings.counted & used)
    single, mean = icc(votes)
    halves = split_half_srcc(votes, seed=seed)
    half = float(np.mean(halves)) if halves.size else math.nan
    return Reliability(
        icc_single=single,
        icc_mean=mean,
        krippendorff_alpha=krippendorff_alpha(votes),
        split_half_srcc=half,
        split_half_srcc_sd=float(np.std(halves)) if halves.size else math.nan,
        spearman_brown_srcc=spearman_brown(half, 2),
        sos_parameter=sos_parameter(table),
    )


def icc(votes: Ratings) -> tuple[float, float]:
    """Return ICC(1,1) of one rating and ICC(1,k) of the mean of k ratings, -1..1.

    NaN without repeated ratings, and where all grades are equal.
    """
    _, stimulus, counts = np.unique(votes.stimulus, return_inverse=True, return_counts=True)
    stimuli, total = counts.size, len(votes)
    if stimuli < 2 or total == stimuli or np.ptp(votes.grade) == 0:
        return math.nan, math.nan
    means = mean_by(stimulus, votes.grade, stimuli)
    between = np.dot(counts, (means - votes.grade.mean()) ** 2) / (stimuli - 1)
    within = np.sum((votes.grade - means[stimulus]) ** 2) / (total - stimuli)
    typical = (total - np.dot(counts, counts) / total) / (stimuli - 1)  # k_0; k in a balanced design
    single = max(-1.0, float((between - within) / (between + (typical - 1) * within)))  # k_0 < 2 can give less
    return single, spearman_brown(single, stimuli / float(np.sum(1 / counts)))


def spearman_brown(reliability: float, factor: float) -> float:
    """Return the reliability of the mean of `factor` times as many ratings, -1..1.

    The formula has a pole at -1 / (factor - 1). With the magnitude below the line, as D. J. Krus and G. C. Helmstadter
    propose ("The problem of negative reliabilities", 1993), negative values mirror the positive ones.
    """
    return factor * reliability / (1 + (factor - 1) * abs(reliability))


def krippendorff_alpha(votes: Ratings) -> float:
    """Return Krippendorff's alpha; NaN where no stimulus has two ratings or all grades are equal.

    Grades of a continuous scale are rounded to 101 steps of it. Krippendorff, "Computing Krippendorff's
    Alpha-Reliability" (2011): coincidences of grades within stimuli against those by chance, weighted by distance.
    """
    stimuli, stimulus = np.unique(votes.stimulus, return_inverse=True)
    levels, level = np.unique(votes.grade, return_inverse=True)
    continuous = levels.size > _MOST_CATEGORIES
    if continuous:
        levels, level = np.unique(_rounded(votes), return_inverse=True)
    counts = np.bincount(stimulus * levels.size + level, minlength=stimuli.size * levels.size)
    table = counts.reshape(stimuli.size, levels.size).astype(float)
    pairable = table[table.sum(1) > 1]  # stimuli x levels
    weighted = pairable / (pairable.sum(1, keepdims=True) - 1)
    coincidences = weighted.T @ pairable - np.diag(weighted.sum(0))
    totals = coincidences.sum(1)
    if (totals > 0).sum() < 2:
        return math.nan
    distances = _squared_distances(levels if continuous else _ordinal_positions(totals))
    by_chance = np.sum(np.outer(totals, totals) * distances) / (totals.sum() - 1)
    return float(1 - np.sum(coincidences * distances) / by_chance)


def _ordinal_positions(totals: Numbers) -> Numbers:
    """Return positions whose differences are the ordinal distances: the grades between, and half of both ends'."""
    positions: Numbers = np.cumsum(totals) - totals / 2
    return positions


def _squared_distances(positions: Numbers) -> Numbers:
    squared: Numbers = np.subtract.outer(positions, positions) ** 2
    return squared


def _rounded(votes: Ratings) -> Numbers:
    """Return the grades of a continuous scale rounded to its steps."""
    step = votes.scale_range / (_FINEST_STEPS - 1)
    rounded: Numbers = np.round((votes.grade - votes.scale_low) / step) * step + votes.scale_low
    return rounded


def split_half_srcc(votes: Ratings, *, seed: int, splits: int = SPLITS) -> Numbers:
    """Return Spearman's rank correlation of the halves' MOS for each random split that can be compared."""
    rng = np.random.default_rng(seed)
    people = len(votes.participant_ids)
    found = [_srcc_of_halves(votes, rng.permutation(people) % 2) for _ in range(splits)]
    return np.array([value for value in found if not math.isnan(value)])


def _srcc_of_halves(votes: Ratings, half: Indices) -> float:
    """Correlate the MOS of the participants (I,) of half 0 with that of half 1, over stimuli rated by both."""
    stimuli = len(votes.stimulus_ids)
    group = votes.stimulus + stimuli * half[votes.participant]
    mos = np.round(mean_by(group, votes.grade, 2 * stimuli), _TIE_DECIMALS)
    first, second = mos.reshape(2, stimuli)
    both = ~np.isnan(first) & ~np.isnan(second)
    if np.unique(first[both]).size < 2 or np.unique(second[both]).size < 2:
        return math.nan
    return float(stats.spearmanr(first[both], second[both]).statistic)
