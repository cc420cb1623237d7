"""Which stimuli still have a free slot, and which of them a participant never had."""

from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select
from sqlalchemy.orm import aliased

from annotate.database.tables import LIVE, SHUFFLES, Assignment, Stimulus
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.queries.live import STIMULUS_COLUMNS
from annotate.queries.records import CurrentParticipant, StimulusRow

_NOT_SEEN = ~exists().where(
    Assignment.participant_id == bindparam("participant_id"),
    Assignment.stimulus_id == Stimulus.id,
    Assignment.occurrence == 0,
    Assignment.state.in_(LIVE),
)
_OF_KIND = (Stimulus.study_id == bindparam("study_id"), Stimulus.kind == bindparam("kind"))
_FEWEST_TAKEN = select(func.min(Stimulus.taken)).where(*_OF_KIND, Stimulus.taken >= bindparam("at_least"))
_UNSEEN_AT_LEVEL = (
    select(*STIMULUS_COLUMNS)
    .where(
        *_OF_KIND,
        Stimulus.taken == bindparam("taken"),
        Stimulus.shuffle >= bindparam("low"),
        Stimulus.shuffle < bindparam("high"),
        _NOT_SEEN,
    )
    .order_by(Stimulus.shuffle)
    .limit(1)
    .with_for_update(of=Stimulus, skip_locked=True, key_share=True)
)
_WITH_SLOT = select(Stimulus.id).where(*_OF_KIND, Stimulus.taken < bindparam("wanted"), _NOT_SEEN)
_MAY_COME_BACK = select(Stimulus.id).where(*_OF_KIND, Stimulus.rated < bindparam("wanted"), _NOT_SEEN).limit(1)
_TRAINING = select(*STIMULUS_COLUMNS).where(*_OF_KIND, _NOT_SEEN).order_by(Stimulus.id)
_COUNT_WITH_SLOT = select(func.count()).select_from(_WITH_SLOT.limit(bindparam("limit")).subquery())
_BY_ID = select(*STIMULUS_COLUMNS).where(Stimulus.id == bindparam("stimulus_id"))


def least_taken(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, below: int | None, start: int
) -> StimulusRow | None:
    """Return, of the stimuli of a kind that the participant never had, one with the fewest slots taken, locked.

    None where none has fewer than `below` slots taken; None for any number. Of those with equally many it is the
    first after `start` (0 to less than SHUFFLES) in their random order, which goes on at its beginning.
    """
    level = _fewest_taken(connection, participant.study_id, kind, at_least=0)
    while level is not None and (below is None or level < below):
        for low, high in ((start, SHUFFLES), (0, start)):
            values = {**_whose(participant, kind), "taken": level, "low": low, "high": high}
            if row := connection.execute(_UNSEEN_AT_LEVEL, values).first():
                return StimulusRow._make(row)
        level = _fewest_taken(connection, participant.study_id, kind, at_least=level + 1)
    return None


def _fewest_taken(connection: Connection, study_id: int, kind: ItemKind, *, at_least: int) -> int | None:
    """Return the fewest slots, but not fewer than `at_least`, that are taken of a stimulus of that kind."""
    return connection.scalar(_FEWEST_TAKEN, {"study_id": study_id, "kind": kind, "at_least": at_least})


def count_unseen(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, wanted: int, limit: int
) -> int:
    """Return how many stimuli of a kind with a free slot the participant never had, but `limit` at most."""
    values = {**_whose(participant, kind), "wanted": wanted, "limit": limit}
    return connection.scalar(_COUNT_WITH_SLOT, values) or 0


def others_hold_slots(connection: Connection, participant: CurrentParticipant, wanted: int) -> bool:
    """Return whether a slot that others lease could come back for this participant."""
    values = {**_whose(participant, ItemKind.RATED), "wanted": wanted}
    return connection.scalar(_MAY_COME_BACK, values) is not None


def training_stimuli(connection: Connection, participant: CurrentParticipant) -> list[StimulusRow]:
    """Return the training stimuli that a participant has not had, in the order in which they were added."""
    return [StimulusRow._make(row) for row in connection.execute(_TRAINING, _whose(participant, ItemKind.TRAINING))]


def _whose(participant: CurrentParticipant, kind: ItemKind) -> dict[str, Any]:
    return {"study_id": participant.study_id, "participant_id": participant.id, "kind": kind}


_AGAIN = aliased(Assignment)
_REPEATABLE = (
    select(Assignment.stimulus_id)
    .where(
        Assignment.participant_id == bindparam("participant_id"),
        Assignment.state == AssignmentState.RATED,
        Assignment.kind == ItemKind.RATED,
        ~exists().where(
            _AGAIN.participant_id == bindparam("participant_id"),
            _AGAIN.stimulus_id == Assignment.stimulus_id,
            _AGAIN.occurrence == 1,
            _AGAIN.state.in_(LIVE),
        ),
    )
    .order_by(Assignment.id.desc())
    .offset(bindparam("skip_last"))
)


def repeatable_stimuli(connection: Connection, participant_id: int, *, skip_last: int) -> list[int]:
    """Return the stimuli that a participant rated once, without the last so many, newest first."""
    values = {"participant_id": participant_id, "skip_last": skip_last}
    return [row[0] for row in connection.execute(_REPEATABLE, values)]


def stimulus_by_id(connection: Connection, stimulus_id: int) -> StimulusRow:
    """Return a stimulus."""
    return StimulusRow._make(connection.execute(_BY_ID, {"stimulus_id": stimulus_id}).one())
