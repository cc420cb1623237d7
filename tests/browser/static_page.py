"""The static page in a browser whose network is off, for tests and pictures of the docs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from fiqa.in_browser.serving import create_server
from tests.browser.conftest import SCORE_MS


class LoadedPage:
    """The page in a browser whose network is off, and everything that it asked for or complained of since."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)

    def choose(self, *paths: Path) -> None:
        self.page.set_input_files("#file", [str(path) for path in paths])

    def scores(self) -> list[float]:
        """Return the score of every face once they are shown, with all digits."""
        self.page.wait_for_selector("#panel .panel:is(.result, .error)", timeout=SCORE_MS)
        shown = self.page.locator("#panel data").evaluate_all("all => all.map(each => Number(each.value))")
        return [float(value) for value in (shown[1:] or shown)]

    def notices(self) -> list[str]:
        return self.page.locator("#panel .notice").all_inner_texts()

    def problem(self) -> str:
        self.page.wait_for_selector("#panel .error", timeout=SCORE_MS)
        return self.page.locator("#panel [role=alert]").inner_text()


@contextmanager
def open_page(browser: Browser, folder: Path, **options: Any) -> Iterator[LoadedPage]:
    """Load the page, then stop its server and take the network away."""
    context = browser.new_context(**options)
    loaded = LoadedPage(context.new_page())
    with create_server(folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            loaded.page.goto(f"http://127.0.0.1:{server.server_port}/")
            expect(loaded.page.locator("#state")).to_contain_text("Ready", timeout=SCORE_MS)
            expect(loaded.page.locator("#example")).to_be_enabled()
        finally:
            server.shutdown()
            thread.join()
    context.set_offline(True)
    loaded.requests.clear()
    yield loaded
    assert not [url for url in loaded.requests if not url.startswith("blob:")]
    assert not loaded.errors
    context.close()
