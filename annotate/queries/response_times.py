"""How long people take for an item of a study, from the answers so far."""

from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.database.tables import Assignment, Rating
from annotate.design.items import ItemKind
from annotate.design.sitting_plan import ItemTime

LATEST = 5000
"""Answers that are looked at: with more, nothing changes, and the Set-up panel would wait."""
FEWEST = 20
SHORTEST_S = 0.5
"""Nobody looks and answers faster; imported times may be anything."""


def response_time(db: Session, study_id: int) -> ItemTime | None:
    """Return the median of the latest answers to what is to be rated; None where there are too few of them."""
    latest = (
        select(Rating.response_ms)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .where(
            Assignment.study_id == study_id,
            Assignment.kind == ItemKind.RATED,
            Rating.undone_at.is_(None),
            Rating.response_ms.is_not(None),
        )
        .order_by(Assignment.id.desc())
        .limit(LATEST)
    )
    times = [each for each in db.scalars(latest) if each is not None]
    return ItemTime(max(SHORTEST_S, median(times) / 1000), len(times)) if len(times) >= FEWEST else None
