"""What slots are counted of: stimuli that are rated singly, or pairs that are compared.

Both have `taken` and `rated`, and assignments refer to one or the other. `UNITS` has the statements that differ in
nothing else, built once for each.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, aliased

from annotate.database.tables import Assignment, Pair, Stimulus
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.design.stored_protocol import readable
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.queries.records import AssignedItem, CurrentParticipant, PairRow, PictureRow, StimulusRow

RECLAIMED_AT_ONCE = 100
ANY_NUMBER = 2**31 - 1
"""Of slots: checks and training may be given to everybody."""
_ASSIGNMENT = (Assignment.id, Assignment.kind, Assignment.state, Assignment.expires_at, Assignment.turned)
_RAN_OUT = Assignment.state == AssignmentState.EXPIRED


class UnitStatements:
    """Statements about stimuli, or about pairs.

    table, column:  where slots are counted; the column of assignments that refers to it
    columns:        of a unit with its pictures, joined by `joined`; `read` makes a row of them a unit
    of_kind:        the units of `:kind` in `:study_id`
    wanted:         answers wanted of one
    """

    def __init__(
        self,
        table: type[Stimulus] | type[Pair],
        column: InstrumentedAttribute[int | None],
        columns: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
        joined: Callable[[Select[Any]], Select[Any]],
        read: Callable[[Sequence[Any]], StimulusRow | PairRow],
        *,
        of_kind: Sequence[ColumnElement[bool]],
        wanted: ColumnElement[int] | InstrumentedAttribute[int],
    ) -> None:
        self.table, self.column, self.read, self.of_kind, self.wanted = table, column, read, of_kind, wanted
        self.units = joined(select(*columns))
        self.by_id = self.units.where(table.id == bindparam("unit_id"))
        self.assigned = joined(select(*_ASSIGNMENT, *columns).join(table, table.id == column))
        of_participant = self.assigned.where(Assignment.participant_id == bindparam("participant_id"))
        self.leased = of_participant.where(Assignment.state == AssignmentState.LEASED).order_by(Assignment.id)
        # Somebody else's is none: what exists must not show.
        self.assigned_to = of_participant.where(Assignment.id == bindparam("assignment_id")).with_for_update(
            of=Assignment, key_share=True
        )
        moved = {"taken": table.taken + bindparam("slots"), "rated": table.rated + bindparam("ratings")}
        self.move_counts = update(table).where(table.id == bindparam("unit_id")).values(moved)
        self.has_slot = (
            select(table.taken < wanted).where(table.id == bindparam("unit_id")).with_for_update(key_share=True)
        )
        self.expired = self._expired()
        self.lease = {"sqlite": self._lease_in(sqlite), "postgresql": self._lease_in(postgresql)}

    def _expired(self) -> Select[int, int | None, int]:
        return (
            select(Assignment.id, self.column, Assignment.occurrence)
            .join(self.table, self.table.id == self.column)
            .where(
                Assignment.study_id == bindparam("study_id"),
                Assignment.state == AssignmentState.LEASED,
                Assignment.expires_at <= bindparam("now"),
            )
            .order_by(Assignment.expires_at)
            .limit(RECLAIMED_AT_ONCE)
            .with_for_update(of=[Assignment, self.table], skip_locked=True, key_share=True)
        )

    def _lease_in(self, dialect: Any) -> Any:
        """Return the insertion of a lease that takes up one that ran out; its form is each database's own."""
        new = dialect.insert(Assignment)
        again = {name: new.excluded[name] for name in ("state", "expires_at", "sitting_id")}
        unique = [Assignment.participant_id, self.column, Assignment.occurrence]
        upsert = new.on_conflict_do_update(index_elements=unique, set_=again, where=_RAN_OUT)
        return upsert.returning(Assignment.id, Assignment.turned)

    def item(self, row: Sequence[Any]) -> AssignedItem:
        """Return a row of `assigned` as what it is."""
        unit, turned = self.read(row[len(_ASSIGNMENT) :]), row[4]
        shown = unit._replace(turned=turned) if isinstance(unit, PairRow) else unit
        return AssignedItem(row[0], row[1], row[2], row[3], shown)


def _picture(of: Any) -> tuple[InstrumentedAttribute[Any], ...]:
    """Return the columns of a `StimulusRow`."""
    return (of.id, of.sha256, of.format, of.width_px, of.height_px, of.expected, of.feedback)


_FIRST, _SECOND, _REFERENCE = aliased(Stimulus), aliased(Stimulus), aliased(Stimulus)
_PICTURE = len(_picture(Stimulus))
_SHOWN_REFERENCE = _picture(_REFERENCE)[: len(PictureRow._fields)]


def _join_pictures(of_pairs: Select[Any]) -> Select[Any]:
    both = of_pairs.join(_FIRST, _FIRST.id == Pair.first_id).join(_SECOND, _SECOND.id == Pair.second_id)
    return both.outerjoin(_REFERENCE, _REFERENCE.id == func.coalesce(_FIRST.reference_id, _SECOND.reference_id))


def _read_pair(row: Sequence[Any]) -> PairRow:
    first, second, reference = row[1 : 1 + _PICTURE], row[1 + _PICTURE : 1 + 2 * _PICTURE], row[1 + 2 * _PICTURE :]
    return PairRow(row[0], StimulusRow(*first), StimulusRow(*second), _read_reference(reference))


def _join_reference(of_stimuli: Select[Any]) -> Select[Any]:
    return of_stimuli.outerjoin(_REFERENCE, _REFERENCE.id == Stimulus.reference_id)


def _read_stimulus(row: Sequence[Any]) -> StimulusRow:
    return StimulusRow._make((*row[:_PICTURE], _read_reference(row[_PICTURE:])))


def _read_reference(row: Sequence[Any]) -> PictureRow | None:
    return None if row[0] is None else PictureRow._make(row)


STIMULI = UnitStatements(
    Stimulus,
    Assignment.stimulus_id,
    (*_picture(Stimulus), *_SHOWN_REFERENCE),
    _join_reference,
    _read_stimulus,
    of_kind=(Stimulus.study_id == bindparam("study_id"), Stimulus.kind == bindparam("kind")),
    wanted=bindparam("wanted"),
)
PAIRS = UnitStatements(
    Pair,
    Assignment.pair_id,
    (Pair.id, *_picture(_FIRST), *_picture(_SECOND), *_SHOWN_REFERENCE),
    _join_pictures,
    _read_pair,
    of_kind=(Pair.study_id == bindparam("study_id"), Pair.kind == bindparam("kind")),
    wanted=case((Pair.kind == ItemKind.RATED, Pair.wanted), else_=ANY_NUMBER),
)
UNITS: Mapping[Unit, UnitStatements] = MappingProxyType({Unit.STIMULUS: STIMULI, Unit.PAIR: PAIRS})


def unit_of(participant: CurrentParticipant) -> Unit:
    """Return what a participant's study rates at a time."""
    return method_of(readable(participant.protocol)).unit
