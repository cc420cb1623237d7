"""The app as a process that is killed or told to end: the next start works and says what it recovered.

A machine without memory left ends a process as `kill -9` does. What a kill does to ratings inside the database, to an
export and to a training is tested beside those.
"""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from skimage.data import astronaut

from tests.app_process import AppProcess, run_app

KEY = "key-of-the-answer-in-flight"


@dataclass(frozen=True)
class Life:
    """What is known after the app was killed while it was at work, started again, and told to end at work again.

    `log` is of the second run, `status` the one it ended with; `before` and `after` the kill are the steps that a rater
    was shown, and `again` the answer to the rating that was sent once more.
    """

    folder: Path
    log: str
    status: int
    before: dict[str, Any]
    after: dict[str, Any]
    again: httpx.Response


class Rater:
    """Somebody who rates the demo study, as the page does."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        while (welcome := http.post("/rating/welcome", json={})).status_code == 503:  # the demo is being made
            time.sleep(0.1)
        study = welcome.raise_for_status().json()["join_code"]
        self.token = self.post("join", study=study).json()["token"]
        self.post("screen", device="desk", screen={"pixel_ratio": 1}, passed=True)

    def post(self, action: str, **message: Any) -> httpx.Response:
        token = getattr(self, "token", "")
        return self.http.post(f"/rating/{action}", json={"token": token, **message}).raise_for_status()

    def rate(self, step: dict[str, Any], key: str) -> httpx.Response:
        answer = {"key": key, "assignment_id": step["picture"]["number"], "grade": 3.0, "response_ms": 900}
        return self.post("rate", answer=answer)

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
    with run_app(folder) as app, _visitor(app) as visitor:
        rater = Rater(visitor)
        step = rater.step()
        rater.rate(step, KEY)
        before = rater.step()
        left = Path(upload(visitor, photo))
        set_to_work(visitor, photo)
        app.kill()
    os.utime(left, (0, 0))  # it takes a while until somebody starts the app again
    with run_app(folder, FIQA_LOG="yes") as app, _visitor(app) as visitor:
        rater.http = visitor
        after = rater.step()
        again = rater.rate(step, KEY)  # its acknowledgement may not have arrived
        set_to_work(visitor, photo)
        app.process.send_signal(signal.SIGTERM)
        status = app.process.wait(timeout=60)
    return Life(folder, app.log.read_text(), status, before, after, again)


def _visitor(app: AppProcess) -> httpx.Client:
    return httpx.Client(base_url=app.address, timeout=60)


def test_a_start_after_a_kill_says_what_it_deleted(life: Life) -> None:
    assert "Deleted 1 old upload" in life.log


def test_a_start_after_a_kill_says_that_the_ratings_are_there(life: Life) -> None:
    assert "The last run was cut off; the ratings that it acknowledged are all there." in life.log


def test_who_was_rating_at_the_kill_goes_on_where_they_were(life: Life) -> None:
    assert life.before["done"] == 1
    assert life.after == life.before


def test_a_rating_sent_again_after_the_kill_is_not_stored_twice(life: Life) -> None:
    assert life.again.json()["step"]["done"] == life.before["done"]


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
