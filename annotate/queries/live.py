"""The queries that every rating runs: whose link it is, what they hold, the next stimulus, the answer.

Part of `annotate.queries`, in a form that takes a fifth of the time: statements built once, rows instead of objects, on
the transaction's connection. Each stimulus has `ratings_wanted` slots; `taken` counts those
that are leased or rated, `rated` the rated ones. The caller opens the transaction and owns it.

On PostgreSQL locks are taken in one order (participant, assignment, stimulus), and whoever holds a stimulus waits for
no other, because further ones are taken with SKIP LOCKED. So no two transactions wait for each other. On SQLite a
transaction that writes is alone, and `with_for_update` says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from annotate.database.tables import (
    LIVE,
    Assignment,
    AssignmentState,
    Link,
    Participant,
    Rating,
    Sitting,
    Stimulus,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.states import State

RECLAIMED_AT_ONCE = 100


@dataclass
class OpenSitting:
    """A sitting that is not over; see `annotate.database.tables.Sitting`. Change it and `save_sitting` it."""

    id: int
    device: str | None
    screened: bool
    last_seen_at: datetime
    break_since: datetime | None
    active_s: float
    planned: int
    answers: int
    rated: int
    breaks: int


class CurrentParticipant(NamedTuple):
    """A participant as their link tells, with what their study says; `sitting` is the sitting they are in.

    `asked` says that they were asked the questions that come before the first rating.
    """

    id: int
    study_id: int
    seed: int
    consented: bool
    trained: bool
    votes_used: bool
    asked: bool
    language: str
    state: State
    protocol: dict[str, Any]
    message: str
    sitting: OpenSitting | None


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


def _open_sitting(row: Sequence[Any]) -> OpenSitting:
    return OpenSitting(*row)


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
        Study.state,
        Study.protocol,
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
    if connection.dialect.name == "postgresql":  # first, so that what is read next is what the one before left
        connection.execute(_LOCK, {"token_hash": token_hash})
    row = connection.execute(_PARTICIPANT, {"token_hash": token_hash}).first()
    if row is None:
        return None
    known = len(CurrentParticipant._fields) - 1
    sitting = None if row[known] is None else _open_sitting(row[known:])
    return CurrentParticipant._make((*row[:known], sitting))


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
    connection: Connection, participant_id: int, now: datetime, *, planned: int, external_id: str | None
) -> OpenSitting:
    """Begin a participant's next sitting, of so many planned items."""
    values = {
        "participant_id": participant_id,
        "number": 1 + count_sittings(connection, participant_id),
        "planned": planned,
        "external_id": external_id,
        "started_at": now,
        "last_seen_at": now,
    }
    connection.execute(insert(Sitting).values(values))
    open_one = select(*_OPEN_SITTING).where(Sitting.participant_id == participant_id, Sitting.ended_at.is_(None))
    return _open_sitting(connection.execute(open_one).one())


def end_sitting(connection: Connection, sitting: OpenSitting, now: datetime, completion_code: str | None) -> None:
    """End a sitting; what was leased in it comes back with the next `reclaim_expired`."""
    ended = update(Sitting).where(Sitting.id == sitting.id).values(ended_at=now, completion_code=completion_code)
    connection.execute(ended)
    of_participant = select(Sitting.participant_id).where(Sitting.id == sitting.id).scalar_subquery()
    leased = (Assignment.participant_id == of_participant, Assignment.state == AssignmentState.LEASED)
    connection.execute(update(Assignment).where(*leased).values(expires_at=now))


def count_sittings(connection: Connection, participant_id: int) -> int:
    """Return how many sittings a participant began."""
    count = select(func.count()).select_from(Sitting).where(Sitting.participant_id == participant_id)
    return connection.scalar(count) or 0


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


class StimulusRow(NamedTuple):
    """What there is to know of a stimulus when it is given and rated."""

    stimulus_id: int
    sha256: str
    format: str
    width_px: int
    height_px: int
    expected: float | None
    feedback: str


class AssignedStimulus(NamedTuple):
    """An assignment with its picture."""

    id: int
    kind: ItemKind
    state: AssignmentState
    expires_at: datetime
    stimulus: StimulusRow


_STIMULUS = (
    Stimulus.id,
    Stimulus.sha256,
    Stimulus.format,
    Stimulus.width_px,
    Stimulus.height_px,
    Stimulus.expected,
    Stimulus.feedback,
)


_ASSIGNED = select(Assignment.id, Assignment.kind, Assignment.state, Assignment.expires_at, *_STIMULUS).join(
    Stimulus, Stimulus.id == Assignment.stimulus_id
)


_LEASED = _ASSIGNED.where(
    Assignment.participant_id == bindparam("participant_id"), Assignment.state == AssignmentState.LEASED
).order_by(Assignment.id)


_ASSIGNED_TO = _ASSIGNED.where(
    Assignment.id == bindparam("assignment_id"),
    Assignment.participant_id == bindparam("participant_id"),  # somebody else's is none: what exists must not show
).with_for_update(of=Assignment, key_share=True)


def leased_to(connection: Connection, participant_id: int) -> list[AssignedStimulus]:
    """Return what a participant has to rate, in the order in which it was given."""
    return [_assigned(row) for row in connection.execute(_LEASED, {"participant_id": participant_id})]


def assigned_to(connection: Connection, participant_id: int, assignment_id: int) -> AssignedStimulus | None:
    """Return an assignment of the participant, locked."""
    values = {"participant_id": participant_id, "assignment_id": assignment_id}
    row = connection.execute(_ASSIGNED_TO, values).first()
    return None if row is None else _assigned(row)


def _assigned(row: Row[*tuple[Any, ...]]) -> AssignedStimulus:
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


def _move_counts(connection: Connection, stimulus_id: int, *, slots: int = 0, ratings: int = 0) -> None:
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
            _move_counts(connection, stimulus_id, slots=-1)
    return len(expired)


_NOT_SEEN = ~exists().where(
    Assignment.participant_id == bindparam("participant_id"),
    Assignment.stimulus_id == Stimulus.id,
    Assignment.occurrence == 0,
    Assignment.state.in_(LIVE),
)


_OF_KIND = (Stimulus.study_id == bindparam("study_id"), Stimulus.kind == bindparam("kind"))


_FEWEST_TAKEN = select(func.min(Stimulus.taken)).where(*_OF_KIND, Stimulus.taken >= bindparam("at_least"))


_UNSEEN_AT_LEVEL = (
    select(*_STIMULUS)
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


_TRAINING = select(*_STIMULUS).where(*_OF_KIND, _NOT_SEEN).order_by(Stimulus.id)


_COUNT_WITH_SLOT = select(func.count()).select_from(_WITH_SLOT.limit(bindparam("limit")).subquery())


_BY_ID = select(*_STIMULUS).where(Stimulus.id == bindparam("stimulus_id"))


def fewest_taken(connection: Connection, study_id: int, kind: ItemKind, *, at_least: int) -> int | None:
    """Return the fewest slots, but not fewer than `at_least`, that are taken of a stimulus of that kind."""
    return connection.scalar(_FEWEST_TAKEN, {"study_id": study_id, "kind": kind, "at_least": at_least})


def unseen_stimulus(
    connection: Connection, participant: CurrentParticipant, kind: ItemKind, *, taken: int, low: int, high: int
) -> StimulusRow | None:
    """Return a stimulus with so many slots taken that the participant never had, locked, or None.

    It is the first in the random order of the stimuli from `low` to `high`, less than SHUFFLES.
    """
    values = {**_whose(participant, kind), "taken": taken, "low": low, "high": high}
    row = connection.execute(_UNSEEN_AT_LEVEL, values).first()
    return None if row is None else StimulusRow._make(row)


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
        _move_counts(connection, stimulus.stimulus_id, slots=1)
    return AssignedStimulus(assignment_id, kind, AssignmentState.LEASED, until, stimulus)


def take_up_again(connection: Connection, assigned: AssignedStimulus, wanted: int) -> bool:
    """Lease an assignment again that had run out, if its stimulus has a slot left; a repeat needs none."""
    if assigned.kind is not ItemKind.REPEAT:
        stimulus_id = assigned.stimulus.stimulus_id
        slots = select(Stimulus.taken).where(Stimulus.id == stimulus_id).with_for_update(key_share=True)
        if assigned.kind is ItemKind.RATED and connection.execute(slots).scalar_one() >= wanted:
            return False
        _move_counts(connection, stimulus_id, slots=1)
    leased = update(Assignment).where(Assignment.id == assigned.id).values(state=AssignmentState.LEASED)
    connection.execute(leased)
    return True


@dataclass(frozen=True)
class Answer:
    """What a client sends: see `annotate.database.tables.Rating`. Two that are equal are the same answer."""

    key: str
    assignment_id: int
    grade: float | None
    unusable: bool = False
    response_ms: int | None = None
    width_px: float | None = None
    height_px: float | None = None
    pixel_ratio: float | None = None


_ANSWER = tuple(getattr(Rating, name) for name in Answer.__dataclass_fields__)


_BY_KEY = (
    select(Assignment.participant_id, *_ANSWER)
    .join(Assignment, Assignment.id == Rating.assignment_id)
    .where(Rating.key == bindparam("wanted_key"))
)


def answer_by_key(connection: Connection, key: str) -> tuple[int, Answer] | None:
    """Return whose answer has that key, and the answer."""
    row = connection.execute(_BY_KEY, {"wanted_key": key}).first()
    return None if row is None else (row[0], Answer(*row[1:]))


_ADD_RATING = {
    "sqlite": sqlite.insert(Rating).on_conflict_do_nothing().returning(Rating.id),
    "postgresql": postgresql.insert(Rating).on_conflict_do_nothing().returning(Rating.id),
}


_MARK_RATED = (
    update(Assignment)
    .where(Assignment.id == bindparam("assignment_id"))
    .values(state=AssignmentState.RATED, sitting_id=bindparam("of_sitting"))
)


def add_rating(
    connection: Connection, assigned: AssignedStimulus, answer: Answer, sitting: OpenSitting, now: datetime
) -> bool:
    """Store an answer and mark its assignment rated; False when somebody used its key a moment ago."""
    values = {**vars(answer), "sequence": sitting.answers + 1, "rated_at": now, "undone_at": None}
    if connection.execute(_ADD_RATING[connection.dialect.name], values).first() is None:
        return False
    sitting.answers += 1
    connection.execute(_MARK_RATED, {"assignment_id": assigned.id, "of_sitting": sitting.id})
    if assigned.kind is not ItemKind.REPEAT:
        _move_counts(connection, assigned.stimulus.stimulus_id, ratings=1)
    return True


def last_answer(
    connection: Connection, participant: CurrentParticipant, sitting: OpenSitting
) -> tuple[int, AssignedStimulus] | None:
    """Return the id of the last rating of the main part of a sitting that was not undone, and what it rates."""
    last = (
        _ASSIGNED.add_columns(Rating.id)
        .join(Rating, Rating.assignment_id == Assignment.id)
        .where(
            Assignment.participant_id == participant.id,
            Assignment.state == AssignmentState.RATED,
            Assignment.sitting_id == sitting.id,
            Assignment.kind != ItemKind.TRAINING,
            Rating.undone_at.is_(None),
        )
        .order_by(Rating.sequence.desc())
        .limit(1)
    )
    row = connection.execute(last).first()
    return (
        None
        if row is None
        else (row[-1], AssignedStimulus(row[0], row[1], row[2], row[3], StimulusRow._make(row[4:-1])))
    )


def undo_rating(
    connection: Connection, rating_id: int, assigned: AssignedStimulus, now: datetime, until: datetime
) -> None:
    """Mark an answer as undone; its assignment is to be rated again and keeps its slot."""
    connection.execute(update(Rating).where(Rating.id == rating_id).values(undone_at=now))
    leased = {"state": AssignmentState.LEASED, "expires_at": until}
    connection.execute(update(Assignment).where(Assignment.id == assigned.id).values(leased))
    if assigned.kind is not ItemKind.REPEAT:
        _move_counts(connection, assigned.stimulus.stimulus_id, ratings=-1)
