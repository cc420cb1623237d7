"""Which pictures make a known pair, and which answer to it is right."""

import pytest

from annotate.design.items import ItemKind
from annotate.design.known_pairs import KnownPicture, find_known_pairs, right_answer


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [(5.0, 1.0, "left"), (1.0, 5.0, "right"), (3.0, 3.0, "none"), (None, 3.0, None), (3.0, None, None)],
)
def test_the_higher_grade_is_right_on_either_side(first: float | None, second: float | None, right: str | None) -> None:
    assert right_answer(first, second, turned=False) == right
    other = {"left": "right", "right": "left"}
    assert right_answer(first, second, turned=True) == other.get(right or "", right)


def test_two_of_one_kind_and_source_make_a_pair() -> None:
    pictures = [
        KnownPicture(1, ItemKind.GOLD, "a", 5.0),
        KnownPicture(2, ItemKind.TRAINING, "a", 5.0),
        KnownPicture(3, ItemKind.GOLD, "a", 1.0),
        KnownPicture(4, ItemKind.GOLD, "a", 1.0),
        KnownPicture(5, ItemKind.GOLD, None, 1.0),
        KnownPicture(6, ItemKind.GOLD, None, 5.0),
        KnownPicture(7, ItemKind.RATED, "a", None),
    ]
    made = [(two.first.id, two.second.id) for two in find_known_pairs(pictures, no_difference=True)]
    assert made == [(1, 3), (1, 4), (3, 4)]
    assert [two.second.id for two in find_known_pairs(pictures, no_difference=False)] == [3, 4]
