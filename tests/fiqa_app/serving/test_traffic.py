import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from fiqa_app.serving.traffic import Counters, Traffic, health_routes, log_requests, logger


class WithRoute:
    """Stands for FastAPI, which notes the route that was taken in the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/photo/"):
            scope["route"] = Route("/photo/{name}", photo)
        await self.app(scope, receive, send)


def photo(_request: Request) -> Response:
    return PlainTextResponse("five!")


def client(*, with_metrics: bool = True) -> TestClient:
    counters = Counters(waiting=lambda: 3, ready=lambda: True)
    routes = [*health_routes(counters, ready=lambda: True, with_metrics=with_metrics), Route("/photo/{name}", photo)]
    middleware = [Middleware(Traffic, counters=counters), Middleware(WithRoute)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger.name):
        yield caplog


def test_a_request_is_one_line_without_personal_data(lines: pytest.LogCaptureFixture) -> None:
    client().get("/photo/anna.jpg?session_hash=abc", headers={"user-agent": "Annas Browser"})
    (line,) = [record.getMessage() for record in lines.records if record.name == logger.name]
    logged = json.loads(line)
    assert (logged["method"], logged["route"], logged["status"], logged["size_bytes"]) == (
        "GET",
        "/photo/{name}",
        200,
        5,
    )
    assert logged.keys() == {"time", "method", "route", "status", "ms", "size_bytes"}
    assert not any(word in line.lower() for word in ("anna", "abc", "testclient"))


def test_requests_are_counted_by_route_and_status() -> None:
    visitor = client()
    for path in ("/photo/a", "/photo/b", "/nowhere/else", "/nothing"):
        visitor.get(path)
    text = visitor.get("/metrics").text
    assert 'fiqa_requests_total{method="GET",route="/photo/{name}",status="200"} 2.0' in text
    assert 'fiqa_requests_total{method="GET",route="none",status="404"} 2.0' in text
    assert "fiqa_queue_waiting 3.0" in text
    assert "fiqa_ready 1.0" in text
    assert "process_resident_memory_bytes" in text


def test_routes_beside_gradios_are_named_by_their_pattern_too(lines: pytest.LogCaptureFixture) -> None:
    own = [Route("/rating/{action}", photo, methods=["POST"])]
    counters = Counters(waiting=lambda: 0, ready=lambda: True)
    visitor = TestClient(Starlette(routes=own, middleware=[Middleware(Traffic, counters=counters, routes=own)]))
    visitor.post("/rating/rate")
    visitor.get("/elsewhere")
    logged = [json.loads(record.getMessage()) for record in lines.records if record.name == logger.name]
    assert [each["route"] for each in logged] == ["/rating/{action}", "none"]


def test_invented_methods_make_no_new_counters() -> None:
    visitor = client()
    visitor.request("BREW", "/photo/a")
    assert 'method="other"' in visitor.get("/metrics").text


def test_metrics_are_off_by_default() -> None:
    visitor = client(with_metrics=False)
    assert visitor.get("/metrics").status_code == httpx.codes.NOT_FOUND
    assert visitor.get("/healthz").json() == {"status": "ok", "ready": True}


def test_files_are_what_they_are_declared_to_be() -> None:
    assert client().get("/photo/a").headers["x-content-type-options"] == "nosniff"


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    before = (logger.handlers[:], logger.level, logger.propagate)
    try:
        log_requests()
        client().get("/healthz")
    finally:
        logger.handlers, logger.level, logger.propagate = before
    assert json.loads(capsys.readouterr().err)["status"] == 200
