"""The database opens beside the page, and only once its labels are back."""

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from annotate import queries
from annotate.database import hub
from annotate.design.items import ItemKind
from annotate.errors import BackupError, DatabaseError
from annotate.ui import labelling as module
from annotate.ui.labelling import Labelling
from tests.annotate.ui.conftest import started

WAIT_S = 30


def demo_counts(labelling: Labelling) -> list[dict[ItemKind, int]]:
    """Count the pictures of every demo study, waiting for the first."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(DatabaseError), labelling.database.read() as db:
            demos = [
                queries.stimuli.count_stimuli(db, study.id) for study in queries.studies.list_studies(db) if study.demo
            ]
            if demos:
                return demos
        time.sleep(0.01)
    pytest.fail("there is no demo study")


def test_the_demo_is_made_at_the_first_start_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with started(tmp_path) as labelling:
            assert demo_counts(labelling) == [{ItemKind.RATED: 10, ItemKind.TRAINING: 2}]


def test_a_database_that_cannot_be_opened_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    file = tmp_path / "ratings.sqlite3"
    file.write_text("no database, " * 1000, encoding="utf-8")
    with started(tmp_path) as labelling:
        with pytest.raises(DatabaseError, match="is no SQLite database"):
            labelling.database  # noqa: B018
        file.unlink()
        assert demo_counts(labelling)


class Copy:
    """Stands for the labels' copy on the Hub; notes what was asked of it, and whether there was a database then."""

    def __init__(self, file: Path, *, problem: str = "") -> None:
        self.file, self.problem = file, problem
        self.asked: list[tuple[str, bool]] = []

    def open(self, _now: datetime) -> None:
        self.asked.append(("open", self.file.exists()))
        if self.problem:
            raise BackupError(self.problem)

    def start(self, *, every_s: float) -> None:
        self.asked.append((f"every {every_s} s", self.file.exists()))

    def stop(self) -> None:
        self.asked.append(("stop", self.file.exists()))


def test_the_copy_is_brought_back_before_and_saved_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy(tmp_path / "ratings.sqlite3")
    monkeypatch.setattr(hub, "hub_copy", lambda _settings: copy)
    with started(tmp_path, FIQA_LABELS_MINUTES="2") as labelling:
        demo_counts(labelling)
    assert copy.asked == [("open", False), ("every 120 s", True), ("stop", True)]


def test_without_its_labels_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy(tmp_path / "ratings.sqlite3", problem="The Hub cannot be reached.")
    monkeypatch.setattr(hub, "hub_copy", lambda _settings: copy)
    with started(tmp_path) as labelling, pytest.raises(DatabaseError, match="Hub cannot be reached"):
        labelling.database  # noqa: B018
    assert copy.asked == [("open", False)]
    assert not copy.file.exists()
