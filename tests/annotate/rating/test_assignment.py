"""What must hold of who gets which stimulus, over random histories and with everybody at once."""

import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from annotate import queries
from annotate.database.engine import Database, open_database
from annotate.database.tables import LIVE, Assignment, Pair, Participant, Rating, Stimulus
from annotate.design.items import ItemKind
from annotate.design.sitting_plan import REPEAT_GAP
from annotate.design.states import AssignmentState
from annotate.errors import AnnotateError
from annotate.methods.method import Unit
from annotate.queries import live
from annotate.queries.records import Answer
from annotate.queries.units import UNITS
from annotate.rating import links, sitting
from annotate.rating.steps import ShownItem
from benchmarks.load_studies import FOUR_SCALES
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.rater import rate_together

ROOT = Path(__file__).parents[3]
REASONS = ("blur", "light", "noise")
QUICK: dict[str, Any] = {"gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


def order(database: Database, person: Person) -> list[tuple[ItemKind, str]]:
    """Return the kinds and names of what a person got, in order."""
    with database.read() as db:
        participant, _ = links.open_link(db, person.token)
        rows = (
            select(Assignment.kind, Stimulus.name)
            .join(Stimulus, Stimulus.id == Assignment.stimulus_id)
            .where(Assignment.participant_id == participant.id)
            .order_by(Assignment.id)
        )
        return [(kind, name) for kind, name in db.execute(rows)]


def ratings_of_stimuli(database: Database) -> Counter[str]:
    with database.read() as db:
        return Counter(row.stimulus for row in queries.ratings.stream_ratings(db, 1))


Said = tuple[float | str | None, dict[str, float] | None, tuple[str, ...]]


def said(answer: Answer | Rating) -> Said:
    """Return all that an answer says."""
    return answer.grade or answer.preferred, answer.more_grades, answer.reasons or ()


class Study(RuleBasedStateMachine):
    """People join, rate, undo, go away, come back, withdraw and are rejected, and the power fails now and then."""

    template: Path
    wanted = 2
    unit = Unit.STIMULUS
    person = Person
    protocol: Mapping[str, Any] = {}

    @initialize(gold=strategies.integers(0, 2), repeat_every=strategies.sampled_from([0, 6]))
    def open_study(self, gold: int, repeat_every: int) -> None:
        self.open_database()
        special = {"gold_every": 3 if gold else 0, "trap_every": 0, "repeat_every": repeat_every, "break_every": 0}
        special |= {"training": gold}
        limits = {"ratings_wanted": self.wanted, "lease_s": 60, "sitting_items": 9, "max_sittings": 2}
        self.begin(new_study(self.database, images=5, gold=gold, **special, **limits, **self.protocol))

    def begin(self, study_id: int) -> None:
        self.study_id = study_id
        self.now, self.reinstated = NOW, 0
        self.people: list[Person] = []
        self.acknowledged: dict[str, dict[str, Said]] = {}
        self.last_sent: dict[str, Answer] = {}

    def open_database(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=self.template.parent)
        shutil.copy(self.template, self.folder.name)
        self.database = open_database(f"sqlite:///{self.folder.name}/{self.template.name}")

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    def choose(self, number: int) -> Person:
        person = self.people[number % len(self.people)]
        person.now = self.now
        return person

    @rule()
    def join(self) -> None:
        if len(self.people) < 6:
            person = self.person(self.database, self.study_id)
            person.now = self.now
            person.start()
            self.people.append(person)
            self.acknowledged[person.token] = {}

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5), ahead=strategies.booleans(), grade=strategies.integers(1, 5))
    def rate(self, number: int, ahead: bool, grade: int) -> None:
        person = self.choose(number)
        step = person.look()
        picture = step.upcoming if ahead and step.upcoming else step.picture
        if picture is None:
            return
        answer = person.answer_to(picture, float(grade))
        person.send(answer)
        self.acknowledged[person.token][answer.key] = said(answer)
        self.last_sent[person.token] = answer

    @precondition(lambda self: self.last_sent)
    @rule(number=strategies.integers(0, 5))
    def send_again(self, number: int) -> None:
        """A double click, or a connection lost before the answer came."""
        person = self.choose(number)
        if person.token in self.last_sent and self.is_used(person):
            person.send(self.last_sent[person.token])

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def answer_late(self, number: int) -> None:
        """An answer to what went back while the person was away; it counts or is refused, never both."""
        person = self.choose(number)
        step = person.look()
        self.now += timedelta(seconds=61)
        self.give_back()
        for other in range(len(self.people)):
            if self.people[other] is not person:
                self.rate(other, ahead=False, grade=2)
        person.now = self.now
        if step.picture:
            answer = person.answer(step)
            try:
                person.send(answer)
            except AnnotateError:
                return
            self.acknowledged[person.token][answer.key] = said(answer)

    @rule()
    def give_back(self) -> None:
        """What everybody's requests do now and then."""
        with self.database.write() as db:
            live.reclaim_expired(db.connection(), self.study_id, self.now, self.unit)

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def undo(self, number: int) -> None:
        person = self.choose(number)
        if person.look().can_undo:
            person.undo()
            with self.database.read() as db:
                live = set(db.scalars(select(Rating.key).where(Rating.undone_at.is_(None))))
            gone = self.acknowledged[person.token].keys() - live
            assert len(gone) == 1
            del self.acknowledged[person.token][gone.pop()]

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def lose_power(self, number: int) -> None:
        """Whatever was going on is not committed, and not acknowledged."""
        person = self.choose(number)
        step = person.look()
        if step.picture is None:
            return
        answer = person.answer(step)

        def work(db: Any) -> None:
            sitting.rate(db, person.token, answer, self.now)
            raise KeyError

        with pytest.raises(KeyError):
            self.database.transact(work)

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def go_on_to_another_sitting(self, number: int) -> None:
        person = self.choose(number)
        if person.look().can_finish and person.finish().can_start_another:
            person.start_another()

    @rule(seconds=strategies.sampled_from([20, 61, 200]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def withdraw(self, number: int) -> None:
        person = self.choose(number)
        person.withdraw()
        self.people.remove(person)
        del self.acknowledged[person.token]
        self.last_sent.pop(person.token, None)

    @precondition(lambda self: self.people)
    @rule(number=strategies.integers(0, 5))
    def screen(self, number: int) -> None:
        """Reject somebody's votes, or take them back in."""
        person = self.choose(number)
        used = self.is_used(person)
        with self.database.write() as db:
            participant, _ = links.open_link(db, person.token)
            queries.participants.set_votes_used(db, participant.id, not used, "", self.now)
        self.reinstated += not used

    def is_used(self, person: Person) -> bool:
        with self.database.read() as db:
            return links.open_link(db, person.token)[0].votes_used

    @invariant()
    def counters_are_what_they_count(self) -> None:
        with self.database.read() as db:
            held = (
                select(UNITS[self.unit].column, Assignment.state)
                .join(Participant, Participant.id == Assignment.participant_id)
                .where(Assignment.occurrence == 0, Participant.votes_used, Assignment.state.in_(LIVE))
            )
            live = Counter((row[0], row[1]) for row in db.execute(held))
            table: Any = UNITS[self.unit].table
            for each in db.scalars(select(table)):
                rated = live[each.id, AssignmentState.RATED]
                assert each.rated == rated
                assert each.taken == rated + live[each.id, AssignmentState.LEASED]
                if each.kind is ItemKind.RATED:
                    wanted = each.wanted if isinstance(each, Pair) else self.wanted
                    assert each.taken <= wanted + self.reinstated

    @invariant()
    def nothing_acknowledged_is_lost_or_double(self) -> None:
        with self.database.read() as db:
            rows = db.scalars(select(Rating).where(Rating.undone_at.is_(None)))
            live = [(row.key, said(row)) for row in rows]
            rated = db.scalar(
                select(func.count()).select_from(Assignment).where(Assignment.state == AssignmentState.RATED)
            )
        expected = {key: grade for answers in self.acknowledged.values() for key, grade in answers.items()}
        assert dict(live) == expected
        assert len(live) == rated == len(expected)

    @invariant()
    def repeats_come_late_and_once(self) -> None:
        with self.database.read() as db:
            rows = db.scalars(select(Assignment).order_by(Assignment.participant_id, Assignment.id)).all()
        for repeat in (row for row in rows if row.kind is ItemKind.REPEAT):
            before = [row for row in rows if row.participant_id == repeat.participant_id and row.id < repeat.id]
            units = [(row.stimulus_id, row.pair_id) for row in before]
            unit = (repeat.stimulus_id, repeat.pair_id)
            assert units.count(unit) == 1
            assert len(units) - units.index(unit) > REPEAT_GAP
            assert repeat.pair_id is None or before[units.index(unit)].turned is not repeat.turned


class GraderOfScales(Person):
    """Somebody who grades on every scale, each time otherwise, and says why now and then."""

    def answer_to(self, item: ShownItem, grade: float | None = 3.0, **values: Any) -> Answer:
        others = {each.name: 1.0 + (self.answers + at) % 5 for at, each in enumerate(FOUR_SCALES)}
        reasons = REASONS[: self.answers % 3]
        return super().answer_to(item, grade, **{"more_grades": others, "reasons": reasons, **values})


class StudyOfScales(Study):
    """The same history, of a study with four scales and reasons."""

    person = GraderOfScales
    protocol: Mapping[str, Any] = {"more_scales": FOUR_SCALES, "reasons": REASONS}


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.slow
@pytest.mark.parametrize("study", [Study, StudyOfScales])
def test_histories(study: type[Study], sqlite_template: Path) -> None:
    run_histories(study, sqlite_template)


def run_histories(study: type[Study], template: Path) -> None:
    study.template = template
    machine = study.TestCase
    machine.settings = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()


def test_stimuli_fill_evenly(database: Database) -> None:
    """Each is given only if none with fewer places taken is left for this participant."""
    study_id = new_study(database, images=9, ratings_wanted=4, **QUICK)
    people = [Person(database, study_id) for _ in range(5)]
    steps = [person.start() for person in people]
    chance = random.Random(7)  # noqa: S311
    while any(step.picture for step in steps):
        index = chance.choice([number for number, step in enumerate(steps) if step.picture])
        seen = {name for _, name in order(database, people[index])}
        with database.read() as db:
            taken = {row.name: row.taken for row in db.execute(select(Stimulus.name, Stimulus.taken))}
        steps[index] = people[index].rate(steps[index])
        for new in {name for _, name in order(database, people[index])} - seen:
            assert taken[new] == min(count for name, count in taken.items() if name not in seen)
    assert set(ratings_of_stimuli(database).values()) == {4}


def test_everybody_has_an_order_of_their_own(database: Database) -> None:
    study_id = new_study(database, images=12, ratings_wanted=20, **QUICK)
    people = [Person(database, study_id) for _ in range(4)]
    for person in people:
        person.rate_all(person.start())
    orders = {tuple(order(database, person)) for person in people}
    assert len(orders) == 4
    assert {frozenset(each) for each in orders} == {frozenset(next(iter(orders)))}


def test_checks_come_once_in_every_ten_items(database: Database) -> None:
    person = Person(database, new_study(database, images=40, gold=6, traps=6, break_every=0, sitting_items=50))
    person.rate_all(person.start())
    kinds = [kind for kind, _ in order(database, person)]
    assert len(kinds) == 50
    for start in range(0, 50, 10):
        block = Counter(kinds[start : start + 10])
        assert block[ItemKind.GOLD] == block[ItemKind.TRAP] == block[ItemKind.REPEAT] == 1


def test_checks_come_at_places_that_cannot_be_learnt(database: Database) -> None:
    study_id = new_study(database, images=30, gold=9, **{**QUICK, "gold_every": 10}, sitting_items=30)
    positions = set()
    for _ in range(3):
        person = Person(database, study_id)
        person.rate_all(person.start())
        positions.add(tuple(index for index, (kind, _) in enumerate(order(database, person)) if kind is ItemKind.GOLD))
    assert len(positions) > 1  # of 512 that there are


def test_twenty_people_at_once_fill_a_study_exactly(database: Database) -> None:
    study_id = new_study(database, images=6, ratings_wanted=12, **QUICK)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    rate_together(database, code, 20)
    assert set(ratings_of_stimuli(database).values()) == {12}
    assert len(ratings_of_stimuli(database)) == 6


def start_rater(database_url: str, code: str, people: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.annotate.rater", database_url, code, str(people)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_share_one_study(database: Database, database_url: str) -> None:
    study_id = new_study(database, images=8, ratings_wanted=6, **QUICK)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    keys = [
        key
        for process in [start_rater(database_url, code, 4) for _ in range(2)]
        for key in process.communicate()[0].split()
    ]
    assert set(ratings_of_stimuli(database).values()) == {6}
    with database.read() as db:
        assert sorted(row.key for row in queries.ratings.stream_ratings(db, study_id)) == sorted(keys)


@pytest.mark.slow
def test_a_killed_process_loses_nothing_it_acknowledged(database: Database, database_url: str) -> None:
    study_id = new_study(database, images=60, ratings_wanted=20, lease_s=60, sitting_items=1000, **QUICK)
    with database.read() as db:
        code = queries.studies.get_study(db, study_id).join_code
    acknowledged: list[str] = []
    for kept in (1, 17):
        process = start_rater(database_url, code, 3)
        assert process.stdout
        acknowledged += [process.stdout.readline().strip() for _ in range(kept)]
        process.kill()
        acknowledged += process.communicate()[0].split()
    with database.read() as db:
        stored = [row.key for row in queries.ratings.stream_ratings(db, study_id)]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) <= len(acknowledged) + 6  # one of each of the killed may be unknown to it
    person = Person(database, study_id)
    person.now = NOW + timedelta(days=3650)  # what they held is given again
    person.rate_all(person.start())
    with database.read() as db:
        taken = db.scalar(select(func.sum(Stimulus.taken)))
    assert taken == len(stored) + 60
