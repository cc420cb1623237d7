"""What imports of ratings and of comparisons share: whose and of what they are, and how they are counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from annotate.database.tables import LIVE, Assignment, Participant, Sitting, Stimulus
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.names import normalized
from annotate.queries.audit import log_event
from annotate.queries.participants import new_participant
from annotate.queries.units import PAIRS, STIMULI

_CACHE_KIB = 2**18
"""Of SQLite's pages, while an import fills indices at random places; its usual 2 MB would make them move to disk and
back."""


def make_room(db: Session) -> None:
    """Let SQLite keep the indices that an import fills in memory."""
    if db.get_bind().dialect.name == "sqlite":
        db.execute(text(f"PRAGMA cache_size = -{_CACHE_KIB}"))


def in_table(line: int, table: str = "A row of the table") -> str:
    """Return how a sentence about a row begins."""
    return f"Line {line}" if line else table


class StimulusKey(NamedTuple):
    """What an import must know of a stimulus."""

    id: int
    kind: ItemKind
    source: str | None


def stimulus_keys(db: Session, study_id: int) -> dict[str, StimulusKey]:
    """Return the stimuli of a study by their names, in NFC."""
    rows: Iterable[Row[str, int, ItemKind, str | None]] = db.execute(
        select(Stimulus.name, Stimulus.id, Stimulus.kind, Stimulus.source).where(Stimulus.study_id == study_id)
    )
    return {normalized(name): StimulusKey(number, kind, source) for name, number, kind, source in rows}


def reserve_ids(db: Session, count: int) -> Sequence[int]:
    """Return ids of assignments that nobody else will use; on SQLite, nobody else writes."""
    if db.get_bind().dialect.name == "sqlite":
        first = (db.scalar(select(func.max(Assignment.id))) or 0) + 1
        return range(first, first + count)
    sequence = func.pg_get_serial_sequence(Assignment.__tablename__, "id")
    return list(db.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))))


class Repeats:
    """Numbers a participant's repeats of a stimulus or pair, after those that the study holds already."""

    def __init__(self, db: Session, study_id: int, column: InstrumentedAttribute[int | None]) -> None:
        highest = (
            select(Assignment.participant_id, column, func.max(Assignment.occurrence))
            .where(Assignment.study_id == study_id, Assignment.occurrence > 0)
            .group_by(Assignment.participant_id, column)
        )
        self._highest = {(person, unit): number for person, unit, number in db.execute(highest)}

    def next(self, participant_id: int, unit_id: int) -> int:
        """Return the number of another repeat, from 1."""
        key = participant_id, unit_id
        self._highest[key] = self._highest.get(key, 0) + 1
        return self._highest[key]


@dataclass
class ImportedSitting:
    """The sitting that holds what is imported of a participant, and how many answers those are so far."""

    id: int
    participant_id: int
    answers: int = 0

    def count(self) -> int:
        """Return the number of another answer, from 1."""
        self.answers += 1
        return self.answers


class Importees:
    """The participants of an import, each with an ended sitting."""

    def __init__(self, db: Session, study_id: int, now: datetime) -> None:
        self._db, self._study_id, self._now = db, study_id, now
        there = db.execute(select(Participant.pseudonym, Participant.id).where(Participant.study_id == study_id))
        self._participants = {normalized(pseudonym): number for pseudonym, number in there}
        self._sittings: dict[str, ImportedSitting] = {}

    def sittings_of(self, pseudonyms: Sequence[str]) -> list[ImportedSitting]:
        """Return the sitting of each, who may be new."""
        begin = [name for name in dict.fromkeys(pseudonyms) if name not in self._sittings]
        self._join([name for name in begin if name not in self._participants])
        self._begin(begin)
        return [self._sittings[name] for name in pseudonyms]

    def save_counts(self) -> None:
        """Store how many answers each sitting has."""
        counts = [
            {"id": sitting.id, "answers": sitting.answers, "rated": sitting.answers, "planned": sitting.answers}
            for sitting in self._sittings.values()
        ]
        if counts:
            self._db.execute(update(Sitting), counts)

    def _join(self, pseudonyms: Sequence[str]) -> None:
        new = [new_participant(self._study_id, self._now, pseudonym=pseudonym) for pseudonym in pseudonyms]
        self._db.add_all(new)
        self._db.flush()
        self._participants |= {person.pseudonym: person.id for person in new}

    def _begin(self, pseudonyms: Sequence[str]) -> None:
        people = [self._participants[name] for name in pseudonyms]
        last = select(Sitting.participant_id, func.max(Sitting.number)).where(Sitting.participant_id.in_(people))
        before = dict(self._db.execute(last.group_by(Sitting.participant_id)).all())
        ended = {"started_at": self._now, "last_seen_at": self._now, "ended_at": self._now}
        new = [Sitting(participant_id=person, number=1 + before.get(person, 0), **ended) for person in people]
        self._db.add_all(new)
        self._db.flush()
        self._sittings |= {
            name: ImportedSitting(sitting.id, sitting.participant_id)
            for name, sitting in zip(pseudonyms, new, strict=True)
        }


def finish_import(db: Session, study_id: int, people: Importees, count: int, now: datetime) -> None:
    """Store what the study keeps of so many imported answers: counts, and a line in its log."""
    people.save_counts()
    recount(db, study_id)
    log_event(db, study_id, "imported", {"ratings": count}, now)


def recount(db: Session, study_id: int) -> None:
    """Count anew what stimuli and pairs keep as `taken` and `rated`."""
    for of in (STIMULI, PAIRS):
        table = of.table
        slots = (
            select(func.count())
            .select_from(Assignment)
            .join(Participant, Participant.id == Assignment.participant_id)
            .where(of.column == table.id, Assignment.occurrence == 0, Participant.votes_used)
        )
        taken = slots.where(Assignment.state.in_(LIVE)).scalar_subquery()
        rated = slots.where(Assignment.state == AssignmentState.RATED).scalar_subquery()
        # Both at once: a check holds rated to taken.
        db.execute(
            update(table).where(table.study_id == study_id).values(taken=taken, rated=rated),
            execution_options={"synchronize_session": False},
        )
