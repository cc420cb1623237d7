"""What the pages of labelling work with: the settings and the database, which is opened beside everything else.

The page is served before the database is there, and without it if it cannot be opened: only what needs it says so.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitError
from datetime import UTC, datetime

from annotate import store
from annotate.database import Database, open_database
from annotate.errors import AnnotateError, DatabaseError
from annotate.settings import Settings
from annotate.stimuli import Candidate, take_in
from annotate.study import Protocol, State

logger = logging.getLogger(__name__)

OPENING_S = 20
"""How long a request waits for the database after a start."""
DEMO_NAME = "Demo: one portrait, damaged in several ways"
DEMO_PROTOCOL = Protocol(
    ratings_wanted=1000,
    training_count=2,
    gold_every=0,
    trap_every=0,
    repeat_every=0,
    break_every=4,
    break_s=5,
    max_sittings=1,
)
"""Everything a study has, in two minutes."""


class Labelling:
    """The database of a running app; `demo_pictures` gives those of the demo study, made at the first start."""

    def __init__(self, settings: Settings, demo_pictures: Callable[[], Sequence[Candidate]]) -> None:
        self.settings = settings
        self._demo_pictures = demo_pictures
        self._opening: Future[Database] = Future()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="labelling")

    def start(self) -> None:
        """Open the database in the background, then see to the demo."""
        self._pool.submit(self._open)

    @property
    def database(self) -> Database:
        """The database, waited for; raises DatabaseError when it cannot be opened."""
        try:
            return self._opening.result(timeout=OPENING_S)
        except WaitError:
            raise DatabaseError("The ratings database is being opened; try again in a moment.") from None

    def close(self) -> None:
        """Give the database back."""
        self._pool.shutdown()
        if self._opening.done() and self._opening.exception() is None:
            self._opening.result().close()

    def _open(self) -> None:
        try:
            self._opening.set_result(open_database(self.settings.database_url))
        except Exception as error:  # noqa: BLE001  whoever asks for the database is told
            self._opening.set_exception(_as_database_error(error))
            logger.warning("Labelling is off: %s", error)
            return
        try:
            self._make_demo(self.database)
        except (AnnotateError, OSError) as error:
            logger.warning("There is no demo study: %s", error)

    def _make_demo(self, database: Database) -> None:
        with database.read() as db:
            if store.find_demo(db) is not None:
                return
        made = datetime.now(UTC)
        pictures = take_in(self._demo_pictures(), self.settings.data_dir)
        with database.write() as db:
            study = store.create_study(db, DEMO_NAME, DEMO_PROTOCOL, made, demo=True)
            store.add_stimuli(db, study.id, pictures.stimuli, made)
            store.change_state(db, study.id, State.OPEN, made)


def _as_database_error(error: Exception) -> DatabaseError:
    return error if isinstance(error, DatabaseError) else DatabaseError(f"The ratings database cannot be used: {error}")
