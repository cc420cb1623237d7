"""Pairs that are planned by the answers, while people rate: more of them where somebody finds nothing left.

Each source has a group (`annotate.database.tables.PairGroup`), which says whether more is to come. Who plans holds the
study's lock, and takes no other that somebody else has: nobody who waits for a slot is waited for.
"""

from collections.abc import Collection, Iterator, Sequence
from random import Random
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select, update

from annotate.database.tables import LIVE, Assignment, Pair, PairGroup, Participant, Rating, Stimulus, Study
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.pair_designs import design as pair_design
from annotate.pair_designs import find_design
from annotate.queries.pairs import add_pairs
from annotate.queries.records import CurrentParticipant

GROUPS_AT_ONCE = 3
"""For which is planned while somebody waits."""


class Planned(NamedTuple):
    """Answers that are wanted in addition, and whether somebody else is planning at this moment."""

    answers: int = 0
    busy: bool = False


def plan_batch(connection: Connection, participant: CurrentParticipant, protocol: StudyProtocol) -> Planned:
    """Ask for more answers to pairs that a participant never had, where their study's design wants any."""
    study_id = participant.study_id
    lock = select(Study.id).where(Study.id == study_id).with_for_update(skip_locked=True, key_share=True)
    if connection.scalar(lock) is None:
        return Planned(busy=True)
    had = _pairs_had_by(connection, participant.id)
    going_on = select(PairGroup.id, PairGroup.source, PairGroup.planned).where(
        PairGroup.study_id == study_id, PairGroup.stopped == ""
    )
    looked_at = 0
    for group_id, source, planned in connection.execute(going_on.order_by(PairGroup.planned, PairGroup.id)).all():
        stimuli = stimuli_of(connection, study_id, source, across=protocol.pair_across_sources)
        if _count_pairs_among(stimuli, had) == len(stimuli) * (len(stimuli) - 1) // 2:
            continue  # the participant has had all of them
        group = read_group(connection, stimuli, had)
        chance = Random(f"{group_id}/{planned}")  # noqa: S311  an order is no secret
        plan = find_design(protocol.pair_design).plan(group, protocol, chance)
        answers = _ask_for(connection, study_id, group, plan, chance)
        change = {"planned": planned + answers, "stopped": plan.stopped}
        connection.execute(update(PairGroup).where(PairGroup.id == group_id).values(change))
        looked_at += 1
        if answers or looked_at == GROUPS_AT_ONCE:
            return Planned(answers)
    return Planned()


def count_to_come(connection: Connection, participant: CurrentParticipant, protocol: StudyProtocol) -> int:
    """Return to how many pairs that a participant never had, one answer each may still be asked for, at most."""
    going_on = select(PairGroup.source).where(PairGroup.study_id == participant.study_id, PairGroup.stopped == "")
    sources = set(connection.scalars(going_on))
    rated = select(Stimulus.source, func.count()).where(
        Stimulus.study_id == participant.study_id, Stimulus.kind == ItemKind.RATED
    )
    sizes = [(source, count) for source, count in connection.execute(rated.group_by(Stimulus.source))]
    if protocol.pair_across_sources:
        sizes = [(None, sum(count for _, count in sizes))]
    pairs = sum(count * (count - 1) // 2 for source, count in sizes if source in sources)
    return max(0, pairs - len(_pairs_had_by(connection, participant.id)))


def _pairs_had_by(connection: Connection, participant_id: int) -> set[pair_design.Pair]:
    had = (
        select(Pair.first_id, Pair.second_id)
        .join(Assignment, Assignment.pair_id == Pair.id)
        .where(
            Assignment.participant_id == participant_id, Assignment.kind == ItemKind.RATED, Assignment.state.in_(LIVE)
        )
    )
    return {(first, second) for first, second in connection.execute(had)}


def stimuli_of(connection: Connection, study_id: int, source: str | None, *, across: bool) -> list[int]:
    """Return the pictures to be compared that are of a source, or all where sources make no difference."""
    which = [Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED]
    if not across:
        which.append(Stimulus.source.is_(None) if source is None else Stimulus.source == source)
    return list(connection.scalars(select(Stimulus.id).where(*which).order_by(Stimulus.id)))


def _count_pairs_among(stimuli: Sequence[int], pairs: Collection[pair_design.Pair]) -> int:
    among = set(stimuli)
    return sum(among.issuperset(pair) for pair in pairs)


def read_group(
    connection: Connection, stimuli: Sequence[int], had: Collection[pair_design.Pair]
) -> pair_design.PairGroup:
    """Return a group with the answers that are used, without what the participant had or what waits for anybody."""
    pairs = {(row.first_id, row.second_id): row for row in _pairs_of(connection, stimuli)}
    counts = dict(_answers_to(connection, [row.id for row in pairs.values()]))
    return pair_design.PairGroup(
        stimuli,
        wanted={pair: row.wanted for pair, row in pairs.items()},
        answers={
            pair: pair_design.PairAnswers(*counts.get(row.id, (0, 0, 0)), max(0, row.wanted - row.rated))
            for pair, row in pairs.items()
        },
        excluded={
            *(pair for pair, row in pairs.items() if row.taken < row.wanted),
            *(pair for pair in had if pair in pairs),
        },
    )


class _PairCounts(NamedTuple):
    id: int
    first_id: int
    second_id: int
    wanted: int
    taken: int
    rated: int


def _pairs_of(connection: Connection, stimuli: Sequence[int]) -> list[_PairCounts]:
    columns = (Pair.id, Pair.first_id, Pair.second_id, Pair.wanted, Pair.taken, Pair.rated)
    pairs = select(*columns).where(Pair.first_id.in_(stimuli), Pair.second_id.in_(stimuli), Pair.kind == ItemKind.RATED)
    return [_PairCounts._make(row) for row in connection.execute(pairs)]


def _answers_to(connection: Connection, pair_ids: Sequence[int]) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Yield how often the first of each pair was preferred, neither, and the second, by votes that are used."""
    rows = (
        select(Assignment.pair_id, Assignment.turned, Rating.preferred, func.count())
        .join(Rating, Rating.assignment_id == Assignment.id)
        .join(Participant, Participant.id == Assignment.participant_id)
        .where(
            Assignment.pair_id.in_(pair_ids),
            Assignment.occurrence == 0,
            Participant.votes_used,
            Rating.undone_at.is_(None),
        )
        .group_by(Assignment.pair_id, Assignment.turned, Rating.preferred)
    )
    found: dict[int, list[int]] = {}
    for pair_id, turned, preferred, count in connection.execute(rows):
        counts = found.setdefault(pair_id or 0, [0, 0, 0])
        counts[1 if preferred == "none" else 2 * ((preferred == "left") is turned)] += count
    for pair_id, (first, none, second) in found.items():
        yield pair_id, (first, none, second)


def _ask_for(
    connection: Connection, study_id: int, group: pair_design.PairGroup, plan: pair_design.PairPlan, chance: Random
) -> int:
    """Ask for the answers of a plan; return how many. A pair that somebody else changes just now is left out."""
    new = [pair for pair in plan.pairs if pair not in group.wanted]
    add_pairs(connection, study_id, new, plan.answers, chance)
    again = [pair for pair in plan.pairs if pair in group.wanted]
    known = select(Pair.id, Pair.first_id, Pair.second_id).where(
        Pair.first_id.in_([first for first, _ in again]), Pair.second_id.in_([second for _, second in again])
    )
    free = known.with_for_update(skip_locked=True, key_share=True)
    ids = [pair_id for pair_id, first, second in connection.execute(free) if (first, second) in again]
    asked = case((Pair.taken > Pair.wanted, Pair.taken), else_=Pair.wanted)  # more were given, or imported, than asked
    connection.execute(update(Pair).where(Pair.id.in_(ids)).values(wanted=asked + plan.answers))
    return (len(new) + len(ids)) * plan.answers
