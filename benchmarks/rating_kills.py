"""Ratings survive `kill -9`: a process that takes those of many people is killed at random moments, again and again.

    python -m benchmarks.rating_kills [--kills 100] [--studies single pairs …] [--databases sqlite postgresql]

People who were cut off come back and go on, each time with some newcomers. What was acknowledged must be stored once
and as it was sent, nobody must be asked twice, and what the killed held must go to others. `benchmarks/load_studies.py`
says which studies there are.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import LIVE, Assignment, Pair, Stimulus
from annotate.design.protocol import StudyProtocol
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.queries import live
from annotate.rating import sitting
from benchmarks.load_studies import DATABASES, STUDIES, temporary_database
from benchmarks.script import run_benchmark
from tests.annotate.rated import NOW, answer_by, new_study

ROOT = Path(__file__).parents[1]
RETURNING, NEWCOMERS = 8, 2
PER_KILL_S = 0.5
LEASE_S = 600


@dataclass
class Outcome:
    """What is left after the kills; all but `acknowledged`, `held` and `lopsided` must be 0.

    lost, changed:  acknowledged answers that are not stored, or not as they were sent
    twice:          answers that one participant gave to the same once more
    asked_twice:    pictures or pairs that one participant was given once more, beyond a planned repeat
    held:           places that the killed held; `kept` those that nobody gets when the leases ran out
    lopsided:       pairs of which one picture stood on the left more than once more often than the other
    broken:         what SQLite's own check of the file finds
    """

    acknowledged: list[str] = field(default_factory=list)
    lost: int = 0
    changed: int = 0
    twice: int = 0
    asked_twice: int = 0
    held: int = 0
    kept: int = 0
    lopsided: int = 0
    broken: int = 0

    @property
    def failures(self) -> int:
        """How much went wrong."""
        return self.lost + self.changed + self.twice + self.asked_twice + self.kept + self.broken


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="of each study in each database")
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    options = parser.parse_args()
    kills(options.kills, options.studies, options.databases)


def kills(count: int, studies: Sequence[str] = tuple(STUDIES), databases: Sequence[str] = ("sqlite",)) -> None:
    """Print a row for each study in each database."""
    print(f"kill -9 at {count} random moments while {RETURNING + NEWCOMERS} people answer as fast as they can")
    names = ("acknowledged", "lost", "changed", "twice", "asked twice", "held", "kept", "lopsided", "broken")
    print(f"  {'study':<9}{'database':<12}" + "".join(f"{name:>{2 + max(5, len(name))}}" for name in names))
    for study, database in product(studies, databases):
        with temporary_database(database) as (opened, _):
            found = kill_while_rating(opened, count, STUDIES[study])
        values = (
            len(found.acknowledged), found.lost, found.changed, found.twice, found.asked_twice, found.held, found.kept,
            found.lopsided, found.broken,
        )  # fmt: skip
        row = "".join(f"{value:>{2 + max(5, len(name))}}" for name, value in zip(names, values, strict=True))
        print(f"  {study:<9}{database:<12}{row}", flush=True)


def kill_while_rating(database: Database, count: int, study: Mapping[str, Any]) -> Outcome:
    """Make a study as `new_study` takes it, and kill so often those who take its ratings; return what is left."""
    found = Outcome()
    study_id = new_study(database, lease_s=LEASE_S, **study)
    with database.read() as db:
        made = queries.studies.get_study(db, study_id)
    code, protocol, url = made.join_code, made.protocol, database.engine.url.render_as_string(hide_password=False)
    returning = [_join(database, code) for _ in range(RETURNING)]
    for _ in range(count):
        found.acknowledged += _kill_raters(url, code, returning)
    _look_at_answers(database, study_id, protocol, found)
    _look_at_places(database, study_id, method_of(protocol).unit, found)
    return found


def _join(database: Database, code: str) -> str:
    return database.transact(lambda db: sitting.join(db, code, NOW))


def _kill_raters(url: str, code: str, returning: Sequence[str]) -> list[str]:
    """Return the keys that were acknowledged until the process was killed."""
    command = [sys.executable, "-m", "tests.annotate.rater", url, code, str(NEWCOMERS), *returning]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, cwd=ROOT, stdout=told)  # noqa: S603
        while not os.fstat(told.fileno()).st_size and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, PER_KILL_S))  # noqa: S311
        process.kill()
        process.wait()
        told.seek(0)
        return told.read().split()


def _look_at_answers(database: Database, study_id: int, protocol: StudyProtocol, found: Outcome) -> None:
    """Compare what is stored with what was acknowledged: an answer follows from its key alone."""
    with database.read() as db:
        grades = list(queries.ratings.stream_ratings(db, study_id))
        preferences = list(queries.ratings.stream_comparisons(db, study_id))
    stored: dict[str, tuple[object, ...]] = {row.key: (row.grade, row.more_grades, None, row.reasons) for row in grades}
    stored |= {row.key: (None, None, row.preferred, row.reasons) for row in preferences}
    for key in found.acknowledged:
        sent = answer_by(key, 0, protocol)
        found.lost += key not in stored
        found.changed += key in stored and stored[key] != (
            sent.grade, sent.more_grades, sent.preferred, sent.reasons,
        )  # fmt: skip
    answers = Counter((row.participant, row.stimulus, row.kind) for row in grades)
    compared = Counter((row.participant, frozenset((row.left, row.right)), row.kind) for row in preferences)
    found.twice = sum(answers.values()) - len(answers) + sum(compared.values()) - len(compared)


def _look_at_places(database: Database, study_id: int, unit: Unit, found: Outcome) -> None:
    """Count what people were given, and what is free again when the leases of the killed ran out."""
    table = Pair if unit is Unit.PAIR else Stimulus
    places = select(func.sum(table.taken - table.rated)).where(table.study_id == study_id)
    given = (
        select(Assignment.participant_id, Assignment.stimulus_id, Pair.first_id, Pair.second_id, Assignment.occurrence)
        .outerjoin(Pair, Pair.id == Assignment.pair_id)
        .where(Assignment.study_id == study_id)
    )
    with database.write() as db:
        counts = Counter(tuple(row) for row in db.execute(given))
        found.asked_twice = sum(counts.values()) - len(counts)
        found.lopsided = sum(abs(straight - turned) > 1 for straight, turned in sides(db))
        found.held = db.scalar(places) or 0
        late = datetime.now(UTC) + timedelta(seconds=2 * LEASE_S)
        while live.reclaim_expired(db.connection(), study_id, late, unit):
            pass
        found.kept = db.scalar(places) or 0
        if database.sqlite_path:
            found.broken = db.scalar(text("PRAGMA integrity_check")) != "ok"


def sides(db: Session) -> list[tuple[int, int]]:
    """Return how often each pair is leased or rated as it is and how often turned."""
    held = select(Assignment.pair_id, Assignment.turned).where(
        Assignment.pair_id.is_not(None), Assignment.state.in_(LIVE), Assignment.occurrence == 0
    )
    counts = Counter((pair, turned) for pair, turned in db.execute(held))
    return [(counts[pair, False], counts[pair, True]) for pair in {pair for pair, _ in counts}]


if __name__ == "__main__":
    run_benchmark(main)
