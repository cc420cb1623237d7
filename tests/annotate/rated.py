"""Studies that can be rated, and people who rate them, without a page."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from annotate import queries
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.known_pairs import Preferred
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.methods import make_protocol, method_of
from annotate.methods.method import AnswerKind
from annotate.queries.records import Answer
from annotate.rating import sitting
from annotate.rating.steps import Outcome, ShownItem, Step, StepKind
from annotate.stimuli.files import StimulusFile

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def stimuli(count: int, kind: ItemKind = ItemKind.RATED, expected: float | None = None) -> list[StimulusFile]:
    names = [f"{kind.name.lower()}-{number}.png" for number in range(count)]
    return [
        StimulusFile(
            name, hashlib.sha256(name.encode()).hexdigest(), "PNG", 64, 48, 1000, kind=kind, expected=expected,
            score=float(number),
        )
        for number, name in enumerate(names)
    ]  # fmt: skip


def known_pairs(count: int, kind: ItemKind) -> list[StimulusFile]:
    """Return both pictures of so many pairs, the first the better one; in every third there is no difference."""
    return [
        replace(each, source=f"{kind.name} {at // 2}", expected=5.0 if at % 2 == 0 or at % 6 == 5 else 1.0)
        for at, each in enumerate(stimuli(2 * count, kind, 5.0))
    ]


def new_study(
    database: Database, *, images: int = 12, gold: int = 0, traps: int = 0, training: int = 0, **protocol: Any
) -> int:
    """Make an open study and return its id; where pairs are compared, with so many known and training pairs."""
    of_pairs = protocol.get("method") == "pairs"
    files = [
        *stimuli(images),
        *(known_pairs(gold, ItemKind.GOLD) if of_pairs else stimuli(gold, ItemKind.GOLD, 5.0)),
        *stimuli(traps, ItemKind.TRAP, 2.0),
        *(known_pairs(training, ItemKind.TRAINING) if of_pairs else stimuli(training, ItemKind.TRAINING, 3.0)),
    ]
    with database.write() as db:
        made = make_protocol(protocol) if "method" in protocol else StudyProtocol(**protocol)
        study = queries.studies.create_study(db, "faces", made, NOW)
        queries.stimuli.add_stimuli(db, study.id, files, NOW)
        queries.lifecycle.change_state(db, study.id, State.OPEN, NOW)
        return study.id


def answer_by(key: str, assignment_id: int, protocol: StudyProtocol) -> Answer:
    """Return an answer with everything that a study by this protocol asks for; it follows from its key alone."""
    chance = random.Random(key)  # noqa: S311
    reasons = tuple(sorted(chance.sample(protocol.reasons, chance.randint(0, len(protocol.reasons)))))
    if method_of(protocol).answer is AnswerKind.PREFERENCE:
        offered: tuple[Preferred, ...] = ("left", "right", "none")
        preferred = chance.choice(offered if protocol.offer_no_difference else offered[:2])
        return Answer(key, assignment_id, preferred=preferred, reasons=reasons, response_ms=900)
    grades = [float(chance.choice(protocol.scale.grades())) for _ in protocol.scale_names]
    further = dict(zip(protocol.scale_names[1:], grades[1:], strict=True)) or None
    return Answer(key, assignment_id, grades[0], more_grades=further, reasons=reasons, response_ms=900)


class Person:
    """A participant with a link and a clock; every action is a transaction of its own."""

    def __init__(self, database: Database, study_id: int, **joining: Any) -> None:
        self.database, self.now, self.answers = database, NOW, 0
        with database.read() as db:
            code = queries.studies.get_study(db, study_id).join_code
        self.token = database.transact(lambda db: sitting.join(db, code, self.now, **joining))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def start(self) -> Step:
        """Consent and pass the screen check."""
        self.consent()
        return self.check_screen()

    def consent(self) -> Step:
        return self.database.transact(lambda db: sitting.give_consent(db, self.token, self.now))

    def answer_questions(self, answers: Mapping[str, object]) -> Step:
        return self.database.transact(lambda db: sitting.answer_questions(db, self.token, self.now, answers))

    def check_screen(self, device: str = "desk", *, passed: bool = True, **measured: float) -> Step:
        result = {"pixel_ratio": 1.0, **measured}
        return self.database.transact(
            lambda db: sitting.record_screen(db, self.token, self.now, device=device, result=result, passed=passed)
        )

    def look(self, device: str | None = None) -> Step:
        return self.database.transact(lambda db: sitting.next_step(db, self.token, self.now, device=device))

    def answer(self, step: Step, grade: float | None = 3.0, **values: Any) -> Answer:
        """Return an answer to what a step shows, under a new key."""
        assert step.picture is not None
        return self.answer_to(step.picture, grade, **values)

    def answer_to(self, item: ShownItem, grade: float | None = 3.0, **values: Any) -> Answer:
        """Return an answer to an item; of a pair the left one is preferred for high grades, the right one for low."""
        self.answers += 1
        given: dict[str, Any] = {"grade": grade}
        if item.pictures[-1].role == "right":
            word: Any = "none" if grade in {None, 3} else "left" if grade and grade > 3 else "right"
            given = {"preferred": word}
        key = f"{self.token[:20]}-{self.answers}"
        return Answer(key, item.assignment_id, **{"response_ms": 1000, **given, **values})

    def send(self, answer: Answer) -> Outcome:
        return self.database.transact(lambda db: sitting.rate(db, self.token, answer, self.now))

    def rate(self, step: Step, grade: float = 3.0) -> Step:
        return self.send(self.answer(step, grade)).step

    def undo(self) -> Step:
        return self.database.transact(lambda db: sitting.undo(db, self.token, self.now))

    def end_break(self) -> Step:
        return self.database.transact(lambda db: sitting.end_break(db, self.token, self.now))

    def finish(self) -> Step:
        return self.database.transact(lambda db: sitting.finish(db, self.token, self.now))

    def start_another(self) -> Step:
        self.database.transact(lambda db: sitting.start_another(db, self.token, self.now))
        return self.check_screen()

    def withdraw(self) -> None:
        self.database.transact(lambda db: sitting.withdraw(db, self.token, self.now))

    def rate_all(self, step: Step, *, most: int = 10_000) -> Step:
        """Rate until there is something else to do."""
        while step.kind in (StepKind.RATE, StepKind.TRAINING) and most:
            step, most = self.rate(step), most - 1
        return step
