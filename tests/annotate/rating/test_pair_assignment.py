"""What must hold of who compares which pair, over random histories and with everybody at once."""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import delete, select

from annotate import queries
from annotate.analysis import load_comparisons
from annotate.database.engine import Database
from annotate.database.tables import LIVE, Assignment, Pair
from annotate.design.items import ItemKind
from annotate.design.states import State
from annotate.errors import RatingError, StudyStateError
from annotate.methods import make_protocol
from annotate.methods.method import Unit
from annotate.pair_designs import DESIGNS
from annotate.queries.next_pairs import NextPair
from annotate.rating.steps import StepKind
from annotate.stimuli.files import StimulusFile
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.rater import rate_together
from tests.annotate.rating.test_assignment import Study, run_histories, start_rater

PAIRS: dict[str, Any] = {"method": "pairs", "repeat_every": 0, "break_every": 0}


def comparisons(database: Database) -> list[queries.ratings.ComparisonRow]:
    with database.read() as db:
        return list(queries.ratings.stream_comparisons(db, 1))


def sides(database: Database) -> list[tuple[int, int]]:
    """Return how often each pair is leased or rated straight and turned."""
    with database.read() as db:
        held = select(Assignment.pair_id, Assignment.turned).where(
            Assignment.state.in_(LIVE), Assignment.occurrence == 0
        )
        counts = Counter((pair, turned) for pair, turned in db.execute(held))
        return [(counts[pair, False], counts[pair, True]) for pair in db.scalars(select(Pair.id))]


class PairStudy(Study):
    """The same history, of a study whose five pictures are compared."""

    unit = Unit.PAIR

    @initialize(
        repeat_every=strategies.sampled_from([0, 6]),
        design=strategies.sampled_from([*DESIGNS]),
        known=strategies.integers(0, 2),
    )
    def open_study(self, repeat_every: int, design: str, known: int) -> None:
        self.open_database()
        limits = {"ratings_wanted": self.wanted, "lease_s": 60, "sitting_items": 9, "max_sittings": 2}
        pairs = {**PAIRS, "repeat_every": repeat_every, "pair_design": design, "gold_every": 3}
        self.begin(new_study(self.database, images=5, gold=known, training=known, **pairs, **limits))
        self.gave_back = False

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def withdraw(self, number: int) -> None:
        self.gave_back = True
        super().withdraw(number)

    @rule(seconds=strategies.sampled_from([20, 61, 200]))
    def wait(self, seconds: int) -> None:
        self.gave_back = True
        super().wait(seconds)

    @invariant()
    def sides_are_balanced_while_nobody_went_away(self) -> None:
        if hasattr(self, "database") and not self.gave_back and not self.reinstated and self.now == NOW:
            assert all(abs(straight - turned) <= 1 for straight, turned in sides(self.database))


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.slow
def test_histories_of_pairs(sqlite_template: Path) -> None:
    run_histories(PairStudy, sqlite_template)


def test_twenty_people_at_once_fill_a_study_of_pairs_exactly(database: Database) -> None:
    known: dict[str, Any] = {"gold": 3, "gold_every": 3, "training": 1}
    study_id = new_study(database, images=8, pair_partners=4, ratings_wanted=6, **known, **PAIRS)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    rate_together(database, code, 20)
    rows = comparisons(database)
    counts = Counter(frozenset((row.left, row.right)) for row in rows if row.kind is ItemKind.RATED)
    assert len(counts) == 16
    assert set(counts.values()) == {6}
    by_person = Counter((row.participant, frozenset((row.left, row.right))) for row in rows)
    assert set(by_person.values()) == {1}
    assert Counter(sides(database))[3, 3] == 16
    known_ones = Counter((row.left, row.right) for row in rows if row.kind is not ItemKind.RATED)
    assert all(abs(count - known_ones[right, left]) <= 1 for (left, right), count in known_ones.items())
    kinds = Counter(row.kind for row in rows)
    assert kinds[ItemKind.GOLD] > 20
    assert kinds[ItemKind.TRAINING] == 20


def test_many_people_at_once_are_asked_by_the_answers_until_as_many_are_there_as_may_be(database: Database) -> None:
    protocol: dict[str, Any] = {
        "pair_design": "active",
        "pair_certainty": 0.9999,
        "pair_information": 0.0,
        "ratings_wanted": 2,
    }
    study_id = new_study(database, images=6, **protocol, **PAIRS)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    rate_together(database, code, 6)
    rows = comparisons(database)
    assert len(rows) == 30  # as the balanced design: 15 pairs, 2 answers each
    by_person = Counter((row.participant, frozenset((row.left, row.right))) for row in rows)
    assert set(by_person.values()) == {1}
    assert all(abs(straight - turned) <= 1 for straight, turned in sides(database))
    with database.read() as db:
        found = queries.progress.study_progress(db, queries.studies.get_study(db, study_id), NOW)
    assert (found.wanted, found.missing, found.groups) == (30, 0, {"complete": 1})


@pytest.mark.parametrize("design", ["balanced", "active"])
def test_the_next_pairs_that_an_owner_is_told_are_what_somebody_new_gets(
    design: str, sqlite_database: Database
) -> None:
    limits: dict[str, Any] = {
        "pair_partners": 2,
        "ratings_wanted": 2,
        "pair_information": 0.0,
        "pair_certainty": 0.9999,
    }
    study_id = new_study(sqlite_database, images=4, pair_design=design, **limits, **PAIRS)
    by_information = 0
    while listed := _listed(sqlite_database, study_id):
        by_information += listed[0].information is not None
        person = Person(sqlite_database, study_id)
        step = person.start()
        assert step.picture
        names = _names(sqlite_database, study_id)
        given = {names[each.sha256] for each in step.picture.pictures}
        first = [each for each in listed if (each.answers, each.information) == (listed[0].answers, None)]
        assert given in [{each.stimulus, each.other} for each in first or listed]
        person.rate_all(step)
    assert by_information == (design == "active")
    assert Person(sqlite_database, study_id).start().picture is None


def _listed(database: Database, study_id: int) -> list[NextPair]:
    with database.read() as db:
        return queries.next_pairs.next_pairs(db, queries.studies.get_study(db, study_id), 100)


def _names(database: Database, study_id: int) -> dict[str, str]:
    with database.read() as db:
        return {each.sha256: each.name for each in queries.stimuli.all_stimuli(db, study_id)}


def test_a_study_that_goes_by_the_answers_ends_when_the_order_is_known(sqlite_database: Database) -> None:
    study_id = new_study(
        sqlite_database, images=3, pair_design="active", pair_certainty=0.8, ratings_wanted=1000, **PAIRS
    )
    for number in range(40):
        person = Person(sqlite_database, study_id)
        step = person.start()
        assert number or step.total == 3  # all pairs, though few are planned yet
        while step.picture:
            names = [each.sha256 for each in step.picture.pictures]
            step = person.rate(step, 5.0 if names[0] > names[1] else 1.0)
        if step.kind is StepKind.FINISH and not step.done:
            break
    with sqlite_database.read() as db:
        found = queries.progress.study_progress(db, queries.studies.get_study(db, study_id), NOW)
    assert found.groups == {"certain": 1}
    assert found.ratings == found.wanted < 60


def test_a_number_of_answers_that_was_changed_in_a_pause_holds_for_the_pairs_that_there_are(
    sqlite_database: Database,
) -> None:
    study_id = new_study(sqlite_database, images=4, ratings_wanted=2, **PAIRS)
    with sqlite_database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
        queries.lifecycle.change_protocol(db, study_id, NOW, ratings_wanted=3)
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
    people = [Person(sqlite_database, study_id) for _ in range(4)]
    for person in people:
        person.rate_all(person.start())
    assert len(comparisons(sqlite_database)) == 18


@pytest.mark.slow
def test_a_killed_process_loses_no_comparison_that_it_acknowledged(database: Database, database_url: str) -> None:
    active: dict[str, Any] = {"pair_design": "active", "pair_information": 0.0}  # plans too while it is killed
    known: dict[str, Any] = {"gold": 9, "gold_every": 3, "training": 2}
    study_id = new_study(database, images=20, ratings_wanted=20, sitting_items=1000, **known, **active, **PAIRS)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    process = start_rater(database_url, code, 3)
    assert process.stdout
    acknowledged = [process.stdout.readline().strip() for _ in range(17)]
    process.kill()
    acknowledged += process.communicate()[0].split()
    stored = [row.key for row in comparisons(database)]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) <= len(acknowledged) + 3


def sourced(count: int, per_source: int) -> list[StimulusFile]:
    return [
        StimulusFile(f"{n}.png", f"{n:064}", "PNG", 64, 48, 1000, source=f"s{n // per_source}") for n in range(count)
    ]


def open_with(database: Database, files: list[StimulusFile], **protocol: Any) -> int:
    with database.write() as db:
        study = queries.studies.create_study(db, "faces", make_protocol({**PAIRS, **protocol}), NOW)
        queries.stimuli.add_stimuli(db, study.id, files, NOW)
        queries.lifecycle.change_state(db, study.id, State.OPEN, NOW)
        return study.id


@pytest.mark.parametrize(("across", "groups"), [(False, 3), (True, 1)])
def test_pictures_are_compared_inside_their_source_unless_it_is_asked_otherwise(
    across: bool, groups: int, sqlite_database: Database
) -> None:
    open_with(sqlite_database, sourced(15, 5), pair_across_sources=across, ratings_wanted=1)
    person = Person(sqlite_database, 1)
    person.rate_all(person.start())
    met: defaultdict[str, set[str]] = defaultdict(set)
    for row in comparisons(sqlite_database):
        met[row.left] |= met[row.right] | {row.left, row.right}
        for each in met[row.left]:
            met[each] = met[row.left]
    assert len({frozenset(each) for each in met.values()}) == groups


def test_a_study_without_two_pictures_of_one_source_is_not_opened(sqlite_database: Database) -> None:
    with pytest.raises(StudyStateError, match="No two pictures have the same source"):
        open_with(sqlite_database, sourced(4, 1))


def test_pictures_added_in_a_pause_are_compared_too(sqlite_database: Database) -> None:
    files = sourced(8, 8)
    study_id = open_with(sqlite_database, files[:5], pair_partners=2)
    with sqlite_database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
        queries.stimuli.add_stimuli(db, study_id, files[5:], NOW)
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
        ends = Counter(each for pair in db.scalars(select(Pair)) for each in (pair.first_id, pair.second_id))
    assert len(ends) == 8
    assert min(ends.values()) >= 2


@pytest.mark.parametrize(
    "values",
    [
        {"preferred": None}, {"preferred": None, "grade": 3.0}, {"preferred": "left", "reasons": ("light",)},
        {"preferred": "none"}, {"preferred": None, "unusable": True},
    ],
)  # fmt: skip
def test_an_answer_that_is_none_of_a_pair_is_refused(values: dict[str, Any], sqlite_database: Database) -> None:
    person = Person(sqlite_database, new_study(sqlite_database, offer_no_difference=False, reasons=("blur",), **PAIRS))
    step = person.start()
    with pytest.raises(RatingError):
        person.send(replace(person.answer(step, 5.0), **values))
    assert comparisons(sqlite_database) == []


def test_what_was_preferred_why_and_how_it_was_shown_is_kept(database: Database) -> None:
    person = Person(database, new_study(database, images=3, reasons=("blur", "noise"), **PAIRS))
    step = person.start()
    assert step.picture
    assert [each.role for each in step.picture.pictures] == ["left", "right"]
    answer = person.answer(step, 5.0, reasons=("noise", "blur"), flipped=True)
    first = person.send(answer)
    assert person.send(answer).step == first.step  # sent again
    (row,) = comparisons(database)
    assert (row.preferred, row.reasons, row.flipped, row.response_ms) == ("left", ("blur", "noise"), True, 1000)
    shown = {each.role: each.sha256 for each in step.picture.pictures}
    with database.read() as db:
        names = {each.name: each.sha256 for each in queries.stimuli.all_stimuli(db, 1)}
    assert {"left": names[row.left], "right": names[row.right]} == shown
    assert person.undo().picture == step.picture
    assert comparisons(database) == []


def test_training_comes_first_and_says_what_is_right(sqlite_database: Database) -> None:
    known: dict[str, Any] = {"training": 3, "training_count": 3, "gold": 2, "gold_every": 2}
    person = Person(sqlite_database, new_study(sqlite_database, images=5, ratings_wanted=1, **known, **PAIRS))
    step, told = person.start(), []
    assert (step.done, step.total) == (0, 3)
    while step.kind is StepKind.TRAINING:
        outcome = person.send(person.answer(step, 5.0))
        assert outcome.feedback
        told.append(outcome.feedback.expected_preferred)
        assert outcome.feedback.near_enough is (told[-1] == "left")
        step = outcome.step
    assert "none" in told
    outcome = person.send(person.answer(step, 5.0))
    assert outcome.feedback is None
    person.rate_all(outcome.step)
    rows = comparisons(sqlite_database)
    assert [row.kind for row in rows[:3]] == [ItemKind.TRAINING] * 3
    assert [row.expected for row in rows[:3]] == told
    assert Counter(row.kind for row in rows) == {ItemKind.TRAINING: 3, ItemKind.GOLD: 2, ItemKind.RATED: 10}
    assert all((row.expected is None) is (row.kind is ItemKind.RATED) for row in rows)
    assert all(row.expected == ("left" if row.left < row.right else "right") for row in rows[3:] if row.expected)


@pytest.mark.parametrize(("offered", "shown"), [(True, 3), (False, 2)])
def test_pairs_without_a_difference_are_used_where_that_can_be_answered(
    offered: bool, shown: int, sqlite_database: Database
) -> None:
    protocol: dict[str, Any] = {"offer_no_difference": offered, "gold_every": 2, "ratings_wanted": 1, **PAIRS}
    study_id = new_study(sqlite_database, images=5, gold=3, **protocol)
    person = Person(sqlite_database, study_id)
    step = person.start()
    while step.picture:
        step = person.rate(step, 5.0)
    assert Counter(row.kind for row in comparisons(sqlite_database))[ItemKind.GOLD] == shown
    with sqlite_database.read() as db:
        found = queries.stimuli.summarize_stimuli(db, study_id)
    assert (found[ItemKind.GOLD], found.unpaired) == (shown, 2 * (3 - shown))


def test_a_study_that_asks_for_no_known_pairs_goes_on_without_them(sqlite_database: Database) -> None:
    """As those of the former version do, which had none."""
    study_id = new_study(sqlite_database, images=3, gold=2, training=2, training_count=0, gold_every=0, **PAIRS)
    with sqlite_database.write() as db:
        db.execute(delete(Pair).where(Pair.kind != ItemKind.RATED))
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
    person = Person(sqlite_database, study_id)
    person.rate_all(person.start())
    assert [row.kind for row in comparisons(sqlite_database)] == [ItemKind.RATED] * 3


def test_known_pairs_change_neither_progress_nor_results(sqlite_database: Database) -> None:
    known: dict[str, Any] = {"gold": 2, "gold_every": 2, "training": 2, "reasons": ("blur",)}
    study_id = new_study(sqlite_database, images=4, ratings_wanted=2, **known, **PAIRS)
    person = Person(sqlite_database, study_id)
    step = person.start()
    while step.picture:
        step = person.send(person.answer(step, 5.0, reasons=("blur",))).step
    with sqlite_database.read() as db:
        found = queries.progress.study_progress(db, queries.studies.get_study(db, study_id), NOW)
        assert (found.units, found.ratings, found.wanted) == (6, 6, 12)
        assert len(load_comparisons(db, study_id)) == 6
        assert {name.split("-")[0] for name in queries.reasons.count_reasons(db, study_id)} == {"rated"}


def test_progress_counts_pairs(sqlite_database: Database) -> None:
    study_id = new_study(sqlite_database, images=4, ratings_wanted=2, **PAIRS)
    person = Person(sqlite_database, study_id)
    person.rate(person.start())
    with sqlite_database.read() as db:
        found = queries.progress.study_progress(db, queries.studies.get_study(db, study_id), NOW)
    assert (found.units, found.wanted, found.ratings, found.missing, found.complete) == (6, 12, 1, 11, 0)
    assert found.stimuli_by_ratings == {0: 5, 1: 1}
