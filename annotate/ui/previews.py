"""Test runs: a study as it stands in the form, rated by its owner on the real rating page, and nothing of it kept.

A test run is a copy of the study in a database in memory. The rating page and its routes work on that as on any other,
under an address that nobody can guess. When the test run is closed, or the app ends, it is gone; the pictures are
those of the study, and only read.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import AccessError

if TYPE_CHECKING:
    from annotate.database.engine import Database
    from annotate.queries.stimuli import NewStimulus

MOST_PREVIEWS = 5
"""Open at a time; the oldest is closed for a new one."""
BREAK_S = 5
"""The longest break of a test run: nobody has looked at pictures for long."""
GONE = "This test run is over. Start another one in the Studies tab, under Set-up."


@dataclass(frozen=True)
class Preview:
    """A test run: `code` opens its database, `join_code` its study."""

    code: str
    join_code: str

    @property
    def path(self) -> str:
        """What follows the address of the page."""
        return f"?preview={self.code}&study={self.join_code}"


class StudyPreviews:
    """The test runs that are open."""

    def __init__(self) -> None:
        self._databases: OrderedDict[str, Database] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, name: str, protocol: StudyProtocol, stimuli: "Iterable[NewStimulus]") -> Preview:
        """Open a copy of a study for anybody who has the address; raises StudyStateError if it cannot be opened."""
        # Late: the page is laid out without the database's library.
        from annotate import queries
        from annotate.database.engine import open_temporary_database

        now, database = datetime.now(UTC), open_temporary_database()
        try:
            with database.write() as db:
                study = queries.studies.create_study(db, name, as_tried(protocol), now)
                queries.stimuli.add_stimuli(db, study.id, list(stimuli), now)
                queries.lifecycle.change_state(db, study.id, State.OPEN, now)
        except BaseException:
            database.close()
            raise
        preview = Preview(secrets.token_urlsafe(16), study.join_code)
        self._keep(preview.code, database)
        return preview

    def database(self, code: str) -> "Database":
        """Return the database of a test run; raises AccessError when it is gone."""
        with self._lock:
            if code not in self._databases:
                raise AccessError(GONE)
            self._databases.move_to_end(code)
            return self._databases[code]

    def close(self) -> None:
        """End all test runs."""
        with self._lock:
            for database in self._databases.values():
                database.close()
            self._databases.clear()

    def _keep(self, code: str, database: "Database") -> None:
        with self._lock:
            self._databases[code] = database
            oldest = self._databases.popitem(last=False)[1] if len(self._databases) > MOST_PREVIEWS else None
        if oldest:
            oldest.close()


def as_tried(protocol: StudyProtocol) -> StudyProtocol:
    """Return a protocol as its owner tries it: without deadline and limit of people, with short breaks."""
    return replace(
        protocol, closes_at=None, identifiers_until=None, max_people=0, break_s=min(protocol.break_s, BREAK_S)
    )
