"""What a visitor sees, with the real app and the bundled checkpoint."""

import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, SCORE_MS, Visit

Photos = dict[str, Path]


def scores(visit: Visit) -> list[float]:
    """Read the scores of the batch table, top to bottom; nan where there is none."""
    cells = visit.page.locator("#panel tbody tr td:nth-child(3)").all_inner_texts()
    return [float(cell) if cell.strip() != "–" else float("nan") for cell in cells]


def test_a_photo_gets_a_score_and_marks_and_one_more_makes_a_batch(visit: Visit, photos: Photos) -> None:
    page = visit.page
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    score = float(page.inner_text("#panel .score b"))
    assert 0 <= score <= 1
    assert page.inner_text("#panel .score span") == page.inner_text("#panel .word.is-here")
    assert "95 % interval" in page.inner_text("#panel .interval")
    expect(page.locator("#panel .photo circle")).to_have_count(68)
    assert page.get_attribute("#panel .photo", "viewBox") == "0 0 512 512"
    page.uncheck("#panel .switch input")
    assert not page.locator("#panel .photo .face").first.is_visible()

    visit.add_photos(photos["blurred"])
    visit.wait_for("batch")
    expect(page.locator("#panel tbody tr")).to_have_count(2)  # waits while the page replaces the panel


def test_a_batch_can_be_sorted_and_saved_and_shows_names_as_they_are(
    visit: Visit, photos: Photos, tmp_path: Path
) -> None:
    odd = tmp_path / "{{value}}${1+1}&amp;.png"
    shutil.copy(photos["blurred"], odd)
    shown = "value1+1&amp;.png"  # braces and dollars are dropped on upload; what is left must not be interpreted
    visit.add_photos(photos["astronaut"], photos["text"], odd)
    visit.wait_for("batch")
    assert "2 of 3 photos scored" in visit.page.inner_text("#panel .headline")
    assert visit.page.inner_text("#panel tbody tr:nth-child(3) .photo-name").strip() == shown
    expect(visit.page.locator("#panel .bins i")).to_have_count(20)
    visit.page.click("#panel th:nth-child(3) button")
    rising = scores(visit)
    assert rising[1] <= rising[2]
    visit.page.click("#panel th:nth-child(3) button")
    assert scores(visit)[:2] == rising[:0:-1]
    with visit.page.expect_download() as download:
        visit.page.click("#panel .save:has-text('JSON')")
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [entry["path"] for entry in saved] == ["astronaut.png", "notes.jpg", shown]
    assert [entry["error"] is None for entry in saved] == [True, False, True]


def test_a_text_that_claims_to_be_a_photo_gets_a_sentence(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["text"])
    visit.wait_for("error")
    message = visit.page.inner_text("#panel [role=alert]")
    assert "notes.jpg" in message
    assert message.count(".") <= 3
    assert "Traceback" not in message


def test_an_example_is_one_click_away(visit: Visit) -> None:
    visit.page.click("#examples button:has-text('Noisy')")
    visit.wait_for("result")
    assert 0 <= float(visit.page.inner_text("#panel .score b")) <= 1


def test_a_photo_pasted_anywhere_gets_the_score_that_it_gets_when_added(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    added = visit.page.get_attribute("#panel .scale", "aria-label")
    visit.clear()
    data = b64encode(photos["astronaut"].read_bytes()).decode("ascii")
    visit.page.evaluate(
        """async (data) => {
          const bytes = await (await fetch(`data:image/png;base64,${data}`)).blob();
          const clipboard = new DataTransfer();
          clipboard.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard }));
        }""",
        data,
    )
    visit.wait_for("result")
    assert visit.page.get_attribute("#panel .scale", "aria-label") == added


def test_the_footer_says_what_is_at_work_and_what_is_kept(visit: Visit) -> None:
    visit.page.wait_for_selector("#footer :text('lite on the')", timeout=SCORE_MS)
    assert "Nothing is kept of your photos" in visit.page.inner_text("#footer")
    for tab, kept in (("Rate", "Your answers are kept"), ("Studies", "kept on this server until you delete")):
        visit.page.get_by_role("tab", name=tab, exact=True).click()
        visit.page.wait_for_selector(f"#footer p:text('{kept}') >> visible=true")
        assert "Nothing is kept" not in visit.page.inner_text("#footer")
    visit.page.go_back()
    visit.page.go_back()
    visit.page.wait_for_selector("#photos >> visible=true")
    visit.page.wait_for_selector("#footer p:text('Nothing is kept of your photos') >> visible=true")


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_the_dark_theme_follows_the_system_and_can_be_switched(visit: Visit) -> None:
    def brightness() -> float:
        colour: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour[4:-1].split(",")))

    assert brightness() < 3 * 60
    visit.page.click("#header button")
    assert brightness() > 3 * 200


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_on_a_phone_nothing_overflows_and_a_result_below_the_fold_scrolls_into_view(
    visit: Visit, photos: Photos
) -> None:
    assert visit.width_px() <= 390
    visit.add_photos(photos["group"])
    visit.wait_for("result")
    visit.page.wait_for_function("document.querySelector('#panel').getBoundingClientRect().top < 500", timeout=10_000)
    expect(visit.page.locator("#panel tbody tr").nth(2)).to_be_visible()  # each face
    assert visit.width_px() <= 390
    visit.add_photos(photos["text"])
    visit.wait_for("batch")
    assert visit.width_px() <= 390
