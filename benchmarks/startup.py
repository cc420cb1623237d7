"""How long a visitor waits after a start: until the page is served, and until the first score.

    python -m benchmarks.startup [--runs 5]

Each run starts `python app.py` and, for comparison, the smallest Gradio page there can be, in fresh
processes one after the other. The page should be served at most 2 s later than the empty one.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import urlopen

from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from PIL import Image
from skimage.data import astronaut

from benchmarks.script import run_benchmark

ROOT = Path(__file__).resolve().parents[1]
EMPTY = "import gradio as gr, os\nwith gr.Blocks() as demo: pass\ndemo.launch(server_port=int(os.environ['FIQA_PORT']))"
LIMIT_S = 120
Seconds = float


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    empty: list[Seconds] = []
    served: list[Seconds] = []
    scored: list[Seconds] = []
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "astronaut.png"
        Image.fromarray(astronaut()).save(photo)
        for _ in range(runs):
            empty.append(_start([sys.executable, "-c", EMPTY], None)[0])
            page, first_score = _start([sys.executable, "app.py"], photo)
            served.append(page)
            scored.append(first_score)
    print(f"seconds from process start, {runs} runs     median     min     max")
    for name, times in (
        ("empty gr.Blocks, page served", empty),
        ("app.py, page served", served),
        ("app.py, first score answered", scored),
    ):
        print(f"{name:<38}{median(times):10.2f}{min(times):8.2f}{max(times):8.2f}")
    print(f"app.py is served {median(served) - median(empty):+.2f} s against the empty page (goal: at most +2 s)")


def _start(command: list[str], photo: Path | None) -> tuple[Seconds, Seconds]:
    """Start a page; return when it was served and when `photo` was scored, in seconds from the start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    environment = {**os.environ, "FIQA_HOST": "127.0.0.1", "FIQA_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    started = time.perf_counter()
    silent = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=silent, stderr=silent)  # noqa: S603  # our own
    try:
        _wait_for(address, server)
        served = time.perf_counter() - started
        if photo is not None:
            Client(address, verbose=False).predict(handle_file(str(photo)), api_name="/score")
        return served, time.perf_counter() - started
    finally:
        server.kill()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(address, timeout=5).close()  # noqa: S310  # our own server
        except (URLError, ConnectionError):
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"Nothing was served at {address}.")


if __name__ == "__main__":
    run_benchmark(main)
