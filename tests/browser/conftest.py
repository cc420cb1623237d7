"""The real app with the bundled checkpoint in a process of its own, and the system's Chromium to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from skimage.data import astronaut

from fiqa.degradations import degrade

ROOT = Path(__file__).parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S, SCORE_MS = 120, 120_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed; in CI the page has to be looked at.")
        pytest.skip("Chromium is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_OPTIONS])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the app on a free port and return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "FIQA_HOST": "127.0.0.1",
        "FIQA_PORT": str(port),
        "FIQA_DATA_DIR": str(folder / "data"),
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/", server, folder / "log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(address, timeout=5).close()
        except (URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"The app did not come up:\n{log.read_text()}")


@dataclass
class Visit:
    """One visitor's page, and everything that went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def add_photos(self, *paths: Path) -> None:
        self.page.set_input_files("#photos input[type=file]", [str(path) for path in paths])

    def wait_for(self, panel: str) -> None:
        self.page.wait_for_selector(f"#panel .{panel}", timeout=SCORE_MS)

    def width_px(self) -> int:
        """Width of everything that can be scrolled to."""
        width: int = self.page.evaluate("document.scrollingElement.scrollWidth")
        return width


@pytest.fixture
def visit(browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open the page; parametrise indirectly with options of the browser context, such as a colour scheme."""
    context = browser.new_context(**getattr(request, "param", {}))
    visit = Visit(context.new_page())
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("console", lambda line: visit.errors.append(line.text) if line.type == "error" else None)
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.goto(site)
    visit.page.wait_for_selector("#examples img", timeout=SCORE_MS)
    yield visit
    context.close()
    assert not visit.errors


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The astronaut, pristine and blurred, in a group of three, and a text that says it is a photo."""
    folder = tmp_path_factory.mktemp("photos")
    portrait = astronaut()
    pictures = {
        "astronaut": portrait,
        "blurred": degrade(portrait, [("gaussian_blur", 0.4)]),
        "group": np.hstack([portrait] * 3),
    }
    paths = {name: folder / f"{name}.png" for name in pictures} | {"text": folder / "notes.jpg"}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(paths[name])
    paths["text"].write_text("Dear diary, this is not a photo.", encoding="utf-8")
    return paths
