"""What other limits of screening would do: who falls, who is used again, and how MOS and certainty move.

Shapes: V ratings, I participants, J stimuli.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from annotate.statistics.findings import ScreeningRules
from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.ratings import Flags, Ratings
from annotate.statistics.screening import Screening, screen


@dataclass(frozen=True, eq=False)
class ScreeningPreview:
    """A screening that is not applied yet, beside what holds now.

    falls, returns:  participants whose votes are used now and would not be; and the other way round
    before, after:   figures of the stimuli to be rated
    """

    screening: Screening
    falls: tuple[str, ...]
    returns: tuple[str, ...]
    before: MosTable
    after: MosTable

    def row(self) -> dict[str, Any]:
        """Return what changes as a JSON-safe dictionary; None for what no two pictures tell.

        mos_shift is the mean distance between a picture's MOS before and after, mos_shift_most the largest, of the
        picture `moved_most`; mos_srcc is the rank correlation of all, and ci95 the median half width of an interval.
        """
        moved = np.abs(self.after.mos - self.before.mos)
        known = np.flatnonzero(~np.isnan(moved))
        most = int(known[np.argmax(moved[known])]) if known.size else None
        return {
            "falls": list(self.falls),
            "returns": list(self.returns),
            "ratings_before": int(self.before.ratings.sum()),
            "ratings_after": int(self.after.ratings.sum()),
            "mos_shift": float(moved[known].mean()) if known.size else None,
            "mos_shift_most": None if most is None else float(moved[most]),
            "moved_most": None if most is None else self.before.stimulus_ids[most],
            "mos_srcc": _rank_correlation(self.before.mos[known], self.after.mos[known]),
            "ci95_before": _median(self.before.ci95),
            "ci95_after": _median(self.after.ci95),
        }


def preview_screening(
    ratings: Ratings, used: Flags, rules: ScreeningRules, *, stimuli: Collection[str], decided: Collection[str] = ()
) -> ScreeningPreview:
    """Screen under other rules, and compare the figures with those of now; nothing is changed by that.

    Args:
        ratings: V ratings, of checks and repeats too.
        used: Which of them count now (V,).
        rules: From where on each check finds somebody.
        stimuli: Those to be rated, whose figures are compared.
        decided: Participants whom somebody left out by hand; they stay so.

    Returns:
        Who would be left out and who used again, with the figures before and after.
    """
    screening = screen(ratings, rules)
    out = np.array([name in decided for name in ratings.participant_ids], np.bool_) | ~screening.participant_used
    counts = np.bincount(ratings.participant, minlength=out.size)
    now = (np.bincount(ratings.participant, used, minlength=out.size) > 0) & (counts > 0)
    names = np.array(ratings.participant_ids, object)
    return ScreeningPreview(
        screening,
        falls=tuple(names[now & out]),
        returns=tuple(names[~now & ~out & (counts > 0)]),
        before=estimate_mos(ratings, used).only(stimuli),
        after=estimate_mos(ratings, ~out[ratings.participant]).only(stimuli),
    )


def _median(values: "np.ndarray[Any, np.dtype[np.float64]]") -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else None


def _rank_correlation(before: "np.ndarray[Any, Any]", after: "np.ndarray[Any, Any]") -> float | None:
    """Return Spearman's; None where one of the two orders nothing."""
    if before.size < 2 or np.ptp(before) == 0 or np.ptp(after) == 0:
        return None
    found = float(stats.spearmanr(before, after).statistic)
    return None if math.isnan(found) else found
