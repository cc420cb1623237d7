"""The Studies tab as its owner uses it."""

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
    """Look in a wide window in the dark, then on a phone in the light, where nothing may overflow."""
    for width, dark in ((1440, True), (390, False)):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate(SWITCH_THEME, dark)
        page.wait_for_function(f"document.scrollingElement.scrollWidth <= {width}", timeout=20_000)
        found = Axe().run(page, context="#studies", options=ACCESSIBLE)
        assert found.violations_count == 0, found.generate_report()
