"""What people answer in their sittings arrives in the statistics as it was, whole and of the right kind."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from statistics import mean, stdev
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy.orm import Session

from annotate import queries
from annotate.analysis import apply_screening, load_votes, mos_table, screen_study
from annotate.database.engine import open_database
from annotate.database.tables import Stimulus
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.queries.records import Answer
from annotate.rating import links, sitting
from annotate.rating.steps import Step, StepKind
from annotate.statistics.findings import Check
from annotate.statistics.ratings import Ratings
from annotate.stimuli.files import Candidate
from tests.annotate.studies import NOW, candidates, make_study, picture

PICTURES, PEOPLE, CLICKERS = 20, 8, 2
GOLDS = TRAPS = 6
RATED = [(f"{number:03}.png", 1 + 4 * number / PICTURES) for number in range(PICTURES)]
"""The pictures that are rated, with what an attentive person sees in them: they get better with their number."""
PROTOCOL = StudyProtocol(
    ratings_wanted=PEOPLE, sitting_items=PICTURES + 20, gold_every=7, trap_every=7, repeat_every=7, break_every=0,
    training_count=1,
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """One answer as the participant remembers it."""

    pseudonym: str
    stimulus: str
    grade: float
    response_ms: int


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, int, list[Given]]]:
    """A study rated by everybody in sittings of their own; the first CLICKERS click at random."""
    folder = tmp_path_factory.mktemp("study")
    with closing(open_database(f"sqlite:///{folder / 'ratings.sqlite3'}")) as database:
        study_id = make_study(database, folder, offered(), protocol=PROTOCOL)
        with database.write() as db:
            queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
            right = {each.sha256: (each.name, right_grade(each)) for each in queries.stimuli.all_stimuli(db, study_id)}
            given = [answer for person in range(PEOPLE) for answer in rate_everything(db, study_id, right, person)]
            yield db, study_id, given


def offered() -> list[Candidate]:
    """Return pictures to rate, and gold, trap and training items."""
    extra = [
        Candidate(f"{kind.name}{number}", partial(picture, 500 + 50 * kind + number), kind=kind, expected=grade)
        for kind, count in ((ItemKind.GOLD, GOLDS), (ItemKind.TRAP, TRAPS), (ItemKind.TRAINING, 1))
        for number, grade in zip(range(count), (1.0, 5.0, 2.0, 4.0, 5.0, 1.0), strict=False)
    ]
    return candidates(PICTURES) + extra


def right_grade(stimulus: Stimulus) -> float:
    """Return what an attentive person would answer."""
    return stimulus.expected if stimulus.expected is not None else dict(RATED)[stimulus.name]


def rate_everything(db: Session, study_id: int, right: dict[str, tuple[str, float]], person: int) -> list[Given]:
    """Join, rate to the end of the sitting, and return what was answered, training aside."""
    token = sitting.join(db, queries.studies.get_study(db, study_id).join_code, NOW)
    sitting.give_consent(db, token, NOW)
    step = sitting.record_screen(db, token, NOW, device="d", result={}, passed=True)
    pseudonym = links.open_link(db, token)[0].pseudonym
    answers: list[Given] = []
    while step.kind in (StepKind.TRAINING, StepKind.RATE):
        answer, step = answered(db, token, step, right, person, number=len(answers))
        answers += [replace(answer, pseudonym=pseudonym)] * (not answer.stimulus.startswith("TRAINING"))
    assert step.kind is StepKind.FINISH
    sitting.finish(db, token, NOW)
    return answers


def answered(
    db: Session, token: str, step: Step, right: dict[str, tuple[str, float]], person: int, *, number: int
) -> tuple[Given, Step]:
    """Answer what is shown; return that and the next step."""
    assert step.picture is not None
    name, quality = right[step.picture.pictures[0].sha256]
    grade, response_ms = answer_of(person, name, quality), 900 + 50 * number
    sent = Answer(str(uuid4()), step.picture.assignment_id, grade, response_ms=response_ms)
    outcome = sitting.rate(db, token, sent, NOW + timedelta(seconds=5 * number))
    return Given("", name, grade, response_ms), outcome.step


def answer_of(person: int, name: str, quality: float) -> float:
    """Return what a person answers to a picture, whenever it is shown: the order differs from run to run."""
    chance = random.Random(f"{person}/{name}")  # noqa: S311
    if person < CLICKERS:
        return float(chance.randint(1, 5))
    noise = 0.0 if name.startswith("TRAP") else 0.5
    return float(min(5, max(1, round(chance.gauss(quality, noise)))))


def rows_of(ratings: Ratings) -> list[Given]:
    """Return the ratings as their participants would remember them, in their order."""
    order = np.lexsort((ratings.sequence, ratings.participant))
    return [
        Given(
            ratings.participant_ids[ratings.participant[row]],
            ratings.stimulus_ids[ratings.stimulus[row]],
            float(ratings.grade[row]),
            int(ratings.response_ms[row]),
        )
        for row in order
    ]


@pytest.mark.slow
def test_every_answer_arrives_once_in_its_order(run: tuple[Session, int, list[Given]]) -> None:
    db, study_id, given = run
    rows = rows_of(load_votes(db, study_id).ratings)
    for pseudonym in {answer.pseudonym for answer in given}:
        mine = [answer for answer in given if answer.pseudonym == pseudonym]
        assert [row for row in rows if row.pseudonym == pseudonym] == mine
    assert len(rows) == len(given)


def test_kinds_and_right_answers_arrive(run: tuple[Session, int, list[Given]]) -> None:
    db, study_id, _ = run
    ratings = load_votes(db, study_id).ratings
    names = np.array(ratings.stimulus_ids)[ratings.stimulus]
    for kind in (ItemKind.GOLD, ItemKind.TRAP):
        rows = ratings.kind == kind
        assert rows.sum() >= 2 * PEOPLE
        assert all(name.startswith(kind.name) for name in names[rows])
        assert set(ratings.expected[rows].tolist()) <= {1.0, 2.0, 4.0, 5.0}
    assert np.isnan(ratings.expected[ratings.kind == ItemKind.RATED]).all()
    repeats = {(row.pseudonym, row.stimulus) for row in rows_of(ratings.where(ratings.kind == ItemKind.REPEAT))}
    first = [(row.pseudonym, row.stimulus) for row in rows_of(ratings.where(ratings.kind == ItemKind.RATED))]
    assert len(repeats) >= 2 * PEOPLE
    assert repeats <= set(first)
    assert len(first) == len(set(first)) == PICTURES * PEOPLE


def test_mos_is_that_of_first_answers_to_pictures(run: tuple[Session, int, list[Given]]) -> None:
    db, study_id, given = run
    first: dict[tuple[str, str], float] = {}
    for answer in given:
        first.setdefault((answer.stimulus, answer.pseudonym), answer.grade)
    table = {row["stimulus"]: row for row in mos_table(db, study_id).rows()}
    assert sorted(table) == [f"{number:03}.png" for number in range(PICTURES)]
    for name, row in table.items():
        grades = [grade for (stimulus, _), grade in first.items() if stimulus == name]
        assert (row["mos"], row["sos"]) == pytest.approx((mean(grades), stdev(grades)))
        assert row["ratings"] == PEOPLE
        assert row["mos_p910"] is not None


def test_clickers_fail_their_sittings_and_nobody_else_does(run: tuple[Session, int, list[Given]]) -> None:
    db, study_id, given = run
    people = list(dict.fromkeys(answer.pseudonym for answer in given))
    _, screening = screen_study(db, study_id)
    rejected = {finding.participant for finding in screening.findings if finding.rejects_sitting}
    assert rejected == set(people[:CLICKERS])
    assert {finding.sitting for finding in screening.findings if finding.check is Check.TRAP} <= {
        f"{pseudonym}/1" for pseudonym in people[:CLICKERS]
    }


def test_applied_screening_brings_the_mos_back_to_that_of_the_attentive(
    run: tuple[Session, int, list[Given]],
) -> None:
    db, study_id, given = run
    people = list(dict.fromkeys(answer.pseudonym for answer in given))
    with db.begin_nested() as undone:
        assert set(apply_screening(db, study_id, NOW).falls) == set(people[:CLICKERS])
        table = mos_table(db, study_id)
        undone.rollback()
    assert set(table.ratings.tolist()) == {PEOPLE - CLICKERS}
    attentive = [
        mean(answer_of(person, name, quality) for person in range(CLICKERS, PEOPLE)) for name, quality in RATED
    ]
    assert table.mos == pytest.approx(attentive)
