"""Trainings as processes of their own: one at a time, found again by whoever looks, stopped on request."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotate import training_runs
from annotate.database.tables import Study
from annotate.errors import ExportError, TrainingRunError
from annotate.training_runs import Training, TrainingRuns, missing, study_key

PATIENCE_S = 20


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingRuns]:
    """Trainings that only pretend; whatever still runs at the end is stopped."""
    monkeypatch.setattr(training_runs, "SCRIPT", "tests.annotate.fake_training")
    runs = TrainingRuns(tmp_path)
    yield runs
    for study in ("1", "2"):
        runs.stop(study)
        wait_for(runs, study, lambda training: training is None or not training.is_running)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for(runs: TrainingRuns, study: str, holds: Callable[[Training | None], bool]) -> Training | None:
    found: list[Training | None] = [None]

    def look() -> bool:
        found[0] = runs.find(study)
        return holds(found[0])

    wait_until(look)
    return found[0]


def wait_for_state(runs: TrainingRuns, study: str, state: str) -> Training:
    training = wait_for(runs, study, lambda found: found is not None and found.state == state)
    assert training is not None
    return training


def write_export(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def write_short_export(folder: Path) -> None:
    """Write one on which a training ends at once."""
    folder.mkdir(exist_ok=True)
    (folder / "end").touch()


def pid_of(tmp_path: Path, study: str) -> int:
    return int(training_runs._read(tmp_path / "trainings" / study / "process.json")["pid"])  # type: ignore[index]


def test_a_training_tells_how_far_it_is_and_what_came_of_it(runs: TrainingRuns, tmp_path: Path) -> None:
    assert runs.find("1") is None
    runs.start("1", "mine", write_export, "details")
    training = wait_for_state(runs, "1", "training")
    assert training.is_running
    assert (training.name, training.status["steps"], training.result) == ("mine", 1000, None)
    wait_for(runs, "1", lambda found: found is not None and len(found.history) > 2)
    (tmp_path / "trainings" / "1" / "export" / "end").touch()
    finished = wait_for_state(runs, "1", "finished")
    assert not finished.is_running
    assert finished.scale == "details"
    assert finished.result == {"name": "mine", "scale": "details"}
    assert finished.log == "pretending"


def test_another_app_with_the_same_folder_finds_it_and_stops_it(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_export)
    wait_for_state(runs, "1", "training")
    restarted = TrainingRuns(tmp_path)
    assert restarted.find("1").is_running  # type: ignore[union-attr]
    restarted.stop("1")
    wait_for_state(restarted, "1", "stopped")


@pytest.mark.slow
def test_only_one_runs_at_a_time(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_export)
    with pytest.raises(TrainingRunError, match="Another training is running"):
        TrainingRuns(tmp_path).start("2", "other", write_export)
    assert runs.find("2") is None
    runs.stop("2")
    assert wait_for_state(runs, "1", "training").is_running
    runs.stop("1")
    wait_for_state(runs, "1", "stopped")
    runs.start("2", "other", write_export)
    wait_for_state(runs, "2", "training")


def test_one_that_is_killed_is_not_taken_for_running(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_export)
    wait_for_state(runs, "1", "training")
    os.kill(pid_of(tmp_path, "1"), signal.SIGKILL)
    wait_for_state(runs, "1", "stopped")


def test_it_runs_in_a_session_of_its_own_and_lets_others_go_first(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_export)
    wait_for_state(runs, "1", "training")
    pid = pid_of(tmp_path, "1")
    assert os.getsid(pid) == pid != os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


def test_an_export_that_fails_starts_nothing_and_blocks_nothing(runs: TrainingRuns) -> None:
    def fail(_: Path) -> None:
        raise ExportError("The disk is full.")

    with pytest.raises(ExportError):
        runs.start("1", "mine", fail)
    assert wait_for_state(runs, "1", "stopped").status == {}
    runs.start("1", "mine", write_export)
    wait_for_state(runs, "1", "training")


def test_what_a_training_wrote_before_is_not_taken_for_the_next_ones(runs: TrainingRuns, tmp_path: Path) -> None:
    folder = tmp_path / "trainings" / "1"
    runs.start("1", "mine", write_short_export)
    wait_for_state(runs, "1", "finished")
    wait_until(lambda: not (folder / "export").exists())
    runs.start("1", "again", write_export)
    training = runs.find("1")
    assert training is not None
    assert training.is_running
    assert (training.name, training.result) == ("again", None)


def test_names_of_checkpoints_that_exist_are_numbered(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path)
    assert runs.free_name("faces") == "faces"
    for name in ("faces", "faces-2"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert runs.free_name("faces") == "faces-3"


def test_a_new_study_with_the_number_of_a_deleted_one_has_no_trainings() -> None:
    first, second = (Study(id=3, created_at=datetime(2026, 3, day, tzinfo=UTC)) for day in (1, 2))
    assert study_key(first) != study_key(second)


def test_what_is_missing_is_said_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing() is None
    monkeypatch.setattr(training_runs, "NEEDED", ("nothing_of_this_name",))
    problem = str(missing())
    assert "-m pip install --group train" in problem
    assert (Path(problem.split(" In ")[1].split(" run:")[0]) / "pyproject.toml").exists()
    with pytest.raises(TrainingRunError, match="--group train"):
        TrainingRuns(tmp_path).start("1", "mine", write_export)


def test_neither_a_zombie_nor_copies_of_the_pictures_are_left_behind(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_short_export)
    wait_for_state(runs, "1", "finished")
    pid, folder = pid_of(tmp_path, "1"), tmp_path / "trainings" / "1"
    wait_until(lambda: subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode != 0)
    wait_until(lambda: {path.name for path in folder.iterdir()} == {"process.json", "log", "run"})


def test_a_study_that_is_deleted_takes_its_trainings_along(runs: TrainingRuns, tmp_path: Path) -> None:
    runs.start("1", "mine", write_export)
    wait_for_state(runs, "1", "training")
    runs.forget("1")
    assert runs.find("1") is None
    runs.start("2", "other", write_export)
    assert wait_for_state(runs, "2", "training").is_running
