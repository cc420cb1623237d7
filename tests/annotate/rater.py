"""A process in which people rate as fast as they can: `python -m tests.annotate.rater URL JOIN_CODE PEOPLE [TOKEN …]`.

So many newcomers join, and whoever has a token comes back and goes on. It prints the key of every answer once it is
acknowledged, and ends when there is nothing left to rate, or is killed.
"""

import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from annotate import queries
from annotate.database.engine import Database, open_database
from annotate.errors import AnnotateError
from annotate.rating import sitting
from annotate.rating.steps import StepKind
from tests.annotate.rated import answer_by

PRINTING = threading.Lock()


def rate_to_the_end(database: Database, join_code: str, token: str) -> None:
    """Join, or come back with a token, and rate until the sitting is over."""
    token = token or database.transact(lambda db: sitting.join(db, join_code, _now()))
    with database.read() as db:
        study = queries.studies.study_by_join_code(db, join_code)
        if study is None:
            raise AnnotateError("There is no such study.")
        protocol = study.protocol
    database.transact(lambda db: sitting.give_consent(db, token, _now()))
    step = database.transact(
        lambda db: sitting.record_screen(db, token, _now(), device="x", result={"pixel_ratio": 1}, passed=True)
    )
    while step.kind not in (StepKind.FINISH, StepKind.END):
        if step.picture is None:
            time.sleep(0.01)
            step = database.transact(lambda db: sitting.next_step(db, token, _now()))
            continue
        number = step.picture.assignment_id
        answer = answer_by(f"{token[:24]}-{number}", number, protocol)
        step = database.transact(partial(sitting.rate, token=token, answer=answer, now=_now())).step
        with PRINTING:
            print(answer.key, flush=True)


def rate_together(database: Database, join_code: str, people: int, tokens: Sequence[str] = ()) -> None:
    """Let so many newcomers rate at once, and those who come back; each in a thread."""
    everybody = [*tokens, *[""] * people]
    threads = [threading.Thread(target=rate_to_the_end, args=(database, join_code, each)) for each in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    rate_together(open_database(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
