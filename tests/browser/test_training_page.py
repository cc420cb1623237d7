"""From votes to a better model in the browser: start, watch, reload, stop, go on, score with what came of it."""

import json
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from skimage.data import astronaut

from annotate.database.engine import open_database
from annotate.design.protocol import StudyProtocol
from annotate.queries.imports import ImportedRating
from annotate.settings import Settings
from annotate.stimuli.files import Candidate
from fiqa.degradation.synthetic import degrade
from tests.annotate.studies import make_study, rate
from tests.app_process import ROOT, run_app
from tests.browser.conftest import QUIET, SCORE_MS

PROGRAM = Path(__file__).with_name("app_with_short_trainings.py")
SECRET, NAME = "open sesame", "Astronauts & co"
CHECKPOINT = "Astronauts-co"
TYPES = ("gaussian_noise", "gaussian_blur", "jpeg", "low_light")
PICTURES, RATED, PEOPLE = 14, 12, 4


def damaged(number: int) -> bytes:
    """Return the astronaut's face under some damage as a PNG, unlike that of every other number."""
    pixels = degrade(astronaut()[:320, 60:380], [(TYPES[number % 4], 0.1 + 0.06 * number)], seed=number)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def prepare(folder: Path) -> None:
    """Make a study in which the more damage, the lower the grades of details; two pictures have no votes."""
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder)})
    folder.mkdir(parents=True)
    database = open_database(settings.database_url)
    offered = [Candidate(f"{number:02}.png", partial(damaged, number), None) for number in range(PICTURES)]
    protocol = StudyProtocol.from_json({"ratings_wanted": PEOPLE, "more_scales": "piq23"})
    study_id = make_study(database, folder, offered, name=NAME, protocol=protocol)
    grades = {(n, who): float(max(1, 5 - n // 3 - (who + n) % 2)) for n in range(RATED) for who in range(PEOPLE)}
    ratings = [
        ImportedRating(f"{n:02}.png", f"p{who}", 3.0, more_grades={"details": grade})
        for (n, who), grade in grades.items()
    ]
    rate(database, study_id, ratings)
    database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    prepare(folder / "data")
    return folder


@pytest.fixture(scope="module")
def address(chromium: str, folder: Path) -> Iterator[str]:
    assert chromium
    with run_app(folder, program=PROGRAM, PYTHONPATH=str(ROOT), FIQA_OWNER_SECRET=SECRET) as app:
        yield app.address


def open_training(page: Page, address: str) -> None:
    """Sign in, and go to the panel of the study."""
    page.goto(address)
    page.get_by_role("tab", name="Studies").click()
    page.locator("#owner-secret input").fill(SECRET)
    page.locator("#sign-in").click()
    page.get_by_role("button", name=NAME).click()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator("#training-name :is(input, textarea)")).to_have_value(CHECKPOINT)


def test_votes_become_a_checkpoint_that_scores(browser: Browser, address: str, folder: Path) -> None:
    context = browser.new_context(**QUIET, viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(SCORE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_training(page, address)
    training, train, stop = page.locator("#training"), page.locator("#train"), page.locator("#stop-training")
    expect(training).to_contain_text("Not trained yet")

    details = page.locator("#training-scale").get_by_label("Details")
    details.check()
    page.get_by_text("Train elsewhere, or by hand").click()
    expect(page.locator("#training-command")).to_contain_text("--scale details")
    train.click()
    expect(training.locator("[data-live]")).to_be_visible()
    expect(stop).to_be_visible()
    page.reload()  # where it was left
    expect(training).to_contain_text(CHECKPOINT)
    expect(details).to_be_checked()
    stop.click()
    expect(training).to_contain_text("was stopped. Train it again")
    train.click()
    expect(training).to_contain_text(f"{CHECKPOINT} is trained: choose it in the Score tab.")

    status = json.loads(next((folder / "data" / "trainings").glob("*/run/status.json")).read_text())
    result = page.locator("#training-result")
    expect(result).to_contain_text(status["message"])
    expect(result).to_contain_text(f"Does {CHECKPOINT} agree with people on “Details”?")
    expect(result.locator("svg.figure circle")).to_have_count(RATED)
    expect(result.locator("table.surprises tbody tr")).to_have_count(RATED)
    expect(result.locator("table.agreement")).to_contain_text("SRCC")
    expect(training.locator("svg.figure polyline")).to_have_count(2)

    page.locator("#propose-batch").click()
    batch = page.locator("#next-batch tbody tr")
    expect(batch).to_have_count(PICTURES - RATED)
    expect(batch.first).to_contain_text("0 ratings")
    with page.expect_download() as download:
        page.locator("#next-batch a.download").click()
    assert download.value.path().read_text().count("\n") == 1 + PICTURES - RATED

    page.get_by_role("tab", name="Score").click()
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name=CHECKPOINT).click()
    page.locator("#photos input[type=file]").set_input_files(
        {"name": "face.png", "mimeType": "image/png", "buffer": damaged(1)}
    )
    expect(page.locator("#panel .score b")).to_be_visible()
    assert 1 <= float(page.locator("#panel .score b").inner_text()) <= 5
    assert not errors
    context.close()
