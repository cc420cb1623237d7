"""Who waits keeps nobody else waiting."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import httpx
import pytest

from fiqa.ui.photos import SCORING_LIMIT
from fiqa_app.serving.server import HANDLER_THREADS
from tests.fiqa.ui.conftest import FakePredictor, spec
from tests.security.conftest import Attacker, file_data
from tests.security.test_visitors import photo_with_place
from tests.served import serve

PATIENCE_S = 30
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def first_picture(client: httpx.Client) -> httpx.Response:
    """Come to the demo study, and fetch the first picture to be rated."""
    while (welcome := client.post("/rating/welcome", json={})).status_code == 503:  # the demo is being made
        time.sleep(0.05)
    joined = client.post("/rating/join", json={"study": welcome.json()["join_code"]}).json()
    passed = {"token": joined["token"], "device": "desk", "screen": {"pixel_ratio": 1}, "passed": True}
    step = client.post("/rating/screen", json=passed).json()["step"]
    token = {"Authorization": f"Bearer {joined['token']}"}
    return client.get(f"/rating/picture/{step['picture']['number']}/picture", headers=token).raise_for_status()


@pytest.fixture(scope="module")
def loaded() -> Event:
    """Set once the checkpoint "slow" may have been loaded."""
    return Event()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, loaded: Event) -> Iterator[Attacker]:
    """A visitor of a page with a checkpoint that is there at once, and one that is not."""

    def load(name: str) -> FakePredictor:
        if name == "slow":
            loaded.wait()
        return FakePredictor()

    folder, checkpoints = tmp_path_factory.mktemp("waiting"), (spec("first"), spec("slow"))
    with (
        serve(folder, load=load, checkpoints=checkpoints, FIQA_RATE_LIMIT="1000") as served,
        httpx.Client(base_url=served.address, timeout=60) as client,
    ):
        yield Attacker(served, client, folder)


def test_raters_are_answered_while_all_handlers_wait_for_the_checkpoint(page: Attacker, loaded: Event) -> None:
    for number in range(HANDLER_THREADS):
        page.join(page.event("describe_checkpoint"), ["slow"], session=f"page{number}").raise_for_status()
    try:
        while None in page.served.demo._queue.active_jobs:  # until all handlers are at it
            time.sleep(0.05)
        assert first_picture(page.http).content
    finally:
        loaded.set()
    for number in range(HANDLER_THREADS):
        page.listen(f"page{number}")


def join_in_turn(visitor: Attacker, event: int, data: list[Any], session: str) -> None:
    """Ask for work again while as much is being done as one address may ask for; give up when none of it ends."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := visitor.join(event, data, session=session)).status_code == 429 and time.monotonic() < deadline:
        time.sleep(0.05)
    answer.raise_for_status()


def test_clients_that_do_not_read_hold_no_worker(page: Attacker) -> None:
    photo, score = file_data(page.upload("face.jpg", photo_with_place())), page.event("score")
    with ExitStack() as connections:
        for number in range(SCORING_LIMIT + 1):
            session = f"deaf{number}"
            join_in_turn(page, score, [photo, "first", "main", None], session)
            deaf = connections.enter_context(socket.create_connection(("127.0.0.1", page.http.base_url.port or 80)))
            deaf.sendall(f"GET /gradio_api/queue/data?session_hash={session} HTTP/1.1\r\nHost: app\r\n\r\n".encode())
        assert page.outcome(score, [photo, "first", "main", None], session="next")["success"]
