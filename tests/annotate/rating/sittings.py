"""What the tests of sittings share."""

from typing import Any

from sqlalchemy import func, select

from annotate.database.engine import Database
from annotate.database.tables import Rating, Stimulus

QUICK: dict[str, Any] = {"gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


def live_ratings(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(Rating).where(Rating.undone_at.is_(None))) or 0


def counts(database: Database) -> list[tuple[int, int]]:
    """Return (taken, rated) of the stimuli."""
    with database.read() as db:
        return [(taken, rated) for taken, rated in db.execute(select(Stimulus.taken, Stimulus.rated))]
