"""What `benchmarks.fairness` measured, as tables and as a block of the model card."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiqa.audit.reports import GAP_HEADS, gap_rows, group_rows, heads
from fiqa.audit.statistics import FEW_PEOPLE
from fiqa.audit.summary import Audit
from training.report.tables import markdown_table

BLOCK = "figures of benchmarks.fairness"
Figures = Mapping[str, Any]
TITLES = {
    "stated": "People who gave sex, age and ethnicity",
    "everybody": "Everybody, by what can be measured and by where the photo is from",
    "held aside": "The people of the split test alone",
}


def report(figures: Figures) -> str:
    """Return every table, each audit under a sentence that says what it shows."""
    return "\n\n".join(_sections(figures))


def _sections(figures: Figures) -> Iterator[str]:
    yield (
        "Clean photos, scored as they are and with each damage done to the view of the face; a fall is the score as it "
        "is less the score with the damage. In brackets 95 % intervals from resampling people; groups of fewer than "
        f"{FEW_PEOPLE} people are shown and not compared."
    )
    for name, content in figures["audits"].items():
        audit = Audit.from_dict(content)
        if audit.columns:
            yield from _audit(TITLES[name], audit)
    yield _skin_tone(figures["skin_tone"])


def _audit(title: str, audit: Audit) -> Iterator[str]:
    missed = f" In {audit.unscored} more no face was found." if audit.unscored else ""
    yield f"**{title}**: {audit.photos - audit.unscored} photos of {audit.people} people.{missed}"
    for column in audit.columns:
        yield markdown_table(heads(column), group_rows(column))
    gaps = [(column.column, *row) for column in audit.columns for row in gap_rows(column)]
    if gaps:
        yield (
            "The largest gap in each figure. The last interval allows for its being the largest of all pairs of "
            "groups; a gap is certain where that interval leaves out 0, as by chance happens to one in twenty."
        )
        yield markdown_table(("by", *GAP_HEADS), gaps)


def _skin_tone(trust: Figures) -> str:
    if not trust["pairs"]:
        return (
            "There are no two photos of one person under one light: how steady measured skin tone is was not measured."
        )
    return (
        f"**How far measured skin tone can be trusted.** Of {trust['people']} people under one studio light, the "
        f"typology angle of two photos of one person differs by {trust['same_person_deg']:.1f}° on average (people "
        f"differ with a standard deviation of {trust['people_deg']:.1f}°), and {trust['same_person_class']:.0%} of the "
        f"pairs fall into one class. Half a stop more light moves it by {trust['half_a_stop_deg']:.1f}°, and "
        f"{trust['half_a_stop_class']:.0%} of the photos stay in their class."
    )
