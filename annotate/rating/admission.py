"""Who may begin in a study: it must be open, before its deadline, and have a seat left.

Who has begun may always finish: a deadline or a full study stops nobody in the middle.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from annotate import queries
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import StudyStateError


class Refusal(StrEnum):
    """Why nobody can begin."""

    NOT_OPEN = "not open"
    OVER = "over"
    FULL = "full"


_SENTENCES = {
    Refusal.NOT_OPEN: "The study is not open at the moment; try again later.",
    Refusal.OVER: "The time to take part in this study is over. Thank you for your interest.",
    Refusal.FULL: "Enough people take part in this study already. Thank you for your interest.",
}


def find_refusal(db: Session, study_id: int, state: State, protocol: StudyProtocol, now: datetime) -> Refusal | None:
    """Return why nobody can begin now, None where somebody can."""
    if state is not State.OPEN:
        return Refusal.NOT_OPEN
    if protocol.closes_at and protocol.closes_at <= now:
        return Refusal.OVER
    if protocol.max_people and queries.participants.count_begun(db, study_id) >= protocol.max_people:
        return Refusal.FULL
    return None


def check_admission(db: Session, study_id: int, state: State, protocol: StudyProtocol, now: datetime) -> None:
    """Raise StudyStateError unless somebody can begin now."""
    if refusal := find_refusal(db, study_id, state, protocol, now):
        raise StudyStateError(_SENTENCES[refusal])
