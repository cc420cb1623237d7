"""Labels on a machine that can vanish, with a stand-in for the Hub."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from annotate.database.backup import verify
from annotate.database.engine import Database, open_database
from annotate.database.hub import HubCopy, hub_copy
from annotate.errors import BackupError
from annotate.settings import Settings
from tests.annotate.hub_server import REPOSITORY, Hub, serve_hub
from tests.annotate.rated import NOW, Person, new_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


class Machine:
    """A Space: a disk of its own, the database on it, and its copy on the Hub."""

    def __init__(self, disk: Path, hub: Hub) -> None:
        self.file = disk / "ratings.sqlite3"
        self.copy = HubCopy(self.file, disk / "stimuli", REPOSITORY, api=hub.api())

    def open(self) -> Database:
        return open_database(f"sqlite:///{self.file}")

    def rate(self, database: Database, study: int, count: int) -> None:
        person = Person(database, study)
        step = person.start()
        for _ in range(count):
            step = person.rate(step)


def ratings_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM rating").fetchone()[0])


@pytest.fixture
def machine(tmp_path: Path, hub: Hub) -> Machine:
    """A machine with one study, and its picture, that has been opened and has pushed three ratings."""
    machine = Machine(tmp_path / "first", hub)
    assert machine.copy.open(NOW) is None
    database = machine.open()
    study = new_study(database)
    machine.rate(database, study, 3)
    database.close()
    picture = machine.copy.stimuli / "ab" / "abcd.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    assert machine.copy.push(NOW) == 3
    return machine


def test_a_machine_that_is_lost_comes_back(
    machine: Machine, tmp_path: Path, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    successor = Machine(tmp_path / "second", hub)
    report = successor.copy.open(NOW)
    assert report
    assert report.ratings == 3
    assert ratings_in(successor.file) == 3
    assert (successor.copy.stimuli / "ab" / "abcd.png").read_bytes() == b"a picture"
    assert "3 ratings of 1 study as of 2026-03-01 12:30 UTC" in caplog.text
    successor.open().close()  # it is a database that works
    assert machine.file != successor.file


def test_the_snapshot_is_sound_and_in_one_commit_with_the_log(machine: Machine, tmp_path: Path, hub: Hub) -> None:
    (commit,) = hub.commits
    (tmp_path / "snapshot").write_bytes(commit["ratings.sqlite3"])
    assert verify(tmp_path / "snapshot").ratings == 3
    log = [name for name in commit if name.startswith("log/")]
    assert log == ["log/000000000003.jsonl"]
    assert [json.loads(line)["id"] for line in commit[log[0]].splitlines()] == [1, 2, 3]
    assert machine.copy.push(NOW) == 0
    assert len(hub.commits) == 1  # nothing new, no commit


def test_the_log_is_only_added_to_also_by_the_next_machine(machine: Machine, tmp_path: Path, hub: Hub) -> None:
    before = dict(hub.files)
    successor = Machine(tmp_path / "second", hub)
    successor.copy.open(NOW)
    database = successor.open()
    successor.rate(database, 1, 2)
    database.close()
    assert successor.copy.push(NOW) == 2
    assert {name: hub.files[name] for name in before if name.startswith("log/")} == {
        name: data for name, data in before.items() if name.startswith("log/")
    }
    assert [json.loads(line)["id"] for line in hub.files["log/000000000005.jsonl"].splitlines()] == [4, 5]
    assert machine.copy.repository == successor.copy.repository


def test_a_database_that_is_there_is_not_replaced(machine: Machine, hub: Hub) -> None:
    database = machine.open()
    machine.rate(database, 1, 2)
    database.close()
    again = HubCopy(machine.file, machine.copy.stimuli, REPOSITORY, api=hub.api())
    assert again.open(NOW) is None
    assert ratings_in(machine.file) == 5
    assert again.push(NOW) == 2


def test_the_repository_is_made_private_and_a_public_one_gets_nothing(tmp_path: Path, hub: Hub) -> None:
    machine = Machine(tmp_path, hub)
    hub.private = False
    with pytest.raises(BackupError, match="seen by everybody"):
        machine.copy.open(NOW)
    wanted = hub.created[0]
    assert wanted.get("visibility") == "private" or wanted.get("private") is True  # as the library's version has it


def test_a_repository_that_was_opened_meanwhile_gets_nothing_more(machine: Machine, hub: Hub) -> None:
    database = machine.open()
    machine.rate(database, 1, 2)
    database.close()
    hub.private = False
    with pytest.raises(BackupError, match="seen by everybody"):
        machine.copy.push(NOW)
    hub.private = True
    assert machine.copy.push(NOW) == 2  # nothing was forgotten


def test_without_the_hub_no_start_with_an_empty_database(machine: Machine, tmp_path: Path, hub: Hub) -> None:
    hub.broken = True
    successor = Machine(tmp_path / "second", hub)
    with pytest.raises(BackupError, match=REPOSITORY):
        successor.copy.open(NOW)
    assert not successor.file.exists()
    assert machine.file.exists()


def test_a_torn_snapshot_is_not_restored(machine: Machine, tmp_path: Path, hub: Hub) -> None:
    hub.commits.append({**hub.files, "ratings.sqlite3": hub.files["ratings.sqlite3"][:5000]})
    successor = Machine(tmp_path / "second", hub)
    with pytest.raises(BackupError):
        successor.copy.open(NOW)
    assert not successor.file.exists()
    assert machine.file.exists()


def test_at_the_end_everything_is_pushed(machine: Machine, hub: Hub) -> None:
    machine.copy.start(every_s=3600)
    database = machine.open()
    machine.rate(database, 1, 2)
    machine.copy.stop()
    database.close()
    assert "log/000000000005.jsonl" in hub.files


def test_while_the_hub_is_away_the_log_says_since_when(
    machine: Machine, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    ticks = 0
    ticked = Event()

    def clock() -> object:
        nonlocal ticks
        ticks += 1
        if ticks > 4:
            ticked.set()
        return NOW + timedelta(minutes=ticks)

    database = machine.open()
    machine.rate(database, 1, 1)
    database.close()
    hub.broken = True
    with caplog.at_level(logging.INFO):
        machine.copy.start(every_s=0.05, clock=clock)  # type: ignore[arg-type]
        assert ticked.wait(30)
        hub.broken = False
        machine.copy.stop()
    assert "since 2026-01-02 03:05 UTC are on this machine only" in caplog.text
    assert f"1 new ratings are in {REPOSITORY}" in caplog.text


def test_there_is_a_copy_where_one_is_asked_for(tmp_path: Path) -> None:
    folder = {"FIQA_DATA_DIR": str(tmp_path)}
    assert hub_copy(Settings.from_environment(folder)) is None
    copy = hub_copy(Settings.from_environment({**folder, "FIQA_LABELS_REPO": REPOSITORY}))
    assert copy
    assert (copy.database, copy.stimuli) == (tmp_path / "ratings.sqlite3", tmp_path / "stimuli")
    server = {**folder, "FIQA_LABELS_REPO": REPOSITORY, "FIQA_DATABASE_URL": "postgresql+psycopg://host/ratings"}
    with pytest.raises(BackupError, match="pg_dump"):
        hub_copy(Settings.from_environment(server))
