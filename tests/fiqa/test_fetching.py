"""Files from plain addresses: fetched once, verified, within a time limit."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fiqa import fetching
from fiqa.errors import CheckpointError

CONTENT = b"weights" * 1000
NAME = f"network-{hashlib.sha256(CONTENT).hexdigest()[:10]}.pth"


class Server(BaseHTTPRequestHandler):
    """Answers /good with the content, /slow with a piece of it every 50 ms, all else with 404."""

    def do_GET(self) -> None:
        """Answer one request."""
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        pieces = [CONTENT[:10]] * 100 if self.path == "/slow" else [CONTENT]
        with suppress(ConnectionError):  # the client hangs up on what is slow
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(0.05 if self.path == "/slow" else 0)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_missing_file_is_fetched_and_one_that_is_there_is_kept(address: str, tmp_path: Path) -> None:
    (tmp_path / "there.pth").write_bytes(b"mine")
    fetching.fetch_missing({NAME: f"{address}/good", "there.pth": f"{address}/missing"}, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert (tmp_path / "there.pth").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("path", "name", "problem"),
    [
        ("/missing", NAME, "404"),
        ("/good", "network-0123456789.pth", "SHA-256 does not begin with 0123456789"),
        ("/slow", NAME, "not there after"),
    ],
)
def test_what_cannot_be_fetched_is_an_error_and_leaves_nothing(
    address: str, tmp_path: Path, path: str, name: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FETCH_S", 0.1 if path == "/slow" else 60)
    with pytest.raises(CheckpointError, match=problem):
        fetching.fetch_missing({name: address + path}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_is_not_there_costs_no_time(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CheckpointError, match="check the connection, or put it at"):
        fetching.fetch_missing({NAME: f"http://127.0.0.1:{port}/"}, tmp_path)
