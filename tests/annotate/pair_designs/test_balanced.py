"""Who meets whom: everybody equally often, and everything linked."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from annotate.pair_designs.balanced import plan_balanced
from annotate.pair_designs.design import Pair


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def partners(pairs: list[Pair], group: list[int]) -> Counter[int]:
    """Return how many others each meets; raise where two meet twice or one meets itself."""
    assert len(set(pairs)) == len(pairs)
    assert all(first < second for first, second in pairs)
    counts = Counter(each for pair in pairs for each in pair)
    assert set(counts) <= set(group)
    return counts


def is_connected(pairs: list[Pair], group: list[int]) -> bool:
    place = {each: index for index, each in enumerate(group)}
    rows, columns = ([place[pair[side]] for pair in pairs] for side in (0, 1))
    links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(group), len(group)))
    return bool(connected_components(links, directed=False)[0] == 1)


@pytest.mark.parametrize("wanted", [2, 3, 4, 6, 11])
@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 8, 12, 13, 40])
def test_every_picture_meets_equally_many_others(size: int, wanted: int) -> None:
    group = [10 * number + 3 for number in range(size)]
    pairs = plan_balanced(group, wanted, seeded(size))
    assert set(partners(pairs, group).values()) == {min(size - 1, wanted + wanted % 2)}
    assert is_connected(pairs, group)


def test_of_one_picture_there_are_no_pairs() -> None:
    assert plan_balanced([5], 6, seeded(1)) == []
    assert plan_balanced([], 6, seeded(1)) == []


def test_studies_differ_in_who_meets_whom() -> None:
    assert plan_balanced(list(range(20)), 4, seeded(1)) != plan_balanced(list(range(20)), 4, seeded(2))


@pytest.mark.parametrize("seed", range(8))
def test_pictures_that_come_later_are_linked_and_meet_as_many(seed: int) -> None:
    chance = seeded(seed)
    early = chance.sample(range(100), chance.randint(2, 20))
    group = early + [100 + number for number in range(chance.randint(1, 15))]
    made = plan_balanced(early, 4, chance)
    new = plan_balanced(group, 4, chance, made)
    assert not set(new) & set(made)
    counts = partners([*made, *new], group)
    assert min(counts.values()) >= min(4, len(group) - 1)
    most = max(Counter(each for pair in made for each in pair).values())
    assert max(counts.values()) <= most + len(group) - len(early)
    assert is_connected([*made, *new], group)


def test_what_is_complete_gets_nothing_more() -> None:
    made = plan_balanced(list(range(9)), 4, seeded(3))
    assert plan_balanced(list(range(9)), 4, seeded(4), made) == []


def test_imported_pairs_that_hang_apart_are_linked() -> None:
    made = [(1, 2), (3, 4), (5, 6)]
    new = plan_balanced([1, 2, 3, 4, 5, 6], 2, seeded(1), made)
    assert is_connected([*made, *new], [1, 2, 3, 4, 5, 6])
