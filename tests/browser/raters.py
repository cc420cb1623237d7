"""People who rate at the page, each in a browser context of their own, many at once in one Chromium."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Error, Page, ViewportSize, async_playwright

from tests.browser.conftest import CHROMIUM_OPTIONS, QUIET, find_chromium

WINDOW: ViewportSize = {"width": 800, "height": 760}
LOOK_S = 0.26
"""A little more than the page takes for the second click of a double click."""
PATIENCE_MS = 120_000
# What a rater waits for: a picture other than the last that can be rated, a button that leads on, or the end.
WHAT_IS_THERE = """last => {
  const stage = document.querySelector(".viewing");
  const number = stage?.dataset.shown;
  if (number && number !== last) return { number, side_px: stage.querySelector("img").naturalWidth };
  if (document.querySelector(".rate .code output")) return { code: document.querySelector(".rate .code output").value };
  return document.querySelector(".rate button.main:enabled") && { leads_on: true };
}"""


@asynccontextmanager
async def open_pages(count: int, *, window: ViewportSize = WINDOW) -> AsyncIterator[Sequence[Page]]:
    """Start Chromium; give blank pages that share nothing but the process."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_OPTIONS])
        yield [await _open_page(browser, window) for _ in range(count)]
        await browser.close()


async def _open_page(browser: Browser, window: ViewportSize) -> Page:
    context = await browser.new_context(**QUIET, viewport=window)
    context.set_default_timeout(PATIENCE_MS)
    return await context.new_page()


class Rater:
    """A participant with their page and their personal link.

    `code` is the completion code, once there is one.
    """

    def __init__(self, page: Page, link: str) -> None:
        self.page, self.link = page, link
        self.code = ""
        self._number: str | None = None

    async def open(self) -> None:
        """Open the link; again where nobody answers, as people do."""
        while True:
            try:
                await self.page.goto(self.link)
            except Error:
                await asyncio.sleep(1)
            else:
                return

    async def enter(self) -> None:
        """Open the link, consent, and pass the screen check."""
        await self.open()
        await self.page.check("#eligibility-box")
        await self.page.check("#consent-box")
        await self._go_on()
        await self.page.select_option("#patches-dark", "3")
        await self.page.select_option("#patches-light", "4")
        await self._go_on()

    async def look(self) -> int | None:
        """Wait for the next picture, through breaks; return its width in pixels, None when all is rated."""
        while True:
            found = await self.page.wait_for_function(WHAT_IS_THERE, arg=self._number)
            there = await found.json_value()
            if "code" in there:
                self.code = there["code"]
                return None
            if "number" in there:
                self._number = there["number"]
                await asyncio.sleep(LOOK_S)
                return int(there["side_px"])
            await self._go_on()

    async def press(self, key: str | int) -> None:
        """Rate what is on screen, with a key: a grade, or an arrow for a pair."""
        await self.page.keyboard.press(str(key))

    async def _go_on(self) -> None:
        await self.page.click(".rate button.main:enabled")
