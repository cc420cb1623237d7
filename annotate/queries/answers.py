"""What a participant answers: stored once under its key, found again, undone."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from annotate.database.tables import (
    Assignment,
    Rating,
)
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState
from annotate.queries.live import move_counts
from annotate.queries.records import Answer, AssignedItem, CurrentParticipant, OpenSitting
from annotate.queries.units import UNITS, unit_of

_ANSWER = tuple(getattr(Rating, each.name) for each in fields(Answer))
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
    connection: Connection, assigned: AssignedItem, answer: Answer, sitting: OpenSitting, now: datetime
) -> bool:
    """Store an answer and mark its assignment rated; False when somebody used its key a moment ago."""
    values = {**vars(answer), "sequence": sitting.answers + 1, "rated_at": now, "undone_at": None}
    if connection.execute(_ADD_RATING[connection.dialect.name], values).first() is None:
        return False
    connection.execute(_MARK_RATED, {"assignment_id": assigned.id, "of_sitting": sitting.id})
    if assigned.kind is not ItemKind.REPEAT:
        move_counts(connection, assigned.unit, ratings=1)
    return True


def last_answer(
    connection: Connection, participant: CurrentParticipant, sitting: OpenSitting
) -> tuple[int, AssignedItem] | None:
    """Return the id of the last rating of the main part of a sitting that was not undone, and what it rates."""
    statements = UNITS[unit_of(participant)]
    last = (
        statements.assigned.add_columns(Rating.id)
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
    return None if row is None else (row[-1], statements.item(row[:-1]))


def undo_rating(connection: Connection, rating_id: int, assigned: AssignedItem, now: datetime, until: datetime) -> None:
    """Mark an answer as undone; its assignment is to be rated again and keeps its slot."""
    connection.execute(update(Rating).where(Rating.id == rating_id).values(undone_at=now))
    leased = {"state": AssignmentState.LEASED, "expires_at": until}
    connection.execute(update(Assignment).where(Assignment.id == assigned.id).values(leased))
    if assigned.kind is not ItemKind.REPEAT:
        move_counts(connection, assigned.unit, ratings=-1)
