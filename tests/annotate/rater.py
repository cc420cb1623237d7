"""A process in which people rate as fast as they can: `python -m tests.annotate.rater URL JOIN_CODE PEOPLE`.

It prints the key of every rating once it is acknowledged, and ends when there is nothing left to rate, or is killed.
"""

import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from annotate.database.engine import Database, open_database
from annotate.queries.records import Answer
from annotate.rating import sitting
from annotate.rating.steps import StepKind

PRINTING = threading.Lock()


def rate_to_the_end(database: Database, join_code: str) -> None:
    """Join, and rate until the sitting is over."""
    token = database.transact(lambda db: sitting.join(db, join_code, _now()))
    database.transact(lambda db: sitting.give_consent(db, token, _now()))
    step = database.transact(
        lambda db: sitting.record_screen(db, token, _now(), device="x", result={"pixel_ratio": 1}, passed=True)
    )
    number = 0
    while step.kind not in (StepKind.FINISH, StepKind.END):
        if step.picture is None:
            time.sleep(0.01)
            step = database.transact(lambda db: sitting.next_step(db, token, _now()))
            continue
        number += 1
        given: dict[str, Any] = {"preferred": "left"} if len(step.picture.pictures) > 1 else {"grade": 3.0}
        answer = Answer(f"{token[:24]}-{number}", step.picture.assignment_id, response_ms=900, **given)
        step = database.transact(partial(sitting.rate, token=token, answer=answer, now=_now())).step
        with PRINTING:
            print(answer.key, flush=True)


def rate_together(database: Database, join_code: str, people: int) -> None:
    """Let so many rate at once, each in a thread."""
    threads = [threading.Thread(target=rate_to_the_end, args=(database, join_code)) for _ in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    rate_together(open_database(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
