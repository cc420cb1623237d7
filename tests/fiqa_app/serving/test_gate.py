import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from fiqa_app.serving.gate import REMEMBERED_VISITORS, Gate, Limits, TokenBuckets, visitor_of

SMALL = Limits(
    requests_per_s=0.001, requests_at_once=10, pending=2, json_size=1000, field_size=100, upload_size=5000,
    upload_size_at_once=20_000, upload_size_per_s=0, free_disk=0, chunk_s=0.1,
)  # fmt: skip
Answer = TypeVar("Answer")
PHOTO = {"path": "https://example.org/face.jpg", "meta": {"_type": "gradio.FileData"}}


class Work:
    """Takes everything under /queue for slow; `waiting` is how much waits."""

    waiting = 0

    def is_slow(self, endpoint: str, _fields: dict[str, Any]) -> bool:
        return endpoint.startswith("queue/")

    def pending(self, _visitor: str) -> int:
        return self.waiting


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the size of the body, as an app that reads it; refuse as Starlette would."""
    try:
        size = len(await Request(scope, receive).body())
    except HTTPException as error:
        await JSONResponse({"detail": error.detail}, error.status_code)(scope, receive, send)
    else:
        await JSONResponse({"size": size})(scope, receive, send)


def gate(tmp_path: Path, *, limits: Limits = SMALL, **options: Any) -> Gate:
    options = {"work": Work(), "behind_proxy": False, "fetch_urls": False, **options}
    return Gate(echo, limits=limits, uploads=tmp_path, **options)


async def request(gate: Gate, method: str, path: str, *, visitor: str = "10.0.0.1", **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(gate, client=(visitor, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return await client.request(method, path, **options)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run in a thread of its own: Playwright keeps an event loop running in the tests' thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def answer(gate: Gate, method: str, path: str, **options: Any) -> tuple[int, str]:
    """Send one request; returns status and body."""
    response = run(request(gate, method, path, **options))
    return response.status_code, response.text


def test_a_body_reaches_the_app_whole(tmp_path: Path) -> None:
    assert answer(gate(tmp_path), "POST", "/gradio_api/call/x", content=b"[]") == (200, '{"size":2}')


@pytest.mark.parametrize(
    "route", ["proxy=https://a.hf.space/", "process_recording", "vibe-code", "file=http://127.0.0.1/", "file=HTTPS://a"]
)
def test_routes_that_serve_nobody_are_closed(route: str, tmp_path: Path) -> None:
    assert answer(gate(tmp_path), "GET", f"/gradio_api/{route}")[0] == 403


def test_json_is_refused_above_its_limit_whether_declared_or_not(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    assert answer(gate(tmp_path), "POST", "/gradio_api/call/x", content=b" " * 1001)[0] == 413
    assert answer(gate(tmp_path), "POST", "/gradio_api/call/x", content=chunks())[0] == 413


@pytest.mark.parametrize(("size", "status"), [(4000, 200), (6000, 413)])
def test_uploads_have_a_limit_of_their_own(size: int, status: int, tmp_path: Path) -> None:
    files = {"files": ("face.jpg", b"x" * size)}
    assert answer(gate(tmp_path), "POST", "/gradio_api/upload", files=files)[0] == status


def test_a_field_that_is_no_file_must_be_small(tmp_path: Path) -> None:
    files = {"files": ("face.jpg", b"x" * 500), "note": (None, b"y" * 101)}
    assert answer(gate(tmp_path), "POST", "/gradio_api/upload", files=files)[0] == 413


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data"])
def test_an_upload_that_is_no_form_is_refused(kind: str, tmp_path: Path) -> None:
    headers = {"content-type": kind}
    assert answer(gate(tmp_path), "POST", "/gradio_api/upload", content=b"x", headers=headers)[0] == 400


def test_a_visitor_cannot_fill_the_disk(tmp_path: Path) -> None:
    door = gate(tmp_path)
    files = {"files": ("face.jpg", b"x" * 4500)}
    statuses = [answer(door, "POST", "/gradio_api/upload", files=files)[0] for _ in range(5)]
    assert statuses == [200] * 4 + [429]
    assert answer(door, "POST", "/gradio_api/upload", files=files, visitor="10.0.0.2")[0] == 200
    full = gate(tmp_path, limits=Limits(free_disk=2**60))
    assert answer(full, "POST", "/gradio_api/upload", files=files)[0] == 507


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join"])
def test_a_body_that_does_not_come_is_not_waited_for(path: str, tmp_path: Path) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.sleep(30)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert answer(gate(tmp_path), "POST", path, content=stalls(), headers=headers)[0] == 408


def test_a_visitor_who_asks_too_often_waits_and_nobody_else_does(tmp_path: Path) -> None:
    door = gate(tmp_path)
    statuses = [answer(door, "GET", "/config")[0] for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert answer(door, "GET", "/config", visitor="10.0.0.2")[0] == 200
    assert answer(door, "GET", "/assets/index.js")[0] == 200


def test_a_visitor_has_a_share_of_the_queue(tmp_path: Path) -> None:
    work = Work()
    door = gate(tmp_path, work=work)
    work.waiting = 2
    status, text = answer(door, "POST", "/gradio_api/queue/join", json={})
    assert status == 429
    assert "2 of your requests" in text
    assert answer(door, "POST", "/gradio_api/cancel", json={})[0] == 200


def test_requests_at_the_same_moment_share_it_too(tmp_path: Path) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.05)
        await echo(scope, receive, send)

    async def three() -> list[int]:
        door = gate(tmp_path)
        door.app = slow
        answers = [request(door, "POST", "/gradio_api/queue/join", json={}) for _ in range(3)]
        return [response.status_code for response in await asyncio.gather(*answers)]

    assert sorted(run(three())) == [200, 200, 429]


@pytest.mark.parametrize("endpoint", ["queue/join", "call/score", "call/v2/score", "run/predict"])
@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"data": [PHOTO]}),
        json.dumps({"data": [[{"image": {**PHOTO, "path": " HTTP://127.0.0.1:8000/"}}]]}),
        '{"data": [{"path": "https://a.org/b", "path": "/uploads/x", "meta": {}}]}',
    ],
)
def test_urls_in_place_of_files_are_refused(endpoint: str, body: str, tmp_path: Path) -> None:
    status, text = answer(gate(tmp_path), "POST", f"/gradio_api/{endpoint}", content=body)
    assert status == 400
    assert "upload the file" in text


def test_urls_as_arguments_of_tools_are_refused(tmp_path: Path) -> None:
    call = {"params": {"arguments": {"photos": ["https://example.org/face.jpg"]}}}
    assert answer(gate(tmp_path), "POST", "/gradio_api/mcp/", json=call)[0] == 400


def test_urls_pass_where_they_are_switched_on(tmp_path: Path) -> None:
    assert answer(gate(tmp_path, fetch_urls=True), "POST", "/gradio_api/queue/join", json={"data": [PHOTO]})[0] == 200


def test_the_address_of_an_upload_on_this_page_is_no_url_to_fetch(tmp_path: Path) -> None:
    ours = {"path": "/uploads/a.png", "url": "http://app/gradio_api/file=/uploads/a.png"}
    assert answer(gate(tmp_path), "POST", "/gradio_api/queue/join", json={"data": [ours]})[0] == 200


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"{", b"[1]", b"null", b"1" * 900])
def test_what_is_no_json_object_is_left_to_gradio(body: bytes, tmp_path: Path) -> None:
    assert answer(gate(tmp_path), "POST", "/gradio_api/run/predict", content=body)[0] == 200


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    door = gate(tmp_path, limits=Limits(free_disk=0))
    assert answer(door, "POST", "/gradio_api/run/predict", content=b"[" * 200_000)[0] == 400


@pytest.mark.parametrize(
    ("client", "forwarded", "visitor"),
    [
        ("203.0.113.9", "8.8.8.8", "203.0.113.9"),
        ("10.1.2.3", None, "10.1.2.3"),
        ("2001:db8::1", None, "2001:db8::/64"),
        ("testclient", None, "testclient"),
    ],
)
def test_a_visitor_is_known_by_address(client: str, forwarded: str | None, visitor: str) -> None:
    assert visitor_of(scope(client, forwarded), behind_proxy=False) == visitor


@pytest.mark.parametrize(
    ("forwarded", "visitor"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8, 10.0.0.7", "8.8.8.8"),  # the first is what the visitor claims
        ("2606:4700::1111", "2606:4700::/64"),
        ("nonsense", "10.1.2.3"),
        (None, "10.1.2.3"),
    ],
)
def test_behind_a_proxy_a_visitor_is_whom_the_proxy_names(forwarded: str | None, visitor: str) -> None:
    assert visitor_of(scope("10.1.2.3", forwarded), behind_proxy=True) == visitor


def scope(client: str, forwarded: str | None) -> Scope:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "http", "client": (client, 1), "headers": headers}


def test_buckets_fill_up_again_and_never_over() -> None:
    now = 0.0
    buckets = TokenBuckets(4, 2, lambda: now)
    assert [buckets.take("a", 2) for _ in range(3)] == [True, True, False]
    now = 1.0
    assert [buckets.take("a", 2) for _ in range(2)] == [True, False]
    now = 100.0
    assert [buckets.take("a", 2) for _ in range(3)] == [True, True, False]


def test_many_addresses_do_not_fill_the_memory() -> None:
    buckets = TokenBuckets(1, 0)
    for number in range(REMEMBERED_VISITORS + 10):
        buckets.take(str(number))
    assert len(buckets._left) == REMEMBERED_VISITORS


def test_what_is_no_http_passes(tmp_path: Path) -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def ignore(_message: Message) -> None: ...

    door = gate(tmp_path)
    door.app = app
    run(door({"type": "lifespan"}, nothing, ignore))
    assert seen == ["lifespan"]


def test_raters_of_one_laboratory_do_not_wait_for_each_other(tmp_path: Path) -> None:
    at = gate(tmp_path, limits=replace(SMALL, ratings_at_once=100, ratings_per_s=0.001))

    async def rate() -> list[int]:
        paths = ["/rating/picture/1/picture", "/rating/rate"] * 50
        rated = [await request(at, "POST" if path.endswith("rate") else "GET", path) for path in paths]
        others = [await request(at, "POST", path) for path in ("/rating/rate", "/rating/join")]
        return [answer.status_code for answer in (*rated, *others)]

    assert run(rate()) == [200] * 100 + [429, 200]  # who joins is counted with everything else
