"""What the app tells its operator: a line of the log per request, counters for Prometheus, and whether it is well.

Neither holds anything personal: a request is known by the pattern of its route (`/gradio_api/file={…}`), never by its
address, its session or the names of its files.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("fiqa.requests")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Counters:
    """What is counted, in a registry of its own; `waiting` and `ready` are asked when somebody looks."""

    def __init__(self, *, waiting: Callable[[], int], ready: Callable[[], bool]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        labels = ("method", "route", "status")
        self._requests = Counter("fiqa_requests", "Requests answered", labels, registry=self._registry)
        self._seconds = Histogram("fiqa_request_seconds", "Time to answer", ("route",), registry=self._registry)
        Gauge("fiqa_queue_waiting", "Events in the queue", registry=self._registry).set_function(waiting)
        Gauge("fiqa_ready", "Whether the default checkpoint is loaded", registry=self._registry).set_function(ready)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)


class Traffic:
    """Counts and logs what passes through `app`, and tells browsers to take files for what they are declared.

    `routes` are those beside Gradio's, which unlike these do not say which one answered.
    """

    def __init__(self, app: ASGIApp, *, counters: Counters, routes: Sequence[BaseRoute] = ()) -> None:
        self.app, self.counters, self.routes = app, counters, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, size, started = 500, 0, time.monotonic()

        async def counted(message: Message) -> None:
            """Send on, noting the status and the size."""
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            self._note(scope, status, size, time.monotonic() - started)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = self._pattern(scope)
        self.counters.count(method, route, status, seconds)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "size_bytes": size,
        }
        logger.info("%s", json.dumps(line))

    def _pattern(self, scope: Scope) -> str:
        """Return the pattern of the route that answered, "none" where no route did."""
        found = scope.get("route") or next((each for each in self.routes if each.matches(scope)[0] is Match.FULL), None)
        return getattr(found, "path", "none")


def health_routes(counters: Counters, *, ready: Callable[[], bool], with_metrics: bool) -> list[Route]:
    """Return `/healthz`, and `/metrics` where it is switched on."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "ready": ready()})

    async def metrics(_request: Request) -> Response:
        return Response(counters.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    routes = [Route("/healthz", health)]
    return [*routes, Route("/metrics", metrics)] if with_metrics else routes


def log_requests() -> None:
    """Write the lines of `Traffic` to standard error; without this they go nowhere."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
