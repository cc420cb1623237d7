"""Splits keep sources together, hold their shares, and spread the MOS alike."""

import random
from collections import Counter
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.exchange.splits import SHARES, Labelled, split

PICTURES = st.lists(st.tuples(st.floats(1, 5), st.one_of(st.none(), st.sampled_from("abcdefgh"))), max_size=60).map(
    lambda rows: [Labelled(f"{place}", mos, source) for place, (mos, source) in enumerate(rows)]
)


@given(PICTURES, st.integers())
def test_every_picture_is_in_one_split_and_no_source_in_two(pictures: list[Labelled], seed: int) -> None:
    assigned = split(pictures, seed=seed)
    assert assigned.keys() == {picture.name for picture in pictures}
    assert set(assigned.values()) <= SHARES.keys()
    by_source = {(picture.source, assigned[picture.name]) for picture in pictures if picture.source}
    assert len(by_source) == len({source for source, _ in by_source})


@given(PICTURES, st.integers(), st.randoms())
def test_order_of_the_pictures_makes_no_difference(pictures: list[Labelled], seed: int, chance: random.Random) -> None:
    assert split(chance.sample(pictures, len(pictures)), seed=seed) == split(pictures, seed=seed)


@given(st.integers(6, 300), st.integers(0, 9))
def test_every_split_has_two_pictures_and_its_share(count: int, seed: int) -> None:
    pictures = [Labelled(f"{place}", place % 7, None) for place in range(count)]
    counts = Counter(split(pictures, seed=seed).values())
    assert min(counts[name] for name in SHARES) >= 2
    assert all(abs(counts[name] - share * count) < 3 for name, share in SHARES.items())


@pytest.mark.parametrize("per_source", [1, 8])
def test_splits_have_the_same_spread_of_mos(per_source: int) -> None:
    chance = random.Random(3)  # noqa: S311
    pictures = [Labelled(f"{place}", chance.betavariate(2, 5), f"{place // per_source}") for place in range(2000)]
    assigned = split(pictures, seed=20)
    means = {name: fmean(each.mos for each in pictures if assigned[each.name] == name) for name in SHARES}
    assert max(means.values()) - min(means.values()) < 0.01


def test_seed_decides() -> None:
    pictures = [Labelled(f"{place}", place % 7, None) for place in range(100)]
    assert split(pictures, seed=1) != split(pictures, seed=2)
