"""What is said beforehand about sittings is what comes: their length, and how many people it takes."""

from dataclasses import replace
from typing import Any

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.sitting_plan import ItemTime, effort, expected_time, is_too_late_for_a_break
from annotate.rating.steps import Step, StepKind
from tests.annotate.rated import Person, new_study

DESIGNS: dict[str, dict[str, Any]] = {
    "checks use up places of a sitting": {
        "images": 12, "gold": 4, "traps": 4, "ratings_wanted": 3, "sitting_items": 14,
    },
    "all pictures in one sitting": {"images": 12, "gold": 2, "traps": 3, "ratings_wanted": 4},
    "dense checks": {
        "images": 15, "gold": 9, "traps": 9, "ratings_wanted": 3, "sitting_items": 12, "gold_every": 3, "trap_every": 4,
        "repeat_every": 5,
    },
    "no checks": {"images": 7, "ratings_wanted": 2, "sitting_items": 5, "trap_every": 0, "repeat_every": 0},
    "several sittings": {"images": 12, "gold": 4, "ratings_wanted": 2, "sitting_items": 7, "max_sittings": 2},
}  # fmt: skip
NO_CHECKS: dict[str, Any] = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0}
NO_BREAKS = {"break_every": 0, "training_count": 0}


def rate_to_the_end(person: Person, step: Step) -> list[int]:
    """Rate all that a sitting has; return the total that each step named, and at last how many items it had."""
    totals = []
    while step.kind is StepKind.RATE:
        totals.append(step.total)
        step = person.rate(step)
    assert step.kind is StepKind.FINISH
    return [*totals, person.finish().done]


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@pytest.mark.slow
def test_as_many_people_as_are_said_to_be_needed_rate_everything_in_sittings_of_the_length_that_is_said(
    database: Database, design: dict[str, Any]
) -> None:
    counts = {name: design[name] for name in ("images", "gold", "traps") if name in design}
    study_id = new_study(database, **{**design, **NO_BREAKS})
    protocol = StudyProtocol.from_json({name: value for name, value in design.items() if name not in counts})
    stimuli = {
        ItemKind.RATED: counts["images"], ItemKind.GOLD: counts.get("gold", 0), ItemKind.TRAP: counts.get("traps", 0),
    }  # fmt: skip
    people = 0
    while count_missing(database, study_id, protocol.ratings_wanted):
        people += 1
        person = Person(database, study_id)
        totals = [rate_to_the_end(person, person.start())]
        while person.look().can_start_another and count_missing(database, study_id, protocol.ratings_wanted):
            totals.append(rate_to_the_end(person, person.start_another()))
        assert all(len(set(each)) == 1 for each in totals)
    # Where a person's checks come is drawn; who is lucky has fewer of them and rates a few more pictures.
    assert people <= effort(protocol, stimuli).people <= people + 1


def count_missing(database: Database, study_id: int, wanted: int) -> int:
    with database.read() as db:
        return sum(
            wanted - each.rated for each in queries.stimuli.all_stimuli(db, study_id) if each.kind is ItemKind.RATED
        )


def test_a_sitting_has_no_break_in_its_last_tenth(database: Database) -> None:
    breaks = []
    person = Person(database, new_study(database, images=20, **{**NO_CHECKS, "break_every": 6}))
    step = person.start()
    while step.kind is not StepKind.FINISH:
        if step.kind is StepKind.BREAK:
            breaks.append(step.done)
            person.wait(60)
            step = person.end_break()
        step = person.rate(step)
    assert breaks == [6, 12]


@pytest.mark.parametrize(("rated", "total", "late"), [(10, 12, False), (9, 10, True), (18, 20, True), (17, 20, False)])
def test_the_last_tenth_of_a_sitting_begins_where_a_tenth_is_left(rated: int, total: int, late: bool) -> None:
    assert is_too_late_for_a_break(rated, total) is late


def test_the_effort_counts_checks_repeats_and_breaks() -> None:
    plain = StudyProtocol.from_json({**NO_CHECKS, "ratings_wanted": 3, "break_every": 0})
    twelve = {ItemKind.RATED: 12, ItemKind.GOLD: 5, ItemKind.TRAP: 5}
    assert (effort(plain, twelve).people, effort(plain, twelve).items, effort(plain, twelve).minutes) == (3, 12, 1.0)
    checked = replace(plain, gold_every=10, trap_every=10, repeat_every=10, break_every=6, break_s=60)
    needed = effort(checked, twelve)
    assert (needed.ratings, needed.people, needed.items) == (36, 3, 18)
    assert needed.minutes == 18 * 5 / 60 + 2
    slow = effort(checked, twelve, item=expected_time(2, 4))
    assert (slow.minutes, slow.to_dict()["item_s"]) == (18 * 15 / 60 + 2, 15)
    limited = effort(replace(plain, sitting_limit_s=60), twelve, item=ItemTime(10, answers=50))
    assert (limited.items, limited.minutes, limited.sittings) == (6, 1.0, 6)  # which end by their time
    fewer = effort(replace(checked, sitting_items=14), twelve)
    assert (fewer.people, fewer.sittings, fewer.hours) == (5, 5, 5 * fewer.minutes / 60)
