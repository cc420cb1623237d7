"""`python app.py` as a process of its own, for all who look at it from outside: tests, benchmarks, pictures."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
START_S, END_S = 180, 60


@dataclass(frozen=True)
class AppProcess:
    """A running app: its address with a slash at the end, and where it writes what it has to say."""

    process: "subprocess.Popen[bytes]"
    address: str
    log: Path

    def kill(self) -> None:
        """End it as a machine does that has no memory left: at once, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Tell it to end, as a Space does; return its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=END_S)

    def wait_until_ready(self) -> None:
        """Wait for the checkpoint to be loaded."""
        while not httpx.get(f"{self.address}healthz", timeout=END_S).json()["ready"]:
            time.sleep(0.2)


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def run_app(
    folder: Path, *, port: int | None = None, program: Path = ROOT / "app.py", **variables: str
) -> Iterator[AppProcess]:
    """Start the app with its files in `folder` and more environment variables; wait until it is served.

    It listens at any free port unless one is given. At the end it is told to end if it still runs. Raises
    RuntimeError with its log when it does not come up.
    """
    port = port or free_port()
    files = {"FIQA_DATA_DIR": str(folder / "data"), "GRADIO_TEMP_DIR": str(folder / "uploads")}
    environment = {**os.environ, "FIQA_HOST": "127.0.0.1", "FIQA_PORT": str(port), **files, **variables}
    log = folder / f"log-{port}"
    with log.open("wb") as file:
        command = [sys.executable, program.name]
        process = subprocess.Popen(command, cwd=program.parent, env=environment, stdout=file, stderr=file)
    app = AppProcess(process, f"http://127.0.0.1:{port}/", log)
    try:
        _wait_for(app)
        yield app
        app.terminate()
    finally:
        app.kill()


def _wait_for(app: AppProcess) -> None:
    """Wait for the line that the app prints when it is served."""
    deadline = time.monotonic() + START_S
    while "The app is at" not in app.log.read_text(encoding="utf-8"):
        if app.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The app did not come up:\n{app.log.read_text(encoding='utf-8')}")
        time.sleep(0.1)
