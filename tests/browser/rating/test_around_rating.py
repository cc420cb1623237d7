"""Everything around the ratings: links, texts, breaks, screens, accessibility, the demo."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from annotate import queries
from annotate.database.engine import Database
from annotate.design.start_questions import READY_QUESTIONS
from annotate.design.states import State
from annotate.errors import DatabaseError
from annotate.ui.labelling import Labelling
from tests.browser.rating.conftest import newcomer
from tests.browser.rating.test_rating import PHONE
from tests.browser.rating_page import SIDES_PX, OpenStudy, RatingPage
from tests.served import Served

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


WIDTHS_PX = (1440, 390)
ACCESSIBLE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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


@pytest.mark.parametrize("study", [{"sight_check": True, "offer_unusable": False, "scale": "acr9"}], indirect=True)
def test_a_study_may_check_sight_ask_for_nine_grades_and_not_offer_unusable(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
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
    expect(rater.button("4")).to_be_enabled()  # which has no word, and a name all the same
    check_at_every_width(rater)
    rater.page.keyboard.press("0")
    for width, around in ((390, 384), (800, 262)):  # the smallest windows in which the check of the screen finds room
        rater.page.set_viewport_size({"width": width, "height": around + SIDES_PX[1]})
        rater.rate("3")
    assert study.grades() == [3, 3]
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


def test_a_wrong_link_says_what_to_do_in_the_language_of_who_opens_it(
    visitor: Callable[..., BrowserContext], served: Served
) -> None:
    rater = RatingPage(visitor(locale="de-AT").new_page())
    for link in ("?participant=wrong", "?study=wrong", "?study=", "?participant="):  # the last ones were cut off
        rater.page.goto(served.address + link)
        expect(rater.root.get_by_role("heading")).to_have_text("Dieser Link lässt sich nicht öffnen")
        expect(rater.root.get_by_text("unvollständig oder hier nicht bekannt")).to_be_visible()
    check_in_light_and_dark(rater)
    rater.root.locator(".top select").select_option("es")
    expect(rater.root.get_by_text("Está incompleto o no se conoce aquí.")).to_be_visible()


def test_a_link_for_prolific_that_is_opened_elsewhere_says_where_to_open_it(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.page.goto(f"{newcomer(served, study)}&PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&SESSION_ID={{{{%SESSION_ID%}}}}")
    expect(rater.root.get_by_text("opened outside Prolific")).to_be_visible()


def test_who_comes_from_a_panel_gets_back_to_it(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(f"{newcomer(served, study)}&PROLIFIC_PID=5f2d&STUDY_ID=1&SESSION_ID=s1")
    rater.rate("1", "2", "3", "4")
    expect(rater.button("Finish")).to_be_visible()
    rater.page.route("https://app.prolific.com/**", lambda route: route.fulfill(body="Prolific"))
    rater.page.clock.install()
    rater.button("Finish").click()
    code = rater.page.locator(".rate .code output").inner_text()
    back = rater.root.get_by_role("link", name="Back to Prolific")
    expect(back).to_have_attribute("href", f"https://app.prolific.com/submissions/complete?cc={code}")
    with study.labelling.database.read() as db:
        assert queries.participants.participant_by_external_id(db, study.id, "5f2d") is not None
    expect(rater.root.get_by_role("timer")).to_have_text("Back to Prolific in 10 s")
    check_in_light_and_dark(rater)
    rater.button("Stay here").click()
    expect(back).to_be_focused()
    expect(rater.root.get_by_role("timer")).to_have_count(0)
    rater.page.evaluate("localStorage.clear()")
    rater.root.locator(".top select").select_option("de")
    expect(rater.root.get_by_role("timer")).to_have_text("Zurück zu Prolific in 10 s")
    rater.root.locator(".top select").select_option("en")
    rater.page.clock.run_for(10_500)
    expect(rater.page).to_have_url(re.compile(f"cc={code}$"))


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
    expect(rater.root.locator(".consent").first).to_have_text("Unsere Einwilligung.")
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
    monkeypatch.setattr("annotate.rating.rules.RETRY_S", 0)
    rater.start(newcomer(served, study))
    rater.look()
    change_state(study, "paused")
    rater.page.keyboard.press("4")  # what was shown before counts
    expect(rater.root.get_by_role("heading")).to_have_text("Please wait a moment")
    check_in_light_and_dark(rater)
    change_state(study, "open")
    rater.wait_for_picture()
    change_state(study, "closed")
    rater.look()
    rater.page.keyboard.press("4")
    expect(rater.root.get_by_role("heading")).to_have_text("This study is closed")
    check_in_light_and_dark(rater)
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    assert study.grades() == [4]


def change_state(study: OpenStudy, state: str) -> None:
    with study.labelling.database.write() as db:
        queries.lifecycle.change_state(db, study.id, State(state), datetime.now(UTC))


@pytest.mark.parametrize("study", [{"training": 1, "break_every": 2, "break_s": 0, "images": 3}], indirect=True)
def test_every_step_is_accessible_in_light_and_dark(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.page.goto(served.address + study.personal_link())
    expect(rater.button("I agree")).to_be_visible()
    check_in_light_and_dark(rater)
    rater.consent()
    expect(rater.page.locator("#patches-dark")).to_be_visible()
    check_in_light_and_dark(rater)
    rater.pass_screen()
    rater.look()
    check_access(rater)  # the room is as dark in both
    rater.page.keyboard.press("3")
    expect(rater.button("Next picture")).to_be_enabled()
    check_access(rater)
    rater.button("Next picture").click()
    rater.rate("3", "4")
    expect(rater.button("Go on")).to_be_enabled()
    check_in_light_and_dark(rater)
    rater.button("Go on").click()
    rater.rate("5")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    check_in_light_and_dark(rater)


def check_in_light_and_dark(rater: RatingPage) -> None:
    """Look in the theme that is shown, and in the other after the system has changed to it."""
    levels = []
    for scheme in ("light", "dark"):
        rater.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        check_access(rater)
        levels.append(rater.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"))
    light, dark = (sum(map(int, level)) for level in levels)
    assert dark < light / 4


def check_at_every_width(rater: RatingPage, *widths_px: int) -> None:
    """Look in a wide window and on a phone, or at other widths; the window is then as it was."""
    size = rater.page.viewport_size
    assert size
    for width in widths_px or WIDTHS_PX:
        rater.page.set_viewport_size({"width": width, "height": 844})
        check_access(rater)
        assert rater.page.evaluate("document.scrollingElement.scrollWidth") <= width
    rater.page.set_viewport_size(size)


def check_access(rater: RatingPage) -> None:
    found = Axe().run(rater.page, context="#rate", options=ACCESSIBLE)
    assert found.violations_count == 0, found.generate_report()
    assert "color-contrast" in {rule["id"] for rule in found.response["passes"]}  # it did look


def test_without_the_database_photos_are_scored_and_the_demo_comes_by_itself_once_it_is_there(
    rater: RatingPage, served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_database(_labelling: Labelling) -> Database:
        raise DatabaseError("The database cannot be reached.")

    page = rater.page
    with monkeypatch.context() as patch:
        patch.setattr(Labelling, "database", property(no_database))
        page.goto(served.address)
        page.get_by_role("tab", name="Rate", exact=True).click()
        expect(rater.banner).to_have_text("The server cannot reach its ratings. This page tries again by itself.")
        page.get_by_role("tab", name="Score").click()
        Image.new("RGB", (100, 80), (102, 102, 102)).save(tmp_path / "face.png")
        page.set_input_files("#photos input[type=file]", str(tmp_path / "face.png"))
        expect(page.locator("#panel .score b")).to_have_text("0.40")
    page.get_by_role("tab", name="Rate", exact=True).click()
    expect(rater.root.locator(".demo")).to_contain_text("This is a demonstration")
    expect(rater.banner).to_be_hidden()
    rater.consent()
    rater.pass_screen()
    rater.look()
    page.keyboard.press("4")
    rater.button("Next picture").click()
    rater.look()
    rater.button("Pause").click()
    expect(page.get_by_role("tab", name="Score")).to_be_visible()
    page.goto("about:blank")  # a server that ends waits for the pages that listen to it


@pytest.mark.parametrize("study", [{"more_scales": "piq23", "images": 2, "reasons": ["blur"]}], indirect=True)
def test_several_scales_are_graded_in_their_order_and_sent_together(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    page, asked_for = rater.page, []
    page.on("request", lambda each: asked_for.append(time.monotonic()) if "rating/picture" in each.url else None)
    rater.start(newcomer(served, study))
    number = rater.look()
    rows, following = rater.root.locator(".scale"), rater.button("Next picture")
    for key in ("4", "2", "Enter"):
        page.keyboard.press(key)
    expect(rater.spoken).to_have_text("Details: 2 Poor.")
    expect(rater.root.locator("[aria-current]")).to_have_attribute("aria-label", "Exposure")
    expect(following).to_be_disabled()
    page.keyboard.press("z")
    expect(rows.get_by_role("button", pressed=True)).to_have_accessible_name("4 Good")
    for key in ("3", "5", "1"):
        page.keyboard.press(key)
    expect(rater.spoken).to_have_text("All graded; Enter goes on.")
    rater.root.get_by_role("group", name="Overall").get_by_role("button", name="1 Bad").click()
    graded = time.monotonic()
    rater.button("Blur").click()
    check_at_every_width(rater)  # which takes its time
    page.keyboard.press("Enter")
    rater.wait_until_gone(number)
    expect(rater.spoken).to_have_text("Saved: Overall 1 Bad, Details 3 Fair, Exposure 5 Excellent")
    expect(rows.get_by_role("button", pressed=True)).to_have_count(0)
    rater.rate("0")
    first, second = study.ratings()
    assert (first.grade, first.more_grades, first.reasons) == (1, {"details": 3, "exposure": 5}, ("blur",))
    assert first.response_ms
    assert first.response_ms <= 1000 * (graded - asked_for[0])  # until the last grade, and not until Enter
    assert (second.unusable, second.more_grades) == (True, None)
