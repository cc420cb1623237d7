"""Rating in a real browser: every step, by keyboard, and through everything that can go wrong on the way."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.rating.conftest import names, newcomer
from tests.browser.rating_page import SIDES_PX, OpenStudy, RatingPage, noise, open_study
from tests.served import Served

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


@pytest.mark.parametrize("study", [{"training": 1, "break_every": 2, "break_s": 1}], indirect=True)
def test_a_sitting_can_be_done_by_keyboard_alone(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    page = rater.page
    page.goto(served.address + study.personal_link())
    expect(rater.root.get_by_role("heading", name="How good are these pictures?")).to_be_focused()
    for box in ("#eligibility-box", "#consent-box"):
        tab_to(page, box)
        page.keyboard.press("Space")
    tab_to(page, ".rate button.main")
    page.keyboard.press("Enter")
    for choice in ("#patches-dark", "#patches-light"):
        expect(page.locator(choice)).to_be_visible()
        tab_to(page, choice)
        page.keyboard.press("3")  # selects the option that begins with it
        expect(page.locator(choice)).to_have_value("3")
    tab_to(page, ".rate button.main")
    page.keyboard.press("Enter")

    rater.look()
    page.keyboard.press("5")
    expect(page.locator("#feedback")).to_have_text("You said 5 Excellent; most people would say 3 Fair.")
    expect(rater.button("Next picture")).to_be_focused()
    page.keyboard.press("Enter")
    rater.rate("4", "2")
    expect(rater.root.get_by_role("heading", name="Time for a break")).to_be_focused()
    expect(rater.button("Go on")).to_be_focused()
    page.keyboard.press("Enter")
    rater.rate("1", "5")
    tab_to(page, ".rate button.main")
    page.keyboard.press("Enter")
    expect(page.locator(".rate .code output")).to_have_text(re.compile(r"^[0-9A-F]{8}$"))
    assert study.grades() == [5, 4, 2, 1, 5]
    assert all((row.width_px, row.height_px) == SIDES_PX for row in study.ratings())


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("3", "You said 3 Fair. That is what was expected."),
        ("4", "You said 4 Good. That is close to what was expected: 3 Fair."),
    ],
)
def test_training_says_whether_an_answer_is_expected_or_close(
    rater: RatingPage, served: Served, key: str, said: str
) -> None:
    study = open_study(served.labelling, next(names), training=1, training_count=1)
    rater.start(served.address + study.personal_link())
    rater.look()
    rater.page.keyboard.press(key)
    expect(rater.page.locator("#feedback")).to_have_text(said)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, and see that it shows."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            shown = page.evaluate("getComputedStyle(document.activeElement)")
            assert shown["outlineStyle"] != "none"
            assert float(shown["outlineWidth"].removesuffix("px")) >= 2
            return
    pytest.fail(f"{selector} is not reached by Tab")


def test_an_answer_can_be_taken_back(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    first = rater.wait_for_picture()
    rater.rate("1")
    expect(rater.spoken).to_have_text("Saved: 1 Bad")
    for key in ("z", "Backspace"):
        second = rater.look()
        rater.page.keyboard.press(key)
        rater.wait_until_gone(second)
        assert rater.wait_for_picture() == first
        expect(rater.spoken).to_have_text("Taken back; rate it again.")
        rater.rate("5")
    assert study.grades() == [5]


def test_a_reload_goes_on_with_the_same_picture(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    rater.rate("2")
    shown = rater.wait_for_picture()
    assert "participant=" in rater.page.url
    rater.page.reload()
    assert rater.wait_for_picture() == shown
    rater.rate("3", "0")
    expect(rater.spoken).to_have_text("Saved: Unusable")
    rater.rate("5")
    assert study.grades() == [2, 3, None, 5]
    assert [row.unusable for row in study.ratings()] == [False, False, True, False]


def test_a_double_click_or_a_held_key_is_one_answer(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    number = rater.look()
    rater.page.locator(".grade[value='4']").dblclick()
    rater.wait_until_gone(number)
    number = rater.look()
    for _ in range(30):
        rater.page.keyboard.down("2")
    rater.page.keyboard.up("2")
    rater.wait_until_gone(number)
    rater.look()
    assert study.grades() == [4, 2]


def fail_on_the_way(route: Route) -> None:
    route.abort("connectionreset")


def lose_the_answer(route: Route) -> None:
    """The server has it, and the browser is not told."""
    route.fetch()
    route.abort("connectionreset")


def refuse_for_now(route: Route) -> None:
    route.fulfill(status=503, json={"kind": "DatabaseError", "error": "Busy."})


def answer_as_a_proxy(route: Route) -> None:
    route.fulfill(status=502, body="<html>Bad gateway</html>")


def refuse_as_the_gate(route: Route) -> None:
    route.fulfill(status=429, json={"detail": "Too many requests."})


TROUBLES: dict[str, tuple[Callable[[Route], None], str]] = {
    "1": (fail_on_the_way, "No connection. Your answer is kept here"),
    "2": (lose_the_answer, "No connection. Your answer is kept here"),
    "3": (answer_as_a_proxy, "No connection. Your answer is kept here"),
    "4": (refuse_for_now, "The server cannot reach its ratings."),
    "5": (refuse_as_the_gate, "Many are rating at this moment."),
}
"""What happens to the answer given with each key, and what is said then."""


NOTE_BANNERS = """() => {
  const banner = document.querySelector(".rate .banner");
  window.said = "";
  new MutationObserver(() => { window.said += banner.textContent; }).observe(banner, { childList: true });
}"""
"""A banner is there for a second only, when what it says is soon over."""


@pytest.mark.parametrize("study", [{"images": 6}], indirect=True)
def test_answers_arrive_exactly_once_whatever_happens_on_the_way(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.start(newcomer(served, study))
    sent: list[str] = []
    rater.page.on("request", lambda asked: sent.append(asked.post_data or "") if "rating/rate" in asked.url else None)
    for key, (trouble, said) in TROUBLES.items():
        rater.page.evaluate(NOTE_BANNERS)
        rater.page.route("**/rating/rate", trouble, times=1)
        rater.rate(key)
        expect(rater.spoken).to_contain_text(f"Saved: {key}")
        expect(rater.banner).to_be_hidden()
        assert said in rater.page.evaluate("window.said")
    assert study.grades() == [1, 2, 3, 4, 5]
    assert [sent.count(each) for each in dict.fromkeys(sent)] == [2] * 5  # each again with the same key and content


def test_what_was_answered_without_a_connection_is_sent_when_the_page_is_opened_again(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.start(newcomer(served, study))
    rater.look()
    rater.page.context.set_offline(True)
    rater.page.keyboard.press("5")
    expect(rater.banner).to_be_visible()
    link = rater.page.url
    rater.page.close()
    assert study.grades() == []
    context = rater.page.context
    context.set_offline(False)
    again = RatingPage(context.new_page())
    again.page.goto(link)
    again.wait_for_picture()
    assert study.grades() == [5]


def test_two_tabs_of_one_person_count_once(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    other = RatingPage(rater.page.context.new_page())
    other.page.goto(rater.page.url)
    assert other.wait_for_picture() == rater.wait_for_picture()
    rater.rate("1")
    other.rate("5")
    expect(other.spoken).to_have_text("That picture was answered elsewhere; here is the next one.")
    assert other.wait_for_picture() == rater.wait_for_picture()
    assert study.grades() == [1]


def test_the_language_is_the_browser_s_or_chosen_and_stays(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(locale="es-MX").new_page())
    rater.page.goto(newcomer(served, study))
    expect(rater.root.get_by_role("heading", level=2)).to_have_text("¿Qué calidad tienen estas imágenes?")
    rater.page.get_by_label("Idioma").select_option("de")
    expect(rater.root.get_by_role("heading", level=2)).to_have_text("Wie gut sind diese Bilder?")
    expect(rater.root).to_have_attribute("lang", "de")
    rater.page.reload()
    expect(rater.root.get_by_role("button", name="Einverstanden")).to_be_visible()
    rater.page.get_by_label("Sprache").select_option("en")
    expect(rater.button("I agree")).to_be_visible()


@pytest.mark.parametrize("study", [{"scale": "continuous"}], indirect=True)
def test_the_continuous_scale_takes_arrows_or_the_mouse(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    number = rater.look()
    expect(rater.button("Give this grade")).to_be_disabled()
    rater.page.keyboard.press("Enter")
    expect(rater.spoken).to_contain_text("Move the slider first")
    for key in ("PageUp", "PageUp", "ArrowRight", "ArrowUp", "ArrowLeft"):
        rater.page.keyboard.press(key)
    expect(rater.page.locator(".grades output")).to_have_text("71")
    rater.page.keyboard.press("Enter")
    rater.wait_until_gone(number)
    number = rater.look()
    expect(rater.page.locator(".grades output")).to_have_text("–")
    slider = rater.page.get_by_role("slider")
    slider.click(position={"x": 1, "y": 5})
    rater.button("Give this grade").click()
    rater.wait_until_gone(number)
    rater.look()
    assert study.grades()[0] == 71
    assert study.grades()[1] in {0, 1, 2}


def test_one_pixel_of_a_picture_is_one_of_the_screen_at_any_zoom(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(device_scale_factor=1.25, viewport={"width": 1004, "height": 704}).new_page())
    rater.start(newcomer(served, study))
    rater.look()
    assert shows_a_picture_as_it_is(rater.page)


def shows_a_picture_as_it_is(page: Page) -> bool:
    screen = np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB"))
    return any(is_within(noise(number), screen) for number in range(4))


def is_within(picture: np.ndarray[Any, Any], screen: np.ndarray[Any, Any]) -> bool:
    """Return whether a picture is somewhere on the screen, pixel for pixel."""
    height, width = picture.shape[:2]
    corners = np.argwhere((screen == picture[0, 0]).all(axis=-1))
    return any(np.array_equal(screen[y : y + height, x : x + width], picture) for y, x in corners)


def test_a_phone_is_enough_for_pictures_that_fit(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(**PHONE).new_page())
    rater.start(newcomer(served, study))
    number = rater.look()
    assert shows_a_picture_as_it_is(rater.page)
    rater.page.locator(".grade[value='2']").tap()
    rater.wait_until_gone(number)
    width = rater.page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= 390
    assert study.grades() == [2]
