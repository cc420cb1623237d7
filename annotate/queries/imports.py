"""Ratings that were given elsewhere, into a study."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import (
    Row,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotate.database.tables import (
    LIVE,
    ROWS_AT_ONCE,
    Assignment,
    Participant,
    Rating,
    Sitting,
    Stimulus,
)
from annotate.design.items import ItemKind
from annotate.design.states import (
    AssignmentState,
    check_takes_imports,
)
from annotate.errors import ImportedRatingsError
from annotate.names import find_by_name, normalized
from annotate.queries.audit import log_event
from annotate.queries.participants import create_participant, list_sittings
from annotate.queries.studies import locked_study
from annotate.queries.units import PAIRS, STIMULI


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
    check_takes_imports(locked_study(db, study_id).state)
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
