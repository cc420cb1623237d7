"""Everything there is of one person in a study, for themselves: they may ask for it."""

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, aliased

from annotate.database.tables import Assignment, Event, Link, Pair, Participant, Rating, Sitting, Stimulus, Table

_INTERNAL = frozenset({"id", "study_id", "participant_id", "seed", "device", "assignment_id", "key"})
"""Numbers and hashes that mean something inside the database alone."""


def personal_data(db: Session, participant: Participant) -> dict[str, Any]:
    """Return what is stored of a person: who they are here, their sittings, all answers, links and decisions.

    Answers that they took back are among them. Values are those of the database, times in UTC.
    """
    sittings = db.scalars(select(Sitting).where(Sitting.participant_id == participant.id).order_by(Sitting.number))
    named = Event.detail["participant"].as_string() == participant.pseudonym
    events = db.scalars(select(Event).where(Event.study_id == participant.study_id, named).order_by(Event.id))
    links = select(Link.created_at).where(Link.participant_id == participant.id).order_by(Link.created_at)
    return {
        "person": _columns(participant),
        "sittings": [_columns(each) for each in sittings],
        "answers": _answers(db, participant.id),
        "links_made_at": list(db.scalars(links)),
        "decisions": [{"at": each.at, "what": each.what, **each.detail} for each in events],
    }


def _answers(db: Session, participant_id: int) -> list[dict[str, Any]]:
    """Return every answer with the picture, or the two pictures, that it is about."""
    first, second = aliased(Stimulus), aliased(Stimulus)
    rows = db.execute(
        select(Rating, Assignment.kind, Stimulus.name, first.name, second.name)
        .join(Assignment, Assignment.id == Rating.assignment_id)
        .outerjoin(Stimulus, Stimulus.id == Assignment.stimulus_id)
        .outerjoin(Pair, Pair.id == Assignment.pair_id)
        .outerjoin(first, first.id == Pair.first_id)
        .outerjoin(second, second.id == Pair.second_id)
        .where(Assignment.participant_id == participant_id)
        .order_by(Rating.id)
    )
    return [
        {"pictures": [name for name in names if name], "kind": kind.name.lower(), **_columns(rating)}
        for rating, kind, *names in rows
    ]


def _columns(row: Table) -> dict[str, Any]:
    """Return a row's values by column, without those that mean something inside the database alone."""
    return {each.key: getattr(row, each.key) for each in inspect(row).mapper.column_attrs if each.key not in _INTERNAL}
