"""Ratings that were given elsewhere, into a study.

A quarter of a million of them come in within seconds: rows are written many at once, under ids reserved before.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotate.database.tables import (
    ROWS_AT_ONCE,
    Assignment,
    Rating,
)
from annotate.design.items import ItemKind
from annotate.design.states import (
    AssignmentState,
    check_takes_imports,
)
from annotate.errors import ImportedRatingsError
from annotate.names import find_by_name
from annotate.queries.bulk import insert_columns
from annotate.queries.importees import (
    ImportedSitting,
    Importees,
    Repeats,
    StimulusKey,
    finish_import,
    in_table,
    make_room,
    reserve_ids,
    stimulus_keys,
)
from annotate.queries.studies import locked_study

_ASSIGNMENT, _RATING = Assignment.metadata.tables["assignment"], Rating.metadata.tables["rating"]


class ImportedRating(NamedTuple):
    """A rating that was given elsewhere: by name of the stimulus, by pseudonym; `grade` None is "unusable".

    `more_grades` are those on further scales by name, None where there are none.

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
    more_grades: dict[str, float] | None = None


def import_ratings(db: Session, study_id: int, ratings: Iterable[ImportedRating], now: datetime) -> int:
    """Add ratings from elsewhere, all or none; return how many. Participants who are not there yet are added.

    Raises StudyStateError when the study is closed, ImportedRatingsError naming a stimulus that is not in the study
    or is only shown there, or a participant who rated one twice.
    """
    check_takes_imports(locked_study(db, study_id).state)
    make_room(db)
    writer = _Writer(db, study_id, now)
    rest = iter(ratings)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        writer.write(part)
    finish_import(db, study_id, writer.people, writer.count, now)
    return writer.count


class _Writer:
    """Writes an import part by part; `count` is how many ratings were written."""

    def __init__(self, db: Session, study_id: int, now: datetime) -> None:
        self._db, self._study_id, self._now = db, study_id, now
        self._stimuli = stimulus_keys(db, study_id)
        self._repeats = Repeats(db, study_id, Assignment.stimulus_id)
        self.people, self.count = Importees(db, study_id, now), 0

    def write(self, part: Sequence[ImportedRating]) -> None:
        """Write some ratings, with an assignment each."""
        stimuli = [self._stimulus(rating) for rating in part]
        sittings = self.people.sittings_of([rating.participant for rating in part])
        ids, times = reserve_ids(self._db, len(part)), [rating.rated_at or self._now for rating in part]
        connection = self._db.connection()
        try:
            with connection.begin_nested():  # after an error PostgreSQL answers nothing else in a transaction
                insert_columns(connection, _ASSIGNMENT, self._assignments(ids, part, stimuli, sittings, times))
        except IntegrityError:
            again = self._find_second(part, stimuli, sittings)
            raise ImportedRatingsError(
                f"{in_table(again.line)} rates {again.stimulus} by {again.participant}, who has rated it in this study "
                "already; nothing was added. A second rating has the kind repeat."
            ) from None
        insert_columns(connection, _RATING, _ratings(ids, part, sittings, times))
        self.count += len(part)

    def _find_second(
        self, part: Sequence[ImportedRating], stimuli: Sequence[StimulusKey], sittings: Sequence[ImportedSitting]
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

    def _stimulus(self, rating: ImportedRating) -> StimulusKey:
        found = self._stimuli.get(rating.stimulus)
        if found is None:
            if (spelled := find_by_name(self._stimuli, rating.stimulus)) is None:
                raise ImportedRatingsError(
                    f"{in_table(rating.line)} rates {rating.stimulus!r}, which is not in the study; add it first."
                )
            found = spelled[1]
        if found.kind is ItemKind.REFERENCE:
            raise ImportedRatingsError(
                f"{in_table(rating.line)} rates {rating.stimulus!r}, which is only shown as a reference in this study "
                "and never rated; leave it out."
            )
        return found

    def _assignments(
        self,
        ids: Sequence[int],
        part: Sequence[ImportedRating],
        stimuli: Sequence[StimulusKey],
        sittings: Sequence[ImportedSitting],
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
    sittings: Sequence[ImportedSitting],
    times: Sequence[datetime],
) -> dict[str, Sequence[Any]]:
    return {
        "key": [f"imported-{number:012}" for number in ids],
        "assignment_id": ids,
        "sequence": [sitting.count() for sitting in sittings],
        "grade": [rating.grade for rating in part],
        "unusable": [rating.grade is None for rating in part],
        "more_grades": [rating.more_grades for rating in part],
        "response_ms": [rating.response_ms for rating in part],
        "rated_at": times,
    }
