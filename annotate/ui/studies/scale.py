"""The result of a study of pairs: the scale of its pictures, how well it fits, and who answers unlike the others."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from annotate.ui.studies.figures import intervals_figure, ranked_figure
from annotate.ui.studies.html import cells, note, table, text
from annotate.ui.studies.picture_table import number
from annotate.ui.studies.progress import numbers
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.statistics.findings import Finding
    from annotate.statistics.paired_checks import PairedParticipants
    from annotate.statistics.paired_scale import PairedScale

SIGNIFICANT = 0.01
SHOWN_BY_NAME = 40
SHOWN_PEOPLE = 100
PEOPLE_HEADS = ("Person", "Worth a look", "Comparisons", "Agreement", "In circles", "Left side", "Median time")
PEOPLE_EXPLAINED = (
    "Agreement: the share of somebody's preferences that most of the others share, 0.5 is chance. In circles: of three "
    "pictures compared with each other, how often A beats B, B beats C and C beats A; 0.25 is chance. Nobody is left "
    "out by these figures: who has another taste looks like who is careless."
)


def scale_summary(scale: "PairedScale") -> str:
    """Return what the scale says, how well it fits, and a figure of it."""
    answers, pictures = int(scale.comparisons.sum()) // 2, len(scale.stimulus_ids)
    headline = numbers([
        ("Votes used", f"{answers:,}", f"of {counted(pictures, 'picture')}"),
        ("Typical certainty", f"± {number(float(np.median(scale.ci95)))}", "JOD, half the 95 % interval of a picture"),
        ("Fit", _fit(scale.misfit), "p of one scale for everybody; below 0.01 it does not fit"),
        ("No difference", f"{scale.tie_share:.0%}", "of the answers to pictures that stand at the same place"),
    ])  # fmt: skip
    return headline + "".join(note(each, "warning") for each in _warnings(scale)) + _figure(scale)


def _fit(misfit: float) -> str:
    return "–" if math.isnan(misfit) else "&lt;\u202f0.001" if misfit < 0.001 else f"{misfit:.2f}"


def _warnings(scale: "PairedScale") -> list[str]:
    said = []
    if groups := int(scale.group.max()):
        said.append(f"No comparison links the {groups + 1} groups of pictures; each has a scale of its own.")
    if scale.misfit < SIGNIFICANT:
        said.append("The answers do not fit one scale well: people may look at different things.")
    return said


def _figure(scale: "PairedScale") -> str:
    """Draw the pictures by name or, where they are many, by rank; group by group, the best first."""
    order = np.lexsort((-scale.jod, scale.group))
    jod, low, high = scale.jod[order], (scale.jod - scale.ci95)[order], (scale.jod + scale.ci95)[order]
    ends = (float(math.floor(low.min())), float(math.ceil(high.max())))
    if order.size <= SHOWN_BY_NAME:
        names = [scale.stimulus_ids[row] for row in order.tolist()]
        rows = list(zip(names, jod.tolist(), low.tolist(), high.tolist(), strict=True))
        drawn = intervals_figure(rows, ends, "JOD")
    else:
        drawn = ranked_figure(jod, low, high, ends, "JOD")
    groups = " Group by group, which cannot be compared with each other." if scale.group.any() else ""
    said = f"Points: where pictures stand. Lines: 95 % intervals, for other answers of the same people.{groups}"
    figure = f"<figure>{drawn}<figcaption>{said}</figcaption></figure>"
    return f'<h3>Scale</h3><div class="figures wide">{figure}</div>'


def people_panel(people: "PairedParticipants", findings: "Sequence[Finding]") -> str:
    """Return the figures of who compared, those of whom something was found first."""
    found: dict[str, list[str]] = {}
    for each in findings:
        found.setdefault(each.participant, []).append(each.check.value)
    rows = sorted(people.rows(), key=lambda row: (row["participant"] not in found, _agreement(row)))
    caption = f"{counted(len(rows), 'person', 'people')}, {len(found)} worth a look"
    lines = (_person(row, found.get(row["participant"], [])) for row in rows[:SHOWN_PEOPLE])
    shown = table(PEOPLE_HEADS, lines, caption=caption, kind="comparers")
    more = len(rows) - SHOWN_PEOPLE
    rest = note(f"The other {more:,} are on the command line: scale NAME --participants.") if more > 0 else ""
    return f'<h3>People</h3><p class="hint">{PEOPLE_EXPLAINED}</p>{shown}{rest}'


def _person(row: dict[str, Any], found: list[str]) -> str:
    seconds = "–" if row["response_ms"] is None else f"{row['response_ms'] / 1000:.1f} s"
    left = "–" if row["left_share"] is None else f"{row['left_share']:.0%}"
    return cells(
        f"<code>{text(row['participant'])}</code>",
        text(", ".join(found)),
        f"{row['comparisons']:,}",
        number(row["agreement"]),
        number(row["circular"]),
        left,
        seconds,
    )


def _agreement(row: dict[str, Any]) -> float:
    agreement: float | None = row["agreement"]
    return 1.0 if agreement is None else agreement
