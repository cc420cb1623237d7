"""The Curate tab in a browser: the threshold is moved, examples are judged by key, and all of it fits a phone."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from skimage.data import astronaut

from tests.browser.conftest import QUIET, SCORE_MS, zip_damaged
from tests.fiqa.video.conftest import write_clip


@pytest.fixture(scope="module")
def page(browser: Browser, site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The tab with 24 photos, scored."""
    context = browser.new_context(**QUIET, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{site}#curate")
    archive = zip_damaged(tmp_path_factory.mktemp("zip"))
    page.set_input_files("#curate-photos input[type=file]", str(archive), timeout=SCORE_MS)
    expect(page.locator("#curate-summary .verdict-counts")).to_be_visible()
    yield page
    context.close()


def photos(page: Page, verdict: str) -> list[str]:
    return page.locator(f"#curate-sheet section.{verdict} li small:not(.why)").all_inner_texts()


def test_photos_move_between_keep_maybe_and_drop_as_the_share_does(page: Page) -> None:
    expect(page.locator("#curate-summary .origin")).to_contain_text("keeps the best 30% of 24 photos")
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(7)
    before = photos(page, "keep")
    page.locator("#curate-share input[type=number]").fill("100")
    page.keyboard.press("Tab")
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(24)
    assert photos(page, "keep")[:7] == before  # the best first, whatever moved
    assert photos(page, "unscored") == ["b/text.jpg"]
    expect(page.locator("#curate-sheet section.drop")).to_be_hidden()


def test_examples_are_judged_by_key_and_move_the_threshold(page: Page) -> None:
    page.get_by_label("Examples").check()
    asked = page.locator("#curate-example p")
    for number, key in enumerate("gbsgb", start=1):
        expect(asked).to_have_text(f"{number} of 20: is this photo good enough?")
        page.keyboard.press(key)
    expect(page.locator("#curate-summary .origin")).to_contain_text("from 2 good and 2 bad examples")


def test_what_is_kept_is_saved_as_a_zip(page: Page, tmp_path: Path) -> None:
    page.get_by_label("A score").check()
    page.locator("#curate-score input[type=number]").fill("0.5")
    page.keyboard.press("Tab")
    expect(page.locator("#curate-summary .origin")).to_contain_text("Threshold 0.500")
    with page.expect_download(timeout=SCORE_MS) as saving:
        page.click("#curate-pack")
    saving.value.save_as(tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert sorted(archive.namelist()) == sorted(photos(page, "keep"))


def test_a_diagnosis_drops_photos_and_says_why(page: Page) -> None:
    page.get_by_label("The share to keep").check()
    page.locator("#curate-share input[type=number]").fill("100")
    page.locator("#curate-without input").click()
    page.get_by_role("option", name="Blur", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator("#curate-sheet section.drop .why").first).to_contain_text("diagnosed as")
    assert {name.split("/")[1].split("-")[0] for name in photos(page, "keep")}.isdisjoint({"gaussian_blur"})
    page.locator("#curate-without input").click()
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(24)


def test_a_table_says_who_is_on_a_photo(page: Page, tmp_path: Path) -> None:
    table = tmp_path / "who.csv"
    table.write_text("path,person\n" + "".join(f"{name},Eileen\n" for name in photos(page, "keep")), encoding="utf-8")
    page.get_by_role("button", name="Who is on a photo").click()
    page.set_input_files("#curate-persons input[type=file]", str(table), timeout=SCORE_MS)
    page.locator("#curate-best input").fill("1")
    page.keyboard.press("Tab")
    expect(page.locator("#curate-sheet section.keep li")).to_have_count(1)
    expect(page.locator("#curate-sheet section.drop .why").first).to_have_text("not among the best 1 of Eileen")


def test_a_folder_is_chosen(page: Page, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    (chosen / "below").mkdir(parents=True)
    for name in ("one.png", "below/two.png", ".hidden.png"):
        Image.fromarray(astronaut()[:300, 80:380]).save(chosen / name)
    (chosen / "notes.txt").write_text("not a photo", encoding="utf-8")
    with page.expect_file_chooser() as choosing:
        page.click("#curate-folder")
    choosing.value.set_files(str(chosen))
    expect(page.locator("#curate-summary .verdict-counts")).to_be_visible()
    expect(page.locator("#curate-sheet li[data-index]")).to_have_count(2)


def test_a_clip_has_its_timeline_and_best_frames(page: Page, tmp_path: Path) -> None:
    portrait = astronaut()[:256, 96:352]
    clip = write_clip(tmp_path / "clip.mp4", [np.roll(portrait, shift, axis=1) for shift in range(12)])
    page.get_by_role("button", name="A clip: scores over time").click()
    page.set_input_files("#curate-clip-file input[type=file]", str(clip), timeout=SCORE_MS)
    expect(page.locator("#curate-clip-panel img.timeline")).to_be_visible()
    expect(page.locator("#curate-clip-panel figure figcaption").first).to_contain_text("person 1")
    with page.expect_download() as saving:
        page.locator("#curate-clip-panel a[download='scores.csv']").click()
    assert Path(saving.value.path()).read_text(encoding="utf-8").startswith("time_s,person,score")


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=20_000)
