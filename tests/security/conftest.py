"""An attacker's view of the running app: raw requests, any session, any payload."""

import gc
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.served import Served, serve

HIDDEN = "what nobody may read"


@dataclass(frozen=True)
class Attacker:
    """Talks to the app as its page does, without the page's manners."""

    served: Served
    http: httpx.Client
    hidden: Path
    """A file of the server's that nobody may get; it holds HIDDEN."""

    def upload(self, name: str, content: bytes, kind: str = "image/png") -> str:
        """Upload a file and return its path on the server."""
        answer = self.http.post("/gradio_api/upload", files={"files": (name, content, kind)})
        (path,) = answer.raise_for_status().json()
        return str(path)

    def event(self, function: str) -> int:
        """Return the number of the first event that runs a handler of this name."""
        return next(number for number, event in self.served.demo.fns.items() if event.name == function)

    def join(self, event: int, data: Sequence[Any], *, session: str, details: Any = None) -> httpx.Response:
        """Ask for an event; `details` is what a script on the page would say of it."""
        body = {"fn_index": event, "data": list(data), "event_data": details, "session_hash": session}
        return self.http.post("/gradio_api/queue/join", json=body)

    def listen(self, session: str) -> list[dict[str, Any]]:
        """Return the messages of everything that a session has asked for, up to the last one's completion."""
        messages = []
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}, timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    messages.append(json.loads(line.removeprefix("data: ")))
                    if messages[-1]["msg"] == "close_stream":
                        break
        return messages

    def outcome(self, event: int, data: Sequence[Any], *, session: str, details: Any = None) -> dict[str, Any]:
        """Run an event; returns the message of its completion."""
        self.join(event, data, session=session, details=details).raise_for_status()
        return next(each for each in self.listen(session) if each["msg"] == "process_completed")

    def assert_well(self) -> None:
        """The server answers as before."""
        assert self.http.get("/healthz").json()["status"] == "ok"


def file_data(path: str | Path, name: str = "face.png") -> dict[str, Any]:
    """Return a file as the page names it to the server."""
    return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def tray(*photos: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the tray of the Score tab holds, as the page sends it."""
    return [{"image": photo, "caption": None} for photo in photos]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("attacked"), FIQA_RATE_LIMIT="1000") as served:
        yield served


@pytest.fixture(scope="session")
def attacker(served: Served) -> Iterator[Attacker]:
    hidden = served.uploads.parent / "data" / "hidden.png"
    hidden.parent.mkdir(exist_ok=True)
    hidden.write_text(HIDDEN, encoding="utf-8")
    with httpx.Client(base_url=served.address, timeout=60) as client:
        yield Attacker(served, client, hidden)
    gc.collect()
