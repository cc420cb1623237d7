"""What the store of ratings carries: the tables `people`, `kills` and `next` of `python -m benchmarks.labelling`.

All on a SQLite file in the folder for temporary files, which must be a local disk for the figures to mean anything;
the disk's own rate of fdatasync stands beside them, since a rating is acknowledged when it is on disk.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text

from annotate import queries
from annotate.database.engine import Database, open_database
from annotate.database.tables import Pair, Stimulus
from annotate.design.protocol import StudyProtocol
from annotate.exchange.comparisons import comparisons_to_import
from annotate.exchange.imports import read_ratings
from annotate.methods import make_protocol
from annotate.methods.method import Unit
from annotate.queries import live
from annotate.queries.imports import ImportedRating
from annotate.queries.records import Answer
from annotate.rating import sitting
from annotate.rating.steps import ShownItem, Step
from tests.annotate.rated import NOW, new_study, stimuli

ROOT = Path(__file__).parents[1]
CGFIQA_IMAGES, CGFIQA_RATINGS = 39_312, 20
PAIRED_IMAGES = 2000
UNLIMITED = {"sitting_items": 10_000, "sitting_limit_s": 14_400, "break_every": 0}
CHECKS = {"gold": 200, "traps": 200}
PER_KILL_S = 0.5


def people_at_once(seconds: float) -> None:
    """Many rate as fast as they can, in a study of CGFIQA's size with gold, traps and repeats."""
    print(f"people who rate as fast as they can for {seconds:.0f} s, {CGFIQA_IMAGES:,} stimuli, synchronous=FULL")
    print(
        f"  {'people':>6}{'ratings/s':>11}{'p50 ms':>9}{'p95 ms':>9}{'errors':>8}{'lost':>6}{'twice':>7}{'syncs/s':>9}"
    )
    for people in (1, 20, 200):
        with temporary_database() as (database, folder):
            new_study(database, images=CGFIQA_IMAGES, **CHECKS, **UNLIMITED)
            syncs = syncs_per_second(folder)
            crowd = rate_for(database, people, seconds)
            lost, twice = compare(database, crowd.keys)
        p50, p95 = np.percentile(crowd.latencies_s, (50, 95)) * 1000
        rate = len(crowd.keys) / seconds
        print(f"  {people:>6}{rate:>11.0f}{p50:>9.1f}{p95:>9.1f}{crowd.errors:>8}{lost:>6}{twice:>7}{syncs:>9.0f}")
    print("  goals: p95 <= 50 ms with 20 people, <= 500 ms with 200; 500 ratings/s if the disk allows; nothing lost")


@dataclass
class Crowd:
    """What a crowd was told: keys that were acknowledged, and how long each rating took."""

    keys: list[str] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    errors: int = 0


def rate_for(database: Database, people: int, seconds: float) -> Crowd:
    """Let so many people rate at once; each in a thread, as the app serves them."""
    crowd = Crowd()
    tokens = [enter(database) for _ in range(people)]
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=_rate_until, args=(database, *each, deadline, crowd)) for each in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return crowd


def enter(database: Database) -> tuple[str, Step]:
    """Join, consent and pass the screen check."""
    with database.read() as db:
        code = queries.studies.list_studies(db)[0].join_code
    token = database.transact(lambda db: sitting.join(db, code, NOW))
    database.transact(lambda db: sitting.give_consent(db, token, NOW))
    step = database.transact(
        lambda db: sitting.record_screen(db, token, NOW, device="x", result={"pixel_ratio": 1}, passed=True)
    )
    return token, step


def _rate_until(database: Database, token: str, step: Step, deadline: float, crowd: Crowd) -> None:
    number = 0
    while step.picture and time.monotonic() < deadline:
        number += 1
        answer = _answer(f"{token[:24]}-{number}", step.picture)
        started = time.perf_counter()
        try:
            outcome = database.transact(partial(sitting.rate, token=token, answer=answer, now=datetime.now(UTC)))
        except Exception:  # noqa: BLE001  any is a failure to be counted
            crowd.errors += 1
            return
        crowd.latencies_s.append(time.perf_counter() - started)
        crowd.keys.append(answer.key)
        step = outcome.step


def _answer(key: str, picture: ShownItem) -> Answer:
    grade = float(random.randint(1, 5))  # noqa: S311
    return Answer(key, picture.assignment_id, grade, response_ms=900, width_px=512.0, height_px=512.0, pixel_ratio=1.0)


def compare(database: Database, acknowledged: Sequence[str]) -> tuple[int, int]:
    """Return how many acknowledged ratings are not stored, and how many answers are stored twice."""
    with database.read() as db:
        stored = [(row.key, row.participant, row.stimulus, row.kind) for row in queries.ratings.stream_ratings(db, 1)]
        stored += [
            (row.key, row.participant, " ".join(sorted((row.left, row.right))), row.kind)
            for row in queries.ratings.stream_comparisons(db, 1)
        ]
    answers = Counter(row[1:] for row in stored)
    return len(set(acknowledged) - {row[0] for row in stored}), sum(answers.values()) - len(answers)


def import_of_votes(votes: int = 250_000, people: int = 2_500, images: int = 12_500) -> None:
    """Time of reading a table of votes and of storing them, by the clock and of the processor."""
    chance = random.Random(1)  # noqa: S311
    with temporary_database() as (database, folder):
        with database.write() as db:
            study = queries.studies.create_study(db, "imported", StudyProtocol(), NOW)
            queries.stimuli.add_stimuli(db, study.id, stimuli(images), NOW)
        table = folder / "votes.csv"
        given = (divmod(number, votes // people) for number in range(votes))
        rows = (
            f"rated-{(person * votes // people + place) % images}.png,p{person},{chance.randint(1, 5)}"
            for person, place in given
        )
        table.write_text("\n".join(["stimulus,participant,grade", *rows]), encoding="utf-8")
        print(f"import of {votes:,} votes (goal: 10 s){'wall s':>20}{'CPU s':>8}")
        clock, processor = time.perf_counter(), time.process_time()
        ratings = read_ratings(table, study.protocol, NOW).ratings
        print(f"  {'read and checked':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}")
        with database.write() as db:
            queries.imports.import_ratings(db, study.id, ratings, NOW)
        print(
            f"  {'stored, all together':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}"
        )


def import_of_comparisons(answers: int = 250_000, people: int = 1_250, images: int = 1_000) -> None:
    """Time of reading a table of comparisons inside sources of twenty pictures, and of storing them."""
    chance = random.Random(1)  # noqa: S311
    names = [f"scene{number // 20:03}/{number:05}.png" for number in range(images)]
    pairs = [pair for first in range(0, images, 20) for pair in combinations(names[first : first + 20], 2)]
    with temporary_database() as (database, folder):
        files = [replace(each, name=name, source=name[:8]) for each, name in zip(stimuli(images), names, strict=True)]
        with database.write() as db:
            study = queries.studies.create_study(db, "compared", make_protocol({"method": "pairs"}), NOW)
            queries.stimuli.add_stimuli(db, study.id, files, NOW)
        rows = (
            f"{left},{right},p{person},{chance.choice(('left', 'none', 'right'))},{chance.randint(400, 9000)}"
            for person in range(people)
            for left, right in chance.sample(pairs, answers // people)
        )
        table = folder / "comparisons.csv"
        table.write_text("\n".join(["left,right,participant,preferred,response_ms", *rows]), encoding="utf-8")
        print(f"import of {answers:,} comparisons (goal: 10 s){'wall s':>14}{'CPU s':>8}")
        clock, processor = time.perf_counter(), time.process_time()
        read = comparisons_to_import(table, study.protocol)
        print(f"  {'read and checked':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}")
        with database.write() as db:
            queries.pair_imports.import_comparisons(db, study.id, read, NOW)
        print(
            f"  {'stored, all together':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}"
        )


def kills(count: int) -> None:
    """Kill a process that takes ratings of ten people, again and again, at random moments; then one of comparisons."""
    _kill_while_rating(count, Unit.STIMULUS, images=CGFIQA_IMAGES, **CHECKS)
    _kill_while_rating(count, Unit.PAIR, images=PAIRED_IMAGES, method="pairs", repeat_every=0)


def _kill_while_rating(count: int, unit: Unit, **study: Any) -> None:
    acknowledged: list[str] = []
    places = Pair if unit is Unit.PAIR else Stimulus
    with temporary_database() as (database, _):
        new_study(database, lease_s=60, **study, **UNLIMITED)
        with database.read() as db:
            code = queries.studies.list_studies(db)[0].join_code
        for _ in range(count):
            acknowledged += _kill_raters(str(database.engine.url), code, people=10)
        lost, twice = compare(database, acknowledged)
        with database.write() as db:
            intact = db.scalar(text("PRAGMA integrity_check"))
            held = db.scalar(select(func.sum(places.taken - places.rated)))
            while live.reclaim_expired(db.connection(), 1, datetime.now(UTC) + timedelta(minutes=2), unit):
                pass
            left = db.scalar(select(func.sum(places.taken - places.rated)))
    print(f"kill -9 at {count} random moments under load")
    print(f"  {len(acknowledged):,} {unit} ratings acknowledged, {lost} of them lost, {twice} stored twice", end="")
    print(f"; integrity {intact}")
    print(f"  leases held by the killed: {held}, still held after they ran out: {left}")


def _kill_raters(url: str, code: str, people: int) -> list[str]:
    command = [sys.executable, "-m", "tests.annotate.rater", url, code, str(people)]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, cwd=ROOT, stdout=told)  # noqa: S603
        while not os.fstat(told.fileno()).st_size and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, PER_KILL_S))  # noqa: S311
        process.kill()
        process.wait()
        told.seek(0)
        return told.read().split()


def next_stimulus(answers: int) -> None:
    """Time a rating with the choice of the next stimulus as a study of CGFIQA's size fills, one person at a time."""
    print(
        f"storing a rating and choosing the next of {CGFIQA_IMAGES:,} stimuli (goal: p95 <= 20 ms), {answers} answers"
    )
    print(f"  {'study':<12}{'p50 ms':>9}{'p95 ms':>9}{'largest':>9}")
    with temporary_database() as (database, _):
        new_study(database, images=CGFIQA_IMAGES, **CHECKS, **UNLIMITED)
        for name, upto in (("beginning", 0.0), ("middle", 0.5), ("end", 0.9995)):
            _fill(database, upto)
            times_ms = 1000 * np.array(list(_answer_alone(database, answers)))
            p50, p95 = np.percentile(times_ms, (50, 95))
            print(f"  {name:<12}{p50:>9.1f}{p95:>9.1f}{times_ms.max():>9.1f}")
    print(f"  peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def _fill(database: Database, share: float) -> None:
    """Add ratings until such a share of those wanted is there."""
    with database.write() as db:
        stimuli = db.execute(select(Stimulus.name, Stimulus.taken).where(Stimulus.kind == 0)).all()
        missing = [(name, place) for name, taken in stimuli for place in range(taken, CGFIQA_RATINGS)]
        missing.sort(key=lambda pair: pair[1])
        needed = int(share * CGFIQA_IMAGES * CGFIQA_RATINGS) - sum(taken for _, taken in stimuli)
        rows = (ImportedRating(name, f"filled-{share}-{place}", 3.0) for name, place in missing[: max(0, needed)])
        queries.imports.import_ratings(db, 1, rows, NOW)


def _answer_alone(database: Database, answers: int) -> Iterator[float]:
    """Yield the time of each transaction up to its commit; what the disk takes then is not the choice's."""
    token, step = enter(database)
    for number in range(answers):
        while step.picture is None:
            token, step = enter(database)
        answer = _answer(f"{token[:24]}-{number}", step.picture)
        with database.write() as db:
            started = time.perf_counter()
            step = sitting.rate(db, token, answer, datetime.now(UTC)).step
            db.flush()
            yield time.perf_counter() - started


def syncs_per_second(folder: Path, seconds: float = 1.0) -> float:
    """Return how often the disk takes a small write for good in a second."""
    count, deadline = 0, time.monotonic() + seconds
    with (folder / "syncs").open("wb", buffering=0) as file:
        while time.monotonic() < deadline:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            count += 1
    return count / seconds


@contextmanager
def temporary_database() -> Iterator[tuple[Database, Path]]:
    """Give a new database and its folder."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/ratings.sqlite3")
        yield database, Path(folder)
        database.close()
