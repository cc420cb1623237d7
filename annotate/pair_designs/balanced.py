"""The balanced design: every picture of a group meets equally many others.

The pictures stand in a random circle, and each meets those at the same few distances in it, 1 among them, so that every
two are linked. Pictures that come later are linked to those that are there.
"""

from collections.abc import Collection, Sequence
from itertools import combinations
from random import Random

from annotate.design.protocol import StudyProtocol
from annotate.pair_designs.design import Pair, PairDesign, PairGroup, PairPlan, pair_of


def plan_balanced(group: Sequence[int], partners: int, chance: Random, made: Collection[Pair] = ()) -> list[Pair]:
    """Return the pairs that a group of pictures lacks, for each to meet so many others, or all there are.

    An odd number of partners is rounded up. `made` are the pairs that there are already.
    """
    members = set(group)
    inside = [pair for pair in made if members.issuperset(pair)]
    if inside:
        return _extend(group, partners, chance, inside)
    if partners >= len(group) - 1:
        return [pair_of(*two) for two in combinations(group, 2)]
    circle = chance.sample(list(group), len(group))
    further = range(2, (len(circle) + 1) // 2)
    distances = [1, *chance.sample(further, (partners + 1) // 2 - 1)]
    return [
        pair_of(each, circle[(place + far) % len(circle)]) for far in distances for place, each in enumerate(circle)
    ]


def _extend(group: Sequence[int], partners: int, chance: Random, made: Sequence[Pair]) -> list[Pair]:
    """Link what is not linked, then give pictures with too few partners those that have fewest themselves."""
    met: dict[int, set[int]] = {each: set() for each in chance.sample(list(group), len(group))}
    for first, second in made:
        met[first].add(second)
        met[second].add(first)
    new: list[Pair] = []

    def meet(one: int, other: int) -> None:
        """Make a new pair of two pictures."""
        met[one].add(other)
        met[other].add(one)
        new.append(pair_of(one, other))

    def fewest(among: Collection[int]) -> int:
        return min(among, key=lambda each: len(met[each]))

    linked, *others = _linked_groups(met)
    for other in others:
        meet(fewest(linked), fewest(other))
        linked |= other
    enough = min(partners, len(met) - 1)
    while len(met[few := fewest(met)]) < enough:
        meet(few, fewest([each for each in met if each != few and each not in met[few]]))
    return new


def _linked_groups(met: dict[int, set[int]]) -> list[set[int]]:
    """Return the pictures by what is linked, directly or not, the largest group first."""
    left, groups = set(met), []
    while left:
        reached: set[int] = set()
        waiting = [left.pop()]
        while waiting:
            each = waiting.pop()
            reached.add(each)
            waiting += met[each] - reached
        left -= reached
        groups.append(reached)
    return sorted(groups, key=len, reverse=True)


def _plan(group: PairGroup, protocol: StudyProtocol, chance: Random) -> PairPlan:
    pairs = plan_balanced(group.stimuli, protocol.pair_partners, chance, group.wanted)
    return PairPlan(pairs, protocol.ratings_wanted)


DESIGN = PairDesign("balanced", "Each picture with equally many others", _plan)
