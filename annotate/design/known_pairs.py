"""Known pairs: two pictures of which is known beforehand which one is better, for training and as checks.

Two training pictures, or two known answers, of one source make a pair. The one with the higher right grade is the
better one. Where both have the same, no difference is right, and where one has none, every answer is.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Literal, NamedTuple

from annotate.design.items import ItemKind

KNOWN = (ItemKind.TRAINING, ItemKind.GOLD)
Preferred = Literal["left", "right", "none"]


class KnownPicture(NamedTuple):
    """A training picture or a known answer, with its right grade and what training says about it."""

    id: int
    kind: ItemKind
    source: str | None
    expected: float | None
    feedback: str = ""


class KnownPair(NamedTuple):
    """Two of them, in the order of their ids."""

    first: KnownPicture
    second: KnownPicture

    @property
    def kind(self) -> ItemKind:
        """Both pictures'."""
        return self.first.kind

    @property
    def is_silent(self) -> bool:
        """Whether nothing can be said about an answer."""
        right = right_answer(self.first.expected, self.second.expected, turned=False)
        return right is None and not self.first.feedback and not self.second.feedback


def find_known_pairs(pictures: Iterable[KnownPicture], *, no_difference: bool) -> list[KnownPair]:
    """Return every two of one kind and source; those that do not differ only where no difference may be answered."""
    groups: dict[tuple[ItemKind, str], list[KnownPicture]] = {}
    for each in sorted(pictures):
        if each.source and each.kind in KNOWN:
            groups.setdefault((each.kind, each.source), []).append(each)
    found = [KnownPair(*two) for group in groups.values() for two in combinations(group, 2)]
    if no_difference:
        return found
    return [two for two in found if right_answer(two.first.expected, two.second.expected, turned=False) != "none"]


def right_answer(first: float | None, second: float | None, *, turned: bool) -> Preferred | None:
    """Return what is right of two pictures with these grades, the second on the left where they are `turned`."""
    if first is None or second is None:
        return None
    if first == second:
        return "none"
    return "left" if (first > second) is not turned else "right"
