"""The audit trail of a study: what was done to it, when and by whom of its owner and members."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    insert,
    select,
)
from sqlalchemy.orm import Session

from annotate.database.tables import (
    Event,
)
from annotate.owners import actor


def log_event(db: Session, study_id: int, what: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Add a line to the study's audit trail, in the name of who is acting.

    A participant is named as `participant`, and nowhere else in `detail`.
    """
    db.execute(insert(Event).values(study_id=study_id, at=now, what=what, detail=dict(detail), actor=actor()))


def list_events(db: Session, study_id: int) -> list[Event]:
    """Return the audit trail, oldest first."""
    return list(db.scalars(select(Event).where(Event.study_id == study_id).order_by(Event.id)))


def latest_events(db: Session, study_id: int, limit: int) -> list[Event]:
    """Return the end of the audit trail, newest first."""
    newest = select(Event).where(Event.study_id == study_id).order_by(Event.id.desc())
    return list(db.scalars(newest.limit(limit)))
