"""Ratings that were given elsewhere, into a study.

A quarter of a million of them come in within seconds: rows are written many at once, under ids reserved before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, NamedTuple, NoReturn

from sqlalchemy import (
    Row,
    func,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from annotate.database.tables import (
    LIVE,
    ROWS_AT_ONCE,
    Assignment,
    Participant,
    Rating,
    Sitting,
    Stimulus,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.states import (
    AssignmentState,
    check_takes_imports,
)
from annotate.errors import ImportedRatingsError
from annotate.names import find_by_name, normalized
from annotate.pair_designs import find_design
from annotate.pair_designs.design import Pair
from annotate.queries import pairs as pair_queries
from annotate.queries.audit import log_event
from annotate.queries.bulk import insert_columns
from annotate.queries.participants import new_participant
from annotate.queries.studies import locked_study
from annotate.queries.units import PAIRS, STIMULI
from annotate.wording import listed

_CACHE_KIB = 2**18
"""Of SQLite's pages, while an import fills indices at random places; its usual 2 MB would make them move to disk and
back."""


_ASSIGNMENT, _RATING = Assignment.metadata.tables["assignment"], Rating.metadata.tables["rating"]


class ImportedRating(NamedTuple):
    """A rating that was given elsewhere: by name of the stimulus, by pseudonym; `grade` None is "unusable".

    A `repeat` was given by somebody who had rated the stimulus before. It never counts for the MOS. `line` is where its
    table has it, 0 where it comes from no table.
    """

    stimulus: str
    participant: str
    grade: float | None
    response_ms: int | None = None
    rated_at: datetime | None = None
    repeat: bool = False
    line: int = 0


class ImportedComparison(NamedTuple):
    """An answer to a pair that was given elsewhere: by names of the stimuli, by pseudonym, left and right as shown.

    `line` is where its table has it, 0 where it comes from no table.
    """

    left: str
    right: str
    participant: str
    preferred: str
    response_ms: int | None = None
    line: int = 0


class _StimulusKey(NamedTuple):
    """What an import must know of a stimulus."""

    id: int
    kind: ItemKind
    source: str | None


def import_ratings(db: Session, study_id: int, ratings: Iterable[ImportedRating], now: datetime) -> int:
    """Add ratings from elsewhere, all or none; return how many. Participants who are not there yet are added.

    Raises StudyStateError when the study is closed, ImportedRatingsError naming a stimulus that is not in the study
    or a participant who rated one twice.
    """
    check_takes_imports(locked_study(db, study_id).state)
    if db.get_bind().dialect.name == "sqlite":
        db.execute(text(f"PRAGMA cache_size = -{_CACHE_KIB}"))
    writer = _Writer(db, study_id, now)
    rest = iter(ratings)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        writer.write(part)
    writer.people.save_counts()
    recount(db, study_id)
    log_event(db, study_id, "imported", {"ratings": writer.count}, now)
    return writer.count


def import_comparisons(
    db: Session,
    study_id: int,
    comparisons: Iterable[ImportedComparison],
    now: datetime,
    *,
    repeats: bool = False,
    across_sources: bool = False,
) -> tuple[int, int]:
    """Add comparisons from elsewhere, all or none; return how many, and how many of them are repeats.

    Pairs and participants who are not there yet are added. What somebody answers to a pair after their first answer is
    a repeat; of a pair that they had answered in the study before, only where `repeats` are asked for. Pairs of two
    sources, where the study has none, only with `across_sources`: nobody is asked for more answers to them.

    Raises:
        StudyStateError: The study is closed.
        ImportedRatingsError: A stimulus is not in it, or a comparison is one of those.
    """
    study = locked_study(db, study_id)
    check_takes_imports(study.state)
    if db.get_bind().dialect.name == "sqlite":
        db.execute(text(f"PRAGMA cache_size = -{_CACHE_KIB}"))
    writer = _PairWriter(db, study, now, across_sources=across_sources)
    rest = iter(comparisons)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        writer.write(part)
    if writer.again and not repeats:
        raise ImportedRatingsError(
            f"{len(writer.again):,} of {writer.count:,} comparisons are of people who have answered that pair in this "
            f"study already{_in_line(writer.again[0])}; nothing was added. If it is not the same table once more, add "
            "them as repeats (--repeats)."
        )
    writer.people.save_counts()
    recount(db, study_id)
    log_event(db, study_id, "imported", {"ratings": writer.count}, now)
    return writer.count, writer.repeats


def _in_line(line: int) -> str:
    return f", the first in line {line}" if line else ""


def _at(line: int, table: str = "A row of the table") -> str:
    """Return how a sentence about a row begins."""
    return f"Line {line}" if line else table


class _PairWriter:
    """Writes comparisons part by part; `count` is how many were written, `repeats` how many of them are no first.

    `again` has the lines of those whose participant had answered the pair before the import.
    """

    def __init__(self, db: Session, study: Study, now: datetime, *, across_sources: bool) -> None:
        self._db, self._study, self._now = db, study, now
        keys = {name: key for name, key in _stimulus_keys(db, study.id).items() if not key.kind}
        self._stimuli = {name: key.id for name, key in keys.items()}
        self._sources = {} if study.protocol.pair_across_sources else {key.id: key.source for key in keys.values()}
        self._across_sources, self.again = across_sources, list[int]()
        self._pairs = pair_queries.pair_ids(db, study.id)
        answered = select(Assignment.participant_id, Assignment.pair_id).where(Assignment.study_id == study.id)
        self._before = frozenset((person, pair) for person, pair in db.execute(answered))
        self._answered: set[tuple[int, int]] = set()
        self._numbers = _Repeats(db, study.id, Assignment.pair_id)
        self.people, self.count, self.repeats = _Importees(db, study.id, now), 0, 0

    def write(self, part: Sequence[ImportedComparison]) -> None:
        """Write some comparisons, with an assignment each."""
        shown = [(self._stimulus(each.left, each), self._stimulus(each.right, each)) for each in part]
        pairs = [(left, right) if left < right else (right, left) for left, right in shown]
        self._add_missing(part, pairs)
        sittings = self.people.sittings_of([each.participant for each in part])
        ids = _reserve_ids(self._db, len(part))
        connection = self._db.connection()
        pair_ids = [self._pairs[pair] for pair in pairs]
        occurrences = [
            self._occurrence(sitting.participant_id, pair_id, each.line)
            for each, sitting, pair_id in zip(part, sittings, pair_ids, strict=True)
        ]
        insert_columns(connection, _ASSIGNMENT, self._assignments(ids, shown, pair_ids, occurrences, sittings))
        insert_columns(connection, _RATING, self._ratings(ids, part, sittings))
        self.count += len(part)

    def _stimulus(self, name: str, of: ImportedComparison) -> int:
        if (found := self._stimuli.get(name)) is not None:
            return found
        if (spelled := find_by_name(self._stimuli, name)) is None:
            raise ImportedRatingsError(
                f"{_at(of.line)} compares {name!r}, which is no picture to compare in the study; add it first."
            )
        return spelled[1]

    def _add_missing(self, part: Sequence[ImportedComparison], pairs: Sequence[Pair]) -> None:
        """Add the pairs that there are not yet; raise ImportedRatingsError for one of two sources."""
        missing = sorted(set(pairs) - self._pairs.keys())
        if not missing:
            return
        across = {pair for pair in missing if self._sources.get(pair[0]) != self._sources.get(pair[1])}
        if across and not self._across_sources:
            self._refuse(*next((each, pair) for each, pair in zip(part, pairs, strict=True) if pair in across))
        chance = Random(len(self._pairs))  # noqa: S311  an order is no secret
        inside, protocol = [pair for pair in missing if pair not in across], self._study.protocol
        wanted = 0 if find_design(protocol.pair_design).adaptive else protocol.ratings_wanted
        pair_queries.add_pairs(self._db.connection(), self._study.id, inside, wanted, chance)
        pair_queries.add_pairs(self._db.connection(), self._study.id, sorted(across), 0, chance)
        self._pairs = pair_queries.pair_ids(self._db, self._study.id)

    def _refuse(self, each: ImportedComparison, pair: Pair) -> NoReturn:
        sources = listed([repr(self._sources[one] or "none") for one in pair])
        raise ImportedRatingsError(
            f"{_at(each.line)} compares {each.left} with {each.right}, whose sources are {sources}; the study compares "
            "pictures of one source. Correct the sources, set pair_across_sources=true, or take such pairs in without "
            "asking for more answers to them (--across-sources)."
        )

    def _assignments(
        self,
        ids: Sequence[int],
        shown: Sequence[Pair],
        pair_ids: Sequence[int],
        occurrences: Sequence[int],
        sittings: Sequence["_ImportedSitting"],
    ) -> dict[str, Sequence[Any]]:
        return {
            "id": ids,
            "study_id": [self._study.id] * len(ids),
            "participant_id": [sitting.participant_id for sitting in sittings],
            "pair_id": pair_ids,
            "turned": [left > right for left, right in shown],
            "sitting_id": [sitting.id for sitting in sittings],
            "kind": [ItemKind.REPEAT if number else ItemKind.RATED for number in occurrences],
            "occurrence": occurrences,
            "state": [AssignmentState.RATED] * len(ids),
            "expires_at": [self._now] * len(ids),
        }

    def _occurrence(self, participant_id: int, pair_id: int, line: int) -> int:
        """Return 0 for somebody's first answer to a pair, the number of the repeat for a later one."""
        key = participant_id, pair_id
        if key in self._before:
            self.again.append(line)
        elif key not in self._answered:
            self._answered.add(key)
            return 0
        self.repeats += 1
        return self._numbers.next(*key)

    def _ratings(
        self, ids: Sequence[int], part: Sequence[ImportedComparison], sittings: Sequence["_ImportedSitting"]
    ) -> dict[str, Sequence[Any]]:
        return {
            "key": [f"imported-{number:012}" for number in ids],
            "assignment_id": ids,
            "sequence": [sitting.count() for sitting in sittings],
            "preferred": [each.preferred for each in part],
            "unusable": [False] * len(part),
            "response_ms": [each.response_ms for each in part],
            "rated_at": [self._now] * len(part),
        }


class _Writer:
    """Writes an import part by part; `count` is how many ratings were written."""

    def __init__(self, db: Session, study_id: int, now: datetime) -> None:
        self._db, self._study_id, self._now = db, study_id, now
        self._stimuli = _stimulus_keys(db, study_id)
        self._repeats = _Repeats(db, study_id, Assignment.stimulus_id)
        self.people, self.count = _Importees(db, study_id, now), 0

    def write(self, part: Sequence[ImportedRating]) -> None:
        """Write some ratings, with an assignment each."""
        stimuli = [self._stimulus(rating) for rating in part]
        sittings = self.people.sittings_of([rating.participant for rating in part])
        ids, times = _reserve_ids(self._db, len(part)), [rating.rated_at or self._now for rating in part]
        connection = self._db.connection()
        try:
            with connection.begin_nested():  # after an error PostgreSQL answers nothing else in a transaction
                insert_columns(connection, _ASSIGNMENT, self._assignments(ids, part, stimuli, sittings, times))
        except IntegrityError:
            again = self._find_second(part, stimuli, sittings)
            raise ImportedRatingsError(
                f"{_at(again.line)} rates {again.stimulus} by {again.participant}, who has rated it in this study "
                "already; nothing was added. A second rating has the kind repeat."
            ) from None
        insert_columns(connection, _RATING, _ratings(ids, part, sittings, times))
        self.count += len(part)

    def _find_second(
        self, part: Sequence[ImportedRating], stimuli: Sequence[_StimulusKey], sittings: Sequence["_ImportedSitting"]
    ) -> ImportedRating:
        """Return the first rating of a stimulus that its participant has rated before."""
        people = {sitting.participant_id for sitting in sittings}
        rated = select(Assignment.participant_id, Assignment.stimulus_id).where(
            Assignment.participant_id.in_(people), Assignment.occurrence == 0
        )
        seen = {(person, stimulus) for person, stimulus in self._db.execute(rated)}
        for rating, stimulus, sitting in zip(part, stimuli, sittings, strict=True):
            if not rating.repeat:
                if (key := (sitting.participant_id, stimulus.id)) in seen:
                    break
                seen.add(key)
        return rating

    def _stimulus(self, rating: ImportedRating) -> _StimulusKey:
        if (found := self._stimuli.get(rating.stimulus)) is not None:
            return found
        if (spelled := find_by_name(self._stimuli, rating.stimulus)) is None:
            raise ImportedRatingsError(
                f"{_at(rating.line)} rates {rating.stimulus!r}, which is not in the study; add it first."
            )
        return spelled[1]

    def _assignments(
        self,
        ids: Sequence[int],
        part: Sequence[ImportedRating],
        stimuli: Sequence[_StimulusKey],
        sittings: Sequence["_ImportedSitting"],
        times: Sequence[datetime],
    ) -> dict[str, Sequence[Any]]:
        rows = list(zip(part, stimuli, sittings, strict=True))
        return {
            "id": ids,
            "study_id": [self._study_id] * len(part),
            "participant_id": [sitting.participant_id for sitting in sittings],
            "stimulus_id": [stimulus.id for stimulus in stimuli],
            "sitting_id": [sitting.id for sitting in sittings],
            "kind": [ItemKind.REPEAT if rating.repeat else stimulus.kind for rating, stimulus, _ in rows],
            "occurrence": [
                self._repeats.next(sitting.participant_id, stimulus.id) if rating.repeat else 0
                for rating, stimulus, sitting in rows
            ],
            "state": [AssignmentState.RATED] * len(part),
            "expires_at": times,
        }


def _ratings(
    ids: Sequence[int],
    part: Sequence[ImportedRating],
    sittings: Sequence["_ImportedSitting"],
    times: Sequence[datetime],
) -> dict[str, Sequence[Any]]:
    return {
        "key": [f"imported-{number:012}" for number in ids],
        "assignment_id": ids,
        "sequence": [sitting.count() for sitting in sittings],
        "grade": [rating.grade for rating in part],
        "unusable": [rating.grade is None for rating in part],
        "response_ms": [rating.response_ms for rating in part],
        "rated_at": times,
    }


def _stimulus_keys(db: Session, study_id: int) -> dict[str, _StimulusKey]:
    """Return the stimuli of a study by their names, in NFC."""
    rows: Iterable[Row[str, int, ItemKind, str | None]] = db.execute(
        select(Stimulus.name, Stimulus.id, Stimulus.kind, Stimulus.source).where(Stimulus.study_id == study_id)
    )
    return {normalized(name): _StimulusKey(number, kind, source) for name, number, kind, source in rows}


def _reserve_ids(db: Session, count: int) -> Sequence[int]:
    """Return ids of assignments that nobody else will use; on SQLite, nobody else writes."""
    if db.get_bind().dialect.name == "sqlite":
        first = (db.scalar(select(func.max(Assignment.id))) or 0) + 1
        return range(first, first + count)
    sequence = func.pg_get_serial_sequence(Assignment.__tablename__, "id")
    return list(db.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))))


class _Repeats:
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
class _ImportedSitting:
    """The sitting that holds what is imported of a participant, and how many answers those are so far."""

    id: int
    participant_id: int
    answers: int = 0

    def count(self) -> int:
        """Return the number of another answer, from 1."""
        self.answers += 1
        return self.answers


class _Importees:
    """The participants of an import, each with an ended sitting."""

    def __init__(self, db: Session, study_id: int, now: datetime) -> None:
        self._db, self._study_id, self._now = db, study_id, now
        there = db.execute(select(Participant.pseudonym, Participant.id).where(Participant.study_id == study_id))
        self._participants = {normalized(pseudonym): number for pseudonym, number in there}
        self._sittings: dict[str, _ImportedSitting] = {}

    def sittings_of(self, pseudonyms: Sequence[str]) -> list[_ImportedSitting]:
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
            name: _ImportedSitting(sitting.id, sitting.participant_id)
            for name, sitting in zip(pseudonyms, new, strict=True)
        }


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
