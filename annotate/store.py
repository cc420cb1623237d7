"""Every query but those that each rating runs, which are in `annotate.places`.

The caller opens the transaction (`annotate.database`) and owns it; its session is called `db`. What decides between
people who do the same thing at once is in the database: unique keys and, on PostgreSQL, row locks. Several stimuli are
locked in the order of their ids, so that no two transactions wait for each other.
"""

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple
from typing import Protocol as Structure

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotate.design_review import StimulusSummary, check_ready
from annotate.errors import ImportedRatingsError, StudyError, StudyStateError
from annotate.names import control_character, find_by_name, normalized
from annotate.protocol import StudyProtocol
from annotate.ratings import ItemKind, Ratings
from annotate.study import (
    LONGEST_MESSAGE,
    State,
    check_is_draft,
    check_takes_imports,
    check_takes_stimuli,
    check_transition,
)
from annotate.tables import (
    Assignment,
    AssignmentState,
    Event,
    Link,
    Participant,
    Rating,
    Sitting,
    Stimulus,
    Study,
)

SHUFFLES = 2**31 - 1  # what an integer holds everywhere
ROWS_AT_ONCE = 10_000
LIVE = (AssignmentState.LEASED, AssignmentState.RATED)
_PSEUDONYM_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that look alike
_UNKNOWN = -1e9  # stands for NULL on the way into an array; no grade or time is that


# Studies


def create_study(db: Session, name: str, protocol: StudyProtocol, now: datetime, *, demo: bool = False) -> Study:
    """Make a study in draft; raise StudyError when the name is blank, too long or taken."""
    name = normalized(name.strip())
    if not 1 <= len(name) <= 200:
        raise StudyError("A study needs a name of 1 to 200 characters.")
    if control := control_character(name):
        raise StudyError(f"The study's name has the control character {control}; leave it out.")
    if db.scalar(select(Study.id).where(Study.name == name)):
        raise StudyError(f"There is a study called {name!r} already; choose another name.")
    study = Study(
        name=name,
        state=State.DRAFT,
        protocol=protocol.to_json(),
        join_code=secrets.token_urlsafe(16),
        demo=demo,
        created_at=now,
    )
    db.add(study)
    db.flush()
    log_event(db, study.id, "created", {}, now)
    return study


def find_study(db: Session, name: str) -> Study:
    """Return the study of that name; raise StudyError naming those there are."""
    study = db.scalar(select(Study).where(Study.name.in_({name, normalized(name)})).order_by(Study.id))
    if study is None:
        names = ", ".join(map(repr, db.scalars(select(Study.name).order_by(Study.id).limit(10)))) or "none yet"
        raise StudyError(f"There is no study called {name!r}; there are: {names}.")
    return study


def get_study(db: Session, study_id: int) -> Study:
    """Return a study by its id; raise StudyError when it is gone."""
    study = db.get(Study, study_id)
    if study is None:
        raise StudyError("The study does not exist any more.")
    return study


def is_study(db: Session, study_id: int) -> bool:
    """Return whether there is a study of that id."""
    return db.scalar(select(Study.id).where(Study.id == study_id)) is not None


def study_by_join_code(db: Session, code: str) -> Study | None:
    """Return the study that the link for newcomers opens."""
    return db.scalar(select(Study).where(Study.join_code == code))


def list_studies(db: Session) -> list[Study]:
    """Return all studies, newest first."""
    return list(db.scalars(select(Study).order_by(Study.id.desc())))


def find_demo(db: Session) -> Study | None:
    """Return the study that newcomers may try, if it was made."""
    return db.scalar(select(Study).where(Study.demo).order_by(Study.id).limit(1))


def change_state(db: Session, study_id: int, state: State, now: datetime) -> tuple[str, ...]:
    """Take a study to another state; return what to warn of. Raises StudyStateError when it cannot go there."""
    study = _locked_study(db, study_id)
    check_transition(study.state, state)
    warnings: tuple[str, ...] = ()
    if state is State.OPEN:
        warnings = _make_ready(db, study, now)
    log_event(db, study_id, "state", {"from": study.state, "to": state}, now)
    study.state = state
    return warnings


def _make_ready(db: Session, study: Study, now: datetime) -> tuple[str, ...]:
    """Check a study that is about to open; from its first opening on its texts stay as they are."""
    protocol = StudyProtocol.from_json(study.protocol)
    warnings = check_ready(protocol, summarize_stimuli(db, study.id), now)
    if study.state is State.DRAFT:
        study.protocol = protocol.with_texts_fixed().to_json()
    return warnings


def change_protocol(db: Session, study_id: int, now: datetime, **values: Any) -> StudyProtocol:
    """Change values of a protocol as far as the study's state allows; raise StudyStateError or ProtocolError."""
    study = _locked_study(db, study_id)
    former = StudyProtocol.from_json(study.protocol)
    protocol = former.changed(study.state, **values)
    study.protocol, before = protocol.to_json(), former.to_json()
    changed = {name: value for name, value in study.protocol.items() if value != before[name]}
    log_event(db, study_id, "protocol", changed, now)
    return protocol


def delete_study(db: Session, study_id: int) -> None:
    """Delete a study with everything that was rated in it; its files stay, other studies may show them."""
    db.execute(delete(Study).where(Study.id == study_id))


def delete_some_participants(db: Session, study_id: int, limit: int) -> int:
    """Delete up to `limit` people of a study that is about to go, with their votes; return how many.

    What its stimuli count is left as it is. A million votes take a while to delete, and in one transaction nobody
    could rate in another study meanwhile.
    """
    some = select(Participant.id).where(Participant.study_id == study_id).order_by(Participant.id).limit(limit)
    return len(db.scalars(delete(Participant).where(Participant.id.in_(some)).returning(Participant.id)).all())


def set_message(db: Session, study_id: int, message: str, now: datetime) -> None:
    """Show a message to those who are rating, or none any more where it is blank; raise StudyError when too long."""
    message = message.strip()
    if len(message) > LONGEST_MESSAGE:
        raise StudyError(f"The message has {len(message)} characters; shorten it to {LONGEST_MESSAGE} or fewer.")
    _locked_study(db, study_id).message = message
    log_event(db, study_id, "message", {"message": message}, now)


def log_event(db: Session, study_id: int, what: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Add a line to the study's audit trail; a person is named as `participant`, and nowhere else in `detail`."""
    db.execute(insert(Event).values(study_id=study_id, at=now, what=what, detail=dict(detail)))


def list_events(db: Session, study_id: int) -> list[Event]:
    """Return the audit trail, oldest first."""
    return list(db.scalars(select(Event).where(Event.study_id == study_id).order_by(Event.id)))


def latest_events(db: Session, study_id: int, limit: int) -> list[Event]:
    """Return the end of the audit trail, newest first."""
    newest = select(Event).where(Event.study_id == study_id).order_by(Event.id.desc())
    return list(db.scalars(newest.limit(limit)))


def _locked_study(db: Session, study_id: int) -> Study:
    study = db.scalar(select(Study).where(Study.id == study_id).with_for_update(key_share=True))
    if study is None:
        raise StudyError("The study does not exist any more.")
    return study


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is. `stimuli_by_ratings` maps how often a stimulus was rated to how many were that often.

    Of the people, `invited` have a link that they never followed to the end of the consent. The others take part, as
    `participants` counts: some are rating now, some have finished all their sittings, and some left one open.
    """

    stimuli: Mapping[ItemKind, int]
    stimuli_by_ratings: Mapping[int, int]
    participants: int
    sittings: int
    sittings_ended: int
    active_participants: int
    invited: int
    finished: int
    last_answer_at: datetime | None

    @property
    def left(self) -> int:
        """People who left a sitting open and were not seen lately; they may come back."""
        return self.participants - self.active_participants - self.finished

    @property
    def ratings(self) -> int:
        """Ratings that count: of stimuli to be rated, by participants whose votes are used, without repeats."""
        return sum(times * count for times, count in self.stimuli_by_ratings.items())


def study_progress(db: Session, study_id: int, active_since: datetime) -> StudyProgress:
    """Return how far a study is; those seen after `active_since` are active."""
    by_ratings = (
        select(Stimulus.rated, func.count())
        .where(Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED)
        .group_by(Stimulus.rated)
        .order_by(Stimulus.rated)
    )
    going_on = Sitting.ended_at.is_(None)  # one sitting of a participant at most
    sittings = (
        select(
            func.count(),
            func.count(Sitting.ended_at),
            func.count(func.distinct(Sitting.participant_id)),
            func.count().filter(going_on),
            func.count().filter(Sitting.last_seen_at > active_since, going_on),
            func.max(Sitting.last_seen_at).filter(Sitting.answers > 0),
        )
        .select_from(Sitting)
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Participant.study_id == study_id)
    )
    begun, ended, participants, at_it, active, last_answer_at = db.execute(sittings).one()
    return StudyProgress(
        stimuli=count_stimuli(db, study_id),
        stimuli_by_ratings=dict(db.execute(by_ratings).all()),
        participants=participants,
        sittings=begun,
        sittings_ended=ended,
        active_participants=active,
        invited=count_participants(db, study_id) - participants,
        finished=participants - at_it,
        last_answer_at=last_answer_at,
    )


@dataclass(frozen=True)
class Active:
    """Somebody who is rating: `rated` of `planned` items are done in their sitting, `lately` of them lately."""

    pseudonym: str
    last_seen_at: datetime
    rated: int
    planned: int
    lately: int


def active_people(db: Session, study_id: int, since: datetime) -> list[Active]:
    """Return who was seen since then in a sitting that goes on, the latest first, and what they answered since."""
    lately = (
        select(func.count())
        .select_from(Rating)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .where(Assignment.sitting_id == Sitting.id, Rating.rated_at > since, Rating.undone_at.is_(None))
        .scalar_subquery()
    )
    people = (
        select(Participant.pseudonym, Sitting.last_seen_at, Sitting.rated, Sitting.planned, lately)
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Participant.study_id == study_id, Sitting.last_seen_at > since, Sitting.ended_at.is_(None))
        .order_by(Sitting.last_seen_at.desc())
    )
    return [Active(*row) for row in db.execute(people)]


def ratings_since(db: Session, study_id: int, since: datetime) -> int:
    """Return how many pictures to be rated were rated since then, without repeats."""
    seen = select(Sitting.id).join(Participant, Participant.id == Sitting.participant_id)
    seen = seen.where(Participant.study_id == study_id, Sitting.last_seen_at > since)
    count = (
        select(func.count())
        .select_from(Rating)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .where(
            Assignment.sitting_id.in_(seen),
            Assignment.kind == ItemKind.RATED,
            Rating.rated_at > since,
            Rating.undone_at.is_(None),
        )
    )
    return db.scalar(count) or 0


Version = tuple[int, ...]


def study_version(db: Session, study_id: int) -> Version:
    """Return numbers of which one has changed whenever a study's statistics may have; reads no rating."""
    people = (
        select(
            func.count(func.distinct(Participant.id)),
            func.coalesce(func.sum(Sitting.answers), 0),
            func.coalesce(func.sum(Sitting.rated), 0),
        )
        .select_from(Participant)
        .outerjoin(Sitting, Sitting.participant_id == Participant.id)
        .where(Participant.study_id == study_id)
    )
    last_event = db.scalar(select(func.max(Event.id)).where(Event.study_id == study_id)) or 0
    return (last_event, *db.execute(people).one())


# Stimuli


class NewStimulus(Structure):
    """What there is to know about a picture; `annotate.stimuli.StimulusFile` is one."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def width_px(self) -> int: ...
    @property
    def height_px(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def source(self) -> str | None: ...
    @property
    def kind(self) -> ItemKind: ...
    @property
    def expected(self) -> float | None: ...
    @property
    def feedback(self) -> str: ...


def add_stimuli(db: Session, study_id: int, stimuli: Sequence[NewStimulus], now: datetime) -> list[tuple[str, str]]:
    """Add pictures to a study; return (name, name it is there under) of those it holds already.

    Raises StudyStateError when the state forbids it, StudyError when a name stands for another picture already.
    """
    check_takes_stimuli(_locked_study(db, study_id).state)
    there = dict(db.execute(select(Stimulus.sha256, Stimulus.name).where(Stimulus.study_id == study_id)).all())
    new = [stimulus for stimulus in stimuli if stimulus.sha256 not in there]
    if taken := {stimulus.name for stimulus in new} & set(there.values()):
        raise StudyError(f"The study has another picture called {min(taken)} already; rename one of them.")
    if new:
        db.execute(insert(Stimulus), [_stimulus_row(study_id, stimulus) for stimulus in new])
    log_event(db, study_id, "stimuli", {"added": len(new)}, now)
    return [(stimulus.name, there[stimulus.sha256]) for stimulus in stimuli if stimulus.sha256 in there]


def _stimulus_row(study_id: int, stimulus: NewStimulus) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "name": stimulus.name,
        "sha256": stimulus.sha256,
        "format": stimulus.format,
        "width_px": stimulus.width_px,
        "height_px": stimulus.height_px,
        "size_bytes": stimulus.size_bytes,
        "source": stimulus.source,
        "kind": stimulus.kind,
        "expected": stimulus.expected,
        "feedback": stimulus.feedback,
        "shuffle": secrets.randbelow(SHUFFLES),
    }


def count_stimuli(db: Session, study_id: int) -> dict[ItemKind, int]:
    """Return how many stimuli of each kind there are."""
    counts = select(Stimulus.kind, func.count()).where(Stimulus.study_id == study_id).group_by(Stimulus.kind)
    return dict(db.execute(counts).all())


def summarize_stimuli(db: Session, study_id: int) -> StimulusSummary:
    """Return what the stimuli of a study are, all together."""
    silent = select(func.count()).where(
        Stimulus.study_id == study_id,
        Stimulus.kind == ItemKind.TRAINING,
        Stimulus.expected.is_(None),
        Stimulus.feedback == "",
    )
    return StimulusSummary(count_stimuli(db, study_id), largest_sides(db, study_id), db.scalar(silent) or 0)


def largest_sides(db: Session, study_id: int) -> tuple[int, int]:
    """Return the largest width and the largest height among the stimuli, in pixels; 0 where there are none."""
    sides = select(func.max(Stimulus.width_px), func.max(Stimulus.height_px)).where(Stimulus.study_id == study_id)
    width_px, height_px = db.execute(sides).one()
    return width_px or 0, height_px or 0


def pictures_bytes(db: Session, study_id: int) -> int:
    """Return how much room the pictures to be rated take."""
    chosen = (Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED)
    return db.scalar(select(func.sum(Stimulus.size_bytes)).where(*chosen)) or 0


def stimuli_page(
    db: Session, study_id: int, *, after_id: int = 0, skip: int = 0, limit: int = 100, kind: ItemKind | None = None
) -> list[Stimulus]:
    """Return up to `limit` stimuli in the order they were added.

    Begins after the one with `after_id`, or passes over `skip` of them, which takes longer the more they are.
    """
    page = select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.id > after_id)
    if kind is not None:
        page = page.where(Stimulus.kind == kind)
    return list(db.scalars(page.order_by(Stimulus.id).offset(skip).limit(limit)))


def all_stimuli(db: Session, study_id: int) -> Iterator[Stimulus]:
    """Yield every stimulus in the order they were added, a page at a time."""
    after_id = 0
    while page := stimuli_page(db, study_id, after_id=after_id, limit=ROWS_AT_ONCE):
        yield from page
        after_id = page[-1].id
        db.expunge_all()


def stimuli_by_name(db: Session, study_id: int, names: Sequence[str]) -> dict[str, Stimulus]:
    """Return the stimuli of these names; those that do not exist are left out."""
    found = db.scalars(select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.name.in_(names)))
    return {stimulus.name: stimulus for stimulus in found}


def get_stimulus(db: Session, study_id: int, stimulus_id: int) -> Stimulus:
    """Return a stimulus of a study; raise StudyError when there is none of that id."""
    found = db.scalar(select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.id == stimulus_id))
    if found is None:
        raise StudyError("The picture is not in the study any more.")
    return found


def change_stimulus(
    db: Session, stimulus: Stimulus, now: datetime, *, kind: ItemKind, expected: float | None, feedback: str
) -> None:
    """Give a stimulus of a draft another kind, right grade or feedback; raise StudyStateError, or StudyError."""
    _check_can_change(db, stimulus)
    stimulus.kind, stimulus.expected, stimulus.feedback = kind, expected, feedback
    log_event(db, stimulus.study_id, "picture changed", {"picture": stimulus.name, "kind": kind.name.lower()}, now)


def remove_stimulus(db: Session, stimulus: Stimulus, now: datetime) -> None:
    """Take a stimulus out of a draft; its file stays, other studies may show it. Raises as `change_stimulus` does."""
    _check_can_change(db, stimulus)
    log_event(db, stimulus.study_id, "picture removed", {"picture": stimulus.name}, now)
    db.execute(delete(Stimulus).where(Stimulus.id == stimulus.id))


def _check_can_change(db: Session, stimulus: Stimulus) -> None:
    check_is_draft(_locked_study(db, stimulus.study_id).state)
    if db.scalar(select(exists().where(Assignment.stimulus_id == stimulus.id))):
        raise StudyStateError(f"{stimulus.name} has ratings already, which were imported; it stays as it is.")


# Participants and their links


def create_participant(
    db: Session,
    study_id: int,
    now: datetime,
    *,
    external_id: str | None = None,
    language: str = "en",
    pseudonym: str | None = None,
) -> Participant:
    """Add a person to a study, under a pseudonym that says nothing about them."""
    participant = Participant(
        study_id=study_id,
        pseudonym=pseudonym or "".join(secrets.choice(_PSEUDONYM_LETTERS) for _ in range(8)),
        external_id=external_id,
        language=language,
        seed=secrets.randbelow(SHUFFLES),
        created_at=now,
    )
    db.add(participant)
    db.flush()
    return participant


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


def set_votes_used(db: Session, participant_id: int, used: bool, reason: str, now: datetime) -> None:
    """Let a participant's votes count, or not: what they rated is then wanted again from somebody else."""
    participant = db.scalars(
        select(Participant).where(Participant.id == participant_id).with_for_update(key_share=True)
    ).one()
    if participant.votes_used and not used:
        _release_places(db, participant_id)
    if used and not participant.votes_used:
        _take_places(db, participant_id)
    participant.votes_used, participant.votes_reason = used, reason
    detail = {"participant": participant.pseudonym, "used": used, "reason": reason}
    log_event(db, participant.study_id, "votes", detail, now)


def delete_participant(db: Session, participant: Participant, now: datetime) -> None:
    """Delete all there is of a person, in the audit trail too; what they rated is wanted again.

    What remains says that somebody was deleted, and when.
    """
    if participant.votes_used:
        _release_places(db, participant.id)
    db.execute(delete(Participant).where(Participant.id == participant.id))
    log_event(db, participant.study_id, "withdrawn", {}, now)  # first: an id that is free would be given again
    named = Event.detail["participant"].as_string() == participant.pseudonym
    db.execute(delete(Event).where(Event.study_id == participant.study_id, named))


def _release_places(db: Session, participant_id: int) -> None:
    """Give back every place that a participant holds; the participant must be locked."""
    leased = db.execute(
        update(Assignment)
        .where(Assignment.participant_id == participant_id, Assignment.state == AssignmentState.LEASED)
        .values(state=AssignmentState.EXPIRED)
        .returning(Assignment.stimulus_id, Assignment.occurrence)
    )
    held = [stimulus_id for stimulus_id, occurrence in leased if occurrence == 0]
    rated = Stimulus.id.in_(_rated_by(participant_id))
    _lock_stimuli(db, rated | Stimulus.id.in_(held))
    db.execute(update(Stimulus).where(Stimulus.id.in_(held)).values(taken=Stimulus.taken - 1))
    db.execute(update(Stimulus).where(rated).values(taken=Stimulus.taken - 1, rated=Stimulus.rated - 1))


def _take_places(db: Session, participant_id: int) -> None:
    """Count again what a participant rated."""
    rated = Stimulus.id.in_(_rated_by(participant_id))
    _lock_stimuli(db, rated)
    db.execute(update(Stimulus).where(rated).values(taken=Stimulus.taken + 1, rated=Stimulus.rated + 1))


def _rated_by(participant_id: int) -> Select[int]:
    return select(Assignment.stimulus_id).where(
        Assignment.participant_id == participant_id,
        Assignment.state == AssignmentState.RATED,
        Assignment.occurrence == 0,
    )


def _lock_stimuli(db: Session, which: ColumnElement[bool]) -> None:
    """Lock several at once in the order of their ids, so that two who do so cannot wait for each other."""
    db.execute(select(Stimulus.id).where(which).order_by(Stimulus.id).with_for_update(key_share=True)).all()


def count_begun(db: Session, study_id: int) -> int:
    """Return how many people have begun whose votes are used; nobody else begins until the commit."""
    _locked_study(db, study_id)  # on PostgreSQL two who come at once would both take the last seat
    begun = (Participant.study_id == study_id, Participant.consented_at.is_not(None), Participant.votes_used)
    return db.scalar(select(func.count()).where(*begun)) or 0


# Sittings


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


# Ratings


class RatingRow(NamedTuple):
    """A rating as exports show it."""

    stimulus: str
    sha256: str
    participant: str
    sitting: int
    sequence: int
    kind: ItemKind
    grade: float | None
    unusable: bool
    expected: float | None
    response_ms: int | None
    width_px: float | None
    height_px: float | None
    pixel_ratio: float | None
    rated_at: datetime
    votes_used: bool
    key: str


def stream_ratings(db: Session, study_id: int) -> Iterator[RatingRow]:
    """Yield every rating that was not undone, training too, oldest first; memory does not grow with the study."""
    rows = (
        select(
            Stimulus.name, Stimulus.sha256, Participant.pseudonym, Sitting.number, Rating.sequence, Assignment.kind,
            Rating.grade, Rating.unusable, Stimulus.expected, Rating.response_ms, Rating.width_px, Rating.height_px,
            Rating.pixel_ratio, Rating.rated_at, Participant.votes_used, Rating.key,
        )
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .join(Sitting, Sitting.id == Assignment.sitting_id)
        .where(Assignment.study_id == study_id, Rating.undone_at.is_(None))
        .order_by(Rating.id)
    )  # fmt: skip
    for row in db.execute(rows, execution_options={"yield_per": ROWS_AT_ONCE}):
        yield RatingRow._make(row)


def grade_counts(db: Session, study_id: int, names: Collection[str]) -> dict[str, dict[float, int]]:
    """Return how often each grade was given to these stimuli, by votes that are used and without repeats."""
    counts = (
        select(Stimulus.name, func.coalesce(Rating.grade, 0.0), func.count())
        .select_from(Rating)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(
            Stimulus.study_id == study_id,
            Stimulus.name.in_(names),
            Assignment.occurrence == 0,
            Participant.votes_used,
            Rating.grade.is_not(None),
            Rating.undone_at.is_(None),
        )
        .group_by(Stimulus.name, Rating.grade)
    )
    found: dict[str, dict[float, int]] = {name: {} for name in names}
    for name, grade, count in db.execute(counts):
        found[name][grade] = count
    return found


def load_ratings(db: Session, study_id: int) -> Ratings:
    """Return a study's ratings as arrays for the statistics; training and what was undone are left out.

    The ids are the names of all stimuli but those for training, the pseudonyms of participants, and
    `pseudonym/number` of sittings. Ratings of participants whose votes are not used are there too.
    """
    scale = StudyProtocol.from_json(get_study(db, study_id).protocol).scale
    stimuli = select(Stimulus.id, Stimulus.name, Stimulus.expected).where(
        Stimulus.study_id == study_id, Stimulus.kind != ItemKind.TRAINING
    )
    participants = select(Participant.id, Participant.pseudonym).where(Participant.study_id == study_id)
    sittings = (
        select(Sitting.id, Participant.pseudonym + "/" + cast(Sitting.number, String))
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Participant.study_id == study_id)
    )
    columns = _rating_columns(db, study_id)
    stimulus_ids, stimulus = _indexed(db, stimuli, columns["stimulus"])
    participant_ids, participant = _indexed(db, participants, columns["participant"])
    sitting_ids, sitting = _indexed(db, sittings, columns["sitting"])
    kind = columns["kind"].astype(np.int64)
    return Ratings(
        stimulus=stimulus,
        participant=participant,
        grade=columns["grade"],
        stimulus_ids=stimulus_ids,
        participant_ids=participant_ids,
        scale_low=scale.low,
        scale_high=scale.high,
        sitting=sitting,
        sitting_ids=sitting_ids,
        sequence=columns["sequence"].astype(np.int64),
        response_ms=columns["response_ms"],
        kind=kind,
        expected=columns["expected"],
    )


def _rating_columns(db: Session, study_id: int) -> dict[str, NDArray[np.float64]]:
    """Return columns of V ratings, NaN for NULL; all fit into a float64 exactly, and together are one block."""
    chosen = {
        "stimulus": Assignment.stimulus_id,
        "participant": Assignment.participant_id,
        "sitting": Assignment.sitting_id,
        "kind": type_coerce(Assignment.kind, Integer),  # no ItemKind is made per row
        "sequence": Rating.sequence,
        "grade": func.coalesce(Rating.grade, _UNKNOWN),
        "response_ms": func.coalesce(Rating.response_ms, _UNKNOWN),
        "expected": func.coalesce(
            case((Assignment.kind.in_((ItemKind.GOLD, ItemKind.TRAP)), Stimulus.expected)), _UNKNOWN
        ),
    }
    rows = (
        select(*chosen.values())
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .where(Assignment.study_id == study_id, Assignment.kind != ItemKind.TRAINING, Rating.undone_at.is_(None))
    )
    result = db.connection().execute(rows, execution_options={"yield_per": ROWS_AT_ONCE})
    blocks = [np.array([tuple(row) for row in part], np.float64) for part in result.partitions()]
    table = np.concatenate([np.empty((0, len(chosen))), *blocks])
    table[table == _UNKNOWN] = np.nan
    return dict(zip(chosen, table.T.copy(), strict=True))


def _indexed(
    db: Session, names: Select[*tuple[Any, ...]], keys: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names of `(id, name, …)` rows, in the order of the ids, and the place of each key (V,) in them."""
    rows = sorted((row[0], row[1]) for row in db.execute(names))
    ids = np.array([row[0] for row in rows], np.int64)
    return tuple(row[1] for row in rows), np.searchsorted(ids, keys.astype(np.int64)).astype(np.int64)


# Ratings from elsewhere


class ImportedRating(NamedTuple):
    """A rating that was given elsewhere: by name of the stimulus, by pseudonym; `grade` None is "unusable"."""

    stimulus: str
    participant: str
    grade: float | None
    response_ms: int | None = None
    rated_at: datetime | None = None


def import_ratings(db: Session, study_id: int, ratings: Iterable[ImportedRating], now: datetime) -> int:
    """Add ratings from elsewhere, all or none; return how many. Participants who are not there yet are added.

    Raises StudyStateError when the study is closed, ImportedRatingsError naming a stimulus that is not in the study
    or a participant who rated one twice.
    """
    check_takes_imports(_locked_study(db, study_id).state)
    stimuli = {
        normalized(row.name): row
        for row in db.execute(select(Stimulus.name, Stimulus.id, Stimulus.kind).where(Stimulus.study_id == study_id))
    }
    people = _Importees(db, study_id, now)
    count = 0
    rest = iter(ratings)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        rows: list[Row[str, int, ItemKind]] = []
        for rating in part:
            if (found := find_by_name(stimuli, rating.stimulus)) is None:
                raise ImportedRatingsError(f"There is no stimulus {rating.stimulus!r} in the study; add it first.")
            rows.append(found[1])
        _import_part(db, study_id, part, rows, people)
        count += len(part)
    recount(db, study_id)
    log_event(db, study_id, "imported", {"ratings": count}, now)
    return count


def _import_part(
    db: Session,
    study_id: int,
    part: Sequence[ImportedRating],
    stimuli: Sequence[Row[str, int, ItemKind]],
    people: "_Importees",
) -> None:
    rated_at = [rating.rated_at or people.now for rating in part]
    assignments = [
        {
            "study_id": study_id,
            "stimulus_id": stimulus.id,
            "kind": stimulus.kind,
            "state": AssignmentState.RATED,
            "occurrence": 0,
            "expires_at": time,
            **people.ids(rating.participant),
        }
        for rating, stimulus, time in zip(part, stimuli, rated_at, strict=True)
    ]
    try:
        ids = db.scalars(insert(Assignment).returning(Assignment.id, sort_by_parameter_order=True), assignments).all()
    except IntegrityError:
        raise ImportedRatingsError(
            "A participant rates the same stimulus twice, in the table or in what the study holds already."
        ) from None
    rows = [
        {
            "key": f"imported-{assignment_id}",
            "assignment_id": assignment_id,
            "sequence": people.next_sequence(rating.participant),
            "grade": rating.grade,
            "unusable": rating.grade is None,
            "response_ms": rating.response_ms,
            "rated_at": time,
        }
        for assignment_id, rating, time in zip(ids, part, rated_at, strict=True)
    ]
    db.execute(insert(Rating), rows)


class _Importees:
    """The participants of an import, each with an ended sitting that holds what is imported."""

    def __init__(self, db: Session, study_id: int, now: datetime) -> None:
        self._db, self._study_id, self.now = db, study_id, now
        there = db.scalars(select(Participant).where(Participant.study_id == study_id))
        self._participants = {normalized(participant.pseudonym): participant for participant in there}
        self._sittings: dict[str, Sitting] = {}

    def ids(self, pseudonym: str) -> dict[str, int]:
        """Return the columns of an assignment that name the participant and the sitting."""
        if pseudonym not in self._sittings:
            self._sittings[pseudonym] = self._new_sitting(pseudonym)
        sitting = self._sittings[pseudonym]
        return {"participant_id": sitting.participant_id, "sitting_id": sitting.id}

    def next_sequence(self, pseudonym: str) -> int:
        """Count an answer."""
        sitting = self._sittings[pseudonym]
        sitting.answers = sitting.rated = sitting.planned = sitting.answers + 1
        return sitting.answers

    def _new_sitting(self, pseudonym: str) -> Sitting:
        if pseudonym not in self._participants:
            new = create_participant(self._db, self._study_id, self.now, pseudonym=pseudonym)
            self._participants[pseudonym] = new
        participant_id = self._participants[pseudonym].id
        sitting = Sitting(
            participant_id=participant_id,
            number=1 + len(list_sittings(self._db, participant_id)),
            started_at=self.now,
            last_seen_at=self.now,
            ended_at=self.now,
            answers=0,
        )
        self._db.add(sitting)
        self._db.flush()
        return sitting


def recount(db: Session, study_id: int) -> None:
    """Count anew what `stimulus.taken` and `stimulus.rated` keep."""
    places = (
        select(func.count())
        .select_from(Assignment)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(Assignment.stimulus_id == Stimulus.id, Assignment.occurrence == 0, Participant.votes_used)
    )
    taken = places.where(Assignment.state.in_(LIVE)).scalar_subquery()
    rated = places.where(Assignment.state == AssignmentState.RATED).scalar_subquery()
    # Both at once: a check holds rated to taken.
    db.execute(
        update(Stimulus).where(Stimulus.study_id == study_id).values(taken=taken, rated=rated),
        execution_options={"synchronize_session": False},
    )
