"""Trainings that a running app has started: one at a time, each a process of its own that outlives a restart.

    DATA_DIR/trainings/
      .lock              held by the process that trains, from before its start to its end, however it ends;
                         holds the name of the study's folder
      STUDY/             named after the study's number and when it was made: numbers are given again
        process.json     its process id and the name of the checkpoint that it makes
        export/          the study as it was exported for it, until its end
        run/             what the training writes: status.json, history.jsonl, result.json …
        log              what it printed

The process inherits the lock, so whether one trains is a question to the operating system: neither a process id that
something else has by now, nor a status that a crash left behind, can tell otherwise. What is run is the script
`training.train_on_study` of a clone; this package knows the files it writes, and nothing else of it.
"""

import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from annotate.design.further_scales import MAIN
from annotate.errors import TrainingRunError

if TYPE_CHECKING:
    from annotate.database.tables import Study

SCRIPT = "training.train_on_study"
NEEDED = ("accelerate", "tensorboard")
"""What the script imports beyond what the app runs on: the dependency group "train"."""
NICENESS = 10
"""Visitors' scores go before."""
STOPPING_S = 10
LOG_BYTES = 2000
ENDED = frozenset({"finished", "failed", "stopped"})


@dataclass(frozen=True)
class Training:
    """The last training on a study.

    `state` is preparing, training or evaluating while it runs, then finished, failed or stopped. `status` has what
    the script says besides (message, step, steps), `history` its rows of losses and validations, `result` what came
    of it once finished, and `log` the end of what it printed; `scale` is the one that is learnt.
    """

    name: str
    state: str
    status: dict[str, Any]
    history: list[dict[str, Any]]
    result: dict[str, Any] | None
    log: str
    scale: str = MAIN

    @property
    def is_running(self) -> bool:
        """Whether a process is at it."""
        return self.state not in ENDED


class TrainingRuns:
    """Starts, finds and stops trainings; safe to call from any thread, and by several apps with one data folder.

    A study goes by `study_key`.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir, self._folder = data_dir, data_dir / "trainings"

    def start(self, study: str, name: str, export: Callable[[Path], object], scale: str = MAIN) -> None:
        """Let `export` write the study to a folder, and train on a scale; a stopped training on equal labels goes on.

        Raises TrainingRunError when another one is running or something is missing here.
        """
        if problem := missing():
            raise TrainingRunError(problem)
        with self._take_lock(study) as lock:
            folder = self._folder_of(study)
            folder.mkdir(parents=True, exist_ok=True)
            for old in ("status.json", "result.json"):
                (folder / "run" / old).unlink(missing_ok=True)
            _write(folder / "process.json", {"pid": None, "name": name, "scale": scale})
            export(folder / "export")
            process = self._launch(folder, command_for(folder / "export", name, scale), lock)
            _write(folder / "process.json", {"pid": process.pid, "name": name, "scale": scale})
        threading.Thread(target=self._see_off, args=(process, study), daemon=True, name="training").start()

    def stop(self, study: str) -> None:
        """Ask the training on a study to stop; it keeps what it has."""
        process = _read(self._folder_of(study) / "process.json")
        if process and process["pid"] and self._is_running(study):
            with suppress(ProcessLookupError):
                os.kill(int(process["pid"]), signal.SIGTERM)

    def find(self, study: str) -> Training | None:
        """Return the last training on a study, None where there was none."""
        folder = self._folder_of(study)
        running = self._is_running(study)  # asked first: what it wrote before its end is then all there
        process = _read(folder / "process.json")
        if process is None:
            return None
        status = _read(folder / "run" / "status.json") or {}
        return Training(
            name=str(process["name"]),
            state=_state(status, running=running),
            status=status,
            history=_rows(folder / "run" / "history.jsonl"),
            result=_read(folder / "run" / "result.json"),
            log=_tail(folder / "log"),
            scale=str(process.get("scale", MAIN)),
        )

    def forget(self, study: str) -> None:
        """Delete what is kept of a study's trainings, and stop one that runs; checkpoints stay."""
        self.stop(study)
        deadline = time.monotonic() + STOPPING_S
        while self._is_running(study) and time.monotonic() < deadline:
            time.sleep(0.1)
        shutil.rmtree(self._folder_of(study), ignore_errors=True)

    def free_name(self, wanted: str) -> str:
        """Return the name wanted, numbered where there is such a checkpoint already."""
        taken = {path.name for path in (self._data_dir / "checkpoints").glob("*")}
        numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (wanted, *numbered) if name not in taken)

    def _launch(self, folder: Path, script: Sequence[str], lock: IO[str]) -> "subprocess.Popen[bytes]":
        """Start the script at low priority, in a session of its own so that no Ctrl-C of the app reaches it."""
        command = ["nice", "-n", str(NICENESS), *script, "--output", str(folder / "run")]
        environment = {**os.environ, "FIQA_DATA_DIR": str(self._data_dir), "OMP_WAIT_POLICY": "PASSIVE"}
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  our own script; the name was checked and no shell reads it
                command, cwd=_clone(), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, pass_fds=(lock.fileno(),),
            )  # fmt: skip

    def _see_off(self, process: "subprocess.Popen[bytes]", study: str) -> None:
        """Wait for a training to end, so that no zombie stays, and remove the copies of the pictures.

        They are out of the way before the next training may begin, which writes its own.
        """
        process.wait()
        folder = self._folder_of(study)
        with suppress(TrainingRunError, OSError), self._take_lock(study):
            (folder / "export").replace(folder / "export.old")
        shutil.rmtree(folder / "export.old", ignore_errors=True)

    def _folder_of(self, study: str) -> Path:
        return self._folder / study

    def _is_running(self, study: str) -> bool:
        try:
            with (self._folder / ".lock").open(encoding="utf-8") as lock:
                return not _locked(lock, alone=False) and lock.read() == study
        except OSError:
            return False

    def _take_lock(self, study: str) -> IO[str]:
        """Return the lock, taken for a study; raise TrainingRunError when a training has it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / ".lock").open("a+", encoding="utf-8")
        if not _locked(lock, alone=True, patience_s=1.0):
            lock.close()
            raise TrainingRunError("Another training is running here: wait for its end, or stop it first.")
        lock.truncate(0)
        lock.write(study)
        lock.flush()
        return lock


def study_key(study: "Study") -> str:
    """Return what a study's trainings are kept under."""
    return f"{study.id}-{study.created_at:%Y%m%dT%H%M%S}"


def missing() -> str | None:
    """Say what has to be done before anything can be trained here; None when all is there."""
    if os.name != "posix":
        return "Training from the page needs Linux or macOS; the command does the same anywhere."
    if importlib.util.find_spec("training") is None:
        return "The scripts that train are missing: install fiqa again, or start the app in a clone of the repository."
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        in_clone = (_clone() / "pyproject.toml").is_file()
        what = ["--group", "train"] if in_clone else ["fiqa[train]"]
        install = shlex.join([sys.executable, "-m", "pip", "install", *what])
        return f"Training needs more than the app does. {f'In {_clone()} run' if in_clone else 'Run'}: {install}"
    return None


def command_for(export: Path, name: str, scale: str = MAIN) -> list[str]:
    """Return the command that trains on a scale of an exported study."""
    chosen = [] if scale == MAIN else ["--scale", scale]
    return [sys.executable, "-m", SCRIPT, str(export), "--name", name, *chosen]


def _clone() -> Path:
    """Return the folder that the script has to be run in; only asked where there is one."""
    found = importlib.util.find_spec("training")
    return Path(str(found.origin)).parents[1] if found else Path.cwd()


def _locked(lock: IO[str], *, alone: bool, patience_s: float = 0.0) -> bool:
    """Lock an open file until it is closed, here and in the process that inherits it; say whether that worked.

    Whoever only asks whether a training has it locks it together with others, for a moment; one that starts waits.
    """
    import fcntl

    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _state(status: dict[str, Any], *, running: bool) -> str:
    """Return the state: what the script said last, unless its process went without a word."""
    said = str(status.get("state", "preparing"))
    if running:
        return "evaluating" if said in ENDED else said
    return said if said in ENDED else "stopped"


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a history; one that is being written is left for the next time."""
    rows = []
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                rows.append(dict(json.loads(line)))
    return rows


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LOG_BYTES))
        return log.read().decode("utf-8", "replace").replace("\r", "\n").strip()
    return ""
