"""What a sitting consists of: where known answers, attention checks and repeats come among the pictures.

Each kind of check comes once in every so many items (see the protocol), at a place drawn per participant. The same
schedule decides which item comes next (`annotate.rating.assignment`) and tells beforehand how many there will be of
each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol

AHEAD = 2
"""Items that a participant holds: one stimulus to show and one to fetch meanwhile."""
REPEAT_GAP = 4
"""Rated items between a stimulus and its repeat, at least."""
_ANY_NUMBER = 1_000_000
S_PER_PICTURE, S_PER_ANSWER = 2.5, 2.5
"""What looking at a picture and giving an answer about usually take, for an estimate: 5 s for a picture and a grade."""

Counts = Mapping[ItemKind, int]


class CheckSchedule:
    """Where in one participant's sequence of items the checks come.

    `seed` is the participant's; without one every check comes as early as it can, so that there are as many as can be.
    """

    def __init__(self, protocol: StudyProtocol, seed: int | None) -> None:
        every = {
            ItemKind.GOLD: protocol.gold_every,
            ItemKind.TRAP: protocol.trap_every,
            ItemKind.REPEAT: protocol.repeat_every,
        }
        self.every = {kind: number for kind, number in every.items() if number}
        self.seed = seed

    def due(self, counts: Counts) -> list[ItemKind]:
        """Return the kinds of check that are due after so many items of each kind, training not counted."""
        position = sum(counts.values())
        return [kind for kind in self.every if self._is_due(kind, position, counts.get(kind, 0))]

    def draw(self, what: str, number: int) -> Random:
        """Return a generator for one decision about the participant, the same whenever it is taken again."""
        return Random(f"{self.seed}/{what}/{number}")  # noqa: S311  # an order is no secret

    def _is_due(self, kind: ItemKind, position: int, had: int) -> bool:
        """Return whether the block of `every` items that we are in still lacks this kind, at its drawn place."""
        block, offset = divmod(position, self.every[kind])
        return had < block or (had == block and offset >= self._place(kind, block))

    def _place(self, kind: ItemKind, block: int) -> int:
        if self.seed is None:
            return 0
        # The last places of a block stay free, for kinds that were drawn for one place and give way to each other.
        return self.draw(kind.name, block).randrange(max(1, self.every[kind] - 2))


def count_sitting(
    schedule: CheckSchedule, available: Counts, *, items: int, before: Counts | None = None
) -> dict[ItemKind, int]:
    """Return how many items of each kind a sitting of at most `items` will have.

    `available` are the stimuli to be rated, gold and trap items that the participant never had, `before` what they
    had in earlier sittings.
    """
    counts = dict(before or {})
    left = dict(available)
    began = sum(counts.values())
    held: list[ItemKind] = []
    rated = {kind: counts.get(kind, 0) for kind in ItemKind}
    while True:
        while len(held) < AHEAD and sum(counts.values()) - began < items:
            kind = _next_kind(schedule, counts, left, rated)
            if kind is None:
                break
            counts[kind] = counts.get(kind, 0) + 1
            if kind is not ItemKind.REPEAT:
                left[kind] -= 1
            held.append(kind)
        if not held:
            return {kind: count - (before or {}).get(kind, 0) for kind, count in counts.items()}
        rated[held.pop(0)] += 1


def _next_kind(schedule: CheckSchedule, counts: Counts, left: Counts, rated: Counts) -> ItemKind | None:
    """Return the kind of the next item, None where nothing is left."""
    for kind in (*schedule.due(counts), ItemKind.RATED):
        if kind is ItemKind.REPEAT:
            if rated[ItemKind.RATED] - counts.get(kind, 0) > REPEAT_GAP:
                return kind
        elif left.get(kind, 0):
            return kind
    return None


def is_too_late_for_a_break(rated: int, total: int) -> bool:
    """Return whether a tenth or less of a sitting is left: who is nearly done wants to be done."""
    return 10 * (total - rated) <= total


def largest_sitting(protocol: StudyProtocol, stimuli: Counts) -> dict[ItemKind, int]:
    """Return how many items of each kind a sitting has in which the checks come as early as they can."""
    return count_sitting(CheckSchedule(protocol, None), stimuli, items=protocol.sitting_items)


def checks_asked_for(protocol: StudyProtocol, stimuli: Counts) -> dict[ItemKind, int]:
    """Return how many gold and trap items, each to be seen once, a sitting of these stimuli asks for."""
    enough = {**stimuli, ItemKind.GOLD: _ANY_NUMBER, ItemKind.TRAP: _ANY_NUMBER}
    planned = largest_sitting(protocol, enough)
    return {kind: planned.get(kind, 0) for kind in (ItemKind.GOLD, ItemKind.TRAP)}


def _pictures_of_one_person(protocol: StudyProtocol, stimuli: Counts) -> int:
    """Return how many stimuli one person rates in as many sittings as they may have."""
    had: dict[ItemKind, int] = {}
    schedule, sittings = CheckSchedule(protocol, None), 0
    while not protocol.max_sittings or sittings < protocol.max_sittings:
        left = {kind: count - had.get(kind, 0) for kind, count in stimuli.items()}
        sitting = count_sitting(schedule, left, items=protocol.sitting_items, before=had)
        had = {kind: had.get(kind, 0) + count for kind, count in sitting.items()}
        sittings += 1
        if had.get(ItemKind.RATED, 0) >= stimuli.get(ItemKind.RATED, 0) or not any(sitting.values()):
            break
    return had.get(ItemKind.RATED, 0)


@dataclass(frozen=True)
class ItemTime:
    """Seconds that looking at an item and answering it take: an estimate, or the median of `answers` so far."""

    seconds: float = S_PER_PICTURE + S_PER_ANSWER
    answers: int = 0


USUAL_TIME = ItemTime()
"""For a picture and a grade."""


def expected_time(pictures: int, answers: int) -> ItemTime:
    """Return what an item takes that shows so many pictures and asks for so many answers, before anybody answered."""
    return ItemTime(pictures * S_PER_PICTURE + answers * S_PER_ANSWER)


def within_limit(protocol: StudyProtocol, item: ItemTime) -> StudyProtocol:
    """Return a protocol with no more items in a sitting than people get to before it ends by its time."""
    most = max(1, int(protocol.sitting_limit_s / item.seconds))
    return replace(protocol, sitting_items=min(protocol.sitting_items, most))


@dataclass(frozen=True)
class Effort:
    """What a design asks of people.

    unit:     what is rated at a time, a picture or a pair
    units:    how many of them there are
    ratings:  those wanted, of all of them together
    people:   how many are needed if everybody sits as often as they may
    sittings: of all of them together
    items:    in a sitting, with checks and repeats, as far as its time goes
    minutes:  of a sitting, at `item`, with breaks
    item:     what one takes
    """

    unit: str
    units: int
    ratings: int
    people: int
    sittings: int
    items: int
    minutes: float
    item: ItemTime = USUAL_TIME

    @property
    def hours(self) -> float:
        """Of all sittings together."""
        return self.sittings * self.minutes / 60

    def to_dict(self) -> dict[str, str | float]:
        """Return JSON-ready data."""
        timed = {"item_s": round(self.item.seconds, 1), "timed_answers": self.item.answers}
        figures = {"minutes": round(self.minutes, 1), "hours": round(self.hours, 1)}
        return {**{name: value for name, value in vars(self).items() if name != "item"}, **figures, **timed}


def effort(
    protocol: StudyProtocol,
    stimuli: Counts,
    ratings: int | None = None,
    *,
    unit: str = "picture",
    item: ItemTime = USUAL_TIME,
) -> Effort:
    """Estimate what a study takes, if so many ratings are wanted: by default, as many of each stimulus.

    `people` do, though checks and repeats use up places of each sitting.
    """
    protocol = within_limit(protocol, item)
    units = stimuli.get(ItemKind.RATED, 0)
    sitting = largest_sitting(protocol, stimuli)
    items, rated = sum(sitting.values()), sitting.get(ItemKind.RATED, 0)
    each_rates = _pictures_of_one_person(protocol, stimuli)
    ratings = units * protocol.ratings_wanted if ratings is None else ratings
    people = max(protocol.ratings_wanted, -(-ratings // each_rates)) if each_rates else 0
    pauses = range(protocol.break_every, items, protocol.break_every) if protocol.break_every else ()
    breaks = sum(not is_too_late_for_a_break(rated, items) for rated in pauses)
    minutes = (items * item.seconds + breaks * protocol.break_s) / 60
    sittings = max(people, -(-ratings // rated)) if rated else 0
    return Effort(unit, units, ratings, people, sittings, items, minutes, item)
