"""A folder is served as browsers need it, and nothing beside it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fiqa.errors import SettingError
from fiqa.in_browser.serving import create_server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tmp_path = tmp_path_factory.mktemp("served")
    (tmp_path / "secret.txt").write_text("not for visitors")
    (tmp_path / "page" / "runtime").mkdir(parents=True)
    (tmp_path / "page" / "index.html").write_text("the page")
    (tmp_path / "page" / "runtime" / "some.wasm").write_bytes(b"wasm")
    (tmp_path / "page" / "some.mjs").write_text("1;")
    with create_server(tmp_path / "page", "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_files_have_the_types_that_browsers_ask_for(site: str) -> None:
    assert httpx.get(site).text == "the page"
    types = {name: httpx.get(f"{site}{name}").headers["content-type"] for name in ("some.mjs", "runtime/some.wasm")}
    assert types == {"some.mjs": "text/javascript", "runtime/some.wasm": "application/wasm"}
    assert "default-src 'self'" in httpx.get(site).headers["content-security-policy"]


@pytest.mark.parametrize("path", ["runtime/", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "nothing"])
def test_nothing_else_is_shown(site: str, path: str) -> None:
    with socket.create_connection(("127.0.0.1", int(site.rsplit(":", 1)[1].strip("/")))) as connection:
        connection.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.split()[1] == b"404"
    assert b"not for visitors" not in answer


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SettingError, match=r"Nothing can be served at 127\.0\.0\.1:\d+, .* set FIQA_PORT"),
    ):
        create_server(tmp_path, "127.0.0.1", taken.getsockname()[1])
