"""A walk through the Attention tab, with the real app and the bundled checkpoint."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit

Photos = dict[str, Path]


def open_tab(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="Attention").click()
    expect(visit.page.locator("#maps .stage")).to_be_visible()
    expect(visit.page.locator("#parts .bars")).to_be_visible()


def choose_map(visit: Visit, title: str) -> None:
    visit.page.locator("#kind label", has_text=title).click()
    expect(visit.page.locator("#maps .headline", has_text=title)).to_be_visible()
    expect(visit.page.locator("#maps .stage").first).to_be_visible()


def pixels(image: Locator) -> Image.Image:
    """Return the picture that an <img> holds, as it was sent."""
    source = image.get_attribute("src") or ""
    assert source.startswith("data:image/png;base64,")
    return Image.open(BytesIO(b64decode(source.split(",")[1])))


def test_a_walk_through_the_maps_of_a_photo(new_visit: Visit, photos: Photos) -> None:
    page = new_visit.page
    new_visit.add_photos(photos["astronaut"])
    new_visit.wait_for("result")
    score = page.inner_text("#panel .score b")
    open_tab(new_visit)
    expect(page.locator("#maps .whose")).to_contain_text(score)
    expect(page.locator("#maps .whose")).to_contain_text("astronaut.png")
    expect(page.locator("#maps .caption")).to_contain_text("Does not show")
    expect(page.locator("#maps .ticks span").nth(2)).to_be_visible()
    expect(page.locator("#missing-maps")).to_contain_text("no ViT")
    for title in ("Regional quality", "Occlusion"):
        choose_map(new_visit, title)
    expect(page.locator("#maps .ticks")).to_contain_text(re.compile("[-−]"))

    page.locator("#maps .stage").click(position={"x": 200, "y": 200})
    expect(page.locator("#reading")).to_contain_text("regional quality")
    expect(page.locator("#reading")).to_contain_text("occlusion")
    expect(page.locator("#maps .pin")).to_be_visible()
    page.locator("#maps .stage").press("ArrowLeft")
    expect(page.locator("#reading")).to_contain_text("Pixel")


def test_the_photo_under_the_map_is_lossless_and_the_sliders_are_at_once(new_visit: Visit, photos: Photos) -> None:
    page = new_visit.page
    open_tab(new_visit)
    window = (page.locator("#maps .stage").get_attribute("data-window") or "").split()
    left, top, right, bottom = map(int, window)
    with Image.open(photos["astronaut"]) as photo:
        expected = np.asarray(photo.convert("RGB"))[top:bottom, left:right]
    assert np.array_equal(np.asarray(pixels(page.locator("#maps .below"))), expected)

    shown = page.locator("#maps .map")
    page.locator(".sliders [name=opacity]").fill("20")
    expect(shown).to_have_css("opacity", "0.2")
    page.locator(".sliders [name=seam]").fill("50")
    expect(shown).to_have_css("clip-path", "inset(0px 0px 0px 50%)")
    expect(page.locator("#maps .dots")).to_be_hidden()
    page.locator(".sliders [name=dots]").check()
    expect(page.locator("#maps .dots circle").nth(67)).to_be_visible()
    choose_map(new_visit, "Regional quality")
    expect(shown).to_have_css("opacity", "0.2")  # what was chosen stays


def test_two_photos_stand_side_by_side_and_maps_can_be_saved(new_visit: Visit, photos: Photos) -> None:
    page = new_visit.page
    open_tab(new_visit)
    page.set_input_files("#another-photo input[type=file]", str(photos["blurred"]))
    expect(page.locator("#maps .whose")).to_contain_text("blurred.png")
    page.locator("#compare input").click()
    page.get_by_role("option", name="Astronaut (example)").click()
    expect(page.locator("#maps figure")).to_have_count(2)
    expect(page.locator("#maps .colour-bar")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#maps figure").first.get_by_role("button", name="Values, NumPy").click()
    with np.load(download.value.path()) as saved:
        assert saved["values"].shape == saved["coverage"].shape == (512, 512)
    with page.expect_download() as download:
        page.locator("#maps figure").last.get_by_role("button", name="Figure, PNG").click()
    with Image.open(download.value.path()) as figure:
        assert figure.format == "PNG"


def test_every_face_of_a_group_can_be_chosen_and_its_landmarks_dropped(new_visit: Visit, photos: Photos) -> None:
    page = new_visit.page
    new_visit.add_photos(photos["group"])
    new_visit.wait_for("result")
    open_tab(new_visit)
    expect(page.locator("#maps .whose")).to_contain_text("face 1 of 3")
    page.locator("#face input").click()
    page.get_by_role("option", name="3").click()
    expect(page.locator("#maps .whose")).to_contain_text("face 3 of 3")
    page.get_by_role("button", name="Move or drop landmarks").click()
    page.locator("#without label", has_text="Eyes").click()
    expect(page.locator("#parts .guidance")).to_contain_text("as you changed them")
    expect(page.locator("#maps .dots circle")).to_have_count(56)
    new_visit.expect_to_fit_a_phone()


def test_a_text_that_claims_to_be_a_photo_gets_a_sentence_here_too(new_visit: Visit, photos: Photos) -> None:
    open_tab(new_visit)
    new_visit.page.set_input_files("#another-photo input[type=file]", str(photos["text"]))
    expect(new_visit.page.locator("#maps [role=alert]")).to_contain_text("notes.jpg")
