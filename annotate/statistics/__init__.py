"""Statistics of ratings, as the standards define them: arrays in, numbers out. No database, no files.

Imports `design.items` alone. A new statistic: a function of `ratings.Ratings`, or of `comparisons.Comparisons` for
pairs, in a module of its own, and a line where `annotate.analysis` puts it into what people see.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = [
    "comparisons",
    "conditions",
    "dmos",
    "figures",
    "findings",
    "metric_agreement",
    "mos",
    "pair_planning",
    "paired_checks",
    "paired_scale",
    "participant_checks",
    "planning",
    "ratings",
    "reliability",
    "screening",
    "screening_preview",
    "sitting_checks",
]

if TYPE_CHECKING:
    from annotate.statistics import (
        comparisons,
        conditions,
        dmos,
        figures,
        findings,
        metric_agreement,
        mos,
        pair_planning,
        paired_checks,
        paired_scale,
        participant_checks,
        planning,
        ratings,
        reliability,
        screening,
        screening_preview,
        sitting_checks,
    )
else:  # each is imported when something of it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(__name__, submodules=__all__)
