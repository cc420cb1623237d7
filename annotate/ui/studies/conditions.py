"""What the Results panel shows of conditions: what was done to the pictures, by MOS or JOD, and which differ."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from annotate.design.scales import Scale
from annotate.ui.studies.figures import intervals_figure
from annotate.ui.studies.html import cells, note, table, text
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.conditions import ConditionFigures, ConditionPair, Conditions
    from annotate.statistics.paired_conditions import PairedCondition, PairedConditions

FEWEST = 2
"""Conditions that there is something to compare of."""
SHOWN = 40
SHOWN_PAIRS = 200
MEANING = (
    "The MOS of a condition is the mean over its pictures. Intervals say how far other photos and other people of the "
    "same kind might move it (95 %). Two conditions are compared on the photos that both have (<code>source</code> of "
    "<code>stimuli.csv</code>), so that a difference can be certain though intervals overlap."
)
PAIRED_MEANING = (
    "Where a condition puts a picture, beside what is common to the pictures of one photo; 0 is the mean of all "
    "conditions. Intervals say how far other photos and other people of the same kind might move it (95 %)."
)
ONE_PHOTO = (
    "All pictures are of one photo (<code>source</code> of <code>stimuli.csv</code>): nothing is known of others."
)
HEADS = ("Condition", "MOS", "± CI95", "Pictures", "Photos", "Ratings")
PAIRED_HEADS = ("Condition", "JOD", "± CI95", "Pictures", "Photos", "Comparisons")
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
        f"{listed}{_pairs(conditions.pairs, len(conditions.figures))}"
    )


def paired_conditions_panel(conditions: "PairedConditions") -> str:
    """Return the same of pictures that were compared; nothing where fewer than two conditions were."""
    if conditions.problem:
        return f"<h3>Conditions</h3>{note(conditions.problem, 'warning')}"
    if not conditions.figures:
        return ""
    rows = [(each.condition, each.jod, *_ends(each)) for each in conditions.figures]
    reach = max(abs(end) for each in conditions.figures for end in _ends(each))
    drawn = intervals_figure(rows[:SHOWN], (-math.ceil(reach), math.ceil(reach)), "JOD by condition")
    caption = counted(len(conditions.figures), "condition")
    listed = table(PAIRED_HEADS, map(_paired_row, conditions.figures), caption=caption, kind="conditions")
    one_photo = all(each.sources == 1 for each in conditions.figures) and all(pair.shared for pair in conditions.pairs)
    meaning = f'<p class="hint">{PAIRED_MEANING}{f" {ONE_PHOTO}" * one_photo}</p>'
    figure = f'<div class="figures wide"><figure>{drawn}</figure></div>'
    return f"<h3>Conditions</h3>{meaning}{figure}{listed}{_pairs(conditions.pairs, len(conditions.figures))}"


def _ends(each: "PairedCondition") -> tuple[float, float]:
    """Return the ends of an interval, both at the value where it is unknown."""
    width = each.ci95 if math.isfinite(each.ci95) else 0.0
    return each.jod - width, each.jod + width


def _pairs(pairs: "Sequence[ConditionPair]", conditions: int) -> str:
    if not pairs:
        return note(f"{conditions} conditions are too many to compare every two of them.")
    found = sum(pair.is_certain for pair in pairs)
    compared = counted(len(pairs), "comparison")
    by_size = sorted(pairs, key=lambda pair: (math.isnan(pair.p_corrected), pair.p_corrected))
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


def _paired_row(each: "PairedCondition") -> str:
    return cells(
        text(each.condition),
        f'<b class="score">{each.jod:+.2f}</b>',
        _number(each.ci95),
        f"{each.pictures:,}",
        f"{each.sources:,}",
        f"{each.comparisons:,}",
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
