"""What a visitor sees, with the real app and the bundled checkpoint."""

import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCORE_MS, Visit

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
Photos = dict[str, Path]


def scores(visit: Visit) -> list[float]:
    """Read the scores of the batch table, top to bottom; nan where there is none."""
    cells = visit.page.locator("#panel tbody tr td:nth-child(3)").all_inner_texts()
    return [float(cell) if cell.strip() != "–" else float("nan") for cell in cells]


def test_a_photo_gets_a_score_with_its_interval_and_marks(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    score = float(visit.page.inner_text("#panel .score b"))
    assert 0 <= score <= 1
    assert visit.page.inner_text("#panel .score span") == visit.page.inner_text("#panel .word.is-here")
    assert "95 % interval" in visit.page.inner_text("#panel .interval")
    expect(visit.page.locator("#panel .photo circle")).to_have_count(68)
    assert visit.page.get_attribute("#panel .photo", "viewBox") == "0 0 512 512"


def test_the_same_photo_gets_the_same_score(visit: Visit, photos: Photos) -> None:
    seen = []
    for _ in range(2):
        visit.add_photos(photos["astronaut"])
        visit.wait_for("result")
        seen.append(visit.page.get_attribute("#panel .scale", "aria-label"))
        visit.page.click("#photos button[aria-label='Clear']")
        visit.wait_for("empty")
    assert seen[0] == seen[1]


def test_the_marks_can_be_hidden(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    visit.page.uncheck("#panel .switch input")
    assert not visit.page.locator("#panel .photo .face").first.is_visible()


def test_several_faces_are_listed(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["group"])
    visit.wait_for("result")
    expect(visit.page.locator("#panel tbody tr").nth(2)).to_be_visible()


def test_a_batch_can_be_sorted_and_saved(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"], photos["text"], photos["blurred"])
    visit.wait_for("batch")
    assert "2 of 3 photos scored" in visit.page.inner_text("#panel .headline")
    expect(visit.page.locator("#panel .bins i")).to_have_count(20)
    visit.page.click("#panel th:nth-child(3) button")
    rising = scores(visit)
    assert rising[1] <= rising[2]
    visit.page.click("#panel th:nth-child(3) button")
    assert scores(visit)[:2] == rising[:0:-1]
    with visit.page.expect_download() as download:
        visit.page.click("#panel .save:has-text('JSON')")
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [entry["path"] for entry in saved] == ["astronaut.png", "notes.jpg", "blurred.png"]
    assert [entry["error"] is None for entry in saved] == [True, False, True]


def test_a_photo_added_to_another_makes_a_batch(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    visit.add_photos(photos["blurred"])
    visit.wait_for("batch")
    expect(visit.page.locator("#panel tbody tr")).to_have_count(2)  # waits while the page replaces the panel


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


def test_a_photo_can_be_pasted_anywhere(visit: Visit, photos: Photos) -> None:
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


def test_a_file_name_is_shown_as_it_is(visit: Visit, photos: Photos, tmp_path: Path) -> None:
    odd = tmp_path / "{{value}}${1+1}&amp;.png"
    shutil.copy(photos["blurred"], odd)
    visit.add_photos(photos["astronaut"], odd)
    visit.wait_for("batch")
    # Braces and dollars are dropped on upload; what is left must be shown, not interpreted.
    assert visit.page.inner_text("#panel tbody tr:nth-child(2) .photo-name").strip() == "value1+1&amp;.png"


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


def test_nothing_is_asked_of_other_servers(visit: Visit, site: str, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    assert [url for url in visit.requests if not url.startswith((site, "data:", "blob:"))] == []


@pytest.mark.parametrize("visit", [{"color_scheme": "dark"}], indirect=True)
def test_the_dark_theme_follows_the_system_and_can_be_switched(visit: Visit) -> None:
    def brightness() -> float:
        colour: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour[4:-1].split(",")))

    assert brightness() < 3 * 60
    visit.page.click("#header button")
    assert brightness() > 3 * 200


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_nothing_overflows_on_a_phone(visit: Visit, photos: Photos) -> None:
    assert visit.width_px() <= 390
    visit.add_photos(photos["group"])
    visit.wait_for("result")
    assert visit.width_px() <= 390
    visit.add_photos(photos["text"])
    visit.wait_for("batch")
    assert visit.width_px() <= 390


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_a_result_below_the_fold_scrolls_into_view(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["astronaut"])
    visit.wait_for("result")
    visit.page.wait_for_function("document.querySelector('#panel').getBoundingClientRect().top < 500", timeout=10_000)
