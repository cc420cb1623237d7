"""What the app in the open stands: many visitors who upload at once, and people who rate meanwhile.

    python -m benchmarks.visitors [--visitors 50] [--raters 20] [--minutes 5]

`python app.py` runs in a process of its own. Every visitor has an address of their own (127.0.1.…, so Linux only).
They open the page, add some photos that nobody had before, each as soon as the one before is scored, close the page,
and come back as somebody new. Raters look at each picture for a second or two. Memory is what is the process's own,
its slope a straight line through the second half of the time, when everything is loaded.
"""

import argparse
import asyncio
import json
import math
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from annotate import queries
from annotate.database.engine import open_database
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.stimuli.files import Candidate, take_in
from benchmarks.script import run_benchmark
from fiqa.degradation.synthetic import degrade
from fiqa.ui.examples import damaged_portrait
from tests.app_process import AppProcess, run_app

PATIENCE_S = 120
LOOKED_S = (1.0, 2.0)
"""How long a rater looks at a picture."""
PHOTOS_A_VISIT = 3
PICTURES = 200
MIB, KIB = 2**20, 2**10
REFUSALS = (413, 429, 503, 507)
DAMAGE = ((), (("gaussian_blur", 0.4),), (("gaussian_noise", 0.6),), (("jpeg", 0.8),), (("low_light", 0.6),))
PROTOCOL = StudyProtocol(
    ratings_wanted=1000, training_count=0, gold_every=0, trap_every=0, repeat_every=0, break_every=0,
    sitting_items=10_000, sitting_limit_s=14_400,
)  # fmt: skip


@dataclass
class Seen:
    """Seconds from upload to score, of ratings, of their pictures, of /healthz, and what went wrong.

    `memory` has rows of seconds since the start, photos scored until then, and bytes.
    """

    scored_s: list[float] = field(default_factory=list)
    rated_s: list[float] = field(default_factory=list)
    picture_s: list[float] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    cpu_s: float = 0


@dataclass(frozen=True)
class Place:
    """Where everybody goes: the app's address, the numbers of its events, the study, and when it closes."""

    address: str
    events: dict[str, int]
    study: str
    ends: float


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--raters", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = _open_study(Path(folder) / "data")
        with run_app(Path(folder)) as app:
            app.wait_until_ready()
            place = _place(app, study, 60 * options.minutes)
            seen = asyncio.run(_crowd(app.process.pid, place, options.visitors, options.raters))
            alive = app.process.poll() is None
            ended = app.terminate()
    people = f"{options.visitors} visitors and {options.raters} raters"
    print(f"{people} for {options.minutes:g} minutes on {len(os.sched_getaffinity(0))} processors")
    _print_table(seen, options.minutes, state="is running" if alive else "CRASHED", ended=ended)


def _print_table(seen: Seen, minutes: float, *, state: str, ended: int) -> None:
    times, scored, sizes = (np.array(row) for row in zip(*seen.memory, strict=True))
    late = times >= times[-1] / 2
    slope = 60 * np.polyfit(times[late], sizes[late], 1)[0] / MIB
    slope_a_photo = np.polyfit(scored[late], sizes[late], 1)[0] / KIB
    print(f"  photos scored {len(seen.scored_s)}, {len(seen.scored_s) / minutes:.0f} a minute", end="")
    print(f"; ratings {len(seen.rated_s)}", end="")
    print(f"; processor time for each photo {1000 * seen.cpu_s / len(seen.scored_s):.0f} ms")
    print(f"  app {state}; status after SIGTERM {ended}")
    print(f"  refused or wrong: {dict(seen.wrong) or 'nothing'}")
    print(f"  memory {sizes[0] / MIB:.0f} MiB at first, {sizes.max() / MIB:.0f} at most", end="")
    print(f", slope {slope:+.1f} MiB a minute, {slope_a_photo:+.1f} KiB a photo")
    means = [sizes[times // 60 == minute].mean() / MIB for minute in range(math.ceil(times[-1] / 60))]
    print(f"  its mean in each minute: {', '.join(f'{mean:.0f}' for mean in means)}")
    print(f"  {'seconds':<32}{'median':>8}{'p95':>8}{'most':>8}")
    rows = {"upload to score": seen.scored_s, "a rating": seen.rated_s, "a picture to rate": seen.picture_s}
    for name, seconds in {**rows, "/healthz": seen.health_s}.items():
        if seconds:
            print(f"  {name:<32}{np.median(seconds):8.3f}{np.percentile(seconds, 95):8.3f}{max(seconds):8.3f}")


def _open_study(data_dir: Path) -> str:
    """Make a study that nobody comes to the end of; return the code that its link has."""
    candidates = [Candidate(f"{number}.png", partial(_picture, number)) for number in range(PICTURES)]
    files, now = take_in(candidates, data_dir).stimuli, datetime.now(UTC)
    database = open_database(f"sqlite:///{data_dir / 'ratings.sqlite3'}")
    with database.write() as db:
        study = queries.studies.create_study(db, "load", PROTOCOL, now)
        queries.stimuli.add_stimuli(db, study.id, files, now)
        queries.lifecycle.change_state(db, study.id, State.OPEN, now)
        code = study.join_code
    database.close()
    return code


def _picture(number: int) -> bytes:
    return _encoded(damaged_portrait([("gaussian_noise", (number + 1) / PICTURES)]), "PNG")


def _place(app: AppProcess, study: str, seconds: float) -> Place:
    config = httpx.get(f"{app.address}config", timeout=PATIENCE_S).json()
    events = {each["api_name"]: each["id"] for each in reversed(config["dependencies"])}
    return Place(app.address, events, study, time.monotonic() + seconds)


async def _crowd(pid: int, place: Place, visitors: int, raters: int) -> Seen:
    """Let everybody in at once, until it is closed."""
    seen = Seen(cpu_s=-_cpu_s(pid))
    photos = [degrade(astronaut(), steps) for steps in DAMAGE]
    everybody = [
        *(_visitor(place, f"127.0.1.{number + 1}", photos, seen) for number in range(visitors)),
        *(_rater(place, f"127.0.2.{number + 1}", seen) for number in range(raters)),
        _health(place, seen),
        _watch(pid, place.ends, seen),
    ]
    await asyncio.gather(*everybody)
    seen.cpu_s += _cpu_s(pid)
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


async def _rater(place: Place, source: str, seen: Seen) -> None:
    async with _client(place, source) as client:

        async def sit(number: int) -> None:
            """Join as somebody new, and rate until there is nothing left."""
            joined = (await _post(client, "/rating/join", json={"study": place.study})).json()
            passed = {"token": joined["token"], "device": "desk", "screen": {"pixel_ratio": 1}, "passed": True}
            step = (await _post(client, "/rating/screen", json=passed)).json()["step"]
            while step["picture"] and time.monotonic() < place.ends:
                step = await _rate(client, joined["token"], f"{source}-{number}", step, seen)

        await _until_closed(place, seen, sit)


async def _rate(client: httpx.AsyncClient, token: str, name: str, step: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """Fetch the picture of a step, look at it, rate it; returns the next step."""
    picture = step["picture"]["number"]
    started = time.monotonic()
    shown = await client.get(f"/rating/picture/{picture}/picture", headers={"Authorization": f"Bearer {token}"})
    shown.raise_for_status()
    seen.picture_s.append(time.monotonic() - started)
    await asyncio.sleep(random.uniform(*LOOKED_S))  # noqa: S311
    answer = {"key": f"{name}-{picture}", "assignment_id": picture, "grade": 3.0, "response_ms": 1500}
    started = time.monotonic()
    told = await _post(client, "/rating/rate", json={"token": token, "answer": answer})
    seen.rated_s.append(time.monotonic() - started)
    following: dict[str, Any] = told.json()["step"]
    return following


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


def _client(place: Place, source: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=source)
    return httpx.AsyncClient(base_url=place.address, transport=transport, timeout=PATIENCE_S)


def _encoded(photo: NDArray[np.uint8], form: str, name: str = "") -> bytes:
    """Return a picture that nobody has sent before: a decoder passes over what follows its end."""
    file = BytesIO()
    Image.fromarray(photo).save(file, form)
    return file.getvalue() + name.encode()


if __name__ == "__main__":
    run_benchmark(main)
