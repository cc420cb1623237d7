"""Who may begin in a study: it must be open, before its deadline, and have a seat left.

Who has begun may always finish: a deadline or a full study stops nobody in the middle.
"""

from datetime import datetime
from enum import StrEnum

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


def find_refusal(state: State, protocol: StudyProtocol, begun: int, now: datetime) -> Refusal | None:
    """Return why nobody can begin now, None where somebody can; `begun` people have (any number without a limit)."""
    if state is not State.OPEN:
        return Refusal.NOT_OPEN
    ends = [time for time in (protocol.closes_at, protocol.identifiers_until) if time]
    if ends and min(ends) <= now:  # later nobody would know a panel's participant again
        return Refusal.OVER
    if protocol.max_people and begun >= protocol.max_people:
        return Refusal.FULL
    return None


def check_admission(state: State, protocol: StudyProtocol, begun: int, now: datetime) -> None:
    """Raise StudyStateError unless somebody can begin now."""
    if refusal := find_refusal(state, protocol, begun, now):
        raise StudyStateError(_SENTENCES[refusal])
