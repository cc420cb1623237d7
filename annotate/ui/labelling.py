"""What the pages of labelling work with: the settings and the database.

The database is opened beside everything else: the page is served before it is there, and without it if it cannot be
opened. Only what needs it says so, and it is tried again. Where a copy of the labels is kept elsewhere, that is
brought back first; without it nothing is opened, since going on empty would soon replace it by nothing.
"""

import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from annotate.design.states import State
from annotate.errors import AnnotateError, DatabaseError
from annotate.settings import Settings
from annotate.stimuli.files import take_in
from annotate.ui import demo
from annotate.ui.previews import StudyPreviews
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.engine import Database
    from annotate.database.hub import HubCopy

logger = logging.getLogger(__name__)

OPENING_S = 5
"""How long a request waits for the database after a start."""
RETRY_S = 30
"""Between two attempts to open it."""
HOUSEKEEPING_S = 3600
"""Between two looks at what is due by its date."""
CLOSING_S = 5
"""How long the end waits for what was just begun; it is safe to break off."""


class Labelling:
    """What a running app labels with; `portrait` draws the demo's pictures, at the first start."""

    def __init__(self, settings: Settings, portrait: demo.Portrait) -> None:
        self.settings = settings
        self._portrait = portrait
        self.previews = StudyPreviews()
        self._database: Database | None = None
        self._copy: HubCopy | None = None
        self._problem = ""
        self._tried, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="labelling", daemon=True)

    def start(self) -> None:
        """Open the database in the background, then see to the demo."""
        self._thread.start()

    @property
    def database(self) -> "Database":
        """The database, waited for; raises DatabaseError when it is not open, saying why."""
        if not self._tried.wait(OPENING_S):
            raise DatabaseError("The ratings database is being opened; try again in a moment.")
        if self._database is None:
            raise DatabaseError(self._problem)
        return self._database

    def close(self) -> None:
        """Bring the last ratings to the copy, and give the database back."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING_S)
        if self._copy:
            self._copy.stop()
        self.previews.close()
        if self._database:
            self._database.close()

    def _run(self) -> None:
        while not self._open():
            self._tried.set()
            if self._ended.wait(RETRY_S):
                return
        self._tried.set()
        try:
            self._make_demo(self.database)
        except (AnnotateError, OSError) as error:
            logger.warning("There is no demo study: %s", error)
        self._keep_house()
        while not self._ended.wait(HOUSEKEEPING_S):
            self._keep_house()

    def _keep_house(self) -> None:
        """Do what is due by its date, and say what was done."""
        from annotate.exchange.housekeeping import keep_house

        try:
            done = keep_house(self.database, self.settings, _now())
        except (AnnotateError, OSError) as error:
            logger.warning("What is due by its date was not done: %s", error)
            return
        for study, people in done.purged.items():
            logger.info("Identifiers of %s in %s were deleted.", counted(people, "person", "people"), study)
        if old := done.rotation.removed:
            logger.info("%s deleted.", counted(len(old), "old backup was", "old backups were"))

    def _open(self) -> bool:
        # Late, here and below: the page is laid out without the database's library.
        from annotate.database.engine import open_database
        from annotate.database.hub import hub_copy

        try:
            copy = hub_copy(self.settings)
            if copy:
                copy.open(_now())
            self._database = open_database(self.settings.database_url)
            if self._database.was_cut_off:
                logger.warning("The last run was cut off; the ratings that it acknowledged are all there.")
        except AnnotateError as error:
            self._say(str(error))
        except Exception:  # whatever it is, whoever asks for the database is told, and the rest of the page works
            logger.exception("Opening the ratings database")
            self._say("The ratings database cannot be opened; what was wrong is in the log.")
        else:
            if copy:
                copy.start(every_s=60 * self.settings.labels_minutes)
                self._copy = copy
        return self._database is not None

    def _say(self, problem: str) -> None:
        if problem != self._problem:  # once, not at every attempt
            logger.warning("Labelling is off: %s", problem)
        self._problem = problem

    def _make_demo(self, database: "Database") -> None:
        from annotate import queries

        with database.read() as db:
            if queries.studies.find_demo(db) is not None:
                return
        pictures = take_in(demo.demo_candidates(self._portrait), self.settings.data_dir)
        made = _now()
        with database.write() as db:
            study = queries.studies.create_study(db, demo.NAME, demo.PROTOCOL, made, demo=True)
            queries.stimuli.add_stimuli(db, study.id, pictures.stimuli, made)
            queries.lifecycle.change_state(db, study.id, State.OPEN, made)


def _now() -> datetime:
    return datetime.now(UTC)
