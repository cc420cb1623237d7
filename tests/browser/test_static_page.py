"""The static page in Chromium: loaded once, it scores without a network, as the library does."""

import re
import shutil
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.__main__ import main
from fiqa.degradation.synthetic import degrade
from fiqa.errors import FiqaError
from fiqa.in_browser import building
from fiqa.in_browser.runtime_files import fetch_archive
from fiqa.onnx.files import OnnxCard, read_card
from fiqa.predictor import QualityPredictor
from tests.browser.conftest import CHROMIUM_OPTIONS, SCORE_MS
from tests.browser.static_page import LoadedPage, open_page
from tests.exported import export_lite

pytestmark = pytest.mark.slow
ASTRONAUT = np.asarray(astronaut())
PHONE: ViewportSize = {"width": 390, "height": 844}
EXIF_ORIENTATION = 0x0112
DARK = re.compile(r"rgb\(([1-4]?\d), ([1-4]?\d), ([1-4]?\d)\)")
"""A ground whose red, green and blue are below 50 of 255."""
ACCESSIBLE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fiqa export --format page` writes, around networks that are written once for several test files."""
    try:
        fetch_archive()
    except FiqaError as error:
        pytest.skip(f"The page cannot be built here: {error}")
    networks = export_lite()
    page = tmp_path_factory.mktemp("page")

    def copy(_checkpoint: str, to: Path, *, int8: bool) -> OnnxCard:
        assert not int8
        shutil.copytree(networks, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.int8.onnx"))
        return read_card(to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "export_onnx", copy)
        assert main(["export", "lite", "--format", "page", "--output", str(page)]) == 0
    return page


@pytest.fixture(scope="module")
def camera_browser(
    playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Chromium with a camera that sees the astronaut."""
    film = tmp_path_factory.mktemp("camera") / "astronaut.mjpeg"
    Image.fromarray(ASTRONAUT).save(film, "JPEG", quality=95)
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    options = [*CHROMIUM_OPTIONS, *camera, f"--use-file-for-fake-video-capture={film}"]
    browser = playwright.chromium.launch(executable_path=chromium, args=options)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def loaded(camera_browser: Browser, folder: Path) -> Iterator[LoadedPage]:
    with open_page(camera_browser, folder) as loaded:
        yield loaded


@pytest.fixture
def on_a_phone(loaded: LoadedPage) -> Iterator[LoadedPage]:
    """The page on a phone that turns dark."""
    before = loaded.page.viewport_size
    assert before
    loaded.page.set_viewport_size(PHONE)
    loaded.page.emulate_media(color_scheme="dark")
    yield loaded
    loaded.page.emulate_media(color_scheme="light")
    loaded.page.set_viewport_size(before)


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Save the astronaut as people have photos: kinds of files, turned, damaged, in groups, cut, large and small."""
    portrait = Image.fromarray(ASTRONAUT)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    transparent = portrait.copy()
    transparent.putalpha(Image.linear_gradient("L").resize(portrait.size).point(lambda level: 128 + level // 2))
    group = np.full((300, 620, 3), 90, np.uint8)
    group[30:270, 20:260] = group[30:270, 340:580] = ASTRONAUT[20:260, 110:350]
    pictures: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "portrait.png": (portrait, {}),
        "portrait.jpg": (portrait, {"quality": 90}),
        "coarse.jpg": (portrait, {"quality": 30}),
        "portrait.webp": (portrait, {"quality": 80}),
        "by-exif.jpg": (portrait.rotate(90), {"quality": 92, "exif": exif}),
        "grey.png": (portrait.convert("L"), {}),
        "on-its-side.png": (portrait.rotate(90), {}),
        "tilted.png": (portrait.rotate(25), {}),
        "cut.png": (portrait.crop((215, 0, 512, 512)), {}),
        "small.png": (portrait.resize((110, 110)), {}),
        "large.jpg": (portrait.resize((2400, 2400)), {"quality": 90}),
        "transparent.png": (transparent, {}),
        "group.png": (Image.fromarray(group), {}),
        "blurred.png": (Image.fromarray(degrade(ASTRONAUT, [("gaussian_blur", 0.5)])), {}),
        "noisy.png": (Image.fromarray(degrade(ASTRONAUT, [("gaussian_noise", 0.6)])), {}),
        "dark.png": (Image.fromarray(degrade(ASTRONAUT, [("low_light", 0.6)])), {}),
    }
    folder = tmp_path_factory.mktemp("photos")
    for name, (picture, options) in pictures.items():
        picture.save(folder / name, **options)
    return {name: folder / name for name in pictures}


def test_scores_and_notices_are_the_librarys(
    loaded: LoadedPage, predictor: QualityPredictor, files: dict[str, Path]
) -> None:
    differences = {}
    for name, path in files.items():
        expected = predictor.score(path)
        loaded.choose(path)
        found = loaded.scores()
        assert len(found) == len(expected.faces), name
        assert loaded.notices() == list(expected.notices), name
        pairs = zip(found, expected.faces, strict=True)
        differences[name] = max(abs(ours - theirs.score) for ours, theirs in pairs)
    assert max(differences.values()) < 0.005, differences


def test_a_photo_that_exif_turns_is_shown_and_marked_upright(loaded: LoadedPage, tmp_path: Path) -> None:
    wide = Image.fromarray(ASTRONAUT[:300]).rotate(90, expand=True)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    wide.save(tmp_path / "wide.jpg", exif=exif)
    loaded.choose(tmp_path / "wide.jpg")
    assert loaded.scores()
    shown = loaded.page.locator(".shown img").evaluate("photo => [photo.naturalWidth, photo.naturalHeight]")
    assert shown == [512, 300]
    assert loaded.page.locator(".shown svg").get_attribute("viewBox") == "0 0 512 300"
    marks, photo = (loaded.page.locator(f".shown {part}").bounding_box() for part in ("svg", "img"))
    assert marks == photo


def test_what_is_no_photo_is_said_and_the_next_photo_is_scored(loaded: LoadedPage, tmp_path: Path) -> None:
    problems = {
        "empty.png": (b"", "empty.png is empty (0 bytes)."),
        "notes.jpg": (b"Dear diary, this is not a photo.", "notes.jpg is no photo that this browser can read"),
        "tiny.png": (png(np.zeros((8, 8, 3), np.uint8)), "too small to judge: each side needs at least 16"),
        "narrow.png": (png(np.zeros((20, 500, 3), np.uint8)), "too narrow to judge: at most 20 times"),
        "black.png": (png(np.zeros((64, 64, 3), np.uint8)), "No face was found in this picture"),
        "<b>x.png": (b"no", "<b>x.png is no photo"),
    }
    for name, (content, sentence) in problems.items():
        (tmp_path / name).write_bytes(content)
        loaded.choose(tmp_path / name)
        expect(loaded.page.locator("#panel [role=alert]")).to_contain_text(sentence)
    loaded.page.click("#example")
    assert loaded.scores()


def test_of_photos_given_in_a_hurry_the_last_is_shown(loaded: LoadedPage, files: dict[str, Path]) -> None:
    loaded.choose(files["blurred.png"])
    loaded.choose(files["group.png"])
    assert len(loaded.scores()) == 2


@pytest.mark.parametrize(("event", "carrier"), [("paste", "clipboardData"), ("drop", "dataTransfer")])
def test_photos_are_pasted_and_dropped_one_at_a_time(
    loaded: LoadedPage, predictor: QualityPredictor, event: str, carrier: str
) -> None:
    loaded.page.evaluate(
        """([event, carrier, contents]) => {
            const data = new DataTransfer();
            for (const content of contents) {
                const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
                data.items.add(new File([bytes], "given.png", { type: "image/png" }));
            }
            const kind = event === "paste" ? ClipboardEvent : DragEvent;
            const options = { bubbles: true, cancelable: true, [carrier]: data };
            document.body.dispatchEvent(new kind(event, options));
        }""",
        [event, carrier, [b64encode(content).decode() for content in (png(ASTRONAUT), b"no photo")]],
    )
    (score,) = loaded.scores()
    assert score == pytest.approx(predictor.score(ASTRONAUT).score, abs=0.005)
    assert loaded.notices() == ["One photo at a time: the first of 2 was scored."]


def test_the_camera_takes_a_photo(loaded: LoadedPage, predictor: QualityPredictor) -> None:
    loaded.page.click("#use-camera")
    loaded.page.click("#take", timeout=SCORE_MS)
    expect(loaded.page.locator("#camera")).to_be_hidden()
    (score,) = loaded.scores()
    assert score == pytest.approx(predictor.score(ASTRONAUT).score, abs=0.1)  # the camera writes JPEG
    assert loaded.page.evaluate("document.querySelector('video').srcObject") is None


def test_keys_choose_a_file_and_screen_readers_hear_the_score(loaded: LoadedPage, files: dict[str, Path]) -> None:
    loaded.page.on("filechooser", lambda _: None)  # asked for early: Playwright does not wait until Chromium heeds it
    loaded.page.locator("#theme").focus()
    loaded.page.keyboard.press("Tab")
    expect(loaded.page.locator("#choose-file")).to_be_focused()
    with loaded.page.expect_file_chooser() as chooser:
        loaded.page.keyboard.press("Enter")
    chooser.value.set_files(str(files["portrait.png"]))
    (score,) = loaded.scores()
    expect(loaded.page.locator("#said")).to_contain_text(f"Score {score:.2f}: ")


def test_the_page_fits_a_phone_and_keeps_nobody_out_in_light_and_dark(
    on_a_phone: LoadedPage, files: dict[str, Path], tmp_path: Path
) -> None:
    page = on_a_phone.page
    wait_for_ground(page, dark=True)
    check_access_in_both_themes(page)
    on_a_phone.choose(files["group.png"])
    on_a_phone.scores()
    wait_for_ground(page, dark=True)
    check_access_in_both_themes(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"]
    (tmp_path / "notes.jpg").write_text("Dear diary")
    on_a_phone.choose(tmp_path / "notes.jpg")
    on_a_phone.problem()
    check_access_in_both_themes(page)


def check_access_in_both_themes(page: Page) -> None:
    """Look in the dark theme, which is shown, in the light one, and come back."""
    assert check_access(page)
    page.click("#theme")
    wait_for_ground(page, dark=False)
    assert check_access(page)
    page.click("#theme")
    wait_for_ground(page, dark=True)


def wait_for_ground(page: Page, *, dark: bool) -> None:
    """Wait until the ground is dark, or light: the page hears a moment later that the system has changed its theme."""
    ground = expect(page.locator("body"))
    (ground.to_have_css if dark else ground.not_to_have_css)("background-color", DARK)


def check_access(page: Page) -> bool:
    """Look for what keeps people out; tell whether contrast was looked at."""
    found = Axe().run(page, options=ACCESSIBLE)
    assert found.violations_count == 0, found.generate_report()
    return "color-contrast" in {rule["id"] for rule in found.response["passes"]}


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
