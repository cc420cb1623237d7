"""Queries of stored ratings: rows for exports, arrays for the statistics."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from annotate.database.tables import (
    ROWS_AT_ONCE,
    Assignment,
    Pair,
    Participant,
    Rating,
    Sitting,
    Stimulus,
)
from annotate.design.further_scales import MAIN
from annotate.design.items import ItemKind
from annotate.design.known_pairs import Preferred, right_answer
from annotate.queries.studies import get_study
from annotate.statistics.ratings import Ratings

_UNKNOWN = -1e9  # stands for NULL on the way into an array; no grade or time is that


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
    reasons: tuple[str, ...]
    more_grades: dict[str, float] | None


def stream_ratings(db: Session, study_id: int) -> Iterator[RatingRow]:
    """Yield every rating that was not undone, training too, oldest first; memory does not grow with the study."""
    rows = (
        select(
            Stimulus.name, Stimulus.sha256, Participant.pseudonym, Sitting.number, Rating.sequence, Assignment.kind,
            Rating.grade, Rating.unusable, Stimulus.expected, Rating.response_ms, Rating.width_px, Rating.height_px,
            Rating.pixel_ratio, Rating.rated_at, Participant.votes_used, Rating.key, Rating.reasons, Rating.more_grades,
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


class ComparisonRow(NamedTuple):
    """An answer to a pair as exports show it, left and right as the participant saw them.

    `expected` is the right answer in training and checks.
    """

    left: str
    right: str
    participant: str
    preferred: str
    sitting: int
    sequence: int
    kind: ItemKind
    reasons: tuple[str, ...]
    response_ms: int | None
    width_px: float | None
    height_px: float | None
    pixel_ratio: float | None
    flipped: bool | None
    rated_at: datetime
    votes_used: bool
    key: str
    expected: Preferred | None


def stream_comparisons(db: Session, study_id: int) -> Iterator[ComparisonRow]:
    """Yield every answer to a pair that was not undone, training too, oldest first; memory stays as it is."""
    first, second = aliased(Stimulus), aliased(Stimulus)
    rows = (
        select(
            Assignment.turned, first.name, second.name, first.expected, second.expected, Participant.pseudonym,
            Rating.preferred, Sitting.number, Rating.sequence, Assignment.kind, Rating.reasons, Rating.response_ms,
            Rating.width_px, Rating.height_px, Rating.pixel_ratio, Rating.flipped, Rating.rated_at,
            Participant.votes_used, Rating.key,
        )
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Pair, Pair.id == Assignment.pair_id)
        .join(first, first.id == Pair.first_id)
        .join(second, second.id == Pair.second_id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .join(Sitting, Sitting.id == Assignment.sitting_id)
        .where(Assignment.study_id == study_id, Rating.undone_at.is_(None))
        .order_by(Rating.id)
    )  # fmt: skip
    for turned, one, other, grade, others, *rest in db.execute(rows, execution_options={"yield_per": ROWS_AT_ONCE}):
        left, right = (other, one) if turned else (one, other)
        yield ComparisonRow._make((left, right, *rest, right_answer(grade, others, turned=turned)))


def count_votes(db: Session, study_id: int) -> int:
    """Return how many votes a study holds, of whatever is shown and whether they count or not."""
    votes = select(func.count()).select_from(Rating).join(Assignment, Assignment.id == Rating.assignment_id)
    return db.scalar(votes.where(Assignment.study_id == study_id, Rating.undone_at.is_(None))) or 0


def has_votes(db: Session, study_id: int) -> bool:
    """Return whether anybody answered, outside checks and training, whose votes count."""
    votes = (
        select(Rating.id)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(
            Assignment.study_id == study_id,
            Assignment.kind == ItemKind.RATED,
            Rating.undone_at.is_(None),
            Participant.votes_used,
        )
    )
    return db.scalar(select(votes.exists())) is True


def grade_counts(db: Session, study_id: int, names: Collection[str], scale: str = MAIN) -> dict[str, dict[float, int]]:
    """Return how often each grade was given to these stimuli, by votes that are used and without repeats."""
    grade = _grade_on(scale)
    counts = (
        select(Stimulus.name, func.coalesce(grade, 0.0), func.count())
        .select_from(Rating)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(
            Stimulus.study_id == study_id,
            Stimulus.name.in_(names),
            Assignment.occurrence == 0,
            Participant.votes_used,
            grade.is_not(None),
            Rating.undone_at.is_(None),
        )
        .group_by(Stimulus.name, grade)
    )
    found: dict[str, dict[float, int]] = {name: {} for name in names}
    for name, given, count in db.execute(counts):
        found[name][given] = count
    return found


def load_ratings(db: Session, study_id: int, scale: str = MAIN) -> Ratings:
    """Return a study's ratings as arrays for the statistics; training and what was undone are left out.

    The ids are the names of all stimuli but those for training, the pseudonyms of participants, and
    `pseudonym/number` of sittings. Ratings of participants whose votes are not used are there too. On a further scale
    only those are there that have a grade on it, or call the picture unusable.

    Raises ProtocolError where the study has no such scale.
    """
    protocol = get_study(db, study_id).protocol
    protocol.check_scale(scale)
    stimuli = select(Stimulus.id, Stimulus.name, Stimulus.expected).where(
        Stimulus.study_id == study_id, Stimulus.kind != ItemKind.TRAINING
    )
    participants = select(Participant.id, Participant.pseudonym).where(Participant.study_id == study_id)
    sittings = (
        select(Sitting.id, Participant.pseudonym + "/" + cast(Sitting.number, String))
        .join(Participant, Participant.id == Sitting.participant_id)
        .where(Participant.study_id == study_id)
    )
    columns = _rating_columns(db, study_id, scale)
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
        scale_low=protocol.scale.low,
        scale_high=protocol.scale.high,
        sitting=sitting,
        sitting_ids=sitting_ids,
        sequence=columns["sequence"].astype(np.int64),
        response_ms=columns["response_ms"],
        kind=kind,
        expected=columns["expected"],
    )


def _grade_on(scale: str) -> ColumnElement[Any]:
    """Return the grade that a rating has on a scale."""
    return Rating.grade.expression if scale == MAIN else Rating.more_grades[scale].as_float()


def _rating_columns(db: Session, study_id: int, scale: str) -> dict[str, NDArray[np.float64]]:
    """Return columns of V ratings, NaN for NULL; all fit into a float64 exactly, and together are one block."""
    grade = _grade_on(scale)
    chosen = {
        "stimulus": Assignment.stimulus_id,
        "participant": Assignment.participant_id,
        "sitting": Assignment.sitting_id,
        "kind": type_coerce(Assignment.kind, Integer),  # no ItemKind is made per row
        "sequence": Rating.sequence,
        "grade": func.coalesce(grade, _UNKNOWN),
        "response_ms": func.coalesce(Rating.response_ms, _UNKNOWN),
        "expected": func.coalesce(
            case((Assignment.kind.in_((ItemKind.GOLD, ItemKind.TRAP)), Stimulus.expected)), _UNKNOWN
        ),
    }
    rows = (
        select(*chosen.values())
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .where(
            Assignment.study_id == study_id,
            Assignment.kind != ItemKind.TRAINING,
            Rating.undone_at.is_(None),
            Rating.unusable | grade.is_not(None),
        )
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
