"""People who rate through the app's routes as its page does, many at once in one process, and what they wait for."""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from annotate import queries
from annotate.database.engine import open_database
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.methods import make_protocol, method_of
from annotate.methods.method import Unit
from annotate.stimuli.files import Candidate
from annotate.stimuli.intake import add_pictures, trap_candidates
from benchmarks.load_studies import PROTOCOLS
from fiqa.ui.examples import damaged_portrait
from tests.annotate.rated import answer_by
from tests.annotate.studies import make_study

LOOK_S = 1.5
"""How long a rater looks at an item, a third more or less."""
PICTURES, A_SOURCE = 200, 50
KNOWN = 20
ANSWERS, SHOWN = "/rating/{action}", "/rating/picture/{assignment_id:int}/{role}"
"""Routes as the log of the app has them."""
ENDLESS: Mapping[str, Any] = {
    "ratings_wanted": 1000, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0, "training_count": 0,
    "sitting_items": 10_000, "sitting_limit_s": 14_400,
}  # fmt: skip
CHECKED: Mapping[str, Any] = {"gold_every": 5, "training_count": 2}
Item = dict[str, Any]


@dataclass(frozen=True)
class LoadedStudy:
    """A study that nobody comes to the end of: the code that its link has, and its protocol."""

    code: str
    protocol: StudyProtocol


@dataclass
class Waits:
    """Seconds of answers and of pictures, keys that were acknowledged, and how often somebody found nothing to do."""

    answered_s: list[float] = field(default_factory=list)
    picture_s: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    idle: int = 0


def open_study(kind: str, url: str, data_dir: Path) -> LoadedStudy:
    """Make a study of a kind of `benchmarks/load_studies.py`, of pairs with known ones among them, and open it."""
    checks = CHECKED if PROTOCOLS[kind].get("method") == "pairs" else {}
    protocol = make_protocol({**ENDLESS, **PROTOCOLS[kind], **checks, "ratings_wanted": 1000})
    offered = [
        Candidate(f"{number}.png", partial(_picture, number), f"s{number // A_SOURCE}") for number in range(PICTURES)
    ]
    with closing(open_database(url)) as database:
        study_id, now = make_study(database, data_dir, offered, name="load", protocol=protocol), datetime.now(UTC)
        if method_of(protocol).unit is Unit.PAIR:
            known = trap_candidates(database, study_id, KNOWN, data_dir=data_dir)
            add_pictures(database, data_dir, "load", known, now)
        with database.write() as db:
            queries.lifecycle.change_state(db, study_id, State.OPEN, now)
            return LoadedStudy(queries.studies.get_study(db, study_id).join_code, protocol)


def _picture(number: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(damaged_portrait([("gaussian_noise", (number + 1) / PICTURES)])).save(buffer, "PNG")
    return buffer.getvalue()


async def sit(client: httpx.AsyncClient, study: LoadedStudy, ends: float, waits: Waits, look_s: float) -> None:
    """Join as somebody new, and rate until nothing is left or it `ends` (time.monotonic)."""
    token = (await post(client, "join", study=study.code))["token"]
    step = (await post(client, "screen", token=token, device="desk", screen={"pixel_ratio": 1}, passed=True))["step"]
    there: set[int] = set()
    while time.monotonic() < ends and step["kind"] in ("training", "rate", "waiting"):
        if step["picture"] is None:
            waits.idle += 1
            await asyncio.sleep(step["wait_s"])
            step = (await post(client, "look", token=token, device="desk"))["step"]
            continue
        for item in filter(None, (step["picture"], step["upcoming"])):
            if item["number"] not in there:
                await _fetch(client, token, item, waits)
                there.add(item["number"])
        await asyncio.sleep(random.uniform(look_s * 2 / 3, look_s * 4 / 3))  # noqa: S311
        step = await _answer(client, token, step["picture"]["number"], study.protocol, waits)


async def _fetch(client: httpx.AsyncClient, token: str, item: Item, waits: Waits) -> None:
    """Fetch all pictures of an item at the same time."""

    async def fetch(role: str) -> None:
        started = time.monotonic()
        shown = await client.get(
            f"/rating/picture/{item['number']}/{role}", headers={"Authorization": f"Bearer {token}"}
        )
        shown.raise_for_status()
        waits.picture_s.append(time.monotonic() - started)

    await asyncio.gather(*(fetch(each["role"]) for each in item["pictures"]))


async def _answer(
    client: httpx.AsyncClient, token: str, number: int, protocol: StudyProtocol, waits: Waits
) -> dict[str, Any]:
    """Answer an item; return the next step."""
    answer = answer_by(f"{token[:24]}-{number}", number, protocol)
    started = time.monotonic()
    told = await post(client, "rate", token=token, answer=asdict(answer))
    waits.answered_s.append(time.monotonic() - started)
    waits.acknowledged.append(answer.key)
    step: dict[str, Any] = told["step"]
    return step


async def post(client: httpx.AsyncClient, action: str, **message: Any) -> dict[str, Any]:
    """Send a message of the rating page; raises HTTPStatusError when it is refused."""
    told: dict[str, Any] = (await client.post(f"/rating/{action}", json=message)).raise_for_status().json()
    return told


def server_times_ms(log: Path, route: str) -> Iterator[float]:
    """Yield how long the app itself took for each request of a route; it must run with FIQA_LOG=yes."""
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("{") and (entry := json.loads(line))["route"] == route:
                yield entry["ms"]
