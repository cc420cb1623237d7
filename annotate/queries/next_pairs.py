"""Which pairs a study asks next: those that are assigned to the next person who has compared nothing yet.

As in `annotate.rating.assignment`: pairs with a free slot, those that fewest people have first; then, where the design
goes by the answers, what it plans from them, the pair whose answer tells most first. Nothing is written.
"""

from collections.abc import Iterator
from itertools import zip_longest
from random import Random
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, aliased

from annotate.database.tables import Pair, PairGroup, Stimulus, Study
from annotate.design.items import ItemKind
from annotate.design.states import State
from annotate.methods import method_of
from annotate.pair_designs import design as pair_design
from annotate.pair_designs import find_design
from annotate.queries.pair_batches import read_group, stimuli_of
from annotate.queries.pairs import plans_of_opening
from annotate.queries.stimuli import summarize_stimuli


class NextPair(NamedTuple):
    """Two pictures to compare next, by name.

    answers, wanted: how many answers there are, and are wanted; both count the one that is asked for next
    information:     bits that an answer is expected to tell, where the design goes by that
    """

    stimulus: str
    other: str
    answers: int
    wanted: int
    information: float | None = None

    @property
    def reason(self) -> str:
        """Why it comes now."""
        if self.information is not None:
            return f"an answer is expected to tell {self.information:.2f} bits"
        return f"{self.answers} of {self.wanted} answers"


def next_pairs(db: Session, study: Study, count: int) -> list[NextPair]:
    """Return up to `count` pairs that a study asks next, in its order; none where it asks for nothing more.

    Of a draft, or in a pause, what opening the study adds is among them. Raises StudyStateError where it cannot be
    opened, as it has nothing to compare or its design lacks something.
    """
    if _opens_next(study):
        method_of(study.protocol).check_design(study.protocol, summarize_stimuli(db, study.id))
    found = _open_pairs(db, study.id, count)
    if len(found) < count and _opens_next(study):
        found += _added_by_opening(db, study)
    if len(found) < count and find_design(study.protocol.pair_design).adaptive:
        found += _planned_now(db, study, count - len(found))
    once = {frozenset(each[:2]): each for each in reversed(found)}  # a design may plan what opening adds
    return [*reversed(once.values())][:count]


def missing_answers(db: Session, study: Study) -> int:
    """Return how many answers the pairs lack: those that there are and, as in `next_pairs`, those that opening adds."""
    wanted: ColumnElement[int] = Pair.wanted.expression
    if _opens_next(study) and not find_design(study.protocol.pair_design).adaptive:  # as `pairs.plan_pairs` sets it
        wanted = case((Pair.wanted > 0, study.protocol.ratings_wanted), else_=0)
    lacking = func.sum(case((wanted > Pair.rated, wanted - Pair.rated), else_=0))
    there = db.scalar(select(lacking).where(Pair.study_id == study.id, Pair.kind == ItemKind.RATED)) or 0
    if not _opens_next(study):
        return there
    return there + sum(len(plan.pairs) * plan.answers for _, _, plan in plans_of_opening(db, study))


def _opens_next(study: Study) -> bool:
    return study.state in (State.DRAFT, State.PAUSED)


def _open_pairs(db: Session, study_id: int, count: int) -> list[NextPair]:
    """Return pairs with a free slot, those that fewest people have first."""
    first, second = aliased(Stimulus), aliased(Stimulus)
    rows = (
        select(first.name, second.name, Pair.rated, Pair.wanted)
        .join(first, first.id == Pair.first_id)
        .join(second, second.id == Pair.second_id)
        .where(Pair.study_id == study_id, Pair.kind == ItemKind.RATED, Pair.taken < Pair.wanted)
        .order_by(Pair.taken, Pair.shuffle, Pair.id)
        .limit(count)
    )
    return [NextPair(*row) for row in db.execute(rows)]


def _added_by_opening(db: Session, study: Study) -> list[NextPair]:
    names = _names(db, study.id)
    return [
        NextPair(names[first], names[second], 0, plan.answers)
        for _, _, plan in plans_of_opening(db, study)
        for first, second in plan.pairs
    ]


def _planned_now(db: Session, study: Study, count: int) -> list[NextPair]:
    """Return what the design plans, group by group in the order in which they are planned for."""
    groups = select(PairGroup).where(PairGroup.study_id == study.id, PairGroup.stopped == "")
    names, found = _names(db, study.id), list[NextPair]()
    for each in db.scalars(groups.order_by(PairGroup.planned, PairGroup.id)):
        if len(found) >= count:
            break
        found += _plan(db, study, each, names)
    return found


def _plan(db: Session, study: Study, of: PairGroup, names: dict[int, str]) -> Iterator[NextPair]:
    connection, protocol = db.connection(), study.protocol
    stimuli = stimuli_of(connection, study.id, of.source, across=protocol.pair_across_sources)
    group = read_group(connection, stimuli, had=())
    chance = Random(f"{of.id}/{of.planned}")  # noqa: S311  an order is no secret
    plan = find_design(protocol.pair_design).plan(group, protocol, chance)
    for pair, information in zip_longest(plan.pairs, plan.information):
        answers = group.answers.get(pair, pair_design.PairAnswers())
        given = answers.first + answers.none + answers.second
        yield NextPair(names[pair[0]], names[pair[1]], given, given + plan.answers, information)


def _names(db: Session, study_id: int) -> dict[int, str]:
    return dict(db.execute(select(Stimulus.id, Stimulus.name).where(Stimulus.study_id == study_id)).all())
