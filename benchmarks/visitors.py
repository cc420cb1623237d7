"""What the app in the open stands: many visitors who upload at once, and others who only look.

    python -m benchmarks.visitors [--visitors 50] [--minutes 5]

`python app.py` runs in a process of its own. Every visitor has an address of their own (127.0.1.…, so Linux only), a
session, and photos that nobody had before; as soon as a score is there they add the next photo. One more visitor asks
twice a second for something light, as a rater does, and another for /healthz. Memory is that of the app's process, its
slope a straight line through the second half of the time, when everything is loaded.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from fiqa.degradations import degrade

ROOT = Path(__file__).resolve().parents[1]
START_S, PATIENCE_S = 180, 120
MIB = 2**20
REFUSALS = (413, 429, 503, 507)
DAMAGE = ((), (("gaussian_blur", 0.4),), (("gaussian_noise", 0.6),), (("jpeg", 0.8),), (("low_light", 0.6),))


@dataclass
class Seen:
    """What the visitors saw: seconds from upload to score, seconds of light requests, and what went wrong."""

    scored_s: list[float] = field(default_factory=list)
    light_s: list[float] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    cpu_s: float = 0


@dataclass(frozen=True)
class App:
    """The app under load and the numbers of its events."""

    address: str
    process: subprocess.Popen[bytes]
    events: dict[str, int]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = _start(Path(folder))
        try:
            seen = asyncio.run(_crowd(app, options.visitors, 60 * options.minutes))
            alive = app.process.poll() is None
        finally:
            app.process.terminate()
            ended = app.process.wait(timeout=60)
    _print_table(seen, options.visitors, options.minutes, alive=alive, ended=ended)


def _print_table(seen: Seen, visitors: int, minutes: float, *, alive: bool, ended: int) -> None:
    times = np.array([at for at, _ in seen.memory])
    sizes = np.array([size for _, size in seen.memory])
    late = times >= times[-1] / 2
    slope = 60 * np.polyfit(times[late], sizes[late], 1)[0]
    print(f"{visitors} visitors for {minutes:g} minutes on {os.cpu_count()} processors")
    print(f"  photos scored {len(seen.scored_s)}, {len(seen.scored_s) / minutes:.0f} a minute", end="")
    print(f", processor time for each {1000 * seen.cpu_s / len(seen.scored_s):.0f} ms")
    print(f"  app {'is running' if alive else 'CRASHED'}; status after SIGTERM {ended}")
    print(f"  refused or wrong: {dict(seen.wrong) or 'nothing'}")
    print(f"  memory {sizes[0]:.0f} MiB at first, {sizes.max():.0f} at most, slope {slope:+.1f} MiB a minute")
    print(f"  {'seconds':<32}{'median':>8}{'p95':>8}{'most':>8}")
    rows = (("upload to score", seen.scored_s), ("a light request", seen.light_s), ("/healthz", seen.health_s))
    for name, seconds in rows:
        print(f"  {name:<32}{np.median(seconds):8.2f}{np.percentile(seconds, 95):8.2f}{max(seconds):8.2f}")


def _start(folder: Path) -> App:
    """Start the app with its files in `folder`, and wait until its checkpoint is loaded."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "FIQA_HOST": "127.0.0.1",
        "FIQA_PORT": str(port),
        "FIQA_DATA_DIR": str(folder / "data"),
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
    }
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "app.py"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)  # noqa: S603  # our own
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/healthz", timeout=5).json()["ready"]:
                config = httpx.get(f"{address}/config", timeout=30).json()
                events = {each["api_name"]: each["id"] for each in reversed(config["dependencies"])}
                return App(address, process, events)
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    process.kill()
    raise SystemExit(f"The app did not come up:\n{(folder / 'log').read_text()}")


async def _crowd(app: App, visitors: int, seconds: float) -> Seen:
    """Let everybody in at once, for so long."""
    seen = Seen(cpu_s=-_cpu_s(app.process.pid))
    photos = [degrade(astronaut(), steps) for steps in DAMAGE]
    ends = time.monotonic() + seconds
    people = [_uploader(app, f"127.0.1.{number + 1}", photos, ends, seen) for number in range(visitors)]
    others = (_light(app, ends, seen), _health(app, ends, seen), _watch(app.process.pid, ends, seen))
    await asyncio.gather(*people, *others)
    seen.cpu_s += _cpu_s(app.process.pid)
    return seen


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used; other work on the machine does not change it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _uploader(app: App, source: str, photos: list[NDArray[np.uint8]], ends: float, seen: Seen) -> None:
    async with _client(app, source) as client:
        number = 0
        while time.monotonic() < ends:
            started = time.monotonic()
            try:
                await _score(app, client, f"visit-{source}", _encoded(photos[number % len(photos)], source, number))
                seen.scored_s.append(time.monotonic() - started)
            except httpx.HTTPStatusError as error:
                status = error.response.status_code
                seen.wrong[f"{'refused' if status in REFUSALS else 'error'} {status}"] += 1
                await asyncio.sleep(1)
            except (httpx.HTTPError, RuntimeError) as error:
                seen.wrong[f"{type(error).__name__} {error}"[:60]] += 1
            number += 1


async def _score(app: App, client: httpx.AsyncClient, session: str, photo: bytes) -> None:
    """Do what the page does with one photo: upload, put it in the tray, ask for the scores."""
    (path,) = (await _post(client, "/gradio_api/upload", files={"files": ("face.jpg", photo, "image/jpeg")})).json()
    data = {"path": path, "orig_name": "face.jpg", "meta": {"_type": "gradio.FileData"}}
    await _event(client, app.events["take_photos"], [[{"image": data, "caption": None}], None, "lite"], session)
    shown = await _event(client, app.events["show_scores"], [None, "lite"], session)
    if 'class=\\"score\\"' not in shown:
        raise RuntimeError("no score")


async def _event(client: httpx.AsyncClient, number: int, data: list[Any], session: str) -> str:
    """Run an event of the page; returns everything that was said."""
    body = {"fn_index": number, "data": data, "session_hash": session}
    await _post(client, "/gradio_api/queue/join", json=body)
    said = []
    async with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        async for line in stream.aiter_lines():
            said.append(line)
            if '"process_completed"' in line:
                if not json.loads(line.removeprefix("data: "))["success"]:
                    raise RuntimeError("event failed")
                break
    return "".join(said)


async def _post(client: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    return (await client.post(path, **options)).raise_for_status()


async def _light(app: App, ends: float, seen: Seen) -> None:
    """Ask for what needs no network, as the rating of a picture does."""
    async with _client(app, "127.0.2.1") as client:
        while time.monotonic() < ends:
            started = time.monotonic()
            await _event(client, app.events["show_examples"], [], "visit-light")
            seen.light_s.append(time.monotonic() - started)
            await asyncio.sleep(0.5)


async def _health(app: App, ends: float, seen: Seen) -> None:
    async with _client(app, "127.0.2.2") as client:
        while time.monotonic() < ends:
            started = time.monotonic()
            (await client.get("/healthz")).raise_for_status()
            seen.health_s.append(time.monotonic() - started)
            await asyncio.sleep(0.5)


async def _watch(pid: int, ends: float, seen: Seen) -> None:
    """Note the resident memory in MiB every two seconds."""
    started = time.monotonic()
    while time.monotonic() < ends:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])  # noqa: ASYNC240  # no disk
        seen.memory.append((time.monotonic() - started, pages * os.sysconf("SC_PAGE_SIZE") / MIB))
        await asyncio.sleep(2)


def _client(app: App, source: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=source)
    return httpx.AsyncClient(base_url=app.address, transport=transport, timeout=PATIENCE_S)


def _encoded(photo: NDArray[np.uint8], source: str, number: int) -> bytes:
    """Return a JPEG that nobody has sent before: a decoder passes over what follows its end."""
    file = BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=90)
    return file.getvalue() + f"{source} {number}".encode()


if __name__ == "__main__":
    main()
