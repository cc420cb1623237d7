"""Differential MOS of a test with hidden references (ACR-HR of ITU-T P.910).

A participant's differential grade is their grade of the picture, minus theirs of its reference, plus the best grade of
the scale; the DMOS is its mean over those who rated both. It can lie above the scale, where a picture was preferred to
its reference.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from annotate.statistics.mos import CONFIDENCE
from annotate.statistics.ratings import Numbers, Ratings

_FEWEST = 2  # grades, for an interval


def differential_mos(ratings: Ratings, references: Mapping[str, str]) -> dict[str, dict[str, float | None]]:
    """Return `dmos` and the half width `dmos_ci95` (Student's t) by stimulus, None for what nobody rated.

    `references` names each stimulus's reference.
    """
    counted = ratings.where(ratings.counted)
    grades = np.full((len(ratings.stimulus_ids), len(ratings.participant_ids)), np.nan)
    grades[counted.stimulus, counted.participant] = counted.grade
    place = {name: index for index, name in enumerate(ratings.stimulus_ids)}
    return {
        name: _mean_and_width(grades[place[name]] - grades[place[reference]] + ratings.scale_high)
        for name, reference in references.items()
        if name in place and reference in place
    }


def _mean_and_width(values: Numbers) -> dict[str, float | None]:
    known = values[~np.isnan(values)]
    if not known.size:
        return {"dmos": None, "dmos_ci95": None}
    if known.size < _FEWEST:
        return {"dmos": float(known[0]), "dmos_ci95": None}
    t = stats.t.ppf((1 + CONFIDENCE) / 2, known.size - 1)
    return {"dmos": float(known.mean()), "dmos_ci95": float(t * known.std(ddof=1) / np.sqrt(known.size))}
