"""What people complain about: how often each reason was given about each picture."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from annotate.database.tables import ROWS_AT_ONCE, Assignment, Pair, Participant, Rating, Stimulus
from annotate.design.items import ItemKind
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.queries.studies import get_study

Complaint = tuple[str, tuple[str, ...]]
"""The name of a picture, and the reasons that one answer gives about it."""


def count_reasons(db: Session, study_id: int) -> dict[str, Counter[str]]:
    """Return how often each reason was given, by the names of the pictures that any was given about.

    Votes count that are used; repeats, checks and training do not. What is said of a pair is about the picture that was
    not preferred, or about both where there was no difference.
    """
    of_pairs = method_of(get_study(db, study_id).protocol).unit is Unit.PAIR
    found: dict[str, Counter[str]] = {}
    for name, reasons in _of_pairs(db, study_id) if of_pairs else _of_pictures(db, study_id):
        found.setdefault(name, Counter()).update(reasons)
    return found


def count_given(db: Session, study_id: int) -> Counter[str]:
    """Return how many votes of a study give each reason, of whatever is shown and whether they count or not."""
    votes = select(Rating.reasons).join(Assignment, Assignment.id == Rating.assignment_id)
    given = votes.where(Assignment.study_id == study_id, Rating.reasons.is_not(None), Rating.undone_at.is_(None))
    rows = db.scalars(given, execution_options={"yield_per": ROWS_AT_ONCE})
    return Counter(reason for reasons in rows for reason in reasons or ())


def _of_pictures(db: Session, study_id: int) -> Iterator[Complaint]:
    answers = select(Stimulus.name, Rating.reasons).join(Assignment, Assignment.stimulus_id == Stimulus.id)
    rows = db.execute(_with_reasons(answers, study_id), execution_options={"yield_per": ROWS_AT_ONCE})
    yield from ((name, reasons) for name, reasons in rows)


def _of_pairs(db: Session, study_id: int) -> Iterator[Complaint]:
    first, second = aliased(Stimulus), aliased(Stimulus)
    answers = (
        select(Assignment.turned, first.name, second.name, Rating.preferred, Rating.reasons)
        .join(Pair, Pair.id == Assignment.pair_id)
        .join(first, first.id == Pair.first_id)
        .join(second, second.id == Pair.second_id)
    )
    rows = db.execute(_with_reasons(answers, study_id), execution_options={"yield_per": ROWS_AT_ONCE})
    for turned, one, other, preferred, reasons in rows:
        left, right = (other, one) if turned else (one, other)
        if preferred != "left":
            yield left, reasons
        if preferred != "right":
            yield right, reasons


def _with_reasons(answers: Select[*tuple[Any, ...]], study_id: int) -> Select[*tuple[Any, ...]]:
    """Choose the answers that count and give reasons."""
    return (
        answers.join(Rating, Rating.assignment_id == Assignment.id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(
            Assignment.study_id == study_id,
            Assignment.kind == ItemKind.RATED,
            Participant.votes_used,
            Rating.reasons.is_not(None),
            Rating.undone_at.is_(None),
        )
    )
