"""The states a study goes through, and what may be done in each.

    draft ── open ⇄ paused        draft    everything may change, but for what imported votes mean
               └──────┴── closed  open     nothing: people are rating
                                  paused   stimuli may be added, and what does not touch the meaning of a rating changed
                                  closed   nothing any more; what was rated can be looked at and exported

What may change of the protocol in each is in `annotate.design.protocol`.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from annotate.errors import StudyStateError

ACTIVE = timedelta(minutes=10)
"""Who was seen in this time is rating."""
LONGEST_MESSAGE = 500
"""Of the message to those who are rating."""


class AssignmentState(StrEnum):
    """What became of a stimulus that was given to a participant.

    `EXPIRED` ones no longer hold a slot; they are taken up again when their participant returns in time.
    """

    LEASED = "leased"
    RATED = "rated"
    EXPIRED = "expired"


class State(StrEnum):
    """What a study allows; see the module."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


_NEXT: Mapping[State, frozenset[State]] = MappingProxyType({
    State.DRAFT: frozenset({State.OPEN}),
    State.OPEN: frozenset({State.PAUSED, State.CLOSED}),
    State.PAUSED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset(),
})  # fmt: skip
_WHEN = {State.OPEN: "while it is paused", State.CLOSED: "no more"}


def check_transition(old: State, new: State) -> None:
    """Raise StudyStateError unless a study may go from one state to the other."""
    if old is new:
        raise StudyStateError(f"The study is {old} already.")
    if new not in _NEXT[old]:
        possible = " or ".join(_NEXT[old]) or "nothing else any more"
        raise StudyStateError(f"A study that is {old} cannot become {new}; it can become {possible}.")


def check_takes_stimuli(state: State) -> None:
    """Raise StudyStateError unless stimuli may be added."""
    if state in (State.OPEN, State.CLOSED):
        raise StudyStateError(f"The study is {state}; pictures can be added {_WHEN[state]}.")


def check_is_draft(state: State) -> None:
    """Raise StudyStateError unless pictures may be changed and removed."""
    if state is not State.DRAFT:
        raise StudyStateError(f"The study is {state}; its pictures can only be changed or removed in a draft.")


def check_takes_imports(state: State) -> None:
    """Raise StudyStateError unless ratings from elsewhere may be added."""
    if state is State.CLOSED:
        raise StudyStateError("The study is closed; no rating can be added any more.")
