"""A visitor walks through the Degradation tab, with the real app and the bundled checkpoint."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from fiqa.degradation.atlas import TYPES
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import DEGRADATIONS
from tests.browser.conftest import Visit

MOVE_SLIDER = """([slider, value]) => {
  const range = document.querySelector(`${slider} input[type=range]`);
  range.value = value;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}"""
Photos = dict[str, Path]


def open_tab(visit: Visit) -> None:
    visit.page.click("#tabs [role=tab]:has-text('Degradation')")
    expect(visit.page.locator("#atlas .legend")).to_be_visible()


@pytest.fixture
def visit(visit: Visit) -> Visit:
    """The page, with nothing in the tab any more."""
    open_tab(visit)
    expect(visit.page.locator("#diagnosis .empty")).to_be_visible()
    expect(visit.page.locator("#what-if")).to_be_hidden()
    visit.page.click("#tabs [role=tab]:has-text('Score')")
    return visit


def examine(visit: Visit, *photos: Path) -> Locator:
    """Add photos in the Score tab, open the Degradation tab and wait for the what-if."""
    visit.add_photos(*photos)
    open_tab(visit)
    expect(visit.page.locator("#after .trial")).to_be_visible()
    return visit.page.locator("#diagnosis")


def apply_step(visit: Visit, label: str, severity: float) -> Locator:
    """Choose the first step, move its slider, and return the what-if once it has answered."""
    visit.page.click("#type-1 input")
    visit.page.click(f"[role=option]:text-is('{label}')")
    trial = visit.page.locator("#after .trial")
    expect(trial).to_have_attribute("data-steps", "1")
    before = trial.inner_text()
    visit.page.evaluate(MOVE_SLIDER, ["#severity-1", severity])
    expect(trial).not_to_have_text(before, use_inner_text=True)
    return trial


def test_a_photo_takes_its_place_among_known_degradations(visit: Visit, photos: Photos) -> None:
    diagnosis = examine(visit, photos["blurred"])
    expect(diagnosis.locator(".verdict")).not_to_be_empty()
    expect(diagnosis.locator(".finding").first).to_contain_text("%")
    expect(visit.page.locator("#atlas .legendtext")).to_have_count(len(TYPES) + 1)
    expect(visit.page.locator("#atlas .scatterlayer .trace").last.locator(".point")).to_have_count(1)


def test_the_legend_hides_a_type_and_hovering_names_it(visit: Visit, photos: Photos) -> None:
    examine(visit, photos["dark"])
    point = visit.page.locator("#atlas .scatterlayer .trace").last.locator(".point")
    point.hover(force=True)
    expect(visit.page.locator("#atlas .hovertext").first).to_be_visible()
    drawn = (
        "document.querySelector('#atlas .js-plotly-plot')._fullData.filter((trace) => trace.visible === true).length"
    )
    assert visit.page.evaluate(drawn) == len(TYPES) + 1
    visit.page.locator("#atlas .legendtoggle").first.click()
    visit.page.wait_for_function(f"{drawn} === {len(TYPES)}")


def test_a_slider_moves_score_face_and_place(visit: Visit, photos: Photos) -> None:
    examine(visit, photos["astronaut"])
    face = visit.page.locator("#after .face-view img")
    pristine = face.get_attribute("src")
    trial = apply_step(visit, "Low light", 0.8)
    expect(trial).to_contain_text("Low light 4 (stops under)")
    assert face.get_attribute("src") != pristine
    assert visit.page.get_attribute("#before img", "src") == pristine
    ring = visit.page.locator("#atlas .ring")
    expect(ring).to_be_visible()
    expect(ring).to_have_attribute("style", re.compile(r"left: [\d.]+px; top: [\d.]+px"))
    visit.page.evaluate(MOVE_SLIDER, ["#severity-1", 0])
    expect(trial).to_have_attribute("data-steps", "0")
    expect(ring).to_be_hidden()


def test_every_type_has_a_curve_and_every_repair_an_estimate(visit: Visit, photos: Photos) -> None:
    examine(visit, photos["astronaut"])
    visit.page.click("#ask-curves")
    expect(visit.page.locator("#curves .curve")).to_have_count(len(DEGRADATIONS))
    expect(visit.page.locator("#curves")).to_contain_text("good up to")
    visit.page.click("#ask-repairs")
    expect(visit.page.locator("#repairs .headline")).to_be_visible()
    expect(visit.page.locator("#repairs tbody tr")).to_have_count(len(REPAIRS))
    expect(visit.page.locator("#repairs")).to_contain_text("An estimate")


def test_several_photos_are_placed_at_once_and_saved(visit: Visit, photos: Photos) -> None:
    diagnosis = examine(visit, photos["astronaut"], photos["text"], photos["noisy"])
    expect(diagnosis).to_contain_text("2 of 3 photos placed")
    expect(diagnosis.locator("tbody tr")).to_have_count(3)
    saved = {}
    for name in ("fiqa-degradations.json", "fiqa-embeddings.csv", "fiqa-embeddings.npy"):
        with visit.page.expect_download() as download:
            diagnosis.locator(f".save[download='{name}']").click()
        saved[name] = Path(download.value.path())
    entries = json.loads(saved["fiqa-degradations.json"].read_text(encoding="utf-8"))
    assert [entry["error"] is None for entry in entries] == [True, False, True]
    rows = list(csv.reader(StringIO(saved["fiqa-embeddings.csv"].read_text(encoding="utf-8"))))
    assert [row[0] for row in rows] == ["path", "astronaut.png", "noisy.png"]
    assert np.load(saved["fiqa-embeddings.npy"], allow_pickle=False).shape == (3, len(rows[1]) - 1)
    visit.expect_to_fit_a_phone()


def test_photos_can_be_added_here_too(new_visit: Visit, photos: Photos) -> None:
    open_tab(new_visit)
    expect(new_visit.page.locator("#diagnosis .empty")).to_be_visible()
    with new_visit.page.expect_file_chooser() as chooser:
        new_visit.page.click("#choose")
    chooser.value.set_files(photos["astronaut"])
    expect(new_visit.page.locator("#diagnosis .verdict")).to_be_visible()


def test_photos_of_other_tabs_stand_in_a_tray_once_that_is_asked_for(new_visit: Visit, photos: Photos) -> None:
    page = new_visit.page
    page.locator("#examples button", has_text="Blurred").click()
    new_visit.wait_for("result")
    page.click("#tabs [role=tab]:has-text('Curate')")
    expect(page.get_by_role("button", name="Use the photo of another tab")).to_be_visible()  # the first example
    open_tab(new_visit)
    expect(page.locator("#diagnosis .verdict")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.click("#choose")
    chooser.value.set_files(photos["astronaut"])
    page.click("#tabs [role=tab]:has-text('Attention')")
    page.set_input_files("#another-photo input[type=file]", str(photos["noisy"]))
    expect(page.locator("#maps .whose")).to_contain_text("noisy.png")
    page.click("#tabs [role=tab]:has-text('Score')")
    expect(page.locator("#photos img")).to_have_count(1)
    page.get_by_role("button", name="Use the 2 photos of other tabs").click()
    expect(page.locator("#photos img")).to_have_count(3)
    expect(page.locator("#panel .batch tbody tr")).to_have_count(3)
    expect(page.locator("#offer-to-score")).to_be_hidden()
    page.click("#tabs [role=tab]:has-text('Curate')")
    page.get_by_role("button", name="Use the 3 photos of other tabs").click()
    expect(page.locator("#curate-sheet li")).to_have_count(3)
    expect(page.locator("#curate-sheet li", has_text="astronaut-blurred.png")).to_have_count(1)  # the example


def test_a_text_that_claims_to_be_a_photo_gets_a_sentence(visit: Visit, photos: Photos) -> None:
    visit.add_photos(photos["text"])
    open_tab(visit)
    expect(visit.page.locator("#diagnosis [role=alert]")).to_contain_text("notes.jpg")
    expect(visit.page.locator("#what-if")).to_be_hidden()
