"""What is left of a visit in the server's memory."""

import gc
import json
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

import gradio as gr
import pytest

from fiqa_app.serving.session_cleanup import CLOSED, KEPT_SESSIONS, forget
from tests.security.conftest import Attacker
from tests.security.test_visitors import visit

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:.torch.distributed.reduce_op:FutureWarning",  # said to whoever looks at all objects
)


PATIENCE_S = 20
IMPORTED: list[str] = []
"""What a cache of a module would be."""


def shown_photo(said: Sequence[dict[str, Any]]) -> str:
    """Return the photo on a page, as text: the data in its link."""
    found = re.search(r"data:image/png;base64,([\w+/=]{100,})", json.dumps(said))
    assert found
    return found[1]


def holders(text: str) -> list[object]:
    """Return what holds `text` in memory, within a larger text."""
    larger = len(text) + 50
    gc.unfreeze()  # what was imported can keep something too
    return [
        container
        for container in gc.get_objects()
        if isinstance(container, dict | list | tuple)
        and any(isinstance(each, str) and len(each) > larger and text in each for each in _items(container))
    ]


def _items(container: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    return list(container.values()) if isinstance(container, dict) else container


def assert_forgotten(photo: str, demo: gr.Blocks) -> None:
    """Sweep as the app does until nothing holds a photo: the handler that showed it may have just to end."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        forget(demo.app)
        gc.collect()  # what waits to be collected is held by nobody
        kept = holders(photo)
        if not kept or time.monotonic() > deadline:
            break
        del kept  # or it would hold what it found
        time.sleep(0.1)
    assert not kept


def test_no_photo_stays_in_memory(attacker: Attacker) -> None:
    photo = shown_photo(visit(attacker, "remembered", "face.jpg", shade=77))  # no other test's photo
    IMPORTED.append(f"<img src='{photo}'>{100 * ' '}")
    assert any(each is IMPORTED for each in holders(photo))
    IMPORTED.clear()
    assert_forgotten(photo, attacker.served.demo)


def test_uploads_and_events_leave_no_notes(attacker: Attacker) -> None:
    demo = attacker.served.demo
    visit(attacker, "noted", "face.jpg")
    demo.app.state_holder.session_data.pop("noted")  # as if `KEPT_SESSIONS` others had come
    forget(demo.app)
    assert not any(demo.temp_file_sets)
    assert not demo._queue.event_analytics
    assert "noted" not in demo._queue.pending_event_ids_session
    assert "noted" not in demo._queue.pending_messages_per_session
    assert demo.app.state_holder.capacity == KEPT_SESSIONS


def test_a_closed_page_is_forgotten_after_two_minutes_and_an_open_one_is_not(attacker: Attacker) -> None:
    holder = attacker.served.demo.app.state_holder
    for name in ("open", "just closed", "long closed"):
        visit(attacker, name, "face.jpg")
        holder.session_data[name].is_closed = name != "open"  # as Gradio does when the heartbeat ends
        if name != "just closed":
            holder.time_last_used[name] -= CLOSED
    forget(attacker.served.demo.app)
    assert {"open", "just closed"} <= holder.session_data.keys()
    assert "long closed" not in holder.session_data.keys() | holder.time_last_used.keys()
    visit(attacker, "long closed", "face.jpg")  # and may come back


def test_a_page_works_on_after_what_it_showed_was_forgotten(attacker: Attacker) -> None:
    visit(attacker, "returning", "face.jpg")
    forget(attacker.served.demo.app)
    shown = attacker.outcome(attacker.event("show_scores"), [None, "first", "main"], session="returning")
    assert "95 % interval" in json.dumps(shown)
