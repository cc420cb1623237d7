"""What the store of ratings carries: tables `people`, `people-studies`, `next`, `import` of benchmarks/labelling.py.

All on a SQLite file in the folder for temporary files, which must be a local disk for the figures to mean anything;
the disk's own rate of fdatasync stands beside them, since a rating is acknowledged when it is on disk.
"""

import os
import random
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import combinations, product
from pathlib import Path

import numpy as np
from sqlalchemy import select

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Stimulus
from annotate.design.protocol import StudyProtocol
from annotate.exchange.comparisons import comparisons_to_import
from annotate.exchange.imports import read_ratings
from annotate.methods import make_protocol
from annotate.queries.imports import ImportedRating
from annotate.queries.records import Answer
from annotate.rating import sitting
from annotate.rating.steps import ShownItem, Step
from benchmarks.load_studies import CGFIQA_IMAGES, STUDIES, temporary_database
from tests.annotate.rated import NOW, answer_by, new_study, stimuli

CGFIQA_RATINGS = 20


def people_at_once(
    seconds: float,
    studies: Sequence[str] = ("single",),
    databases: Sequence[str] = ("sqlite",),
    crowds: Sequence[int] = (1, 20, 200),
) -> None:
    """Many rate as fast as they can, in studies of `benchmarks/load_studies.py`."""
    print(f"people who rate as fast as they can for {seconds:.0f} s, every answer on disk before it is acknowledged")
    names = ("people", "ratings/s", "p50 ms", "p95 ms", "errors", "lost", "twice", "syncs/s")
    print(f"  {'study':<9}{'database':<12}" + "".join(f"{name:>{3 + max(4, len(name))}}" for name in names))
    for study, where, people in product(studies, databases, crowds):
        with temporary_database(where) as (database, folder):
            new_study(database, **STUDIES[study])
            syncs = syncs_per_second(folder)
            crowd = rate_for(database, people, seconds)
            lost, twice = compare(database, crowd.keys)
        p50, p95 = np.percentile(crowd.latencies_s, (50, 95)) * 1000
        values = (people, len(crowd.keys) / seconds, p50, p95, crowd.errors, lost, twice, syncs)
        row = "".join(f"{value:>{3 + max(4, len(name))}.0f}" for name, value in zip(names, values, strict=True))
        print(f"  {study:<9}{where:<12}{row}", flush=True)
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
    with database.read() as db:
        protocol = queries.studies.list_studies(db)[0].protocol
    tokens = [enter(database) for _ in range(people)]
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_rate_until, args=(database, *each, protocol, deadline, crowd)) for each in tokens
    ]
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


def _rate_until(
    database: Database, token: str, step: Step, protocol: StudyProtocol, deadline: float, crowd: Crowd
) -> None:
    number = 0
    while step.picture and time.monotonic() < deadline:
        number += 1
        answer = _answer(f"{token[:24]}-{number}", step.picture, protocol)
        started = time.perf_counter()
        try:
            outcome = database.transact(partial(sitting.rate, token=token, answer=answer, now=datetime.now(UTC)))
        except Exception:  # noqa: BLE001  any is a failure to be counted
            crowd.errors += 1
            return
        crowd.latencies_s.append(time.perf_counter() - started)
        crowd.keys.append(answer.key)
        step = outcome.step


def _answer(key: str, picture: ShownItem, protocol: StudyProtocol) -> Answer:
    given = answer_by(key, picture.assignment_id, protocol)
    return replace(given, width_px=512.0, height_px=512.0, pixel_ratio=1.0)


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
        read = comparisons_to_import(table, study.protocol).comparisons
        print(f"  {'read and checked':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}")
        with database.write() as db:
            queries.pair_imports.import_comparisons(db, study.id, read, NOW)
        print(
            f"  {'stored, all together':<48}{time.perf_counter() - clock:>8.2f}{time.process_time() - processor:>8.2f}"
        )


def next_stimulus(answers: int) -> None:
    """Time a rating with the choice of the next stimulus as a study of CGFIQA's size fills, one person at a time."""
    print(
        f"storing a rating and choosing the next of {CGFIQA_IMAGES:,} stimuli (goal: p95 <= 20 ms), {answers} answers"
    )
    print(f"  {'study':<12}{'p50 ms':>9}{'p95 ms':>9}{'largest':>9}")
    with temporary_database() as (database, _):
        new_study(database, **STUDIES["single"])
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
        answer = _answer(f"{token[:24]}-{number}", step.picture, StudyProtocol())
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
