"""The real app with the bundled checkpoint in a process of its own, and the system's Chromium to look at it."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from skimage.data import astronaut

from fiqa.degradation.synthetic import degrade
from tests.app_process import run_app

ROOT = Path(__file__).parents[2]
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCORE_MS = 120_000
QUIET: dict[str, Any] = {"reduced_motion": "reduce"}
"""Nothing on the page moves: every frame that is drawn without a graphics card takes time from what is tested."""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
"""A phone in the dark."""
DAMAGES = ("jpeg", "gaussian_noise", "gaussian_blur", "low_light", "motion_blur", "haze")


class NoChromiumError(Exception):
    """There is no browser to look at the page with."""


def find_chromium() -> str:
    """Return the path of the system's Chromium; raises NoChromiumError when there is none."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        raise NoChromiumError("Chromium is not installed.")
    return path


def zip_damaged(folder: Path) -> Path:
    """Zip the astronaut under six kinds of damage at four severities, in two folders, and a file that is no photo."""
    path = folder / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, severity) in enumerate(product(DAMAGES, (0.15, 0.3, 0.45, 0.6))):
            buffer = BytesIO()
            pixels = degrade(astronaut()[:400, 40:440], [(name, severity)], seed=number)
            Image.fromarray(pixels).save(buffer, "PNG")
            archive.writestr(f"{'ab'[number % 2]}/{name}-{100 * severity:.0f}.png", buffer.getvalue())
        archive.writestr("b/text.jpg", "Dear diary, this is not a photo.")
    return path


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the system's Chromium; raises NoChromiumError when there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_OPTIONS])
        yield browser
        browser.close()


def choose_tab(page: Page, name: str) -> None:
    """Open a tab of the page, from the menu of those that do not fit where it is there."""
    expect(page.get_by_role("tab", name="Score", exact=True)).to_be_visible(timeout=SCORE_MS)
    page.wait_for_timeout(300)  # which of them fit is measured after they are drawn
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.is_visible():
        tab.click()
        return
    page.get_by_role("button", name="More tabs").click()
    page.locator(".overflow-dropdown").get_by_role("button", name=name, exact=True).click()


@contextmanager
def serve_app(folder: Path) -> Iterator[str]:
    """Serve the app on a free port, with its files in `folder`; gives its address."""
    with run_app(folder) as app:
        yield app.address


def save_photos(folder: Path) -> dict[str, Path]:
    """Save the astronaut, pristine and damaged, in a group of three, and a text that says it is a photo."""
    portrait = astronaut()
    pictures = {
        "astronaut": portrait,
        "blurred": degrade(portrait, [("gaussian_blur", 0.4)]),
        "noisy": degrade(portrait, [("gaussian_noise", 0.6)]),
        "dark": degrade(portrait, [("low_light", 0.6)]),
        "group": np.hstack([portrait] * 3),
    }
    paths = {name: folder / f"{name}.png" for name in pictures} | {"text": folder / "notes.jpg"}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(paths[name])
    paths["text"].write_text("Dear diary, this is not a photo.", encoding="utf-8")
    return paths


@dataclass
class Visit:
    """One visitor's page, and everything that went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, site: str) -> None:
        """Go to the page and wait until it is complete."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(site)
        self.page.wait_for_selector("#examples img", timeout=SCORE_MS)

    def clear(self) -> None:
        """Go back to what a new visitor sees: the Score tab, without photos, at its top."""
        self.page.get_by_role("tab", name="Score", exact=True).click()
        self.page.wait_for_selector("#photos")
        clear = self.page.locator("#photos button[aria-label='Clear']")
        if clear.is_visible():
            clear.click()
        self.wait_for("empty")
        self.page.evaluate("scrollTo(0, 0)")

    def add_photos(self, *paths: Path) -> None:
        self.page.set_input_files("#photos input[type=file]", [str(path) for path in paths])

    def wait_for(self, panel: str) -> None:
        self.page.wait_for_selector(f"#panel .{panel}", timeout=SCORE_MS)

    def expect_to_fit_a_phone(self) -> None:
        """See that nothing has to be scrolled to once the window is as narrow as a phone's."""
        size = self.page.viewport_size
        self.page.set_viewport_size(PHONE["viewport"])
        self.page.wait_for_function("document.scrollingElement.scrollWidth <= innerWidth", timeout=20_000)
        if size:
            self.page.set_viewport_size(size)

    def assert_well(self, site: str) -> None:
        """See that nothing went wrong, and that nothing was asked of other servers."""
        assert not self.errors
        assert [url for url in self.requests if not url.startswith((site, "data:", "blob:"))] == []

    def width_px(self) -> int:
        """Width of everything that can be scrolled to."""
        width: int = self.page.evaluate("document.scrollingElement.scrollWidth")
        return width


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; without it the tests that look at the page are skipped."""
    try:
        return find_chromium()
    except NoChromiumError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error} In CI the page has to be looked at.")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, which can be started once in a process; every browser of the tests is launched from it."""
    expect.set_options(timeout=SCORE_MS)  # a machine that tests share can take long to draw a page
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_OPTIONS])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_app(tmp_path_factory.mktemp("site")) as address:
        yield address


@pytest.fixture
def new_visit(browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open the page; parametrise indirectly with options of the browser context, such as a colour scheme."""
    context = browser.new_context(**QUIET, **getattr(request, "param", {}))
    visit = Visit(context.new_page())
    visit.open(site)
    yield visit
    context.close()
    visit.assert_well(site)


@pytest.fixture(scope="module")
def visits(browser: Browser, site: str) -> Iterator[Callable[[dict[str, Any]], Visit]]:
    """Gives a page for each kind of browser context, which is loaded once in a file of tests: that takes seconds."""
    opened: dict[str, Visit] = {}

    def come(options: dict[str, Any]) -> Visit:
        visit = opened.get(str(options))
        if visit is None:
            visit = opened[str(options)] = Visit(browser.new_context(**QUIET, **options).new_page())
            visit.open(site)
        return visit

    yield come
    for visit in opened.values():
        visit.page.context.close()


@pytest.fixture
def visit(visits: Callable[[dict[str, Any]], Visit], site: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Give the page as other tests of the file left it, cleared.

    Parametrise indirectly with options of the browser context, such as PHONE.
    """
    visit = visits(getattr(request, "param", {}))
    visit.clear()
    yield visit
    visit.assert_well(site)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_photos(tmp_path_factory.mktemp("photos"))
