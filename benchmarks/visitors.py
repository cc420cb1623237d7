"""What the app in the open stands: many visitors who upload at once, and people who rate meanwhile.

    python -m benchmarks.visitors [--visitors 50] [--raters 20] [--minutes 5]
        [--look-s 1.5] [--study single|scales|pairs|active] [--database sqlite|postgresql] [--processes 1]

`python app.py` runs in processes of its own, which share a database. Every visitor has an address of their own
(127.0.1.…, so Linux only). They open the page, add some photos that nobody had before, each as soon as the one before
is scored, close the page, and come back as somebody new. Raters look at each item for a second or two, in a study of
those of `benchmarks/load_studies.py`; whoever finds nothing to do looks again, and is counted as idle. Memory is what
is the first process's own, its slope a straight line through the second half of the time, when everything is loaded.
"""

import argparse
import asyncio
import json
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from annotate.database.engine import open_database
from annotate.wording import counted
from benchmarks.load_studies import DATABASES, PROTOCOLS, temporary_url
from benchmarks.raters import ANSWERS, LOOK_S, SHOWN, LoadedStudy, Waits, open_study, server_times_ms, sit
from benchmarks.rating_load import compare
from benchmarks.script import run_benchmark
from fiqa.degradation.synthetic import degrade
from tests.app_process import AppProcess, run_app

PATIENCE_S = 120
ARRIVING_S = 0.1
"""Between two raters who join."""
PHOTOS_A_VISIT = 3
MIB, KIB = 2**20, 2**10
REFUSALS = (413, 429, 503, 507)
DAMAGE = ((), (("gaussian_blur", 0.4),), (("gaussian_noise", 0.6),), (("jpeg", 0.8),), (("low_light", 0.6),))
ROUTES = {ANSWERS: "what raters send", SHOWN: "a picture"}


@dataclass
class Seen:
    """Seconds from upload to score and of /healthz, what raters waited for, and what went wrong.

    `memory` has rows of seconds since the start, photos scored until then, and bytes.
    """

    scored_s: list[float] = field(default_factory=list)
    waits: Waits = field(default_factory=Waits)
    health_s: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    cpu_s: float = 0


@dataclass(frozen=True)
class Place:
    """Where everybody goes: addresses of the app, numbers of its events, the study, when it closes, raters' pace."""

    addresses: list[str]
    events: dict[str, int]
    study: LoadedStudy
    ends: float
    look_s: float


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--raters", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--look-s", type=float, default=LOOK_S, help="how long raters look at an item, on average")
    parser.add_argument("--study", choices=PROTOCOLS, default="single")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, temporary_url(options.database, Path(name)) as url:
        folder, load = Path(name), os.getloadavg()[0]
        study = open_study(options.study, url, folder / "data")
        with ExitStack() as stack:
            start = partial(run_app, folder, FIQA_DATABASE_URL=url, FIQA_LOG="yes")
            apps = [stack.enter_context(start()) for _ in range(options.processes)]
            for app in apps:
                app.wait_until_ready()
            place = _place(apps, study, 60 * options.minutes, options.look_s)
            seen = asyncio.run(_crowd([app.process.pid for app in apps], place, options.visitors, options.raters))
            alive = all(app.process.poll() is None for app in apps)
            ended = max(app.terminate() for app in apps)
        server = {route: [each for app in apps for each in server_times_ms(app.log, route)] for route in ROUTES}
        with closing(open_database(url)) as database:
            lost, twice = compare(database, seen.waits.acknowledged)
    people = f"{options.visitors} visitors and {options.raters} raters ({options.study}, {options.look_s:g} s an item)"
    where = f"{options.database}, {counted(options.processes, 'process', 'processes')} of the app"
    print(f"{people} for {options.minutes:g} minutes on {len(os.sched_getaffinity(0))} processors, {where}", end="")
    print(f"; load before {load:.1f}")
    _print_table(seen, options.minutes, state="is running" if alive else "CRASHED", ended=ended)
    for route, name in ROUTES.items():
        _print_times(f"{name}, the app alone", [each / 1000 for each in server[route]])
    print(f"  answers acknowledged {len(seen.waits.acknowledged)}, lost {lost}, stored twice {twice}", end="")
    print(f"; idle {seen.waits.idle} times")


def _print_table(seen: Seen, minutes: float, *, state: str, ended: int) -> None:
    answers, photos = len(seen.waits.answered_s), len(seen.scored_s)
    print(f"  photos scored {photos}, {photos / minutes:.0f} a minute; answers {answers}", end="")
    each = ("photo", photos) if photos else ("answer", answers)
    print(f"; processor time for each {each[0]} {1000 * seen.cpu_s / max(1, each[1]):.0f} ms")
    print(f"  app {state}; status after SIGTERM {ended}")
    print(f"  refused or wrong: {dict(seen.wrong) or 'nothing'}")
    _print_memory(seen)
    print(f"  {'seconds':<32}{'median':>8}{'p95':>8}{'most':>8}")
    _print_times("upload to score", seen.scored_s)
    _print_times("an answer (goal: p95 <= 0.3)", seen.waits.answered_s)
    _print_times("a picture to rate", seen.waits.picture_s)
    _print_times("/healthz", seen.health_s)


def _print_memory(seen: Seen) -> None:
    times, scored, sizes = (np.array(row) for row in zip(*seen.memory, strict=True))
    late = times >= times[-1] / 2
    slope = 60 * np.polyfit(times[late], sizes[late], 1)[0] / MIB
    print(f"  memory {sizes[0] / MIB:.0f} MiB at first, {sizes.max() / MIB:.0f} at most", end="")
    print(f", slope {slope:+.1f} MiB a minute", end="")
    if np.ptp(scored[late]):
        print(f", {np.polyfit(scored[late], sizes[late], 1)[0] / KIB:+.1f} KiB a photo", end="")
    means = [sizes[times // 60 == minute].mean() / MIB for minute in range(math.ceil(times[-1] / 60))]
    print(f"\n  its mean in each minute: {', '.join(f'{mean:.0f}' for mean in means)}")


def _print_times(name: str, seconds: Sequence[float]) -> None:
    if seconds:
        print(f"  {name:<32}{np.median(seconds):8.3f}{np.percentile(seconds, 95):8.3f}{max(seconds):8.3f}")


def _place(apps: Sequence[AppProcess], study: LoadedStudy, seconds: float, look_s: float) -> Place:
    config = httpx.get(f"{apps[0].address}config", timeout=PATIENCE_S).json()
    events = {each["api_name"]: each["id"] for each in reversed(config["dependencies"])}
    return Place([app.address for app in apps], events, study, time.monotonic() + seconds, look_s)


async def _crowd(pids: Sequence[int], place: Place, visitors: int, raters: int) -> Seen:
    """Let everybody in at once, until it is closed."""
    seen = Seen(cpu_s=-sum(map(_cpu_s, pids)))
    photos = [degrade(astronaut(), steps) for steps in DAMAGE]
    everybody = [
        *(_visitor(place, f"127.0.1.{number + 1}", photos, seen) for number in range(visitors)),
        *(_rater(place, number, seen) for number in range(raters)),
        _health(place, seen),
        _watch(pids[0], place.ends, seen),
    ]
    await asyncio.gather(*everybody)
    seen.cpu_s += sum(map(_cpu_s, pids))
    return seen


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used; other work on the machine does not change it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _until_closed(place: Place, seen: Seen, visit: Callable[[int], Awaitable[None]]) -> None:
    """Come again and again; note what goes wrong."""
    number = 0
    while time.monotonic() < place.ends:
        number += 1
        try:
            await visit(number)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            seen.wrong[f"{'refused' if status in REFUSALS else 'error'} {status}"] += 1
            await asyncio.sleep(1)
        except (httpx.HTTPError, RuntimeError) as error:
            seen.wrong[f"{type(error).__name__} {error}"[:60]] += 1


async def _visitor(place: Place, source: str, photos: list[NDArray[np.uint8]], seen: Seen) -> None:
    async with _client(place, source) as client:

        async def visit(number: int) -> None:
            session = f"{source}-{number}"
            (await client.get("/")).raise_for_status()
            async with client.stream("GET", f"/gradio_api/heartbeat/{session}"):  # as long as the page is open
                for index in range(PHOTOS_A_VISIT):
                    if time.monotonic() >= place.ends:
                        return
                    photo = _encoded(photos[(number + index) % len(photos)], "JPEG", f"{session} {index}")
                    started = time.monotonic()
                    await _score(place, client, session, photo)
                    seen.scored_s.append(time.monotonic() - started)

        await _until_closed(place, seen, visit)


async def _score(place: Place, client: httpx.AsyncClient, session: str, photo: bytes) -> None:
    """Do what the page does with one photo: upload, put it in the tray, ask for the scores."""
    (path,) = (await _post(client, "/gradio_api/upload", files={"files": ("face.jpg", photo, "image/jpeg")})).json()
    data = {"path": path, "orig_name": "face.jpg", "meta": {"_type": "gradio.FileData"}}
    await _event(client, place.events["take_photos"], [[{"image": data, "caption": None}], None, "lite"], session)
    shown = await _event(client, place.events["show_scores"], [None, "lite", "main"], session)
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


async def _rater(place: Place, number: int, seen: Seen) -> None:
    async with _client(place, f"127.0.2.{number + 1}", number) as client:
        await asyncio.sleep(number * ARRIVING_S)

        async def visit(_number: int) -> None:
            await sit(client, place.study, place.ends, seen.waits, place.look_s)

        await _until_closed(place, seen, visit)


async def _post(client: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    return (await client.post(path, **options)).raise_for_status()


async def _health(place: Place, seen: Seen) -> None:
    async with _client(place, "127.0.3.1") as client:
        while time.monotonic() < place.ends:
            started = time.monotonic()
            (await client.get("/healthz")).raise_for_status()
            seen.health_s.append(time.monotonic() - started)
            await asyncio.sleep(0.5)


async def _watch(pid: int, ends: float, seen: Seen) -> None:
    """Note the memory every two seconds: what is the process's own, not what it shares with the disk's cache."""
    started = time.monotonic()
    while time.monotonic() < ends:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")  # noqa: ASYNC240  # no disk
        size = KIB * int(status.partition("RssAnon:")[2].split()[0])
        seen.memory.append((time.monotonic() - started, len(seen.scored_s), size))
        await asyncio.sleep(2)


def _client(place: Place, source: str, number: int = 0) -> httpx.AsyncClient:
    kept = httpx.Limits(keepalive_expiry=3)  # shorter than the app's: what it closes meanwhile is no failure of it
    transport = httpx.AsyncHTTPTransport(local_address=source, limits=kept, verify=False)
    return httpx.AsyncClient(
        base_url=place.addresses[number % len(place.addresses)], transport=transport, timeout=PATIENCE_S
    )


def _encoded(photo: NDArray[np.uint8], form: str, name: str = "") -> bytes:
    """Return a picture that nobody has sent before: a decoder passes over what follows its end."""
    file = BytesIO()
    Image.fromarray(photo).save(file, form)
    return file.getvalue() + name.encode()


if __name__ == "__main__":
    run_benchmark(main)
