"""Takes the pictures of the docs from the real app: `python -m tests.browser.screenshots`.

They show the astronaut of scikit-image and nobody else, and belong to the checkpoint that is bundled,
so take them anew when it changes.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, expect
from skimage.data import astronaut

from annotate import queries
from annotate.database.engine import open_database
from annotate.design.protocol import REASONS, StudyProtocol
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.queries.imports import ImportedRating
from annotate.settings import Settings
from annotate.stimuli.files import Candidate
from fiqa.degradation.synthetic import degrade
from fiqa.in_browser.building import kept_page
from tests.annotate.rated import Person
from tests.annotate.studies import honest_ratings, make_study, rate
from tests.app_process import run_app
from tests.browser.conftest import (
    ROOT,
    SCORE_MS,
    Visit,
    choose_tab,
    open_browser,
    save_photos,
    serve_app,
    zip_damaged,
)
from tests.browser.rating_page import RatingPage
from tests.browser.static_page import open_page

FOLDER = ROOT / "docs" / "screenshots"
LARGEST_BYTES = 300_000
OWNER = "for the pictures"
PICTURES = 24
DAMAGES = ("gaussian_blur", "gaussian_noise", "jpeg", "low_light")
PANELS = {
    "Set-up": "#study-pictures img",
    "Progress": "#study-progress .numbers",
    "Participants": "#study-people .badge.stop",
    "Results": "#disputed figure",
}
"""The panels of a study, and what is there when one is complete."""
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
            _take_compare(browser, site)
            _take_curate(browser, site, folder)
            _take_rating(browser, site)
            _take_pairs(browser, folder / "pairs")
            _take_static_page(browser)
        _prepare_study(folder / "studies" / "data")
        with run_app(folder / "studies", FIQA_OWNER_SECRET=OWNER) as app, open_browser() as browser:
            _take_studies(browser, app.address)


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


def _take_static_page(browser: Browser) -> None:
    """Take the page that scores in the browser, with its example."""
    size = ViewportSize(width=DESKTOP[0], height=DESKTOP[1])
    with open_page(browser, kept_page("lite"), viewport=size, color_scheme="light") as loaded:
        for _ in range(2):  # the second time without the slowness of the first
            loaded.page.click("#example")
            loaded.scores()
        _save("browser", loaded.page.screenshot())


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


def _take_compare(browser: Browser, site: str) -> None:
    """Take the Compare tab with its example: the astronaut with noise, repaired by two filters."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme="light")
    page = context.new_page()
    page.goto(f"{site}#compare")
    page.locator("#compare-example").click(timeout=SCORE_MS)
    expect(page.locator("#comparison-pair .examples")).to_be_visible(timeout=SCORE_MS)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(800)
    _save("compare", page.screenshot())
    page.locator("#comparison-pair").scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    _save("compare-examples", page.locator("#comparison-pair section").screenshot())
    context.close()


def _take_curate(browser: Browser, site: str, folder: Path) -> None:
    """Take the Curate tab with the astronaut damaged in many ways, the best third kept."""
    context = browser.new_context(viewport={"width": 1280, "height": 1080}, color_scheme="light")
    page = context.new_page()
    page.goto(f"{site}#curate")
    page.set_input_files("#curate-photos input[type=file]", str(zip_damaged(folder)), timeout=SCORE_MS)
    expect(page.locator("#curate-summary .verdict-counts")).to_be_visible(timeout=SCORE_MS)
    expect(page.locator("#curate-sheet section.keep li").first).to_be_visible(timeout=SCORE_MS)
    page.wait_for_timeout(800)
    _save("curate", page.screenshot())
    context.close()


def _take_rating(browser: Browser, site: str) -> None:
    """Take every step of the demo study, then the first page in the dark, and a picture on a phone."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light", locale="en-GB")
    rater = RatingPage(context.new_page())
    _open_demo(rater, site)
    rater.pass_screen()
    rater.look()
    rater.page.keyboard.press("2")
    expect(rater.button("Next picture")).to_be_focused()
    _save("rate-training", rater.page.screenshot())
    rater.page.keyboard.press("Enter")
    rater.look()
    rater.page.keyboard.press("1")
    rater.button("Next picture").click()
    rater.rate("5", "3", "4")
    rater.look()
    _save("rate-rating", rater.page.screenshot())
    rater.rate("2", "4")
    expect(rater.button("Go on")).to_be_enabled(timeout=SCORE_MS)
    _save("rate-break", rater.page.screenshot())
    rater.button("Go on").click()
    rater.rate("3", "1", "4", "2", "3")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    _save("rate-thanks", rater.page.screenshot())
    context.close()

    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark", locale="en-GB")
    _open_demo(RatingPage(context.new_page()), site, suffix="-dark")
    context.close()

    phone: ViewportSize = {"width": PHONE[0], "height": PHONE[1]}
    context = browser.new_context(viewport=phone, device_scale_factor=2, has_touch=True, locale="en-GB")
    rater = RatingPage(context.new_page())
    _open_demo(rater, site, suffix="-phone")
    rater.pass_screen()
    rater.look()
    _save("rate-phone", rater.page.screenshot())
    context.close()


def _take_pairs(browser: Browser, folder: Path) -> None:
    """Take a pair of pictures to compare, in a study that asks why."""
    database = open_database(Settings.from_environment({"FIQA_DATA_DIR": str(folder / "data")}).database_url)
    offered = [Candidate(f"{number}.png", partial(_damaged, number)) for number in (4, 12, 20)]
    protocol = make_protocol({"method": "pairs", "repeat_every": 0, "reasons": REASONS})
    study_id = make_study(database, folder / "data", offered, name="Blur", protocol=protocol)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
        code = queries.studies.get_study(db, study_id).join_code
    database.close()
    with run_app(folder) as app:
        app.wait_until_ready()
        context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light", locale="en-GB")
        rater = RatingPage(context.new_page())
        rater.start(f"{app.address}?study={code}")
        rater.rate("ArrowLeft")
        rater.look()
        rater.button("Blur").click()
        _save("rate-pairs", rater.page.screenshot())
        context.close()


def _open_demo(rater: RatingPage, site: str, *, suffix: str = "") -> None:
    """Take the first page and the check of the screen that follows it."""
    rater.page.goto(site)
    choose_tab(rater.page, "Rate")
    expect(rater.button("I agree")).to_be_visible(timeout=SCORE_MS)
    rater.page.wait_for_timeout(800)
    _save(f"rate-consent{suffix}", rater.page.screenshot())
    rater.consent()
    expect(rater.page.locator("#patches-dark")).to_be_visible()
    rater.page.wait_for_timeout(500)
    _save(f"rate-screen{suffix}", rater.page.screenshot(full_page=True))


def _damaged(number: int) -> bytes:
    """Return the astronaut's face as a PNG, the less damaged the higher the number."""
    steps = [(DAMAGES[number % len(DAMAGES)], 0.75 * (1 - number / PICTURES))]
    buffer = BytesIO()
    Image.fromarray(degrade(astronaut()[:320, 60:380], steps, seed=number)).save(buffer, "PNG")
    return buffer.getvalue()


def _prepare_study(folder: Path) -> None:
    """Make a study that many have rated, one of them without looking, and that two people are rating now."""
    folder.mkdir(parents=True)
    database = open_database(Settings.from_environment({"FIQA_DATA_DIR": str(folder)}).database_url)
    names = [f"astronaut-{number:02}.png" for number in range(PICTURES)]
    offered = [Candidate(name, partial(_damaged, number)) for number, name in enumerate(names)]
    protocol = StudyProtocol(training_count=0, gold_every=0, trap_every=0, repeat_every=0, break_every=0)
    study_id = make_study(database, folder, offered, name="Portraits under damage", protocol=protocol)
    clicker = [ImportedRating(name, "p99", 3.0) for name in names]
    rate(database, study_id, [*honest_ratings(names, 15), *clicker])
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
    for answers in (21, 9):
        person = Person(database, study_id)
        person.now = datetime.now(UTC) - timedelta(seconds=6 * answers)
        step = person.start()
        for _ in range(answers):
            person.wait(6)
            step = person.rate(step, 4.0)
    database.close()


def _take_studies(browser: Browser, site: str) -> None:
    """Take the panels of a study as its owner sees them, and the door."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(SCORE_MS)
    expect.set_options(timeout=SCORE_MS)
    page.goto(site)
    page.get_by_role("tab", name="Studies").click()
    page.locator("#owner-secret input").fill(OWNER)
    page.click("#sign-in")
    page.locator("#studies-list").get_by_role("button", name="Portraits under damage").click()
    for panel, shown in PANELS.items():
        page.locator("#study-tabs").get_by_role("tab", name=panel, exact=True).click()
        expect(page.locator(shown).first).to_be_visible()
        page.wait_for_timeout(1500)
        _save(f"study-{panel.lower()}", page.screenshot(full_page=panel == "Participants"))
    context.close()


def _save(name: str, screenshot: bytes) -> None:
    """Write a picture, and stop where it is too large for a page."""
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
