"""What a design of paired comparison says of itself, and what it plans from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from annotate.design.protocol import StudyProtocol

Pair = tuple[int, int]
"""Two ids, the smaller one first."""


def pair_of(one: int, other: int) -> Pair:
    """Return two ids as a pair."""
    return (one, other) if one < other else (other, one)


class PairAnswers(NamedTuple):
    """How often the first of a pair was preferred, neither, and the second; how many more answers are to come."""

    first: int = 0
    none: int = 0
    second: int = 0
    to_come: int = 0


@dataclass(frozen=True)
class PairGroup:
    """Pictures that are compared with each other: those of one source, or all of a study.

    stimuli:  ids, in the order in which they were added
    wanted:   answers that are wanted so far, of each pair that there is
    scores:   of a model, of the stimuli that have one
    answers:  to the pairs so far; only for designs that go by them
    excluded: pairs that would help nobody now: the person who waits has had them, or they wait for anybody
    """

    stimuli: Sequence[int]
    wanted: Mapping[Pair, int] = field(default_factory=dict)
    scores: Mapping[int, float] = field(default_factory=dict)
    answers: Mapping[Pair, PairAnswers] = field(default_factory=dict)
    excluded: Collection[Pair] = ()


class PairPlan(NamedTuple):
    """Pairs to compare next, how many more answers are wanted of each, and why nothing is to come after ("": it is).

    `information` are the bits that an answer to each is expected to tell, where the design goes by them.
    """

    pairs: Sequence[Pair]
    answers: int
    stopped: str = ""
    information: Sequence[float] = ()


Plan = Callable[[PairGroup, StudyProtocol, Random], PairPlan]


@dataclass(frozen=True)
class PairDesign:
    """A way of choosing pairs.

    name, title:  as in protocols and on the command line; as in forms
    plan:         what a group lacks; raises StudyStateError where the group does not allow the design
    needs_scores: whether every picture must have a score of a model
    most_answers: that it asks for in a group of so many pictures, where it goes by the answers and stops by them
    """

    name: str
    title: str
    plan: Plan
    needs_scores: bool = False
    most_answers: Callable[[int, StudyProtocol], int] | None = None

    @property
    def adaptive(self) -> bool:
        """Whether it plans again while people rate, by their answers; others plan once, when a study is opened."""
        return self.most_answers is not None

    def count(self, pictures: int, protocol: StudyProtocol) -> tuple[int, int]:
        """Return how many pairs and answers there will be in a group, at most."""
        if self.most_answers:
            return pictures * (pictures - 1) // 2, self.most_answers(pictures, protocol)
        ids = range(pictures)
        plan = self.plan(PairGroup(ids, scores={each: float(each) for each in ids}), protocol, Random(0))  # noqa: S311
        return len(plan.pairs), len(plan.pairs) * plan.answers
