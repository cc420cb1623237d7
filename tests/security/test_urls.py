"""The server must not be made to fetch what its visitor names."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.security.conftest import Attacker, file_data, tray
from tests.served import serve

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Stand for a service inside the network: gives its address, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/face.png", asked
        server.shutdown()


def test_a_url_in_the_place_of_a_file_is_not_fetched(attacker: Attacker) -> None:
    score, take = attacker.event("score"), attacker.event("take_photos")
    with listening() as (url, asked):
        for address in (url, url.upper(), f" {url}", url.replace("127.0.0.1", "localhost")):
            photo = file_data(address)
            for event, data in ((score, [photo, "first", "main", None]), (take, [tray(photo), None, "first"])):
                answer = attacker.join(event, data, session="ssrf")
                assert answer.status_code == 400
                assert "upload the file" in answer.json()["detail"]
            for route in ("call/score", "call/v2/score", "run/score", "api/score"):
                body = {"data": [photo, "first", "main", None], "photo": photo}
                assert attacker.http.post(f"/gradio_api/{route}", json=body).status_code == 400
            assert attacker.http.get(f"/gradio_api/file={address}").status_code == 403
            assert attacker.http.get(f"/gradio_api/proxy={address}").status_code == 403
    assert asked == []


def test_a_url_beside_the_path_of_a_file_is_not_fetched(attacker: Attacker) -> None:
    with listening() as (url, asked):
        photo = {**file_data(attacker.upload("face.png", b"x")), "url": url}
        attacker.outcome(attacker.event("score"), [photo, "first", "main", None], session="beside")
    assert asked == []


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "//127.0.0.1/x"])
def test_other_schemes_are_no_files_either(scheme: str, attacker: Attacker) -> None:
    result = attacker.outcome(attacker.event("score"), [file_data(scheme), "first", "main", None], session="schemes")
    assert result["success"] is False
    assert "root:" not in str(result)


def test_where_urls_are_switched_on_hosts_inside_stay_out_of_reach(tmp_path: Path) -> None:
    with serve(tmp_path, FIQA_FETCH_URLS="yes") as served, httpx.Client(base_url=served.address) as client:
        attacker = Attacker(served, client, tmp_path)
        with listening() as (url, asked):
            for host in ("127.0.0.1", "localhost", "127.1", "[::1]", "2130706433", "169.254.169.254"):
                photo = file_data(url.replace("127.0.0.1", host))
                result = attacker.outcome(attacker.event("score"), [photo, "first", "main", None], session="inside")
                assert result["success"] is False
        assert asked == []
