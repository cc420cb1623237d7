"""Pairs of a study: which there are, and on which side their pictures stand."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.orm import Session

from annotate.database.tables import LIVE, ROWS_AT_ONCE, SHUFFLES, Assignment, Pair, Stimulus, Study
from annotate.design import pair_plan
from annotate.design.items import ItemKind

_SIDES = (
    select(Assignment.turned, func.count())
    .where(Assignment.pair_id == bindparam("pair_id"), Assignment.occurrence == 0, Assignment.state.in_(LIVE))
    .group_by(Assignment.turned)
)
_WAS_TURNED = select(Assignment.turned).where(
    Assignment.participant_id == bindparam("participant_id"),
    Assignment.pair_id == bindparam("pair_id"),
    Assignment.occurrence == 0,
)


def count_turned(connection: Connection, pair_id: int) -> tuple[int, int]:
    """Return how often a pair is leased or rated as it is and how often turned; it must be locked."""
    counts = {row[0]: row[1] for row in connection.execute(_SIDES, {"pair_id": pair_id})}
    return counts.get(False, 0), counts.get(True, 0)


def was_turned(connection: Connection, participant_id: int, pair_id: int) -> bool:
    """Return whether a participant saw a pair turned."""
    return bool(connection.scalar(_WAS_TURNED, {"participant_id": participant_id, "pair_id": pair_id}))


def count_pairs(db: Session, study_id: int) -> int:
    """Return how many pairs there are."""
    return db.scalar(select(func.count()).where(Pair.study_id == study_id)) or 0


def pair_ids(db: Session, study_id: int) -> dict[pair_plan.Pair, int]:
    """Return the ids of the pairs of a study."""
    rows = db.execute(select(Pair.first_id, Pair.second_id, Pair.id).where(Pair.study_id == study_id))
    return {(first, second): found for first, second, found in rows}


def plan_pairs(db: Session, study: Study) -> int:
    """Add the pairs that a study lacks by its protocol; return how many. The study must be locked."""
    protocol = study.protocol
    made = db.execute(select(Pair.first_id, Pair.second_id).where(Pair.study_id == study.id)).all()
    rated = select(Stimulus.id, Stimulus.source).where(Stimulus.study_id == study.id, Stimulus.kind == ItemKind.RATED)
    groups: dict[str | None, list[int]] = defaultdict(list)
    for stimulus_id, source in db.execute(rated.order_by(Stimulus.id)):
        groups[None if protocol.pair_across_sources else source].append(stimulus_id)
    group_of = {stimulus_id: source for source, group in groups.items() for stimulus_id in group}
    made_in: dict[str | None, list[pair_plan.Pair]] = defaultdict(list)
    for first, second in made:
        if first in group_of:
            made_in[group_of[first]].append((first, second))
    chance = Random(f"{study.id}/{len(made)}")  # noqa: S311  an order is no secret
    new = [
        pair
        for source, group in groups.items()
        for pair in pair_plan.plan_balanced(group, protocol.pair_partners, chance, made_in[source])
    ]
    add_pairs(db, study.id, new, protocol.ratings_wanted, chance)
    return len(new)


def add_pairs(db: Session, study_id: int, pairs: Iterable[pair_plan.Pair], wanted: int, chance: Random) -> None:
    """Add pairs, of each of which so many answers are wanted."""
    rows = [
        {"study_id": study_id, "first_id": first, "second_id": second, "wanted": wanted,
         "shuffle": chance.randrange(SHUFFLES)}
        for first, second in pairs
    ]  # fmt: skip
    for start in range(0, len(rows), ROWS_AT_ONCE):
        db.execute(insert(Pair), rows[start : start + ROWS_AT_ONCE])
