"""Serves the folder of a static page, and nothing else, until it is interrupted."""

from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fiqa.errors import SettingError
from fiqa.settings import Settings

KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
HEADERS = {
    "Cache-Control": "no-cache",  # the browser asks for newer files each time
    "Content-Security-Policy": "default-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **KINDS}  # noqa: RUF012  as in the class above

    def log_message(self, *_: object) -> None:
        """Say nothing of who asks for what."""

    def list_directory(self, path: str) -> None:  # type: ignore[override]
        """Show no folder's content."""
        self.send_error(404)

    def end_headers(self) -> None:
        """Let scripts of this page alone run, which reach no other address."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def create_server(folder: Path, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder that listens already; raises SettingError where it cannot."""
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(folder)))
    except OSError:
        raise SettingError(
            f"Nothing can be served at {host}:{port}, most likely because the port is in use; set FIQA_PORT."
        ) from None


def serve(folder: Path, settings: Settings) -> None:
    """Serve a folder until Ctrl-C or a signal."""
    with create_server(folder, settings.host, settings.port) as server, suppress(KeyboardInterrupt):
        print(f"The page is at http://{settings.host}:{settings.port}/", flush=True)
        server.serve_forever()
