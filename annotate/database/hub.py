"""Labels on a machine that can vanish: kept in a private dataset repository of the Hugging Face Hub as well.

A Space has no disk that lasts. The database is live on its local disk; every few minutes, and when the app is told to
end, one commit takes to the Hub

    ratings.sqlite3      a verified snapshot of the whole database, the latest in the place of the one before
    log/<number>.jsonl   the ratings since the last commit, a new file each time, up to the id in its name
    stimuli/…            pictures that are not there yet

A commit is there as a whole or not at all, so no file is ever torn. A start without a database brings everything back
first; what was rated after the last commit of a machine that was lost is lost, and the log says since when. Nothing is
ever sent to a repository that others can see.
"""

import hashlib
import json
import logging
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from httpx import HTTPError
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from annotate.database.backup import BackupReport, back_up, restore, sqlite_file
from annotate.errors import BackupError
from annotate.settings import Settings
from annotate.wording import counted

logger = logging.getLogger(__name__)

SNAPSHOT, LOG, STIMULI = "ratings.sqlite3", "log", "stimuli"
MOST_PICTURES = 500
"""Largest number of pictures per commit."""
Clock = Callable[[], datetime]


@dataclass
class _Pushed:
    """What the repository holds: last rating in its log, hash of the snapshot, pictures."""

    last_rating: int = 0
    sha256: str = ""
    pictures: frozenset[str] = frozenset()


class HubCopy:
    """The copy of `database` and the stimuli beside it in the dataset `repository`, "owner/name"."""

    def __init__(self, database: Path, stimuli: Path, repository: str, *, api: HfApi | None = None) -> None:
        self.database, self.stimuli, self.repository = database, stimuli, repository
        self._api = api or HfApi()
        self._pushed = _Pushed()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, now: datetime) -> BackupReport | None:
        """Make the repository if need be; bring everything back if there is no database here, and say from when.

        Raises BackupError: when the repository is public, cannot be reached, or holds a snapshot that is not sound.
        An app that went on without its labels would soon replace them by nothing.
        """
        with _translate_errors(self.repository):
            self._api.create_repo(self.repository, repo_type="dataset", private=True, exist_ok=True)
            self._check_private()
            names = self._api.list_repo_files(self.repository, repo_type="dataset")
            logged = [int(PurePosixPath(name).stem) for name in names if PurePosixPath(name).parent.name == LOG]
            pictures = frozenset(name for name in names if name.startswith(f"{STIMULI}/"))
            self._pushed = _Pushed(max(logged, default=0), "", pictures)
            if self.database.exists() or SNAPSHOT not in names:
                return None
            return self._bring_back(now)

    def push(self, now: datetime) -> int:
        """Send what is new as one commit; returns the number of new ratings. Raises BackupError."""
        with self._lock, tempfile.TemporaryDirectory() as folder:
            snapshot = Path(back_up(self.database, Path(folder, SNAPSHOT), now).path)
            sha256 = hashlib.sha256(snapshot.read_bytes()).hexdigest()
            pictures = self._new_pictures()
            if sha256 == self._pushed.sha256 and not pictures:
                return 0
            ratings = _ratings_after(snapshot, self._pushed.last_rating)
            last = max((rating["id"] for rating in ratings), default=self._pushed.last_rating)
            files: dict[str, Path | bytes] = {SNAPSHOT: snapshot, **pictures}
            if ratings:
                files[f"{LOG}/{last:012}.jsonl"] = "".join(f"{json.dumps(each)}\n" for each in ratings).encode()
            self._commit(files, f"{counted(len(ratings), 'rating')}, {counted(len(pictures), 'picture')}")
            self._pushed = _Pushed(last, sha256, self._pushed.pictures | pictures.keys())
        return len(ratings)

    def start(self, *, every_s: float, clock: Clock = lambda: datetime.now(UTC)) -> None:
        """Push regularly, in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self._run, args=(every_s, clock), name="labels-to-hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Push for the last time and end; takes as long as that takes."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self, every_s: float, clock: Clock) -> None:
        saved = clock()
        while True:
            ending = self._ended.wait(every_s)
            now = clock()
            try:
                count = self.push(now)
                logger.info("%d new ratings are in %s.", count, self.repository)
                saved = now
            except BackupError as error:
                logger.error("Ratings since %s are on this machine only: %s", _minute(saved), error)
            if ending:
                return

    def _check_private(self) -> None:
        if self._api.repo_info(self.repository, repo_type="dataset").private is not True:
            raise BackupError(f"{self.repository} can be seen by everybody; make it private, or name another one.")

    def _bring_back(self, now: datetime) -> BackupReport:
        head = self._api.list_repo_commits(self.repository, repo_type="dataset")[0]
        with tempfile.TemporaryDirectory() as folder:
            wanted = [SNAPSHOT, f"{STIMULI}/*"]
            self._api.snapshot_download(
                self.repository, repo_type="dataset", revision=head.commit_id, local_dir=folder, allow_patterns=wanted
            )
            for picture in Path(folder, STIMULI).rglob("*"):
                if picture.is_file():
                    target = self.stimuli / picture.relative_to(Path(folder, STIMULI))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    picture.replace(target)
            report = restore(Path(folder, SNAPSHOT), self.database, now)
        logger.warning(
            "Brought back %s of %s as of %s; what was rated later on a machine that is gone is lost.",
            counted(report.ratings, "rating"),
            counted(report.studies, "study", "studies"),
            _minute(head.created_at),
        )
        return report

    def _new_pictures(self) -> dict[str, Path]:
        """Return pictures by their names in the repository; what is being written has a dot before its name."""
        files = (path for path in sorted(self.stimuli.rglob("[!.]*")) if path.is_file())
        names = {f"{STIMULI}/{path.relative_to(self.stimuli).as_posix()}": path for path in files}
        return dict([item for item in names.items() if item[0] not in self._pushed.pictures][:MOST_PICTURES])

    def _commit(self, files: dict[str, Path | bytes], message: str) -> None:
        with _translate_errors(self.repository):
            self._check_private()  # somebody may have opened it meanwhile
            operations = [CommitOperationAdd(name, content) for name, content in files.items()]
            self._api.create_commit(self.repository, operations, commit_message=message, repo_type="dataset")


def hub_copy(settings: Settings) -> HubCopy | None:
    """Return the copy that FIQA_LABELS_REPO asks for, if any; raises BackupError for a database that is no SQLite."""
    if settings.labels_repo is None:
        return None
    return HubCopy(sqlite_file(settings.database_url), settings.stimuli_dir, settings.labels_repo)


def _ratings_after(snapshot: Path, last: int) -> list[dict[str, Any]]:
    """Return the rows of ratings that came after the one of this id; undoing one later is in the snapshot alone."""
    with closing(sqlite3.connect(f"{snapshot.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM rating WHERE id > ? ORDER BY id", (last,))]


@contextmanager
def _translate_errors(repository: str) -> Iterator[None]:
    """Turn what the Hub and the network say into one sentence."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackupError(
            f"The dataset {repository} cannot be used ({reason}); check HF_TOKEN and the name."
        ) from error


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
