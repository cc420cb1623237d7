"""Methods compared in the browser, with the real app and the bundled checkpoint."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

Photos = dict[str, Path]


@pytest.fixture
def page(visit: Visit) -> Page:
    """The tab, with nothing in it."""
    visit.page.evaluate("location.hash = 'compare'")
    visit.page.reload()
    visit.errors.clear()  # of what was under way on the page that was left
    expect(visit.page.locator("#compare-start")).to_be_visible()
    return visit.page


def hand_in(page: Page, letter: str, name: str, *paths: Path) -> None:
    page.fill(f"#method-name-{letter} :is(input, textarea)", name)
    page.set_input_files(f"#method-photos-{letter} input[type=file]", [str(path) for path in paths])
    expect(page.locator(f"#method-photos-{letter} .file")).to_have_count(len(paths))


def test_two_methods_are_compared_and_examples_moved_through_by_key(
    page: Page, visit: Visit, photos: Photos, tmp_path: Path
) -> None:
    before = {"astronaut.jpg": "blurred", "dark.png": "astronaut", "lonely.png": "noisy"}
    for name, damage in before.items():
        (tmp_path / name).write_bytes(photos[damage].read_bytes())
    hand_in(page, "A", "blurred", *(tmp_path / name for name in before))
    hand_in(page, "B", "pristine, as the camera took it, and no filter at all", photos["astronaut"], photos["dark"])
    page.click("#compare-start")

    expect(page.locator("#comparison .headline")).to_have_text("2 photos in 2 versions")
    expect(page.locator("#comparison .notice")).to_have_text("1 of blurred has no partner and is left out: lonely.")
    overflows = "names => names.map(name => name.scrollWidth - name.clientWidth)"
    names = page.locator("#comparison tbody th")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert set(names.evaluate_all(overflows)) == {0}  # long names wrap
    distribution = page.locator("#comparison .distribution svg").bounding_box()
    assert distribution is not None
    assert distribution["width"] <= 520  # with letters as large as those around it
    examples = page.locator("#comparison-pair .examples")
    expect(examples.locator("img").first).to_be_visible()
    examples.focus()
    shown = examples.locator("figcaption:visible")
    expect(shown).to_contain_text("1 of 2: dark, -")
    for key, example in (("ArrowRight", "2 of 2: astronaut, +"), ("ArrowLeft", "1 of 2: dark"), ("End", "2 of 2")):
        page.keyboard.press(key)
        expect(shown).to_contain_text(example)
    with page.expect_download() as download:
        page.click("#comparison button[value=html]")
    assert "Worst regressions" in Path(download.value.path()).read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.click("#comparison a:has-text('LaTeX')")
    assert "\\toprule" in Path(download.value.path()).read_text(encoding="utf-8")
    assert visit.width_px() <= page.evaluate("innerWidth")
    assert page.url.endswith("#compare")
    visit.expect_to_fit_a_phone()


def test_the_photos_of_methods_come_from_folders(page: Page, photos: Photos, tmp_path: Path) -> None:
    for letter, damage in (("A", "blurred"), ("B", "astronaut")):
        folder = tmp_path / damage
        folder.mkdir()
        (folder / "portrait.png").write_bytes(photos[damage].read_bytes())
        (folder / "notes.txt").write_text("not a photo", encoding="utf-8")
        with page.expect_file_chooser() as choosing:
            page.click(f"#method-folder-{letter}")
        choosing.value.set_files(str(folder))
        expect(page.locator(f"#method-photos-{letter} .file")).to_have_count(1)
    page.click("#compare-start")
    expect(page.locator("#comparison .headline")).to_have_text("1 photo in 2 versions")


def test_what_cannot_be_compared_gets_a_sentence_and_the_page_goes_on(page: Page, photos: Photos) -> None:
    page.click("#compare-start")
    expect(page.locator("#comparison [role=alert]")).to_contain_text("at least two methods")
    hand_in(page, "A", "", photos["astronaut"])
    hand_in(page, "B", "", photos["blurred"])
    page.click("#compare-start")
    expect(page.locator("#comparison [role=alert]")).to_contain_text("no photo name in common")
    page.click("#add-method")
    expect(page.locator("#method-name-C")).to_be_visible()
