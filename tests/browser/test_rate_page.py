"""Rating in a real browser: every step, by keyboard, and through everything that can go wrong on the way."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from annotate import queries
from annotate.design.start_questions import READY_QUESTIONS
from annotate.design.states import State
from tests.browser.rating_page import SIDES_PX, WAIT_MS, OpenStudy, RatingPage, noise, open_study
from tests.served import Served, serve

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
ACCESSIBLE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
USUAL_MS = 5000
names = map("study {}".format, count())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("rating"), FIQA_RATE_LIMIT="1000") as served:
        yield served


@pytest.fixture
def study(served: Served, request: pytest.FixtureRequest) -> OpenStudy:
    """Open a study; parametrise indirectly with its options."""
    return open_study(served.labelling, next(names), **getattr(request, "param", {}))


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Gives browsers of their own, and looks at the end for what went wrong in them."""
    contexts, errors = [], []

    def come(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"locale": "en-GB", **options})
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    yield come
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Wait longer than Playwright does by itself: a machine that tests share can take long to draw a page."""
    expect.set_options(timeout=WAIT_MS)
    yield
    expect.set_options(timeout=USUAL_MS)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of most raters: every study is new, so nothing that it keeps is of another test's."""
    context = browser.new_context(locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def rater(context: BrowserContext) -> Iterator[RatingPage]:
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield RatingPage(page)
    for each in context.pages:
        each.close()
    assert not errors


def newcomer(served: Served, study: OpenStudy) -> str:
    return f"{served.address}?study={study.join_code}"


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


@pytest.mark.parametrize(
    ("screen", "said"),
    [
        ({"width": 130, "height": 320}, "This screen is too small for these pictures: they need 120×90 pixels"),
        ({"width": 1280, "height": 900}, "Enlarge the window"),
    ],
)
def test_nothing_is_rated_that_cannot_be_seen_whole(
    screen: dict[str, int], said: str, visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(viewport={"width": 130, "height": 320}, screen=screen).new_page())
    rater.page.goto(newcomer(served, study))
    rater.consent()
    expect(rater.page.locator(".rate .fit")).to_contain_text(said)
    rater.page.select_option("#patches-dark", "3")
    rater.page.select_option("#patches-light", "4")
    expect(rater.button("Continue")).to_be_disabled()
    rater.page.set_viewport_size({"width": 1000, "height": 700})
    rater.button("Continue").click()
    rater.look()
    rater.page.set_viewport_size({"width": 400, "height": 330})
    rater.page.keyboard.press("3")
    expect(rater.spoken).to_contain_text("The picture does not fit any more.")
    assert study.grades() == []


@pytest.mark.parametrize("study", [{"sight_check": True, "offer_unusable": False}], indirect=True)
def test_a_study_may_check_sight_and_not_offer_unusable(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.page.goto(newcomer(served, study))
    rater.consent()
    rater.page.select_option("#patches-dark", "2")
    rater.page.select_option("#patches-light", "4")
    expect(rater.button("Continue")).to_be_disabled()
    choices = rater.page.locator(".sight select")
    expect(choices).to_have_count(7)
    for number in range(7):
        choices.nth(number).select_option("?")
    rater.button("Continue").click()
    rater.look()
    expect(rater.root.get_by_text("Unusable")).to_have_count(0)
    rater.page.keyboard.press("0")
    rater.rate("3")
    assert study.grades() == [3]
    with study.labelling.database.read() as db:
        (row,) = queries.participants.participants_page(db, study.id)
        (sitting,) = queries.participants.list_sittings(db, row.participant.id)
    assert sitting.screen is not None
    assert sitting.screen.items() >= {"acuity_gap_px": 0, "colour_plates": 0, "colour_plates_shown": 3}.items()
    assert sitting.screen.items() >= {"dark_patches": 2, "light_patches": 4, "pixel_ratio": 1, "fits": True}.items()
    assert sitting.screen["zoom"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("study", [{"consent_text": "<img src=x onerror=alert(1)> Agree?"}], indirect=True)
def test_a_link_shows_nothing_but_the_study_and_texts_as_text(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.page.goto(served.address + study.personal_link())
    expect(rater.root.get_by_text("<img src=x onerror=alert(1)> Agree?")).to_be_visible()
    for other in ("#header", "#footer", "#photos", "[role=tab]", "footer"):
        expect(rater.page.locator(other).first).to_be_hidden()


def test_a_wrong_link_says_what_to_do(rater: RatingPage, served: Served) -> None:
    for link in ("?participant=wrong", "?study=wrong"):
        rater.page.goto(served.address + link)
        expect(rater.root.get_by_role("heading")).to_have_text("This link cannot be opened")


def test_who_comes_from_a_panel_gets_back_to_it(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(f"{newcomer(served, study)}&PROLIFIC_PID=5f2d&STUDY_ID=1&SESSION_ID=s1")
    rater.rate("1", "2", "3", "4")
    rater.button("Finish").click()
    code = rater.page.locator(".rate .code output").inner_text()
    back = rater.root.get_by_role("link", name="Back to Prolific")
    expect(back).to_have_attribute("href", f"https://app.prolific.com/submissions/complete?cc={code}")
    with study.labelling.database.read() as db:
        assert queries.participants.participant_by_external_id(db, study.id, "5f2d") is not None


def test_a_participant_can_pause_and_delete_everything(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    rater.rate("3")
    rater.look()
    rater.button("Pause").click()
    rater.button("Go on").click()
    rater.look()
    rater.button("Pause").click()
    rater.page.on("dialog", lambda dialog: dialog.accept())
    rater.button("Delete everything about me").click()
    expect(rater.root.get_by_role("heading")).to_have_text("Everything about you is deleted")
    assert study.grades() == []
    rater.page.reload()
    expect(rater.root.get_by_role("heading")).to_have_text("Everything about you is deleted")
    rater.button("Take part again, as somebody new").click()
    rater.consent()
    rater.pass_screen()
    rater.rate("2")
    assert study.grades() == [2]


ASKED = {
    "language": "de",
    "languages": ["de", "es"],
    "texts": {"de": {"consent": "Unsere Einwilligung."}},
    "questions": [READY_QUESTIONS["device"].to_json(), {"name": "lamp", "text": {"de": "Welche Lampe?"}}],
}


@pytest.mark.parametrize("study", [ASKED], indirect=True)
def test_instructions_consent_and_questions_are_in_the_languages_that_are_offered(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(**PHONE).new_page())  # in English, which is not offered, so the first language is shown
    rater.page.goto(newcomer(served, study))
    expect(rater.root.locator(".instructions")).to_contain_text("nicht wie attraktiv die Person ist")
    expect(rater.root.locator(".consent")).to_have_text("Unsere Einwilligung.")
    expect(rater.root.locator(".top select option")).to_have_text(["Deutsch", "Español"])
    rater.consent("Einverstanden")
    expect(rater.root.get_by_role("heading", name="Über Sie")).to_be_visible()
    rater.page.select_option("#question-device", label="Laptop")
    field = rater.page.locator("#question-lamp").bounding_box()
    assert field
    assert field["x"] + field["width"] <= 390 - field["x"]  # within the margins
    rater.root.locator(".top select").select_option("es")
    rater.page.select_option("#question-device", label="tableta")
    rater.page.fill("#question-lamp", " LED ")
    check_access(rater)
    rater.button("Continuar").click()
    expect(rater.page.locator("#patches-dark")).to_be_visible()
    with study.labelling.database.read() as db:
        (row,) = queries.participants.participants_page(db, study.id)
    assert row.participant.start_answers == {"device": "Tablet", "lamp": "LED"}


@pytest.mark.parametrize("study", [{"max_people": 1}], indirect=True)
def test_a_full_study_says_so_before_and_after_the_consent(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    raters = [RatingPage(visitor().new_page()) for _ in range(2)]
    for rater in raters:
        rater.page.goto(newcomer(served, study))
        expect(rater.button("I agree")).to_be_visible()
    for rater in raters:
        rater.consent()
    expect(raters[0].page.locator("#patches-dark")).to_be_visible()
    for _ in range(2):
        expect(raters[1].root.get_by_role("heading", name="Enough people take part")).to_be_visible()
        raters[1].page.reload()


@pytest.mark.parametrize("study", [{"min_screen_side_px": 600}], indirect=True)
def test_a_phone_can_be_left_out(visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy) -> None:
    rater = RatingPage(visitor(**PHONE).new_page())
    rater.page.goto(newcomer(served, study))
    rater.consent()
    expect(rater.page.locator(".rate .fit")).to_contain_text("600 pixels on its shorter side, yours has 390")
    rater.page.select_option("#patches-dark", "3")
    rater.page.select_option("#patches-light", "4")
    expect(rater.button("Continue")).to_be_disabled()


@pytest.mark.parametrize("study", [{"training": 2}], indirect=True)
@pytest.mark.parametrize("options", [{}, PHONE], ids=["computer", "phone"])
def test_nothing_moves_the_picture(
    options: dict[str, Any], visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(**options).new_page())
    rater.start(newcomer(served, study))
    rater.look()
    places = [place_of(rater)]
    rater.page.keyboard.press("3")
    expect(rater.button("Next picture")).to_be_enabled()
    places.append(place_of(rater))
    rater.button("Next picture").click()
    rater.look()
    rater.page.keyboard.press("3")
    rater.button("Next picture").click()
    for _ in range(2):  # the second with a button that takes the answer back
        rater.look()
        places.append(place_of(rater))
        rater.rate("4")
    rater.look()
    rater.page.locator(".top-bar .count").evaluate("(count) => count.append(' más'.repeat(40))")
    places.append(place_of(rater))
    assert len(set(places)) == 1


def place_of(rater: RatingPage) -> tuple[float, float]:
    box = rater.stage.locator("img").bounding_box()
    assert box
    return box["x"], box["y"]


def test_a_study_that_is_paused_waits_and_goes_on(
    rater: RatingPage, served: Served, study: OpenStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotate.rating.sitting.RETRY_S", 0)
    rater.start(newcomer(served, study))
    rater.look()
    change_state(study, "paused")
    rater.page.keyboard.press("4")  # what was shown before counts
    expect(rater.root.get_by_role("heading")).to_have_text("Please wait a moment")
    change_state(study, "open")
    rater.wait_for_picture()
    change_state(study, "closed")
    rater.look()
    rater.page.keyboard.press("4")
    expect(rater.root.get_by_role("heading")).to_have_text("This study is closed")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    assert study.grades() == [4]


def change_state(study: OpenStudy, state: str) -> None:
    with study.labelling.database.write() as db:
        queries.lifecycle.change_state(db, study.id, State(state), datetime.now(UTC))


@pytest.mark.parametrize("study", [{"training": 1, "break_every": 2, "break_s": 0, "images": 3}], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_is_accessible(
    scheme: str, visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(color_scheme=scheme).new_page())
    rater.page.goto(served.address + study.personal_link())
    expect(rater.button("I agree")).to_be_visible()
    check_access(rater)
    rater.consent()
    expect(rater.page.locator("#patches-dark")).to_be_visible()
    check_access(rater)
    rater.pass_screen()
    rater.look()
    check_access(rater)
    rater.page.keyboard.press("3")
    expect(rater.button("Next picture")).to_be_enabled()
    check_access(rater)
    rater.button("Next picture").click()
    rater.rate("3", "4")
    expect(rater.button("Go on")).to_be_enabled()
    check_access(rater)
    rater.button("Go on").click()
    rater.rate("5")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    check_access(rater)


def check_access(rater: RatingPage) -> None:
    found = Axe().run(rater.page, context="#rate", options=ACCESSIBLE)
    assert found.violations_count == 0, found.generate_report()
    assert "color-contrast" in {rule["id"] for rule in found.response["passes"]}  # it did look


def test_a_newcomer_tries_the_demo_in_the_tab(rater: RatingPage, served: Served) -> None:
    rater.page.goto(served.address)
    rater.page.get_by_role("tab", name="Rate").click()
    expect(rater.root.locator(".demo")).to_contain_text("This is a demonstration")
    rater.consent()
    rater.pass_screen()
    rater.look()
    rater.page.keyboard.press("4")
    rater.button("Next picture").click()
    rater.look()
    rater.button("Pause").click()
    expect(rater.page.get_by_role("tab", name="Score")).to_be_visible()


def test_without_the_database_photos_are_scored_and_rating_says_so(
    rater: RatingPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("closed")
    with serve(folder, FIQA_DATABASE_URL="nonsense://") as served:
        rater.page.goto(served.address)
        rater.page.get_by_role("tab", name="Rate").click()
        expect(rater.banner).to_have_text("The server cannot reach its ratings. This page tries again by itself.")
        rater.page.get_by_role("tab", name="Score").click()
        photo = folder / "face.png"
        Image.new("RGB", (100, 80), (102, 102, 102)).save(photo)
        rater.page.set_input_files("#photos input[type=file]", str(photo))
        expect(rater.page.locator("#panel .score b")).to_have_text("0.40")
        rater.page.goto("about:blank")  # a server that ends waits for the pages that listen to it
