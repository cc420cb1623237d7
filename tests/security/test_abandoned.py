"""Work that nobody waits for any more ends."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from fiqa.photos.images import PhotoSource
from fiqa.results import QualityResult
from tests.fiqa.ui.conftest import FakePredictor
from tests.security.conftest import Attacker, file_data, tray
from tests.security.test_visitors import photo_with_place
from tests.served import serve

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

PHOTOS = 100


def test_a_batch_ends_when_its_page_is_closed(tmp_path: Path) -> None:
    scored: list[float] = []

    class Slow(FakePredictor):
        def score(self, source: PhotoSource, **asked: Any) -> QualityResult:
            time.sleep(0.1)
            scored.append(time.monotonic())
            return super().score(source, **asked)

    with serve(tmp_path, load=lambda _: Slow()) as served, httpx.Client(base_url=served.address, timeout=30) as client:
        visitor = Attacker(served, client, tmp_path)
        photo = file_data(visitor.upload("face.jpg", photo_with_place()))
        visitor.outcome(visitor.event("take_photos"), [tray(*[photo] * PHOTOS), None, "first"], session="page")
        visitor.join(visitor.event("show_scores"), [None, "first", "main"], session="page")
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "page"}) as stream:
            next(line for line in stream.iter_lines() if "process_generating" in line)
        _wait_until_still(scored)
        assert 0 < len(scored) < PHOTOS / 2
        assert visitor.outcome(visitor.event("score"), [photo, "first", "main", None], session="next")["success"]


def _wait_until_still(scored: list[float]) -> None:
    """Wait until a second has passed without a score."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not scored or time.monotonic() - scored[-1] < 1):
        time.sleep(0.1)
