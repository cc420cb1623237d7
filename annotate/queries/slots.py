"""Which stimuli or pairs still have a free slot, and which of them a participant never had."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, func, select
from sqlalchemy.orm import aliased

from annotate.database.tables import LIVE, SHUFFLES, Assignment
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.methods.method import Unit
from annotate.queries.records import CurrentParticipant, PairRow, StimulusRow
from annotate.queries.units import PAIRS, STIMULI, UNITS, UnitStatements, unit_of

_AGAIN = aliased(Assignment)


class _SlotStatements:
    """Statements about free slots of stimuli, or of pairs."""

    def __init__(self, of: UnitStatements) -> None:
        table = of.table
        self.read = of.read
        # Of stimuli the caller knows how many slots there are; each pair says it itself.
        open_ones = (*of.of_kind, table.taken < of.wanted) if of is PAIRS else of.of_kind
        not_seen = ~exists().where(
            Assignment.participant_id == bindparam("participant_id"),
            of.column == table.id,
            Assignment.occurrence == 0,
            Assignment.state.in_(LIVE),
        )
        self.fewest_taken = select(func.min(table.taken)).where(*open_ones, table.taken >= bindparam("at_least"))
        self.unseen_at_level = (
            of.units.where(
                *open_ones,
                table.taken == bindparam("taken"),
                table.shuffle >= bindparam("low"),
                table.shuffle < bindparam("high"),
                not_seen,
            )
            .order_by(table.shuffle)
            .limit(1)
            .with_for_update(of=table, skip_locked=True, key_share=True)
        )
        with_slot = select(table.id).where(*of.of_kind, table.taken < of.wanted, not_seen)
        self.count_with_slot = select(func.count()).select_from(with_slot.limit(bindparam("limit")).subquery())
        self.may_come_back = select(table.id).where(*of.of_kind, table.rated < of.wanted, not_seen).limit(1)
        self.unseen = of.units.where(*of.of_kind, not_seen).order_by(table.id)
        again = _AGAIN.stimulus_id if of is STIMULI else _AGAIN.pair_id
        self.repeatable: Select[Any] = (
            select(of.column)
            .where(
                Assignment.participant_id == bindparam("participant_id"),
                Assignment.state == AssignmentState.RATED,
                Assignment.kind == ItemKind.RATED,
                ~exists().where(
                    _AGAIN.participant_id == bindparam("participant_id"),
                    again == of.column,
                    _AGAIN.occurrence == 1,
                    _AGAIN.state.in_(LIVE),
                ),
            )
            .order_by(Assignment.id.desc())
            .offset(bindparam("skip_last"))
        )
        self.by_id = of.by_id


_SLOTS: Mapping[Unit, _SlotStatements] = MappingProxyType({unit: _SlotStatements(of) for unit, of in UNITS.items()})


def _slots_of(participant: CurrentParticipant) -> _SlotStatements:
    return _SLOTS[unit_of(participant)]


def least_taken(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, below: int | None, start: int
) -> StimulusRow | PairRow | None:
    """Return, of the stimuli or pairs that the participant never had, one with the fewest slots taken, locked.

    None where no stimulus has fewer than `below` slots taken; None for any number. Of those with equally many it is the
    first after `start` (0 to less than SHUFFLES) in their random order, which goes on at its beginning.
    """
    statements = _slots_of(participant)
    level = _fewest_taken(connection, participant, kind, at_least=0)
    while level is not None and (below is None or level < below):
        for low, high in ((start, SHUFFLES), (0, start)):
            values = {**_whose(participant, kind), "taken": level, "low": low, "high": high}
            if row := connection.execute(statements.unseen_at_level, values).first():
                return statements.read(row)
        level = _fewest_taken(connection, participant, kind, at_least=level + 1)
    return None


def _fewest_taken(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, at_least: int
) -> int | None:
    """Return the fewest slots, but not fewer than `at_least`, that are taken of a stimulus or pair of that kind."""
    values = {"study_id": participant.study_id, "kind": kind, "at_least": at_least}
    return connection.scalar(_slots_of(participant).fewest_taken, values)


def count_unseen(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, wanted: int, limit: int
) -> int:
    """Return how many stimuli or pairs of a kind with a free slot the participant never had, but `limit` at most."""
    values = {**_whose(participant, kind), "wanted": wanted, "limit": limit}
    return connection.scalar(_slots_of(participant).count_with_slot, values) or 0


def others_hold_slots(connection: Connection, participant: CurrentParticipant, wanted: int) -> bool:
    """Return whether a slot that others lease could come back for this participant."""
    values = {**_whose(participant, ItemKind.RATED), "wanted": wanted}
    return connection.scalar(_slots_of(participant).may_come_back, values) is not None


def training_units(connection: Connection, participant: CurrentParticipant) -> list[StimulusRow | PairRow]:
    """Return the training stimuli or pairs that a participant has not had, in the order in which they were added."""
    statements = _slots_of(participant)
    return [
        statements.read(row) for row in connection.execute(statements.unseen, _whose(participant, ItemKind.TRAINING))
    ]


def _whose(participant: CurrentParticipant, kind: ItemKind) -> dict[str, Any]:
    return {"study_id": participant.study_id, "participant_id": participant.id, "kind": kind}


def repeatable_units(connection: Connection, participant: CurrentParticipant, *, skip_last: int) -> list[int]:
    """Return the stimuli or pairs that a participant rated once, without the last so many, newest first."""
    values = {"participant_id": participant.id, "skip_last": skip_last}
    return [int(row[0]) for row in connection.execute(_slots_of(participant).repeatable, values)]


def unit_by_id(connection: Connection, participant: CurrentParticipant, unit_id: int) -> StimulusRow | PairRow:
    """Return a stimulus, or a pair in a study of pairs."""
    statements = _slots_of(participant)
    return statements.read(connection.execute(statements.by_id, {"unit_id": unit_id}).one())
