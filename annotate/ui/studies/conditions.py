"""What the Results panel shows of conditions: what was done to the pictures, by MOS, and which differ for certain."""

import math
from typing import TYPE_CHECKING

from annotate.design.scales import Scale
from annotate.ui.studies.figures import intervals_figure
from annotate.ui.studies.html import cells, note, table, text
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.conditions import ConditionFigures, ConditionPair, Conditions

FEWEST = 2
"""Conditions that there is something to compare of."""
SHOWN = 40
SHOWN_PAIRS = 200
MEANING = (
    "The MOS of a condition is the mean over its pictures. Intervals say how far other photos and other people of the "
    "same kind might move it (95 %). Two conditions are compared on the photos that both have (<code>source</code> of "
    "<code>stimuli.csv</code>), so that a difference can be certain though intervals overlap."
)
HEADS = ("Condition", "MOS", "± CI95", "Pictures", "Photos", "Ratings")
PAIR_HEADS = ("Better", "Than", "By", "± CI95", "Photos", "p", "What is known")


def conditions_panel(conditions: "Conditions", scale: Scale) -> str:
    """Return figure and tables; nothing where fewer than two conditions have votes."""
    if len(conditions.figures) < FEWEST:
        return ""
    rows = [(each.condition, each.mos, each.mos - each.ci95, each.mos + each.ci95) for each in conditions.figures]
    drawn = intervals_figure(rows[:SHOWN], (scale.low, scale.high), "MOS by condition")
    caption = counted(len(conditions.figures), "condition")
    listed = table(HEADS, map(_row, conditions.figures), caption=caption, kind="conditions")
    return (
        f'<h3>Conditions</h3><p class="hint">{MEANING}</p><div class="figures wide"><figure>{drawn}</figure></div>'
        f"{listed}{_pairs(conditions)}"
    )


def _pairs(conditions: "Conditions") -> str:
    if not conditions.pairs:
        return note(f"{len(conditions.figures)} conditions are too many to compare every two of them.")
    found = sum(pair.is_certain for pair in conditions.pairs)
    compared = counted(len(conditions.pairs), "comparison")
    by_size = sorted(conditions.pairs, key=lambda pair: (math.isnan(pair.p_corrected), pair.p_corrected))
    caption = f"{compared}, {found} of them certain; p corrected for their number after Holm"
    listed = table(PAIR_HEADS, map(_pair_row, by_size[:SHOWN_PAIRS]), caption=caption, kind="condition-pairs")
    more = len(by_size) - SHOWN_PAIRS
    return listed + (note(f"The {more:,} least certain are on the command line only.") if more > 0 else "")


def _row(each: "ConditionFigures") -> str:
    return cells(
        text(each.condition),
        f'<b class="score">{each.mos:.2f}</b>',
        _number(each.ci95),
        f"{each.pictures:,}",
        f"{each.sources:,}",
        f"{each.ratings:,}",
    )


def _pair_row(pair: "ConditionPair") -> str:
    better, worse = (pair.a, pair.b) if pair.difference >= 0 else (pair.b, pair.a)
    photos = f"{pair.sources:,}" if pair.shared else f"{pair.sources:,}, not the same"
    known = "certain" if pair.is_certain else "too little to tell" if math.isnan(pair.p) else "not shown"
    p = (
        "–"
        if math.isnan(pair.p_corrected)
        else "&lt;\u202f0.001"
        if pair.p_corrected < 0.001
        else f"{pair.p_corrected:.3f}"
    )
    by = f'<b class="score">{abs(pair.difference):.2f}</b>'
    return cells(text(better), text(worse), by, _number(pair.ci95), photos, p, known)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
