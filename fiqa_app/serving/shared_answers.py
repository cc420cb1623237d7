"""What is the same for everybody is made and compressed once: the page, and the scripts and styles that draw it.

Gradio makes the page anew for each visitor and sends its 700 kB as they are. It compresses each of a hundred files
anew, too, and browsers ask for them again at a later visit, though their names change with their content.
"""

import asyncio
import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Self

import brotli
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGES = ("/", "/config")
FILE = re.compile(r"/assets/[\w-]+(\.[\w-]+)*\.(js|css)")
"""One of Gradio's files, by the only path that it has here."""
ADDRESS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""Headers from which Gradio tells the address at which a page was asked for."""
MOST_PAGES = 64
"""Pages that are kept: whoever asks for it at ever new addresses fills no memory."""
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {"br": partial(brotli.compress, quality=6), "gzip": gzip.compress}
)
"""By the name that browsers know them by, the best first."""
ASK_AGAIN, FOR_EVER = "no-cache", "public, max-age=31536000, immutable"
Key = tuple[str, ...]


@dataclass(frozen=True)
class SharedAnswer:
    """An answer as it is sent, and the route that gave it."""

    body: bytes
    headers: dict[str, str]
    route: Any = None

    @classmethod
    def of(cls, content: bytes, content_type: str, encoding: str | None, *, caching: str, route: Any = None) -> Self:
        """Return the answer with `content`, compressed if there is an encoding; `caching` is what browsers may do."""
        body = ENCODERS[encoding](content) if encoding else content
        headers = {
            "content-type": content_type,
            "vary": "Accept-Encoding",
            "etag": f'"{sha256(body).hexdigest()[:32]}"',
            "cache-control": caching,
        }
        return cls(body, headers | ({"content-encoding": encoding} if encoding else {}), route)

    def response(self, asked: Headers) -> Response:
        """Return what is sent: without the body, where the browser has it already."""
        known = [each.strip().removeprefix("W/") for each in asked.get("if-none-match", "").split(",")]
        if self.headers["etag"] in known or known == ["*"]:
            return Response(status_code=304, headers=self.headers)
        return Response(self.body, headers=self.headers)


def accepted_encoding(asked: Headers) -> str | None:
    """Return the best encoding that a browser takes, None where it takes none that we have."""
    accepted = set()
    for each in asked.get("accept-encoding", "").split(","):
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        if not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters):
            accepted.add(name)
    return next((name for name in ENCODERS if name in accepted), None)


class SharedAnswers:
    """ASGI middleware: gives everybody what `app` answered to the first who asked for the same."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._pages: dict[Key, SharedAnswer] = {}
        self._files: dict[Key, SharedAnswer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        asked = Headers(scope=scope) if scope["type"] == "http" else Headers()
        encoding = accepted_encoding(asked)
        if encoding is None or not _is_shared(scope, asked):
            await self.app(scope, receive, send)
            return
        known = self._pages if scope["path"] in PAGES else self._files
        key = (encoding, *_identity(scope, asked))
        if key not in known:
            status, messages = await self._ask(scope, receive)
            if status != 200:
                for message in messages:
                    await send(message)
                return
            if len(self._pages) >= MOST_PAGES:
                self._pages.clear()
            known[key] = await asyncio.to_thread(_compressed, messages, encoding, scope)
        scope["route"] = known[key].route
        await known[key].response(asked)(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive) -> tuple[int, list[Message]]:
        """Return the status and all messages of what the app answers."""
        messages: list[Message] = []

        async def note(message: Message) -> None:
            messages.append(message)

        asked = {**scope, "extensions": {}}  # files come as bytes, and not as a path for the server to send
        await self.app(asked, receive, note)
        scope["route"] = asked.get("route")
        return messages[0]["status"], messages


def _is_shared(scope: Scope, asked: Headers) -> bool:
    if scope["method"] != "GET" or scope["query_string"] or "range" in asked:
        return False
    return scope["path"] in PAGES or FILE.fullmatch(scope["path"]) is not None


def _identity(scope: Scope, asked: Headers) -> Key:
    """Return what an answer depends on; a page contains the address at which it was asked for."""
    if scope["path"] not in PAGES:
        return (scope["path"],)
    return scope["path"], scope["scheme"], scope.get("root_path", ""), *(asked.get(name, "") for name in ADDRESS)


def _compressed(messages: list[Message], encoding: str, scope: Scope) -> SharedAnswer:
    content = b"".join(message.get("body", b"") for message in messages)
    content_type = Headers(raw=messages[0]["headers"])["content-type"]
    caching = ASK_AGAIN if scope["path"] in PAGES else FOR_EVER
    return SharedAnswer.of(content, content_type, encoding, caching=caching, route=scope["route"])
