"""The app as a process that is killed or told to end: the next start works and says what it recovered.

A machine without memory left ends a process as `kill -9` does. What a kill does to ratings inside the database, to an
export and to a training is tested beside those.
"""

import json
import os
import re
import signal
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from skimage.data import astronaut

from annotate import queries
from annotate.database.engine import open_database
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.settings import Settings
from tests.annotate.studies import candidates, make_study
from tests.app_process import AppProcess, run_app

KEY = "key-of-the-answer-in-flight"


@dataclass
class Sitting:
    """What a rater was shown before the kill and after it, and the answer to the rating that was sent once more."""

    before: dict[str, Any]
    after: dict[str, Any]
    again: httpx.Response


@dataclass(frozen=True)
class Life:
    """What is known after the app was killed while it was at work, started again, and told to end at work again.

    `log` is of the second run, `status` the one it ended with; `sittings` are by the method of their study.
    """

    folder: Path
    log: str
    status: int
    sittings: dict[str, Sitting]


class Rater:
    """Somebody who rates a study, without a code that of the demo, as the page does."""

    def __init__(self, http: httpx.Client, study: str = "") -> None:
        self.http = http
        while (welcome := http.post("/rating/welcome", json={"study": study})).status_code == 503:
            time.sleep(0.1)  # the demo is being made
        join_code = welcome.raise_for_status().json()["join_code"]
        self.token = self.post("join", study=join_code).json()["token"]
        self.post("screen", device="desk", screen={"pixel_ratio": 1}, passed=True)

    def post(self, action: str, **message: Any) -> httpx.Response:
        token = getattr(self, "token", "")
        return self.http.post(f"/rating/{action}", json={"token": token, **message}).raise_for_status()

    def rate(self, step: dict[str, Any], key: str) -> httpx.Response:
        answered = {"preferred": "left"} if len(step["picture"]["pictures"]) == 2 else {"grade": 3.0}
        answer = {"key": f"{key}-{self.token[:20]}", "assignment_id": step["picture"]["number"], "response_ms": 900}
        return self.post("rate", answer=answer | answered)

    def step(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.post("look").json()["step"]
        return shown


def upload(visitor: httpx.Client, photo: bytes) -> str:
    (path,) = visitor.post("/gradio_api/upload", files={"files": ("anna.png", photo)}).raise_for_status().json()
    return str(path)


def set_to_work(visitor: httpx.Client, photo: bytes) -> None:
    """Ask for a score, and do not wait for it."""
    data = {"path": upload(visitor, photo), "meta": {"_type": "gradio.FileData"}}
    visitor.post("/gradio_api/call/score", json={"data": [data, "lite"]}).raise_for_status()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    Image.fromarray(astronaut()).save(folder / "photo.png")
    photo = (folder / "photo.png").read_bytes()
    pairs = _open_study_of_pairs(folder / "data")
    with run_app(folder) as app, _visitor(app) as visitor:
        raters = {"acr": Rater(visitor), "pairs": Rater(visitor, pairs)}
        rated = {method: rater.step() for method, rater in raters.items()}
        for method, rater in raters.items():
            rater.rate(rated[method], KEY)
        before = {method: rater.step() for method, rater in raters.items()}
        left = Path(upload(visitor, photo))
        set_to_work(visitor, photo)
        app.kill()
    os.utime(left, (0, 0))  # it takes a while until somebody starts the app again
    with run_app(folder, FIQA_LOG="yes", FIQA_OWNER_SECRET="") as app, _visitor(app) as visitor:
        sittings = {method: _go_on(rater, visitor, before[method], rated[method]) for method, rater in raters.items()}
        set_to_work(visitor, photo)
        app.process.send_signal(signal.SIGTERM)
        status = app.process.wait(timeout=60)
    return Life(folder, app.log.read_text(), status, sittings)


def _open_study_of_pairs(data_dir: Path) -> str:
    """Open a study of pairs before the app runs; return what it is joined by."""
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(data_dir)})
    protocol = make_protocol({"method": "pairs", "repeat_every": 0})
    with closing(open_database(settings.database_url)) as database:
        study_id = make_study(database, data_dir, candidates(4), protocol=protocol)
        with database.write() as db:
            queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
            return queries.studies.get_study(db, study_id).join_code


def _go_on(rater: Rater, visitor: httpx.Client, before: dict[str, Any], rated: dict[str, Any]) -> Sitting:
    """Look where a rater is, and send what they rated before the kill: its acknowledgement may not have arrived."""
    rater.http = visitor
    after = rater.step()
    return Sitting(before, after, rater.rate(rated, KEY))


def _visitor(app: AppProcess) -> httpx.Client:
    return httpx.Client(base_url=app.address, timeout=60)


def test_a_start_after_a_kill_says_what_it_deleted(life: Life) -> None:
    assert "Deleted 1 old upload" in life.log


def test_a_start_without_a_secret_says_the_link_that_signs_the_owner_in(life: Life) -> None:
    assert re.search(r"http://127\.0\.0\.1:\d+/#sign-in=\S+", life.log)


def test_a_start_after_a_kill_says_that_the_ratings_are_there(life: Life) -> None:
    assert "The last run was cut off; the ratings that it acknowledged are all there." in life.log


@pytest.mark.parametrize("method", ["acr", "pairs"])
def test_who_was_rating_at_the_kill_goes_on_where_they_were(method: str, life: Life) -> None:
    sitting = life.sittings[method]
    assert sitting.before["done"] == 1
    assert sitting.after == sitting.before


@pytest.mark.parametrize("method", ["acr", "pairs"])
def test_a_rating_sent_again_after_the_kill_is_not_stored_twice(method: str, life: Life) -> None:
    sitting = life.sittings[method]
    assert sitting.again.json()["step"]["done"] == sitting.before["done"]


def test_told_to_end_while_it_scores_the_app_ends_in_order(life: Life) -> None:
    assert life.status == 0
    assert "Traceback" not in life.log


def test_an_end_in_order_leaves_a_closed_database(life: Life) -> None:
    assert [path.name for path in (life.folder / "data").glob("ratings*")] == ["ratings.sqlite3"]


def test_nothing_of_the_uploads_is_left(life: Life) -> None:
    assert [path for path in (life.folder / "uploads").rglob("*") if path.is_file()] == []


def test_the_log_has_a_line_per_request_and_no_names(life: Life) -> None:
    requests = [json.loads(line) for line in life.log.splitlines() if line.startswith("{")]
    assert "/gradio_api/upload" in [each["route"] for each in requests]
    assert "anna" not in life.log
