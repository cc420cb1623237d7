"""What is let in from outside: an ASGI middleware in front of Gradio, with limits per visitor.

Gradio by itself reads JSON of any size, keeps any number of files, fetches the URLs it is given and serves whoever
came first. Here a request is refused, before its body is read where that is possible, if

* it is for a route that this app has no use for;
* its body is too large or arrives too slowly, or there is no room on the disk;
* it names a URL where a file belongs, unless fetching is switched on (Gradio then fetches from public hosts only);
* its visitor asks too often, uploads too much or has too much work waiting.

A visitor is an IP address, of IPv6 the network of 64 bits that a household gets. Nothing but these counts is kept.
"""

import asyncio
import json
import shutil
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/gradio_api/"
CLOSED = ("proxy=", "process_recording", "vibe-", "undo-vibe-edit", "stream/", "file/")
"""Routes of Gradio for loaded Spaces, video editing, its code editor and streams of sound, and an old name of one."""
STATIC = ("/assets/", "/static/", "/svelte/")
RATINGS = ("/rating/rate", "/rating/picture/")
"""What raters ask for with every picture, fast and many behind the one address of a laboratory; it costs little."""
REMEMBERED_VISITORS = 10_000
MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What a visitor may do; sizes in bytes. `requests_per_s` is FIQA_RATE_LIMIT."""

    requests_per_s: float = 20
    requests_at_once: int = 200
    ratings_per_s: float = 200
    ratings_at_once: int = 2000
    pending: int = 8
    json_size: int = 2 * MIB
    field_size: int = MIB // 16
    upload_size: int = 1024 * MIB
    upload_size_at_once: int = 2048 * MIB
    upload_size_per_s: int = 2 * MIB
    free_disk: int = 1024 * MIB
    chunk_s: float = 20
    """Longest silence within a body."""


class TokenBuckets:
    """How much each visitor may take: `at_once` after a rest, `per_s` in the long run; knows the latest visitors."""

    def __init__(self, at_once: float, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.at_once, self.per_s = at_once, per_s
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, visitor: str, amount: float = 1) -> bool:
        """Take the amount if it is there; returns whether it was."""
        now = self._clock()
        left, before = self._left.pop(visitor, (self.at_once, now))
        left = min(self.at_once, left + (now - before) * self.per_s)
        enough = amount <= left
        self._left[visitor] = (left - amount if enough else left, now)
        if len(self._left) > REMEMBERED_VISITORS:
            self._left.popitem(last=False)
        return enough


class Work(Protocol):
    """What the gate asks about the work behind it; see `fiqa_app.serving.queued_work`."""

    def is_slow(self, endpoint: str, fields: dict[str, Any]) -> bool:
        """Whether a request to `endpoint` (without `API`) with these JSON fields waits for a network."""

    def pending(self, visitor: str) -> int:
        """Count the slow work of a visitor that waits or runs."""


class Gate:
    """Lets requests through to `app`, or answers them with a refusal of one sentence."""

    def __init__(
        self, app: ASGIApp, *, work: Work, limits: Limits, uploads: Path, behind_proxy: bool, fetch_urls: bool
    ) -> None:
        self.app, self.work, self.limits, self.uploads = app, work, limits, uploads
        self.behind_proxy, self.fetch_urls = behind_proxy, fetch_urls
        self._requests = TokenBuckets(limits.requests_at_once, limits.requests_per_s)
        self._ratings = TokenBuckets(limits.ratings_at_once, limits.ratings_per_s)
        self._uploaded = TokenBuckets(limits.upload_size_at_once, limits.upload_size_per_s)
        self._entering: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(STATIC):
            await self.app(scope, receive, send)
            return
        visitor = visitor_of(scope, behind_proxy=self.behind_proxy)
        try:
            receive, slow = await self._admit(scope, receive, visitor)
        except HTTPException as refusal:
            await JSONResponse({"detail": refusal.detail}, refusal.status_code)(scope, receive, send)
            return
        self._entering[visitor] += slow  # until it is in the queue; else many at once would all find it empty
        try:
            await self.app(scope, receive, send)
        finally:
            self._entering[visitor] -= slow
            self._entering += Counter()  # forgets those who have nothing

    async def _admit(self, scope: Scope, receive: Receive, visitor: str) -> tuple[Receive, bool]:
        """Return how the body is to be read, and whether it asks for slow work; raise HTTPException to refuse."""
        endpoint = scope["path"].partition(API)[2]
        if endpoint.startswith(CLOSED) or _is_url(endpoint.removeprefix("file=")):
            raise HTTPException(403, "This app does not offer that.")
        bucket = self._ratings if scope["path"].startswith(RATINGS) else self._requests
        if not bucket.take(visitor):
            raise HTTPException(429, "Too many requests came from your address; wait a moment.")
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return receive, False
        request = Request(scope)
        if endpoint == "upload":
            return self._watched_upload(request, receive, visitor), False
        body = await self._read(request, receive)
        fields = _fields(body) if self.fetch_urls else _fields(body, without_urls=_url_check(endpoint))
        slow = self.work.is_slow(endpoint, fields)
        if slow and self.work.pending(visitor) + self._entering[visitor] >= self.limits.pending:
            raise HTTPException(429, f"{self.limits.pending} of your requests are at work already; wait for one.")
        return _replayed(body, receive), slow

    async def _read(self, request: Request, receive: Receive) -> bytes:
        """Return a body that is not an upload."""
        _check_size(request, self.limits.json_size)
        body = bytearray()
        more = True
        while more:
            message = await self._next(receive)
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.limits.json_size:
                raise _too_large(self.limits.json_size)
        return bytes(body)

    def _watched_upload(self, request: Request, receive: Receive, visitor: str) -> Receive:
        """Return a `receive` that counts as the body comes in; what it raises in the middle Gradio's app answers."""
        _check_size(request, self.limits.upload_size)
        if shutil.disk_usage(self.uploads).free < self.limits.free_disk:
            raise HTTPException(507, "There is no room for uploads at the moment; try again in some minutes.")
        form = FormWatch(request.headers.get("content-type", ""), self.limits.field_size)
        size, complete = 0, False

        async def watched() -> Message:
            """Receive the next part of the body, within all limits."""
            nonlocal size, complete
            if complete:
                return await receive()
            message = await self._next(receive)
            chunk = message.get("body", b"")
            size, complete = size + len(chunk), not message.get("more_body", False)
            if size > self.limits.upload_size:
                raise _too_large(self.limits.upload_size)
            if not self._uploaded.take(visitor, len(chunk)):
                raise HTTPException(429, "Very much was uploaded from your address; wait some minutes.")
            form.write(chunk)
            return message

        return watched

    async def _next(self, receive: Receive) -> Message:
        """Wait for the next part of a body, but not for ever."""
        try:
            return await asyncio.wait_for(receive(), self.limits.chunk_s)
        except TimeoutError:
            raise HTTPException(408, "The request did not arrive in time; send it again.") from None


class FormWatch:
    """Reads along an upload: Gradio keeps fields that are no files in memory, whatever their size."""

    def __init__(self, content_type: str, field_size: int) -> None:
        self._limit, self._size, self._is_file = field_size, 0, False
        self._name, self._disposition = b"", b""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise HTTPException(400, "An upload is a form with files.")
        callbacks: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
        }
        self._parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]

    def write(self, chunk: bytes) -> None:
        """Read the next part of the body; raises HTTPException."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise HTTPException(400, "An upload is a form with files.") from None

    def _begin(self) -> None:
        self._size, self._is_file, self._name, self._disposition = 0, False, b"", b""

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._disposition += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(self._disposition)[1]
        self._name, self._disposition = b"", b""

    def _data(self, _data: bytes, start: int, end: int) -> None:
        self._size += 0 if self._is_file else end - start
        if self._size > self._limit:
            raise _too_large(self._limit)


def visitor_of(scope: Scope, *, behind_proxy: bool) -> str:
    """Return who sent a request. A proxy names them last in X-Forwarded-For; what is before it, anyone can claim."""
    address = (scope.get("client") or ("", 0))[0]
    if behind_proxy:
        forwarded = [part.strip() for part in Request(scope).headers.get("x-forwarded-for", "").split(",")]
        address = next(filter(_is_public, reversed(forwarded)), address)
    try:
        parsed = ip_address(address)
    except ValueError:
        return str(address)
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


Pairs = list[tuple[str, Any]]


def _fields(body: bytes, *, without_urls: Callable[[Pairs], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the fields of a JSON body; of anything else none, and Gradio refuses it itself."""
    try:
        fields = json.loads(body, object_pairs_hook=without_urls)
    except RecursionError:
        raise HTTPException(400, "The request is nested too deeply.") from None
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _url_check(endpoint: str) -> Callable[[Pairs], dict[str, Any]]:
    """Return what builds an object of JSON, as pairs, because of two equal keys another parser may take the other.

    Gradio fetches the `path` of a file, and as tools of an assistant (`mcp`) any argument that is a URL.
    """
    any_key = endpoint.startswith("mcp")

    def without_urls(pairs: Pairs) -> dict[str, Any]:
        """Build the object; raise HTTPException when it names a URL."""
        for key, value in pairs:
            if (any_key or key == "path") and any(map(_is_url, value if isinstance(value, list) else [value])):
                raise HTTPException(400, "Photos are not fetched from URLs here; upload the file.")
        return dict(pairs)

    return without_urls


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower().startswith(("http:", "https:"))


def _check_size(request: Request, limit: int) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"That is more than the {limit / MIB:g} MiB that are taken; send less at once.")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body already read, and then what comes after it."""
    messages = iter([partial(_whole, body)])

    async def replay() -> Message:
        return await next(messages, receive)()

    return replay


async def _whole(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}
