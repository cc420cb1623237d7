"""Takes the pictures of the README from the real app: `python -m tests.browser.screenshots`.

They show the astronaut of scikit-image and nobody else, and belong to the checkpoint that is bundled,
so take them anew when it changes.
"""

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ROOT, SCORE_MS, Visit, open_browser, save_photos, serve_app

FOLDER = ROOT / "assets" / "screenshots"
LARGEST_BYTES = 300_000
DESKTOP, PHONE = (1280, 800), (390, 844)


def main() -> None:
    """Write every picture and print its size."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = save_photos(folder)
        one, many = [photos["astronaut"]], [photos[key] for key in ("astronaut", "blurred", "noisy", "dark", "group")]
        with serve_app(folder) as site, open_browser() as browser:
            _take("score", browser, site, one, panel="result", size=DESKTOP, scheme="light")
            _take("score-dark", browser, site, one, panel="result", size=DESKTOP, scheme="dark")
            _take("batch", browser, site, many, panel="batch", size=DESKTOP, scheme="light")
            _take("phone", browser, site, one, panel="result", size=PHONE, scheme="light")
            _take_attention(browser, site, photos)
            _take_degradation(browser, site, photos)


def _take(
    name: str,
    browser: Browser,
    site: str,
    photos: list[Path],
    *,
    panel: str,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    visit = Visit(context.new_page())
    visit.open(site)
    visit.page.wait_for_selector("#footer :text(' on the ')", timeout=SCORE_MS)
    for photo in photos[:1] * 2:  # the second time without the slowness of the first
        visit.add_photos(photo)
        visit.wait_for("result")
        visit.page.click("#photos button[aria-label='Clear']")
        visit.wait_for("empty")
    visit.add_photos(*photos)
    visit.wait_for(panel)
    visit.page.wait_for_timeout(800)
    _save(name, visit.page.screenshot(full_page=size == DESKTOP))
    context.close()


def _take_attention(browser: Browser, site: str, photos: dict[str, Path]) -> None:
    """Take the Attention tab with the astronaut, then the map of her blurred beside that of her pristine."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme="light")
    visit = Visit(context.new_page())
    page = visit.page
    visit.open(site)
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator("#parts .guidance")).to_be_visible(timeout=SCORE_MS)
    page.locator("#maps .stage").click(position={"x": 180, "y": 200})
    expect(page.locator("#reading p")).to_be_visible()
    page.wait_for_timeout(800)
    _save("attention", page.screenshot())

    page.set_input_files("#another-photo input[type=file]", str(photos["blurred"]))
    expect(page.locator("#maps .whose")).to_contain_text("blurred.png", timeout=SCORE_MS)
    page.locator("#compare input").click()
    page.get_by_role("option", name="astronaut.png").click()
    expect(page.locator("#maps figure")).to_have_count(2, timeout=SCORE_MS)
    page.locator("#kind label", has_text="Regional quality").click()
    expect(page.locator("#maps .headline")).to_have_text("Regional quality", timeout=SCORE_MS)
    page.locator(".sliders [name=seam]").fill("45")
    page.wait_for_timeout(800)
    _save("attention-compare", page.locator("#maps section").screenshot())
    context.close()


def _take_degradation(browser: Browser, site: str, photos: dict[str, Path]) -> None:
    """Take the Degradation tab with the astronaut blurred, and some noise on top of that."""
    context = browser.new_context(viewport={"width": 1280, "height": 1180}, color_scheme="light")
    visit = Visit(context.new_page())
    page = visit.page
    visit.open(site)
    visit.add_photos(photos["blurred"])
    visit.wait_for("result")
    page.get_by_role("tab", name="Degradation").click()
    expect(page.locator("#atlas .legend")).to_be_visible(timeout=SCORE_MS)
    expect(page.locator("#after .trial")).to_be_visible(timeout=SCORE_MS)
    page.locator("#type-1 input").click()
    page.get_by_role("option", name="Gaussian noise").click()
    expect(page.locator("#after .trial")).to_have_attribute("data-steps", "1", timeout=SCORE_MS)
    page.wait_for_timeout(800)
    _save("degradation", page.screenshot())
    context.close()


def _save(name: str, screenshot: bytes) -> None:
    """Write a picture, and stop where it is too large for a README."""
    picture = Image.open(BytesIO(screenshot)).convert("RGB")
    # 256 colours, well chosen, are enough for a page with one photo, and a third of the bytes.
    reduced = picture.quantize(palette=picture.quantize(256, kmeans=8), dither=Image.Dither.FLOYDSTEINBERG)
    reduced.save(FOLDER / f"{name}.png", optimize=True)
    written = (FOLDER / f"{name}.png").stat().st_size
    if written > LARGEST_BYTES:
        raise SystemExit(f"{name}.png has {written} bytes, expected at most {LARGEST_BYTES}.")
    print(f"{name}.png {picture.width}×{picture.height} {written} bytes")


if __name__ == "__main__":
    main()
