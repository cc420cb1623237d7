"""How far a study is: counts of stimuli, ratings, participants and who is rating now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    func,
    select,
)
from sqlalchemy.orm import Session

from annotate.database.tables import (
    Assignment,
    Event,
    Pair,
    PairGroup,
    Participant,
    Rating,
    Sitting,
    Stimulus,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.states import ACTIVE, State
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.queries.participants import count_participants
from annotate.queries.stimuli import count_stimuli


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is. `by_ratings` maps (how often rated, how often wanted) to the number of stimuli or pairs.

    `ratings_wanted` are those of one picture or pair. Where pairs are planned by the answers, `groups` counts the
    sources by why nothing more is planned in them, "" where more may be.

    Of the people, `invited` have a link that they never followed to the end of the consent. The others take part, as
    `participants` counts: some are rating now, some have finished all their sittings, and some left one open.
    """

    ratings_wanted: int
    stimuli: Mapping[ItemKind, int]
    by_ratings: Mapping[tuple[int, int], int]
    participants: int
    sittings: int
    sittings_ended: int
    active_participants: int
    invited: int
    finished: int
    last_answer_at: datetime | None
    groups: Mapping[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """People who left a sitting open and were not seen lately; they may come back."""
        return self.participants - self.active_participants - self.finished

    @property
    def pictures(self) -> int:
        """Pictures to be rated."""
        return self.stimuli.get(ItemKind.RATED, 0)

    @property
    def units(self) -> int:
        """Pictures, or in a study of pairs these, to be rated."""
        return sum(self.by_ratings.values())

    @property
    def stimuli_by_ratings(self) -> dict[int, int]:
        """How many pictures or pairs were rated how often."""
        found: dict[int, int] = {}
        for (times, _), count in sorted(self.by_ratings.items()):
            found[times] = found.get(times, 0) + count
        return found

    @property
    def wanted(self) -> int:
        """Ratings wanted of all pictures or pairs together."""
        return sum(wanted * count for (_, wanted), count in self.by_ratings.items())

    @property
    def complete(self) -> int:
        """Pictures or pairs that have all ratings that are wanted."""
        return sum(count for (times, wanted), count in self.by_ratings.items() if times >= wanted)

    @property
    def missing(self) -> int:
        """Ratings that are wanted and not there."""
        return sum(max(0, wanted - times) * count for (times, wanted), count in self.by_ratings.items())

    @property
    def ratings(self) -> int:
        """Ratings that count: of what is to be rated, by participants whose votes are used, without repeats."""
        return sum(times * count for (times, _), count in self.by_ratings.items())


def active_since(study: Study, now: datetime) -> datetime:
    """Return since when somebody must have been seen to be rating now: nobody rates in a closed study."""
    return now if study.state is State.CLOSED else now - ACTIVE


def study_progress(db: Session, study: Study, now: datetime) -> StudyProgress:
    """Return how far a study is."""
    study_id = study.id
    going_on = Sitting.ended_at.is_(None)  # one sitting of a participant at most
    sittings = (
        select(
            func.count(),
            func.count(Sitting.ended_at),
            func.count(func.distinct(Sitting.participant_id)),
            func.count().filter(going_on),
            func.count().filter(Sitting.last_seen_at > active_since(study, now), going_on),
            func.max(Sitting.last_seen_at).filter(Sitting.answers > 0),
        )
        .select_from(Sitting)
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Participant.study_id == study_id)
    )
    begun, ended, participants, at_it, active, last_answer_at = db.execute(sittings).one()
    return StudyProgress(
        ratings_wanted=study.protocol.ratings_wanted,
        stimuli=count_stimuli(db, study_id),
        by_ratings=_by_ratings(db, study),
        participants=participants,
        sittings=begun,
        sittings_ended=ended,
        active_participants=active,
        invited=count_participants(db, study_id) - participants,
        finished=participants - at_it,
        last_answer_at=last_answer_at,
        groups=_count_groups(db, study_id),
    )


def _count_groups(db: Session, study_id: int) -> dict[str, int]:
    groups = select(PairGroup.stopped, func.count()).where(PairGroup.study_id == study_id)
    return dict(db.execute(groups.group_by(PairGroup.stopped)).all())


def _by_ratings(db: Session, study: Study) -> dict[tuple[int, int], int]:
    """Return how many pictures or pairs were rated how often, and how often they should be."""
    if method_of(study.protocol).unit is Unit.PAIR:
        pairs = select(Pair.rated, Pair.wanted, func.count()).where(
            Pair.study_id == study.id, Pair.kind == ItemKind.RATED
        )
        return {(rated, wanted): n for rated, wanted, n in db.execute(pairs.group_by(Pair.rated, Pair.wanted))}
    stimuli = select(Stimulus.rated, func.count()).where(Stimulus.study_id == study.id, Stimulus.kind == ItemKind.RATED)
    wanted = study.protocol.ratings_wanted
    return {(rated, wanted): count for rated, count in db.execute(stimuli.group_by(Stimulus.rated))}


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
