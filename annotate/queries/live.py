"""The queries that every rating runs: whose link it is, what they hold, the next stimulus, the answer.

Part of `annotate.queries`, in a form that takes a fifth of the time: statements built once, rows instead of objects, on
the transaction's connection. Each stimulus has `ratings_wanted` slots; `taken` counts those
that are leased or rated, `rated` the rated ones. The caller opens the transaction and owns it.

On PostgreSQL locks are taken in one order (participant, assignment, stimulus), and whoever holds a stimulus waits for
no other, because further ones are taken with SKIP LOCKED. So no two transactions wait for each other. On SQLite a
transaction that writes is alone, and `with_for_update` says nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from annotate.database.tables import (
    LIVE,
    Assignment,
    Link,
    Participant,
    Sitting,
    Stimulus,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.queries.records import (
    AssignedStimulus,
    CurrentParticipant,
    LastSitting,
    OpenSitting,
    StimulusRow,
)

RECLAIMED_AT_ONCE = 100


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


STIMULUS_COLUMNS = (
    Stimulus.id,
    Stimulus.sha256,
    Stimulus.format,
    Stimulus.width_px,
    Stimulus.height_px,
    Stimulus.expected,
    Stimulus.feedback,
)
ASSIGNED_STIMULI = select(
    Assignment.id, Assignment.kind, Assignment.state, Assignment.expires_at, *STIMULUS_COLUMNS
).join(Stimulus, Stimulus.id == Assignment.stimulus_id)
_LEASED = ASSIGNED_STIMULI.where(
    Assignment.participant_id == bindparam("participant_id"), Assignment.state == AssignmentState.LEASED
).order_by(Assignment.id)
_ASSIGNED_TO = ASSIGNED_STIMULI.where(
    Assignment.id == bindparam("assignment_id"),
    Assignment.participant_id == bindparam("participant_id"),  # somebody else's is none: what exists must not show
).with_for_update(of=Assignment, key_share=True)


def leased_to(connection: Connection, participant_id: int) -> list[AssignedStimulus]:
    """Return what a participant has to rate, in the order in which it was given."""
    return [assigned_stimulus(row) for row in connection.execute(_LEASED, {"participant_id": participant_id})]


def assigned_to(connection: Connection, participant_id: int, assignment_id: int) -> AssignedStimulus | None:
    """Return an assignment of the participant, locked."""
    values = {"participant_id": participant_id, "assignment_id": assignment_id}
    row = connection.execute(_ASSIGNED_TO, values).first()
    return None if row is None else assigned_stimulus(row)


def assigned_stimulus(row: Sequence[Any]) -> AssignedStimulus:
    """Return a row of `ASSIGNED_STIMULI` as what it is."""
    return AssignedStimulus(row[0], row[1], row[2], row[3], StimulusRow._make(row[4:]))


_COUNTS = (
    select(Assignment.kind, func.count())
    .where(Assignment.participant_id == bindparam("participant_id"), Assignment.state.in_(LIVE))
    .group_by(Assignment.kind)
)


def count_assigned(connection: Connection, participant_id: int) -> dict[ItemKind, int]:
    """Return how many items of each kind a participant has or had."""
    return {row[0]: row[1] for row in connection.execute(_COUNTS, {"participant_id": participant_id})}


def renew_leases(
    connection: Connection, assigned: Sequence[AssignedStimulus], before: datetime, expires_at: datetime
) -> None:
    """Let leases that would run out `before` some time run until `expires_at`."""
    if due := [item.id for item in assigned if item.expires_at < before]:
        connection.execute(update(Assignment).where(Assignment.id.in_(due)).values(expires_at=expires_at))


_MOVE_COUNTS = (
    update(Stimulus)
    .where(Stimulus.id == bindparam("stimulus_id"))
    .values(taken=Stimulus.taken + bindparam("slots"), rated=Stimulus.rated + bindparam("ratings"))
)


def move_counts(connection: Connection, stimulus_id: int, *, slots: int = 0, ratings: int = 0) -> None:
    connection.execute(_MOVE_COUNTS, {"stimulus_id": stimulus_id, "slots": slots, "ratings": ratings})


_EXPIRED = (
    select(Assignment.id, Assignment.stimulus_id, Assignment.occurrence)
    .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
    .where(
        Assignment.study_id == bindparam("study_id"),
        Assignment.state == AssignmentState.LEASED,
        Assignment.expires_at <= bindparam("now"),
    )
    .order_by(Assignment.expires_at)
    .limit(RECLAIMED_AT_ONCE)
    .with_for_update(of=[Assignment, Stimulus], skip_locked=True, key_share=True)
)


def reclaim_expired(connection: Connection, study_id: int, now: datetime) -> int:
    """Give back the slots of leases that ran out, RECLAIMED_AT_ONCE at most; return how many."""
    expired = connection.execute(_EXPIRED, {"study_id": study_id, "now": now}).all()
    if expired:
        ids = [row[0] for row in expired]
        ran_out = update(Assignment).where(Assignment.id.in_(ids)).values(state=AssignmentState.EXPIRED)
        connection.execute(ran_out)
    for _, stimulus_id, occurrence in expired:
        if occurrence == 0:
            move_counts(connection, stimulus_id, slots=-1)
    return len(expired)


_UNIQUE_ASSIGNMENT = [Assignment.participant_id, Assignment.stimulus_id, Assignment.occurrence]
_RAN_OUT = Assignment.state == AssignmentState.EXPIRED


def _lease_in(dialect: Any) -> Any:
    """Return the insertion of a lease that takes up one that ran out; its form is each database's own."""
    new = dialect.insert(Assignment)
    again = {name: new.excluded[name] for name in ("state", "expires_at", "sitting_id")}
    upsert = new.on_conflict_do_update(index_elements=_UNIQUE_ASSIGNMENT, set_=again, where=_RAN_OUT)
    return upsert.returning(Assignment.id)


_LEASE = {"sqlite": _lease_in(sqlite), "postgresql": _lease_in(postgresql)}


def lease(
    connection: Connection,
    participant: CurrentParticipant,
    sitting: OpenSitting,
    stimulus: StimulusRow,
    kind: ItemKind,
    until: datetime,
) -> AssignedStimulus:
    """Give a stimulus to a participant in a sitting; an assignment that had run out before is taken up again."""
    values = {
        "study_id": participant.study_id,
        "participant_id": participant.id,
        "stimulus_id": stimulus.stimulus_id,
        "sitting_id": sitting.id,
        "kind": kind,
        "occurrence": int(kind is ItemKind.REPEAT),
        "state": AssignmentState.LEASED,
        "expires_at": until,
    }
    assignment_id = connection.execute(_LEASE[connection.dialect.name], values).scalar_one()
    if kind is not ItemKind.REPEAT:
        move_counts(connection, stimulus.stimulus_id, slots=1)
    return AssignedStimulus(assignment_id, kind, AssignmentState.LEASED, until, stimulus)


def take_up_again(connection: Connection, assigned: AssignedStimulus, wanted: int) -> bool:
    """Lease an assignment again that had run out, if its stimulus has a slot left; a repeat needs none."""
    if assigned.kind is not ItemKind.REPEAT:
        stimulus_id = assigned.stimulus.stimulus_id
        slots = select(Stimulus.taken).where(Stimulus.id == stimulus_id).with_for_update(key_share=True)
        if assigned.kind is ItemKind.RATED and connection.execute(slots).scalar_one() >= wanted:
            return False
        move_counts(connection, stimulus_id, slots=1)
    leased = update(Assignment).where(Assignment.id == assigned.id).values(state=AssignmentState.LEASED)
    connection.execute(leased)
    return True
