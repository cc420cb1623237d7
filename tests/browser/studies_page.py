"""The Studies tab as its owner uses it."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, expect

from tests.browser.rating.test_around_rating import ACCESSIBLE
from tests.served import Served

SWITCH_THEME = """(dark) => {
  document.body.classList.toggle("dark", dark);
  for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
}"""
"""Colours change at once, or they would be looked at halfway."""


def sign_in(page: Page, served: Served) -> None:
    sign_in_as_owner(page, served)
    expect(page.locator("#create-study")).to_be_visible()


def sign_in_as_owner(page: Page, served: Served) -> None:
    page.locator("#owner-secret input").fill(str(served.ownership.made_secret))
    page.click("#sign-in")


def open_study(page: Page, name: str) -> None:
    page.locator("#studies-list").get_by_role("button", name=name).click()
    expect(page.locator("#study-title")).to_contain_text(name)


def open_panel(page: Page, name: str) -> None:
    page.locator("#study-tabs").get_by_role("tab", name=name, exact=True).click()


def typed(page: Page, field: str) -> Locator:
    return page.locator(f"{field} :is(input, textarea)")


def check_access(page: Page) -> None:
    """Look on a phone in the light at everything that axe knows, and as `check_look` does."""
    check_look(page)
    _run_axe(page, ACCESSIBLE)


def check_look(page: Page) -> None:
    """Look at the colours in a wide window in the dark, then see that nothing overflows on a phone in the light."""
    _show(page, 1440, dark=True)
    _run_axe(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})
    _show(page, 390, dark=False)


def _show(page: Page, width: int, *, dark: bool) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate(SWITCH_THEME, dark)
    page.wait_for_function(f"document.scrollingElement.scrollWidth <= {width}", timeout=20_000)


def _run_axe(page: Page, options: dict[str, Any]) -> None:
    found = Axe().run(page, context="#studies", options=options)
    assert found.violations_count == 0, found.generate_report()
