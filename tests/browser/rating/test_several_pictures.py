"""Items of several pictures in a real browser: side by side, in turn, by keyboard and touch, and through troubles."""

from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.protocol import REASONS
from tests.browser.rating.conftest import newcomer
from tests.browser.rating.test_around_rating import check_access, check_at_every_width, check_in_light_and_dark
from tests.browser.rating.test_rating import is_within, lose_the_answer, tab_to
from tests.browser.rating_page import SIDES_PX, OpenStudy, RatingPage, noise
from tests.served import Served

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


IMAGES = 3
PAIRS: dict[str, Any] = {"method": "pairs", "images": IMAGES}
DCR: dict[str, Any] = {"method": "dcr", "images": IMAGES, "reference": 0, "training_count": 0}
NARROW_PX = 250
NARROW: dict[str, Any] = {"viewport": {"width": NARROW_PX, "height": 720}, "has_touch": True}
"""Too narrow for two pictures side by side, and wide enough for one."""


def comparisons(study: OpenStudy) -> list[queries.ratings.ComparisonRow]:
    """Return what was answered after the training, in order."""
    with study.labelling.database.read() as db:
        rows = queries.ratings.stream_comparisons(db, study.id)
        return [row for row in rows if row.kind is not ItemKind.TRAINING]


def preferred(study: OpenStudy) -> list[str]:
    return [row.preferred for row in comparisons(study)]


def numbers_shown(page: Page) -> list[int]:
    """Return the numbers of the pictures that are on screen pixel for pixel."""
    screen = np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB"))
    return [number for number in range(IMAGES) if is_within(noise(number), screen)]


def picture(rater: RatingPage, role: str) -> Locator:
    return rater.stage.locator(f"[data-role={role}]")


@pytest.mark.parametrize("study", [{**PAIRS, "training": 2}], indirect=True)
def test_pairs_are_compared_by_keyboard_to_the_end(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.page.goto(newcomer(served, study))
    expect(rater.root.get_by_role("heading", name="Which picture is better?")).to_be_focused()
    expect(rater.root.locator(".instructions")).to_contain_text("which picture is better: sharper")
    rater.consent()
    rater.pass_screen()
    rater.rate("ArrowDown")
    expect(rater.page.locator("#feedback")).to_contain_text("Your answer: No difference. Expected was: ")
    expect(rater.button("Next pair")).to_be_focused()
    rater.page.keyboard.press("Enter")
    first = rater.look()
    left, right = (picture(rater, role).bounding_box() for role in ("left", "right"))
    assert left
    assert right
    assert left["x"] + left["width"] < right["x"]
    assert left["y"] == right["y"]
    shown = numbers_shown(rater.page)
    assert len(shown) == 2
    rater.page.keyboard.press("3")  # is no answer here
    rater.rate("ArrowLeft")
    expect(rater.spoken).to_have_text("Saved: A is better")
    second = rater.look()
    rater.page.keyboard.press("z")
    rater.wait_until_gone(second)
    assert rater.wait_for_picture() == first
    rater.page.reload()
    assert rater.wait_for_picture() == first
    assert numbers_shown(rater.page) == shown
    rater.rate("ArrowRight", "ArrowDown", "ArrowLeft")
    tab_to(rater.page, ".rate button.main")
    rater.page.keyboard.press("Enter")
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    expect(rater.root.get_by_text("Pairs compared: 3.")).to_be_visible()
    assert preferred(study) == ["right", "none", "left"]
    rows = comparisons(study)
    assert {frozenset((row.left, row.right)) for row in rows} == {
        frozenset(two) for two in combinations([f"{number}.png" for number in range(IMAGES)], 2)
    }
    assert {rows[0].left, rows[0].right} == {f"{number}.png" for number in shown}
    assert all((row.width_px, row.height_px, row.flipped) == (*SIDES_PX, False) for row in rows)


@pytest.mark.parametrize("study", [{**PAIRS, "offer_no_difference": False}], indirect=True)
def test_pictures_that_do_not_fit_side_by_side_are_flipped_in_place_and_each_is_seen(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(**NARROW).new_page())
    rater.start(newcomer(served, study))
    number = rater.look()
    place = picture(rater, "left").bounding_box()
    assert picture(rater, "right").bounding_box() == place
    tops = {each.bounding_box()["y"] for each in rater.page.locator(".grade").all()}  # type: ignore[index]  # shown
    assert len(tops) == 1
    expect(rater.root.get_by_role("img")).to_have_count(1)
    expect(rater.root.get_by_role("img", name="Picture A")).to_be_visible()
    (one,) = numbers_shown(rater.page)
    expect(rater.root.get_by_role("heading")).to_contain_text("Look at each picture first")
    expect(rater.button("A is better")).to_be_disabled()
    rater.page.keyboard.press("ArrowLeft")
    expect(rater.spoken).to_contain_text("Look at each picture first")
    rater.page.wait_for_timeout(700)
    rater.page.keyboard.press("Space")
    expect(rater.spoken).to_have_text("Picture B")
    expect(rater.root.get_by_role("img", name="Picture B")).to_be_visible()
    (other,) = numbers_shown(rater.page)
    assert picture(rater, "right").bounding_box() == place  # nothing moved
    assert other != one
    rater.stage.tap()
    expect(rater.spoken).to_have_text("Picture A")
    assert numbers_shown(rater.page) == [one]
    expect(rater.button("No difference")).to_have_count(0)
    rater.page.keyboard.press("ArrowDown")
    rater.button("A is better").tap()
    rater.wait_until_gone(number)
    rater.look()
    rater.button("Flip").tap()
    expect(rater.spoken).to_have_text("Picture B")
    assert rater.page.evaluate("document.scrollingElement.scrollWidth") <= 250
    (row,) = comparisons(study)
    assert (row.preferred, row.left, row.right) == ("left", f"{one}.png", f"{other}.png")
    assert row.flipped


@pytest.mark.parametrize("study", [PAIRS], indirect=True)
def test_the_time_of_an_answer_runs_from_when_both_pictures_were_seen(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor(**NARROW).new_page())
    rater.start(newcomer(served, study))
    rater.look()
    page = rater.page
    page.wait_for_timeout(1500)
    page.keyboard.press("Space")
    expect(rater.button("A is better")).to_be_enabled()
    waited_ms = page.evaluate(
        """() => new Promise((resolve) => {
          const since = performance.now();
          setTimeout(() => {
            resolve(performance.now() - since);  // before the click, whose handlers take time too
            document.querySelector(".grade[value=left]").click();
          }, 300);
        })"""
    )
    rater.wait_for_picture()
    expect(rater.spoken).to_have_text("Saved: A is better")
    (row,) = comparisons(study)
    assert row.response_ms is not None
    assert waited_ms - 1 <= row.response_ms
    assert row.response_ms < 1500 + waited_ms


@pytest.mark.parametrize("study", [{**PAIRS, "reasons": ["blur", "light"]}], indirect=True)
def test_a_reason_may_be_given_and_is_of_one_pair_only(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    rater.look()
    reasons = rater.root.get_by_role("group", name="Why?")
    expect(reasons.get_by_role("button")).to_have_text(["Blur", "Light"])
    chips = [reasons.get_by_role("button", name=name) for name in ("Blur", "Light")]
    for chip in chips:
        chip.click()
    chips[1].click()
    expect(reasons.get_by_role("button", pressed=True)).to_have_text(["Blur"])
    check_access(rater)
    rater.rate("ArrowLeft")
    rater.look()
    expect(reasons.get_by_role("button", pressed=True)).to_have_count(0)
    rater.rate("ArrowRight")
    assert [row.reasons for row in comparisons(study)] == [("blur",), ()]


@pytest.mark.parametrize("study", [PAIRS], indirect=True)
def test_comparisons_arrive_exactly_once_whatever_happens_on_the_way(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.start(newcomer(served, study))
    rater.look()
    rater.page.route("**/rating/rate", lose_the_answer, times=1)
    rater.rate("ArrowLeft")
    expect(rater.spoken).to_have_text("Saved: A is better")
    other = RatingPage(rater.page.context.new_page())
    other.page.goto(rater.page.url)
    assert other.wait_for_picture() == rater.wait_for_picture()
    rater.rate("ArrowDown")
    other.rate("ArrowRight")
    expect(other.spoken).to_have_text("That pair was answered elsewhere; here is the next one.")
    other.page.close()
    rater.look()
    rater.page.context.set_offline(True)
    rater.page.keyboard.press("ArrowRight")
    expect(rater.banner).to_contain_text("Your answer is kept here")
    check_access(rater)
    link = rater.page.url
    rater.page.close()
    assert preferred(study) == ["left", "none"]
    rater.page.context.set_offline(False)
    again = RatingPage(rater.page.context.new_page())
    again.page.goto(link)
    again.button("Finish").click()
    expect(again.page.locator(".rate .code output")).to_be_visible()
    assert preferred(study) == ["left", "none", "right"]


@pytest.mark.parametrize("study", [{**PAIRS, "training": 2, "reasons": [*REASONS]}], indirect=True)
def test_a_pair_is_accessible_beside_and_in_turn_and_so_is_what_is_said_of_it(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.page.goto(newcomer(served, study))
    expect(rater.button("I agree")).to_be_visible()
    check_in_light_and_dark(rater)
    check_at_every_width(rater)
    rater.consent()
    rater.pass_screen()
    rater.look()
    rater.button("Blur").click()
    check_at_every_width(rater, 1440, 390, NARROW_PX)
    rater.rate("ArrowLeft")
    expect(rater.button("Next pair")).to_be_focused()
    check_at_every_width(rater, 1440, 390)
    rater.page.set_viewport_size({"width": NARROW_PX, "height": 844})
    check_access(rater)
    for each in rater.stage.locator("figure:not(.away) img").all():  # they are seen whole while one reads
        box = each.bounding_box()
        assert box
        assert 0 <= box["x"] <= NARROW_PX - box["width"]


@pytest.mark.parametrize("study", [{**PAIRS, "images": 4, "reference": 0, "pair_reference": True}], indirect=True)
def test_the_reference_of_a_pair_stands_between_its_pictures(
    visitor: Callable[..., BrowserContext], served: Served, study: OpenStudy
) -> None:
    rater = RatingPage(visitor().new_page())
    rater.page.goto(newcomer(served, study))
    expect(rater.root.get_by_text("You will see the reference, too")).to_be_visible()
    rater.consent()
    rater.pass_screen()
    rater.look()
    expect(rater.root.get_by_role("heading")).to_contain_text("Compared with the reference")
    boxes = [picture(rater, role).bounding_box() for role in ("left", "reference", "right")]
    places = [box["x"] for box in boxes if box]
    assert len(places) == len(set(places)) == 3
    assert places == sorted(places)
    check_at_every_width(rater, 1440, 390, 300)
    rater.rate("ArrowLeft")
    rater.look()
    rater.page.set_viewport_size({"width": 300, "height": 720})
    expect(rater.root.get_by_role("img")).to_have_count(1)
    for name in ("Picture A", "Picture B", "Reference"):
        rater.page.keyboard.press("Space")
        expect(rater.spoken).to_have_text(name)
    rater.rate("ArrowRight")
    assert preferred(study) == ["left", "right"]


@pytest.mark.parametrize("study", [DCR], indirect=True)
def test_impairment_is_graded_when_the_reference_and_then_the_picture_were_seen(
    rater: RatingPage, served: Served, study: OpenStudy
) -> None:
    rater.page.goto(newcomer(served, study))
    expect(rater.root.get_by_role("heading", name="How visible is the damage?")).to_be_visible()
    expect(rater.root.locator(".instructions")).to_contain_text("how visible the impairment is")
    rater.consent()
    rater.pass_screen()
    rater.look()
    expect(rater.root.get_by_role("img", name="Reference")).to_be_visible()
    assert numbers_shown(rater.page) == [0]
    rater.page.keyboard.press("4")
    expect(rater.spoken).to_contain_text("Look at each picture first")
    rater.page.keyboard.press("Space")
    expect(rater.root.get_by_role("img", name="The picture to rate")).to_be_visible()
    check_at_every_width(rater)
    (number,) = numbers_shown(rater.page)
    expect(rater.root.locator(".grade[value='5']")).to_contain_text("Imperceptible")
    rater.rate("4")
    rater.look()
    assert [(row.stimulus, row.grade) for row in study.ratings()] == [(f"{number}.png", 4)]


@pytest.mark.parametrize("study", [{**DCR, "reference_beside": True}], indirect=True)
def test_a_reference_may_stand_beside_its_picture(rater: RatingPage, served: Served, study: OpenStudy) -> None:
    rater.start(newcomer(served, study))
    rater.look()
    assert len(numbers_shown(rater.page)) == 2
    assert 0 in numbers_shown(rater.page)
    check_at_every_width(rater)
    rater.rate("1", "5")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    assert study.grades() == [1, 5]
