"""The Curate tab in a browser: the threshold is moved, examples are judged by key, on a screen and on a phone."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SCORE_MS, zip_damaged


@pytest.fixture(scope="module", params=[(1440, "light"), (390, "dark")], ids=["screen", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, site: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The tab with 24 photos, scored."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{site}#curate")
    archive = zip_damaged(tmp_path_factory.mktemp("zip"))
    page.set_input_files("#curate-photos input[type=file]", str(archive), timeout=SCORE_MS)
    expect(page.locator("#curate-summary .verdict-counts")).to_be_visible(timeout=SCORE_MS)
    return page


def photos(page: Page, verdict: str) -> list[str]:
    return page.locator(f"#curate-sheet section.{verdict} li small:not(.why)").all_inner_texts()


def test_photos_move_between_keep_maybe_and_drop_as_the_share_does(page: Page) -> None:
    expect(page.locator("#curate-summary .origin")).to_contain_text("keeps the best 30% of 24 photos", timeout=SCORE_MS)
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(7)
    before = photos(page, "keep")
    page.locator("#curate-share input[type=number]").fill("100")
    page.keyboard.press("Tab")
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(24, timeout=SCORE_MS)
    assert photos(page, "keep")[:7] == before  # the best first, whatever moved
    assert photos(page, "unscored") == ["b/text.jpg"]
    expect(page.locator("#curate-sheet section.drop")).to_be_hidden()


def test_examples_are_judged_by_key_and_move_the_threshold(page: Page) -> None:
    page.get_by_label("Examples").check()
    asked = page.locator("#curate-example p")
    for number, key in enumerate("gbsgb", start=1):
        expect(asked).to_have_text(f"{number} of 20: is this photo good enough?", timeout=SCORE_MS)
        page.keyboard.press(key)
    expect(page.locator("#curate-summary .origin")).to_contain_text("from 2 good and 2 bad examples", timeout=SCORE_MS)


def test_what_is_kept_is_saved_as_a_zip(page: Page, tmp_path: Path) -> None:
    page.get_by_label("A score").check()
    page.locator("#curate-score input[type=number]").fill("0.5")
    page.keyboard.press("Tab")
    expect(page.locator("#curate-summary .origin")).to_contain_text("Threshold 0.500", timeout=SCORE_MS)
    with page.expect_download(timeout=SCORE_MS) as saving:
        page.click("#curate-pack")
    saving.value.save_as(tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert sorted(archive.namelist()) == sorted(photos(page, "keep"))


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
