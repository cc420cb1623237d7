"""Pairs of a study: which there are, and on which side their pictures stand.

Where they are planned by the answers, `annotate.queries.pair_batches` adds to them while people rate.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from random import Random

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from annotate.database.tables import LIVE, ROWS_AT_ONCE, SHUFFLES, Assignment, Pair, PairGroup, Stimulus, Study
from annotate.design.items import ItemKind
from annotate.design.known_pairs import KNOWN, KnownPair, KnownPicture, find_known_pairs
from annotate.design.protocol import StudyProtocol
from annotate.pair_designs import design as pair_design
from annotate.pair_designs import find_design

_LOCK = select(Pair.id).where(Pair.id == bindparam("pair_id")).with_for_update(key_share=True)
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


def lock_pair(connection: Connection, pair_id: int) -> None:
    """Let nobody else be given a pair until the commit."""
    connection.execute(_LOCK, {"pair_id": pair_id})


def count_turned(connection: Connection, pair_id: int) -> tuple[int, int]:
    """Return how often a pair is leased or rated as it is and how often turned; it must be locked."""
    counts = {row[0]: row[1] for row in connection.execute(_SIDES, {"pair_id": pair_id})}
    return counts.get(False, 0), counts.get(True, 0)


def was_turned(connection: Connection, participant_id: int, pair_id: int) -> bool:
    """Return whether a participant saw a pair turned."""
    return bool(connection.scalar(_WAS_TURNED, {"participant_id": participant_id, "pair_id": pair_id}))


def count_pairs(db: Session, study_id: int) -> int:
    """Return how many pairs there are to be compared."""
    return db.scalar(select(func.count()).where(*_to_compare(study_id))) or 0


def _to_compare(study_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Pair.study_id == study_id, Pair.kind == ItemKind.RATED


def pair_ids(db: Session, study_id: int) -> dict[pair_design.Pair, int]:
    """Return the ids of the pairs of a study that are to be compared."""
    rows = db.execute(select(Pair.first_id, Pair.second_id, Pair.id).where(*_to_compare(study_id)))
    return {(first, second): found for first, second, found in rows}


def known_pairs(db: Session, study_id: int, protocol: StudyProtocol) -> list[KnownPair]:
    """Return the training pairs and the known ones that the pictures of a study make by a protocol."""
    columns = (Stimulus.id, Stimulus.kind, Stimulus.source, Stimulus.expected, Stimulus.feedback)
    rows = db.execute(select(*columns).where(Stimulus.study_id == study_id, Stimulus.kind.in_(KNOWN)))
    pictures = [KnownPicture._make(row) for row in rows]
    return find_known_pairs(pictures, no_difference=protocol.offer_no_difference)


def _add_known_pairs(db: Session, study: Study) -> None:
    """Add those that are not there yet."""
    there = select(Pair.first_id, Pair.second_id).where(Pair.study_id == study.id, Pair.kind != ItemKind.RATED)
    known = {(first, second) for first, second in db.execute(there)}
    chance = Random(f"{study.id}/known/{len(known)}")  # noqa: S311  an order is no secret
    for kind in KNOWN:
        made = [(two.first.id, two.second.id) for two in known_pairs(db, study.id, study.protocol) if two.kind is kind]
        add_pairs(db.connection(), study.id, [pair for pair in made if pair not in known], 0, chance, kind)


def plan_pairs(db: Session, study: Study) -> None:
    """Add the pairs that a study lacks by its protocol as it is opened; the study must be locked."""
    protocol, connection = study.protocol, db.connection()
    _add_known_pairs(db, study)
    design = find_design(protocol.pair_design)
    if not design.adaptive:  # the protocol may have been changed in a pause
        asked = update(Pair).where(Pair.study_id == study.id, Pair.wanted > 0).values(wanted=protocol.ratings_wanted)
        db.execute(asked, execution_options={"synchronize_session": False})
    db.execute(delete(PairGroup).where(PairGroup.study_id == study.id))
    chance = Random(f"{study.id}/{count_pairs(db, study.id)}/order")  # noqa: S311  an order is no secret
    for source, group, plan in plans_of_opening(db, study):
        add_pairs(connection, study.id, plan.pairs, plan.answers, chance)
        if design.adaptive:
            planned = sum(group.wanted.values()) + len(plan.pairs) * plan.answers
            db.add(PairGroup(study_id=study.id, source=source, planned=planned, stopped=""))


def plans_of_opening(
    db: Session, study: Study
) -> Iterator[tuple[str | None, pair_design.PairGroup, pair_design.PairPlan]]:
    """Yield, of each source, its pictures and what opening the study now adds to their pairs."""
    groups, design = _read_groups(db, study), find_design(study.protocol.pair_design)
    chance = Random(f"{study.id}/{sum(len(each.wanted) for each in groups.values())}")  # noqa: S311  an order is no secret
    for source, group in groups.items():
        yield source, group, design.plan(group, study.protocol, chance)


def _read_groups(db: Session, study: Study) -> dict[str | None, pair_design.PairGroup]:
    """Return the pictures to be compared with each other, by source, with the pairs that there are."""
    rated = select(Stimulus.id, Stimulus.source, Stimulus.score).where(
        Stimulus.study_id == study.id, Stimulus.kind == ItemKind.RATED
    )
    group_of: dict[int, str | None] = {}
    scores: dict[int, float] = {}
    for stimulus_id, source, score in db.execute(rated.order_by(Stimulus.id)):
        group_of[stimulus_id] = None if study.protocol.pair_across_sources else source
        if score is not None:
            scores[stimulus_id] = score
    wanted: defaultdict[str | None, dict[pair_design.Pair, int]] = defaultdict(dict)
    pairs = select(Pair.first_id, Pair.second_id, Pair.wanted).where(*_to_compare(study.id))
    for first, second, count in db.execute(pairs):
        if first in group_of and group_of[first] == group_of.get(second):
            wanted[group_of[first]][first, second] = count
    return {
        source: pair_design.PairGroup(
            members, wanted[source], {each: scores[each] for each in members if each in scores}
        )
        for source, members in _by_source(group_of).items()
    }


def _by_source(group_of: Mapping[int, str | None]) -> dict[str | None, list[int]]:
    groups: dict[str | None, list[int]] = {}
    for stimulus_id, source in group_of.items():
        groups.setdefault(source, []).append(stimulus_id)
    return groups


def add_pairs(
    connection: Connection,
    study_id: int,
    pairs: Iterable[pair_design.Pair],
    wanted: int,
    chance: Random,
    kind: ItemKind = ItemKind.RATED,
) -> None:
    """Add pairs, of each of which so many answers are wanted."""
    rows = [
        {"study_id": study_id, "first_id": first, "second_id": second, "wanted": wanted, "kind": kind,
         "shuffle": chance.randrange(SHUFFLES)}
        for first, second in pairs
    ]  # fmt: skip
    for start in range(0, len(rows), ROWS_AT_ONCE):
        connection.execute(insert(Pair), rows[start : start + ROWS_AT_ONCE])
