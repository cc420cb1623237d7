"""The app as a process that is killed or told to end: the next start works and says what it recovered."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
START_S = 120


@contextmanager
def started(folder: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Start the app with its files in `folder`; gives the process and a visitor."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "FIQA_PORT": str(port),
        "FIQA_DATA_DIR": str(folder / "data"),
        "FIQA_LOG": "yes",
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
    }
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as visitor:
            _wait_for(process, log)
            yield process, visitor
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while "The app is at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def upload(visitor: httpx.Client) -> str:
    (path,) = visitor.post("/gradio_api/upload", files={"files": ("anna.png", b"a face")}).raise_for_status().json()
    return str(path)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Kill the app with an upload in its folder, start it again, and tell it to end while it is at work.

    Gives the folder, with `log` of the second run, and its exit status.
    """
    folder = tmp_path_factory.mktemp("life")
    with started(folder, folder / "first-log") as (process, visitor):
        left = Path(upload(visitor))
        process.kill()
        process.wait()
    os.utime(left, (0, 0))  # it takes a while until somebody starts the app again
    with started(folder, folder / "log") as (process, visitor):
        photo = {"path": upload(visitor), "meta": {"_type": "gradio.FileData"}}
        visitor.post("/gradio_api/call/score", json={"data": [photo, "lite"]}).raise_for_status()
        process.send_signal(signal.SIGTERM)
        yield folder, process.wait(timeout=60)


def test_a_start_after_a_kill_says_what_it_deleted(life: tuple[Path, int]) -> None:
    assert "Deleted 1 old upload" in (life[0] / "log").read_text()


def test_told_to_end_while_it_scores_the_app_ends_in_order(life: tuple[Path, int]) -> None:
    folder, status = life
    assert status == 0
    assert "Traceback" not in (folder / "log").read_text()


def test_nothing_of_the_uploads_is_left(life: tuple[Path, int]) -> None:
    assert [path for path in (life[0] / "uploads").rglob("*") if path.is_file()] == []


def test_the_log_has_a_line_per_request_and_no_names(life: tuple[Path, int]) -> None:
    text = (life[0] / "log").read_text()
    requests = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert "/gradio_api/upload" in [each["route"] for each in requests]
    assert "anna" not in text
