"""Takes the pictures of the README from the real app: `python -m tests.browser.screenshots`.

They show the astronaut of scikit-image and nobody else, and belong to the checkpoint that is bundled,
so take them anew when it changes.
"""

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser

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
    picture = Image.open(BytesIO(visit.page.screenshot(full_page=size == DESKTOP)))
    # 256 colours are enough for a page with one photo, and a third of the bytes.
    picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(FOLDER / f"{name}.png", optimize=True)
    context.close()
    written = (FOLDER / f"{name}.png").stat().st_size
    if written > LARGEST_BYTES:
        raise SystemExit(f"{name}.png has {written} bytes, expected at most {LARGEST_BYTES}.")
    print(f"{name}.png {picture.width}×{picture.height} {written} bytes")


if __name__ == "__main__":
    main()
