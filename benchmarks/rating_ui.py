"""How long people who rate wait for the next picture: from the key press until it is on screen, in a real browser.

    python -m benchmarks.rating_ui [--people 20] [--seconds 60] [--method pairs] [--pictures 60]

`python app.py` runs in a process of its own, and one Chromium (the system's) shows its page to everybody, each in a
browser context of their own. They rate pictures of 512×512 pixels, or compare pairs of them side by side, at the
pace of people, one every two to three seconds; a study of few pictures they rate to its end. Time runs in the page:
from the event of the key, as the browser stamped it, to the second frame after the next picture, or both of a pair, was
put there and decoded, by when the first is on screen; what that is made of stands below it. Everything shares the
machine's processors, twenty browsers too, which people bring along themselves.
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Response, ViewportSize
from skimage.data import astronaut

from annotate import queries
from annotate.database.engine import Database, open_database
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.rating import links
from annotate.settings import Settings
from annotate.stimuli.files import Candidate
from benchmarks.raters import ANSWERS, server_times_ms
from benchmarks.rating_load import compare
from benchmarks.script import run_benchmark
from fiqa.degradation.synthetic import degrade
from tests.annotate.studies import make_study
from tests.app_process import free_port, run_app
from tests.browser.raters import LOOK_S, Rater, open_pages

GOAL_MS = 150
PACE_S = (2.0, 3.0)
PICTURES = 60
TYPES = ("gaussian_blur", "gaussian_noise", "jpeg", "motion_blur")
WINDOWS: Mapping[str, ViewportSize] = {"acr": {"width": 1000, "height": 800}, "pairs": {"width": 1100, "height": 800}}
KEYS = {"acr": ("1", "2", "3", "4", "5"), "pairs": ("ArrowLeft", "ArrowDown", "ArrowRight")}
PARTS = ("key to request", "request to answer", "answer to pictures", "pictures to screen")
# Between a key and the picture after it nothing else is waited for, so one press is under way at a time.
STOPWATCH = """
window.waits_ms = [];
performance.setResourceTimingBufferSize(10000);
let pressed_ms = null;
addEventListener("keydown", (event) => { pressed_ms = event.timeStamp; }, true);
new MutationObserver(async (changes) => {
  const added = changes.flatMap((change) => [...change.addedNodes]);
  const images = added.filter((node) => node.matches?.(".viewing figure")).map((node) => node.querySelector("img"));
  if (!images.length || pressed_ms === null) return;
  const since_ms = pressed_ms;
  pressed_ms = null;
  const put_ms = performance.now();
  const sent = performance.getEntriesByType("resource").findLast(({ name }) => name.endsWith("/rating/rate"));
  await Promise.all(images.map((image) => image.decode()));
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const shown_ms = performance.now();
    window.waits_ms.push([
      shown_ms - since_ms, sent.startTime - since_ms, sent.responseEnd - sent.startTime, put_ms - sent.responseEnd,
      shown_ms - put_ms,
    ]);
  }));
}).observe(document, { childList: true, subtree: true });
"""


@dataclass
class Seen:
    """What people saw: how long each waited, the keys of ratings that the page was told are stored, the codes.

    `waits_ms` are from the key to the picture, and its `PARTS`.
    """

    waits_ms: list[list[float]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    async def note(self, response: Response) -> None:
        """Note the key of a rating that was acknowledged."""
        if response.ok and response.url.endswith("/rating/rate"):
            message = json.loads(response.request.post_data or "")
            self.acknowledged.append(message["answer"]["key"])


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--method", choices=KEYS, default="acr")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder / "data")})
        with closing(open_database(settings.database_url)) as database:
            links = _open_study(database, settings.data_dir, options)
        with run_app(folder, port=port, FIQA_LOG="yes") as app:
            app.wait_until_ready()
            load = os.getloadavg()[0]
            addresses = [f"{app.address}?participant={link}" for link in links]
            seen = asyncio.run(_crowd(addresses, options.seconds, options.method))
            server_ms = list(server_times_ms(app.log, ANSWERS))
        with closing(open_database(settings.database_url)) as database:
            lost, twice = compare(database, seen.acknowledged)
    print(f"{options.people} people, {options.method}, {options.seconds:g} s", end="")
    print(f", {os.cpu_count()} processors, load before {load:.1f}; {len(seen.codes)} came to the end")
    print(f"  {'ratings':>8}{'p50 ms':>9}{'p95 ms':>9}{'most ms':>9}{'acknowledged':>14}{'lost':>6}{'twice':>7}")
    waits_ms, *parts_ms = np.array(seen.waits_ms).T
    print(f"  {waits_ms.size:>8}{_row(waits_ms)}{len(seen.acknowledged):>14}{lost:>6}{twice:>7}")
    for name, part_ms in zip((*PARTS, "the app's own, of all messages"), (*parts_ms, server_ms), strict=True):
        print(f"  {'':>8}{_row(part_ms)}  {name}")
    print(f"  goal: p95 <= {GOAL_MS} ms with 20 people on 2 processors, nothing lost")


def _row(times_ms: Sequence[float] | NDArray[np.float64]) -> str:
    """Return median, 95th percentile and maximum in columns."""
    return "".join(f"{time_ms:>9.0f}" for time_ms in (*np.percentile(times_ms, (50, 95)), max(times_ms)))


def _open_study(database: Database, data_dir: Path, options: argparse.Namespace) -> list[str]:
    """Open a study without checks or breaks; return a token for everybody."""
    now = datetime.now(UTC)
    offered = [
        Candidate(f"{number}.png", partial(_png, number, options.pictures)) for number in range(options.pictures)
    ]
    protocol = make_protocol({
        "method": options.method, "ratings_wanted": options.people, "training_count": 0, "gold_every": 0,
        "trap_every": 0, "repeat_every": 0, "break_every": 0,
    })  # fmt: skip
    study_id = make_study(database, data_dir, offered, protocol=protocol)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, now)
        invited = [queries.participants.create_participant(db, study_id, now) for _ in range(options.people)]
        return [links.issue_link(db, each.id, now) for each in invited]


def _png(number: int, pictures: int) -> bytes:
    damage = [(TYPES[number % len(TYPES)], (number + 1) / pictures)]
    buffer = BytesIO()
    Image.fromarray(degrade(astronaut(), damage)).save(buffer, "PNG")
    return buffer.getvalue()


async def _crowd(links: Sequence[str], seconds: float, method: str) -> Seen:
    """Let everybody enter, one after the other; then let them rate for so long."""
    seen = Seen()
    async with open_pages(len(links), window=WINDOWS[method]) as pages:
        raters = [Rater(page, link) for page, link in zip(pages, links, strict=True)]
        for rater in raters:
            await rater.page.add_init_script(STOPWATCH)
            await rater.enter()
            rater.page.on("response", seen.note)
        ends = time.monotonic() + seconds
        await asyncio.gather(*[_rate(rater, ends, KEYS[method]) for rater in raters])
        seen.codes += [rater.code for rater in raters if rater.code]
        for page in pages:
            seen.waits_ms += await page.evaluate("window.waits_ms")
    return seen


async def _rate(rater: Rater, ends: float, keys: Sequence[str]) -> None:
    """Rate at the pace of people until the time is over or nothing is left."""
    await asyncio.sleep(random.uniform(0, PACE_S[1]))  # noqa: S311
    while time.monotonic() < ends and await rater.look() is not None:
        await asyncio.sleep(random.uniform(*PACE_S) - LOOK_S)  # noqa: S311
        await rater.press(random.choice(keys))  # noqa: S311
    await rater.look()


if __name__ == "__main__":
    run_benchmark(main)
