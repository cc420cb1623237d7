"""Queries of participants: their links, their sittings, and whether their ratings are used."""

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from annotate.database.tables import (
    ROWS_AT_ONCE,
    SHUFFLES,
    Assignment,
    Event,
    Link,
    Participant,
    Sitting,
    Study,
)
from annotate.design.states import AssignmentState
from annotate.errors import StudyError
from annotate.queries.audit import log_event
from annotate.queries.studies import locked_study
from annotate.queries.units import PAIRS, STIMULI, UnitStatements

_PSEUDONYM_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that look alike


def delete_some_participants(db: Session, study_id: int, limit: int) -> int:
    """Delete up to `limit` people of a study that is about to go, with their votes; return how many.

    What its stimuli count is left as it is. A million votes take a while to delete, and in one transaction nobody
    could rate in another study meanwhile.
    """
    some = select(Participant.id).where(Participant.study_id == study_id).order_by(Participant.id).limit(limit)
    return len(db.scalars(delete(Participant).where(Participant.id.in_(some)).returning(Participant.id)).all())


def create_participant(
    db: Session,
    study_id: int,
    now: datetime,
    *,
    external_id: str | None = None,
    language: str = "en",
    pseudonym: str | None = None,
) -> Participant:
    """Add a person to a study, under a pseudonym that says nothing about them unless one is given."""
    participant = new_participant(study_id, now, external_id=external_id, language=language, pseudonym=pseudonym)
    db.add(participant)
    db.flush()
    return participant


def new_participant(
    study_id: int,
    now: datetime,
    *,
    external_id: str | None = None,
    language: str = "en",
    pseudonym: str | None = None,
) -> Participant:
    """Return a person who is not in the database yet."""
    return Participant(
        study_id=study_id,
        pseudonym=pseudonym or "".join(secrets.choice(_PSEUDONYM_LETTERS) for _ in range(8)),
        external_id=external_id,
        language=language,
        seed=secrets.randbelow(SHUFFLES),
        created_at=now,
    )


def add_link(db: Session, participant_id: int, token_hash: str, now: datetime) -> None:
    """Let a personal link open a participant's sittings."""
    db.execute(insert(Link).values(token_hash=token_hash, participant_id=participant_id, created_at=now))


def delete_links(db: Session, participant_id: int) -> None:
    """Close all links of a participant: one may have got into wrong hands."""
    db.execute(delete(Link).where(Link.participant_id == participant_id))


def participant_by_link(db: Session, token_hash: str) -> tuple[Participant, Study] | None:
    """Return whose link it is, and their study."""
    row = db.execute(
        select(Participant, Study)
        .join(Link, Link.participant_id == Participant.id)
        .join(Study, Study.id == Participant.study_id)
        .where(Link.token_hash == token_hash)
    ).first()
    return None if row is None else (row[0], row[1])


def participant_by_external_id(db: Session, study_id: int, external_id: str) -> Participant | None:
    """Return the participant whom a panel knows by that identifier."""
    return db.scalar(
        select(Participant).where(Participant.study_id == study_id, Participant.external_id == external_id)
    )


def get_participant(db: Session, study_id: int, pseudonym: str) -> Participant:
    """Return a participant of a study; raise StudyError when there is none of that pseudonym."""
    found = db.scalar(select(Participant).where(Participant.study_id == study_id, Participant.pseudonym == pseudonym))
    if found is None:
        raise StudyError(f"The study has no participant {pseudonym!r}.")
    return found


def unused_participants(db: Session, study_id: int) -> set[str]:
    """Return the pseudonyms of those whose votes are not used."""
    unused = select(Participant.pseudonym).where(Participant.study_id == study_id, ~Participant.votes_used)
    return set(db.scalars(unused))


@dataclass(frozen=True)
class ParticipantRow:
    """A participant with what they did, for a table."""

    participant: Participant
    ratings: int
    sittings: int
    last_seen_at: datetime | None


class Among(StrEnum):
    """Which participants a page is of."""

    ALL = "all"
    INVITED = "invited"
    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LEFT_OUT = "left out"
    WITHOUT_CODE = "without code"


_AMONG: Mapping[Among, ColumnElement[bool]] = {
    Among.ALL: true(),
    Among.INVITED: ~exists().where(Sitting.participant_id == Participant.id),
    Among.WITHOUT_CODE: exists().where(
        Sitting.participant_id == Participant.id,
        Sitting.rated > 0,
        Sitting.code_taken_at.is_(None),
        or_(
            and_(Sitting.ended_at.is_not(None), Sitting.completion_code.is_not(None)),
            and_(Sitting.ended_at.is_(None), Sitting.rated >= Sitting.planned),
        ),
    ),
    Among.UNDECIDED: exists().where(
        Sitting.participant_id == Participant.id, Sitting.ended_at.is_not(None), Sitting.accepted.is_(None)
    ),
    Among.ACCEPTED: exists().where(Sitting.participant_id == Participant.id, Sitting.accepted.is_(True)),
    Among.REJECTED: exists().where(Sitting.participant_id == Participant.id, Sitting.accepted.is_(False)),
    Among.LEFT_OUT: ~Participant.votes_used,
}


def participants_page(
    db: Session,
    study_id: int,
    *,
    among: Among = Among.ALL,
    names: Collection[str] | None = None,
    skip: int = 0,
    limit: int = 100,
) -> list[ParticipantRow]:
    """Return up to `limit` participants in the order they joined, but for the first `skip` of them.

    INVITED never began. UNDECIDED are those with an ended sitting about which nothing is decided, WITHOUT_CODE those
    who rated everything and did not take their completion code. `names` limits to these pseudonyms.
    """
    rated = select(func.count()).where(
        Assignment.participant_id == Participant.id, Assignment.state == AssignmentState.RATED
    )
    sittings = select(func.count()).where(Sitting.participant_id == Participant.id)
    seen = select(func.max(Sitting.last_seen_at)).where(Sitting.participant_id == Participant.id)
    page = (
        select(Participant, rated.scalar_subquery(), sittings.scalar_subquery(), seen.scalar_subquery())
        .where(*_among(study_id, among, names))
        .order_by(Participant.id)
        .offset(skip)
        .limit(limit)
    )
    return [ParticipantRow(*row) for row in db.execute(page)]


def count_participants(
    db: Session, study_id: int, *, among: Among = Among.ALL, names: Collection[str] | None = None
) -> int:
    """Return how many participants all such pages together have."""
    return db.scalar(select(func.count()).select_from(Participant).where(*_among(study_id, among, names))) or 0


def _among(study_id: int, among: Among, names: Collection[str] | None) -> list[ColumnElement[bool]]:
    chosen = [Participant.study_id == study_id, _AMONG[among]]
    return chosen if names is None else [*chosen, Participant.pseudonym.in_(names)]


def set_votes_used(
    db: Session, participant_id: int, used: bool, reason: str, now: datetime, *, screening: int | None = None
) -> None:
    """Let a participant's votes count, or not: what they rated is then wanted again from somebody else.

    `screening` is the number of the screening that decides so, None where somebody does.
    """
    participant = db.scalars(
        select(Participant).where(Participant.id == participant_id).with_for_update(key_share=True)
    ).one()
    if participant.votes_used and not used:
        _release_slots(db, participant_id)
    if used and not participant.votes_used:
        _take_slots(db, participant_id)
    participant.votes_used, participant.votes_reason = used, reason
    detail = {"participant": participant.pseudonym, "used": used, "reason": reason}
    by_screening = {} if screening is None else {"screening": screening}
    log_event(db, participant.study_id, "votes", {**detail, **by_screening}, now)


def delete_participant(db: Session, participant: Participant, now: datetime) -> None:
    """Delete all there is of a person, in the audit trail too; what they rated is wanted again.

    What remains says that somebody was deleted, and when.
    """
    if participant.votes_used:
        _release_slots(db, participant.id)
    db.execute(delete(Participant).where(Participant.id == participant.id))
    log_event(db, participant.study_id, "withdrawn", {}, now)  # first: an id that is free would be given again
    named = Event.detail["participant"].as_string() == participant.pseudonym
    db.execute(delete(Event).where(Event.study_id == participant.study_id, named))


def _release_slots(db: Session, participant_id: int) -> None:
    """Give back every slot that a participant holds; the participant must be locked."""
    leased = db.execute(
        update(Assignment)
        .where(Assignment.participant_id == participant_id, Assignment.state == AssignmentState.LEASED)
        .values(state=AssignmentState.EXPIRED)
        .returning(Assignment.stimulus_id, Assignment.pair_id, Assignment.occurrence)
    ).all()
    for of, place in ((STIMULI, 0), (PAIRS, 1)):
        table = of.table
        held = [row[place] for row in leased if row[place] is not None and row.occurrence == 0]
        rated = table.id.in_(_rated_by(participant_id, of))
        _lock_units(db, of, rated | table.id.in_(held))
        db.execute(update(table).where(table.id.in_(held)).values(taken=table.taken - 1))
        db.execute(update(table).where(rated).values(taken=table.taken - 1, rated=table.rated - 1))


def _take_slots(db: Session, participant_id: int) -> None:
    """Count again what a participant rated."""
    for of in (STIMULI, PAIRS):
        table = of.table
        rated = table.id.in_(_rated_by(participant_id, of))
        _lock_units(db, of, rated)
        db.execute(update(table).where(rated).values(taken=table.taken + 1, rated=table.rated + 1))


def _rated_by(participant_id: int, of: UnitStatements) -> Select[int | None]:
    return select(of.column).where(
        of.column.is_not(None),
        Assignment.participant_id == participant_id,
        Assignment.state == AssignmentState.RATED,
        Assignment.occurrence == 0,
    )


def _lock_units(db: Session, of: UnitStatements, which: ColumnElement[bool]) -> None:
    """Lock several at once in the order of their ids, so that two who do so cannot wait for each other."""
    db.execute(select(of.table.id).where(which).order_by(of.table.id).with_for_update(key_share=True)).all()


def count_begun(db: Session, study_id: int) -> int:
    """Return how many people have begun whose votes are used; nobody else begins until the commit."""
    locked_study(db, study_id)  # on PostgreSQL two who come at once would both take the last seat
    begun = (Participant.study_id == study_id, Participant.consented_at.is_not(None), Participant.votes_used)
    return db.scalar(select(func.count()).where(*begun)) or 0


def last_sitting(db: Session, participant_id: int) -> Sitting | None:
    """Return the sitting that a participant began last."""
    latest = select(Sitting).where(Sitting.participant_id == participant_id).order_by(Sitting.number.desc())
    return db.scalar(latest.limit(1))


def list_sittings(db: Session, participant_id: int) -> list[Sitting]:
    """Return a participant's sittings in order."""
    return list(db.scalars(select(Sitting).where(Sitting.participant_id == participant_id).order_by(Sitting.number)))


def sittings_of(db: Session, participant_ids: Collection[int]) -> dict[int, list[Sitting]]:
    """Return the sittings of several participants in order, by the participants' ids."""
    found: dict[int, list[Sitting]] = {participant_id: [] for participant_id in participant_ids}
    chosen = select(Sitting).where(Sitting.participant_id.in_(participant_ids)).order_by(Sitting.number)
    for sitting in db.scalars(chosen):
        found[sitting.participant_id].append(sitting)
    return found


def all_participants(db: Session, study_id: int) -> Iterator[tuple[Participant, list[Sitting]]]:
    """Yield every participant, in the order they joined, with their sittings; a page of them at a time."""
    skip = 0
    while page := participants_page(db, study_id, skip=skip, limit=ROWS_AT_ONCE):
        sittings = sittings_of(db, [row.participant.id for row in page])
        yield from ((row.participant, sittings[row.participant.id]) for row in page)
        skip += len(page)


def set_sitting_accepted(db: Session, sitting_id: int, accepted: bool | None, reason: str, now: datetime) -> None:
    """Accept or refuse a sitting, or leave it undecided; whether its votes count is `set_votes_used`'s."""
    row = db.execute(
        select(Sitting, Participant)
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Sitting.id == sitting_id)
    ).first()
    if row is None:
        raise StudyError("The sitting does not exist any more.")
    sitting, participant = row
    sitting.accepted, sitting.accepted_reason = accepted, reason
    detail = {"participant": participant.pseudonym, "number": sitting.number, "accepted": accepted, "reason": reason}
    log_event(db, participant.study_id, "sitting", detail, now)
