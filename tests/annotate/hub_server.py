"""A stand-in for the HTTP interface of the Hugging Face Hub: one dataset repository, in memory."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from huggingface_hub import HfApi

REPOSITORY = "anna/labels"


@dataclass
class Hub:
    """What the repository holds: its commits, each all files by name; `broken` answers everything with an error."""

    private: bool = True
    exists: bool = False
    broken: bool = False
    commits: list[dict[str, bytes]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1] if self.commits else {}

    @property
    def head(self) -> str:
        return hashlib.sha1(str(len(self.commits)).encode(), usedforsecurity=False).hexdigest()

    def api(self) -> HfApi:
        return HfApi(endpoint=self.address, token="hf_test")  # noqa: S106


@contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(_Handler):
        state = hub

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hub
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    state: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.state.broken:
            self._answer({"error": "out of order"}, 403)
        elif self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path.endswith("/validate-yaml"):
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            names = [each["path"] for each in json.loads(body)["files"]]
            self._answer({"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]})
        else:
            self._commit([json.loads(line) for line in body.splitlines()])

    def do_GET(self) -> None:
        if self.state.broken:
            self._answer({"error": "out of order"}, 403)
        elif "/tree/" in self.path:
            files = self.state.files.items()
            self._answer([{"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in files])
        elif "/commits/" in self.path:
            commit = {
                "id": self.state.head,
                "title": "",
                "message": "",
                "authors": [],
                "date": "2026-03-01T12:30:00.000Z",
            }
            self._answer([commit])
        elif resolved := re.search(r"/resolve/[^/]+/(.+)", self.path):
            self._file(unquote(resolved[1]))
        else:
            siblings = [{"rfilename": name} for name in self.state.files]
            self._answer(
                {
                    "id": REPOSITORY,
                    "sha": self.state.head,
                    "private": self.state.private,
                    "siblings": siblings,
                    "tags": [],
                }
            )

    def do_HEAD(self) -> None:
        self.do_GET()

    def _create(self, wanted: dict[str, Any]) -> None:
        self.state.created.append(wanted)
        status, self.state.exists = (409 if self.state.exists else 200), True
        self._answer({"url": f"{self.state.address}/datasets/{REPOSITORY}"}, status)

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        added = {
            each["value"]["path"]: base64.b64decode(each["value"]["content"]) for each in lines if each["key"] == "file"
        }
        self.state.commits.append({**self.state.files, **added})
        self._answer(
            {
                "commitUrl": f"{self.state.address}/datasets/{REPOSITORY}/commit/{self.state.head}",
                "commitOid": self.state.head,
            }
        )

    def _file(self, name: str) -> None:
        data = self.state.files[name]
        self.send_response(200)
        self.send_header("ETag", f'"{_oid(data)}"')
        self.send_header("X-Repo-Commit", self.state.head)
        self._send(data)

    def _answer(self, content: object, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self._send(json.dumps(content).encode())

    def _send(self, data: bytes) -> None:
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *_: object) -> None: ...


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
