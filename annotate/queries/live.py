"""The queries that every rating runs: whose link it is, what they hold, the next stimulus, the answer.

Part of `annotate.queries`, in a form that takes a fifth of the time: statements built once, rows instead of objects, on
the transaction's connection. Each stimulus or pair has slots, one for each rating that is wanted; `taken` counts those
that are leased or rated, `rated` the rated ones. The caller opens the transaction and owns it.

On PostgreSQL locks are taken in one order (participant, assignment, stimulus or pair), and whoever holds one of these
waits for no other, because further ones are taken with SKIP LOCKED. So no two transactions wait for each other. On
SQLite a transaction that writes is alone, and `with_for_update` says nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update
from sqlalchemy.orm import aliased

from annotate.database.tables import (
    LIVE,
    Assignment,
    Link,
    Participant,
    Sitting,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.methods.method import Unit
from annotate.queries.records import (
    AssignedItem,
    CurrentParticipant,
    LastSitting,
    OpenSitting,
    PairRow,
    StimulusRow,
)
from annotate.queries.units import PAIRS, STIMULI, UNITS, unit_of

_OPEN_SITTING = (
    Sitting.id,
    Sitting.device,
    Sitting.screen.is_not(None),
    Sitting.last_seen_at,
    Sitting.break_since,
    Sitting.active_s,
    Sitting.planned,
    Sitting.answers,
    Sitting.rated,
    Sitting.breaks,
)


_EVERY_SITTING = aliased(Sitting)
_PARTICIPANT = (
    select(
        Participant.id,
        Participant.study_id,
        Participant.seed,
        Participant.consented_at.is_not(None),
        Participant.trained_at.is_not(None),
        Participant.votes_used,
        Participant.start_answers.is_not(None),
        Participant.language,
        select(func.count()).where(_EVERY_SITTING.participant_id == Participant.id).scalar_subquery(),
        Study.state,
        Study.stored_protocol,
        Study.message,
        *_OPEN_SITTING,
    )
    .join(Link, Link.participant_id == Participant.id)
    .join(Study, Study.id == Participant.study_id)
    .outerjoin(Sitting, and_(Sitting.participant_id == Participant.id, Sitting.ended_at.is_(None)))
    .where(Link.token_hash == bindparam("token_hash"))
)
_LOCK = (
    select(Participant.id)
    .join(Link, Link.participant_id == Participant.id)
    .where(Link.token_hash == bindparam("token_hash"))
    .with_for_update(of=Participant, key_share=True)
)


def find_participant(connection: Connection, token_hash: str) -> CurrentParticipant | None:
    """Return whose link it is; nobody else acts for them until the commit."""
    if connection.dialect.name == "postgresql":  # lock first: the read must see the previous commit
        connection.execute(_LOCK, {"token_hash": token_hash})
    return read_participant(connection, token_hash)


def read_participant(connection: Connection, token_hash: str) -> CurrentParticipant | None:
    """Return whose link it is; others may act for them meanwhile."""
    row = connection.execute(_PARTICIPANT, {"token_hash": token_hash}).first()
    return None if row is None else _participant(row)


def _participant(row: Sequence[Any]) -> CurrentParticipant:
    known, sitting = row[: -len(_OPEN_SITTING)], row[-len(_OPEN_SITTING) :]
    values = (*known, None if sitting[0] is None else _open_sitting(sitting))
    return CurrentParticipant(*values)


def _open_sitting(row: Sequence[Any]) -> OpenSitting:
    return OpenSitting(*row)


_SAVE_SITTING = (
    update(Sitting)
    .where(Sitting.id == bindparam("of_sitting"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("last_seen_at", "break_since", "active_s", "answers", "rated", "breaks")
        }
    )
)


def save_sitting(connection: Connection, sitting: OpenSitting) -> None:
    """Write what changes from action to action."""
    values = {f"new_{name}": value for name, value in vars(sitting).items()}
    connection.execute(_SAVE_SITTING, {"of_sitting": sitting.id, **values})


def save_screen(connection: Connection, sitting: OpenSitting, screen: dict[str, Any] | None) -> None:
    """Write the device and the result of its screen check, None to have it made again."""
    connection.execute(update(Sitting).where(Sitting.id == sitting.id).values(device=sitting.device, screen=screen))


def begin_sitting(
    connection: Connection, participant: CurrentParticipant, now: datetime, *, planned: int, external_id: str | None
) -> OpenSitting:
    """Begin a participant's next sitting, of so many planned items."""
    values = {
        "participant_id": participant.id,
        "number": participant.sittings + 1,
        "planned": planned,
        "external_id": external_id,
        "started_at": now,
        "last_seen_at": now,
    }
    connection.execute(insert(Sitting).values(values))
    open_one = select(*_OPEN_SITTING).where(Sitting.participant_id == participant.id, Sitting.ended_at.is_(None))
    return _open_sitting(connection.execute(open_one).one())


def end_sitting(connection: Connection, sitting: OpenSitting, now: datetime, completion_code: str | None) -> None:
    """End a sitting; what was leased in it comes back with the next `reclaim_expired`."""
    ended = update(Sitting).where(Sitting.id == sitting.id).values(ended_at=now, completion_code=completion_code)
    connection.execute(ended)
    of_participant = select(Sitting.participant_id).where(Sitting.id == sitting.id).scalar_subquery()
    leased = (Assignment.participant_id == of_participant, Assignment.state == AssignmentState.LEASED)
    connection.execute(update(Assignment).where(*leased).values(expires_at=now))


_LAST_SITTING = (
    select(Sitting.rated, Sitting.completion_code)
    .where(Sitting.participant_id == bindparam("participant_id"))
    .order_by(Sitting.number.desc())
    .limit(1)
)


def last_sitting(connection: Connection, participant_id: int) -> LastSitting | None:
    """Return how the sitting ended that a participant began last, None where there is none."""
    row = connection.execute(_LAST_SITTING, {"participant_id": participant_id}).first()
    return None if row is None else LastSitting._make(row)


def note_consent(connection: Connection, participant_id: int, now: datetime) -> None:
    """Note that a participant consents."""
    connection.execute(update(Participant).where(Participant.id == participant_id).values(consented_at=now))


def save_start_answers(connection: Connection, participant_id: int, answers: dict[str, str]) -> None:
    """Store what a participant answered before they rate."""
    answered = update(Participant).where(Participant.id == participant_id).values(start_answers=answers)
    connection.execute(answered)


def note_training(connection: Connection, participant_id: int, now: datetime) -> None:
    """Note that a participant is through with the training."""
    connection.execute(update(Participant).where(Participant.id == participant_id).values(trained_at=now))


def leased_to(connection: Connection, unit: Unit, participant_id: int) -> list[AssignedItem]:
    """Return what a participant has to rate, in the order in which it was given."""
    statements = UNITS[unit]
    return [statements.item(row) for row in connection.execute(statements.leased, {"participant_id": participant_id})]


def assigned_to(connection: Connection, participant: CurrentParticipant, assignment_id: int) -> AssignedItem | None:
    """Return an assignment of the participant, locked."""
    statements = UNITS[unit_of(participant)]
    values = {"participant_id": participant.id, "assignment_id": assignment_id}
    row = connection.execute(statements.assigned_to, values).first()
    return None if row is None else statements.item(row)


_COUNTS = (
    select(Assignment.kind, func.count())
    .where(Assignment.participant_id == bindparam("participant_id"), Assignment.state.in_(LIVE))
    .group_by(Assignment.kind)
)


def count_assigned(connection: Connection, participant_id: int) -> dict[ItemKind, int]:
    """Return how many items of each kind a participant has or had."""
    return {row[0]: row[1] for row in connection.execute(_COUNTS, {"participant_id": participant_id})}


def renew_leases(
    connection: Connection, assigned: Sequence[AssignedItem], before: datetime, expires_at: datetime
) -> None:
    """Let leases that would run out `before` some time run until `expires_at`."""
    if due := [item.id for item in assigned if item.expires_at < before]:
        connection.execute(update(Assignment).where(Assignment.id.in_(due)).values(expires_at=expires_at))


def move_counts(connection: Connection, unit: StimulusRow | PairRow, *, slots: int = 0, ratings: int = 0) -> None:
    """Count slots and ratings of a stimulus or of a pair."""
    statements = PAIRS if isinstance(unit, PairRow) else STIMULI
    connection.execute(statements.move_counts, {"unit_id": unit.id, "slots": slots, "ratings": ratings})


def reclaim_expired(connection: Connection, study_id: int, now: datetime, unit: Unit = Unit.STIMULUS) -> int:
    """Give back the slots of leases that ran out, RECLAIMED_AT_ONCE at most; return how many."""
    statements = UNITS[unit]
    expired = connection.execute(statements.expired, {"study_id": study_id, "now": now}).all()
    if expired:
        ids = [row[0] for row in expired]
        ran_out = update(Assignment).where(Assignment.id.in_(ids)).values(state=AssignmentState.EXPIRED)
        connection.execute(ran_out)
    for _, unit_id, occurrence in expired:
        if occurrence == 0:
            connection.execute(statements.move_counts, {"unit_id": unit_id, "slots": -1, "ratings": 0})
    return len(expired)


def lease(
    connection: Connection,
    participant: CurrentParticipant,
    sitting: OpenSitting,
    unit: StimulusRow | PairRow,
    kind: ItemKind,
    until: datetime,
) -> AssignedItem:
    """Give a stimulus or a pair to a participant in a sitting.

    An assignment that had run out before is taken up again, as it was shown then.
    """
    statements = PAIRS if isinstance(unit, PairRow) else STIMULI
    values = {
        "study_id": participant.study_id,
        "participant_id": participant.id,
        statements.column.key: unit.id,
        "sitting_id": sitting.id,
        "kind": kind,
        "occurrence": int(kind is ItemKind.REPEAT),
        "state": AssignmentState.LEASED,
        "expires_at": until,
        "turned": isinstance(unit, PairRow) and unit.turned,
    }
    assignment_id, turned = connection.execute(statements.lease[connection.dialect.name], values).one()
    if kind is not ItemKind.REPEAT:
        move_counts(connection, unit, slots=1)
    shown = unit._replace(turned=turned) if isinstance(unit, PairRow) else unit
    return AssignedItem(assignment_id, kind, AssignmentState.LEASED, until, shown)


def take_up_again(connection: Connection, assigned: AssignedItem, wanted: int) -> bool:
    """Lease an assignment again that had run out, if a slot is left; a repeat needs none."""
    if assigned.kind is not ItemKind.REPEAT:
        statements = PAIRS if isinstance(assigned.unit, PairRow) else STIMULI
        values = {"unit_id": assigned.unit.id, "wanted": wanted}
        has_slot = connection.execute(statements.has_slot, values).scalar_one()
        if assigned.kind is ItemKind.RATED and not has_slot:
            return False
        move_counts(connection, assigned.unit, slots=1)
    leased = update(Assignment).where(Assignment.id == assigned.id).values(state=AssignmentState.LEASED)
    connection.execute(leased)
    return True
