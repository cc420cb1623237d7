"""An owner's day in the browser: sign in, a study from uploads, links, votes, a decision, results, the end."""

import csv
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import gradio
import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from annotate import analysis, queries
from annotate.analysis import Analysis, PairedAnalysis
from annotate.database.engine import Database
from annotate.design.roles import Role
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.owners import hash_secret
from annotate.queries.pair_imports import ImportedComparison
from annotate.ui.studies.diagnosing import Diagnoser, Network
from fiqa_app import main as app
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate
from tests.browser.conftest import QUIET, SCORE_MS, choose_tab
from tests.browser.diagnosing import diagnose_and_stop, find_blur
from tests.browser.rating_page import RatingPage
from tests.browser.studies_page import (
    check_access,
    check_look,
    open_panel,
    open_study,
    sign_in,
    sign_in_as_owner,
    typed,
)
from tests.served import Served, serve

NAME = "Faces <b>& co</b>"
FILES = ["2026-01-01 12:00:00.png", "face!.png", "face.png", "who?.png"]
"""Names that a server might change."""
WATCH = """() => {
  const summary = document.querySelector("#study-summary");
  window.seen = [];
  new MutationObserver(() => seen.push(summary.textContent)).observe(summary, { childList: true, subtree: true });
}"""
"""Keeps all that the summary of a study's results says from now on."""
ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
"""The scripts of Gradio's page."""
PICTURES = 3
BY_ADDRESS, ON_THE_PHONE, COMPARED = "By address", "On the phone", "Compared"
RATED = {"Few": 3, "Many": 6}
"""Studies by how many people have rated each of their pictures."""
RATED_PICTURES = 5
COMPARISONS = [
    ImportedComparison(left, right, f"p{person}", "right", 900)
    for person in range(3)
    for left, right in (("000.png", "001.png"), ("001.png", "002.png"), ("000.png", "002.png"))
]
"""The later a picture's name, the better it is."""
REASONS_OFFERED = ["blur", "compression"]
DIAGNOSES = "path,type,probability\n000.png,jpeg,0.9\n001.png,gaussian_blur,0.7\n"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def served(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An app with open studies: BY_ADDRESS and ON_THE_PHONE, which nobody has rated, pairs COMPARED, and RATED."""
    assert chromium
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        lent = Diagnoser(lambda: Network("lite", "1"), partial(find_blur, picture(PICTURES - 1)))
        patch.setattr(app, "create_diagnoser", lambda *_: lent)
        served = opened.enter_context(serve(tmp_path_factory.mktemp("studies"), FIQA_OWNER_SECRET=""))
        database, folder = served.labelling.database, served.labelling.settings.data_dir
        for name, people in RATED.items():
            study_id = make_study(database, folder, candidates(RATED_PICTURES), name=name)
            rate(database, study_id, honest_ratings([f"{number:03}.png" for number in range(RATED_PICTURES)], people))
        for name, method in ((BY_ADDRESS, "acr"), (ON_THE_PHONE, "acr"), (COMPARED, "pairs")):
            protocol = make_protocol({"method": method, "reasons": REASONS_OFFERED})
            offered = [replace(each, condition="abc"[number]) for number, each in enumerate(candidates(PICTURES))]
            study_id = make_study(database, folder, offered, name=name, protocol=protocol)
            with database.write() as db:
                queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
        with database.write() as db:
            queries.pair_imports.import_comparisons(db, study_id, COMPARISONS, datetime.now(UTC))
        yield served


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(**QUIET, viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(SCORE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served.address)
    page.get_by_role("tab", name="Studies").click()
    yield page
    context.close()
    assert not errors


def rate_everything(address: str, join_code: str, grade: int) -> None:
    """Take part as the rating page does."""
    with httpx.Client(base_url=address, timeout=60) as client:

        def ask(action: str, **body: Any) -> dict[str, Any]:
            answer: dict[str, Any] = client.post(f"/rating/{action}", json=body).raise_for_status().json()
            return answer

        token = ask("join", study=join_code)["token"]
        step = ask("screen", token=token, device="desk", passed=True)["step"]
        while step["kind"] == "rate":
            answer = {"key": f"{token[:20]}-{step['done']}", "assignment_id": step["picture"]["number"], "grade": grade}
            step = ask("rate", token=token, answer=answer)["step"]
        ask("finish", token=token)


def make_and_open_study(page: Page, name: str) -> None:
    typed(page, "#study-name").fill(name)
    pictures = [{"name": name, "mimeType": "image/png", "buffer": picture(n)} for n, name in enumerate(FILES)]
    page.set_input_files("#study-files input[type=file]", pictures)  # type: ignore[arg-type]
    expect(page.locator("#study-files")).to_contain_text("who?")
    page.click("#create-study")
    expect(page.locator("#study-title")).to_contain_text(name)
    expect(page.locator("#study-pictures img")).to_have_count(PICTURES + 1)
    for file in FILES:
        expect(page.locator("#study-pictures").get_by_text(file, exact=True)).to_be_visible()
    expect(page.locator("#study-overview")).to_contain_text("A sitting asks for 1 known answer")

    typed(page, "#protocol-ratings_wanted").fill("2")
    typed(page, "#protocol-training_count").fill("0")
    page.locator("#study-pictures button[data-do=edit]").nth(PICTURES).click()
    page.click("#remove-picture")
    expect(page.locator("#study-pictures img")).to_have_count(PICTURES)
    expect(typed(page, "#protocol-ratings_wanted")).to_have_value("2")  # not saved, and not forgotten
    take_a_test_run(page)
    page.click("#open-study")
    expect(page.locator("#opening-says")).to_contain_text("stay as they are")
    page.click("#confirm-open")
    expect(page.locator("#study-overview")).to_contain_text("6 ratings wanted: 2 people")
    expect(page.locator("#setup-links code").first).to_contain_text("?study=")
    expect(page.locator("#setup-links [data-only-here]")).to_be_visible()
    expect(page.locator("#study-title .badge.open")).to_be_visible()
    expect(page.locator("#save-protocol")).to_be_hidden()


def take_a_test_run(page: Page) -> None:
    """Rate the draft as it stands in the form to the end, in the tab that opens."""
    page.click("#try-study")
    with page.context.expect_page() as opened:
        page.click("#test-run a")
    rater = RatingPage(opened.value)
    expect(rater.root.locator(".demo")).to_contain_text("Test run")
    rater.consent()
    rater.pass_screen()
    rater.rate("3", "4", "5")
    rater.button("Finish").click()
    expect(rater.page.locator(".rate .code output")).to_be_visible()
    assert rater.page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('fiqa-rating'))") == []
    rater.page.close()


def invite_and_rate(page: Page, address: str) -> str:
    """Rate everything through the link for everybody; return what it joins by."""
    open_panel(page, "Progress")
    expect(page.locator("#study-progress")).to_contain_text("nobody is rating")
    open_panel(page, "Participants")
    link = page.locator("#study-links code").first
    expect(link).to_contain_text(f"{address}?study=")
    join_code = link.inner_text().partition("study=")[2]
    rate_everything(address, join_code, grade=4)
    typed(page, "#link-count").fill("2")
    page.click("#make-links")
    expect(page.locator("#personal-links code")).to_have_count(2)
    with page.expect_download() as links:
        page.click("#personal-links button[data-do=save]")
    assert links.value.path().read_text().count(f"{address}?study=") == 2
    return join_code


def look_at_results(page: Page) -> None:
    open_panel(page, "Progress")
    expect(page.locator("#study-progress")).to_contain_text("3 of 6 wanted")
    open_panel(page, "Results")
    expect(page.locator("#mos-table td .score").first).to_have_text("4.00")
    expect(page.locator("#study-summary")).to_contain_text("21 ratings are missing for that")
    with page.expect_download() as download:
        page.click("#pack-tables")
    archive = zipfile.ZipFile(BytesIO(download.value.path().read_bytes()))
    (mos,) = [name for name in archive.namelist() if name.endswith("mos.csv")]
    assert [row["mos"] for row in csv.DictReader(TextIOWrapper(archive.open(mos)))] == ["4"] * PICTURES


def reject(page: Page) -> None:
    open_panel(page, "Participants")
    page.locator("#study-people button.name").first.click()
    expect(page.locator("#study-person .card")).to_be_visible()
    expect(page.locator("#study-people button.name").first).to_be_visible()
    page.click("#reject")
    expect(page.locator(".toast-body")).to_contain_text("Give a reason first")
    typed(page, "#decision-reason").fill("not looking <i>at all</i>")
    page.click("#reject")
    expect(page.locator("#study-person")).to_contain_text("votes left out: not looking <i>at all</i>")
    open_panel(page, "Set-up")
    expect(page.locator("#study-overview")).to_contain_text("are left out: not looking <i>at all</i>")
    open_panel(page, "Progress")
    expect(page.locator("#study-progress")).to_contain_text("0 of 6 wanted")


def test_a_study_from_the_first_picture_to_the_last_vote(page: Page, served: Served) -> None:
    page.locator("#owner-secret input").fill("a guess")
    page.click("#sign-in")
    expect(page.locator(".toast-body")).to_contain_text("not the owner's secret")
    sign_in(page, served)
    expect(page.locator(".toast-body")).to_have_count(0)  # what went wrong is over
    make_and_open_study(page, NAME)
    join_code = invite_and_rate(page, served.address)
    look_at_results(page)
    reject(page)
    rate_everything(served.address, join_code, grade=2)
    expect(page.locator("#study-progress")).to_contain_text("3 of 6 wanted")  # by itself
    page.reload()
    expect(page.locator("#study-progress")).to_contain_text("3 of 6 wanted")  # where it was left
    open_panel(page, "Set-up")
    page.get_by_text("Close or delete").click()
    typed(page, "#typed-name").fill(NAME)
    page.click("#delete-study")
    expect(page.locator("#studies-list")).not_to_contain_text(NAME)
    page.click("#sign-out")
    expect(page.locator("#owner-secret")).to_be_visible()
    page.reload()
    expect(page.locator("#owner-secret")).to_be_visible()


def test_the_link_of_the_start_signs_in_once(browser: Browser, served: Served) -> None:
    (link,) = re.findall(r"http\S+#sign-in=\S+", served.ownership.notice(served.address))
    token = link.partition("#sign-in=")[2]
    with browser.new_context(**QUIET) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(link)
        expect(page.locator("#create-study")).to_be_visible()
        assert token not in page.url
        assert not [url for url in asked if token in url.partition("#")[0]]
        page.click("#sign-out")
        expect(page.locator("#owner-secret")).to_be_visible()
        page.goto("about:blank")
        page.goto(link)
        expect(page.get_by_text("This link signs in once")).to_be_visible()
        expect(page.locator("#owner-secret")).to_be_visible()


def reload_where_the_pass_is_read_late(page: Page) -> None:
    """Load the studies again while the script that reads the pass comes last."""
    code = next(each.name for each in ASSETS.glob("*.js") if "Error reading from localStorage" in each.read_text())
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "#studies" in (request.post_data or "") else None)
    page.route(f"**/{code}", hold)
    with page.expect_request(lambda request: "#studies" in (request.post_data or "")):
        page.reload()
    (reads_the_pass,) = held
    reads_the_pass.continue_()
    expect(page.locator("#create-study")).to_be_visible()
    page.unroute(f"**/{code}")
    asked.clear()
    page.reload()
    expect(page.locator("#create-study")).to_be_visible()
    assert len(asked) == 1  # two answers would take each other's panels away


def test_back_goes_back_a_reload_stays_and_a_sent_link_asks_for_sign_in(
    page: Page, browser: Browser, served: Served
) -> None:
    sign_in(page, served)
    reload_where_the_pass_is_read_late(page)
    open_study(page, BY_ADDRESS)
    open_panel(page, "Results")
    expect(page).to_have_url(re.compile(r"#studies/\d+/results$"))
    sent = page.url
    open_panel(page, "Progress")
    expect(page).to_have_url(re.compile("/progress$"))
    page.go_back()
    expect(page.locator("#study-summary")).to_be_visible()
    page.reload()
    expect(page.locator("#study-summary")).to_contain_text("No votes yet")
    expect(page.locator("#study-title")).to_contain_text(BY_ADDRESS)

    other = browser.new_context(**QUIET).new_page()
    other.set_default_timeout(SCORE_MS)
    other.goto(sent)
    sign_in_as_owner(other, served)
    expect(other.locator("#study-summary")).to_contain_text("No votes yet")
    page.click("#all-studies")
    expect(page).to_have_url(re.compile("#studies$"))
    page.go_back()
    expect(page.locator("#study-summary")).to_be_visible()

    open_panel(other, "Set-up")
    other.get_by_text("Close or delete").click()
    typed(other, "#typed-name").fill(BY_ADDRESS)
    other.click("#delete-study")
    expect(other.locator("#create-study")).to_be_visible()
    open_panel(page, "Progress")  # of a study that another window has deleted
    expect(page.locator("#create-study")).to_be_visible()
    expect(page.locator("#studies-list")).not_to_contain_text(BY_ADDRESS)
    other.context.close()


def test_nothing_overflows_on_a_phone(browser: Browser, served: Served) -> None:
    page = browser.new_context(**QUIET, **PHONE).new_page()
    page.set_default_timeout(SCORE_MS)
    page.goto(served.address)
    choose_tab(page, "Studies")
    sign_in(page, served)
    check_look(page)
    open_study(page, ON_THE_PHONE)
    for name, shown in (
        ("Set-up", "#study-pictures img"),
        ("Progress", "#study-progress h3"),
        ("Participants", "#study-links dd"),
        ("Results", "#label-next figure"),
    ):
        open_panel(page, name)
        expect(page.locator(shown).first).to_be_visible()
        check_look(page)
    page.click("#all-studies")
    look_at_pairs(page)
    page.context.close()


def look_at_pairs(page: Page) -> None:
    """Look at a study of pairs: its form, and their scale."""
    open_study(page, COMPARED)
    expect(page.locator("#study-overview")).to_contain_text("of 3 pairs")
    expect(page.locator("#protocol-pair_partners")).to_be_visible()
    expect(page.locator("#protocol-scale")).to_be_hidden()
    check_access(page)
    open_panel(page, "Results")
    expect(page.locator("#mos-table td").first).to_have_text("002.png")
    expect(page.locator("#study-summary svg.figure")).to_be_visible()
    expect(page.locator("#comparers td").first).to_have_text("p0")
    expect(page.locator("#study-conditions .conditions td").first).to_have_text("c")
    expect(page.locator("#label-next .next-pairs img").first).to_be_visible()
    check_access(page)
    page.get_by_role("button", name="Complaints beside a model's diagnosis").click()
    diagnose_and_stop(page, PICTURES)
    page.get_by_role("button", name="Or with diagnoses of your own").click()
    diagnoses = {"name": "diagnoses.csv", "mimeType": "text/csv", "buffer": DIAGNOSES.encode()}
    page.set_input_files("#diagnoses-file input[type=file]", diagnoses)  # type: ignore[arg-type]
    expect(page.locator("#diagnoses-file")).to_contain_text("diagnoses")
    page.click("#compare-diagnoses")
    expect(page.locator("#complaint-agreement table.diagnoses td").first).to_have_text("gaussian blur")
    check_access(page)
    page.locator("#mos-table").get_by_role("button", name="Picture").click()
    expect(page.locator("#mos-table td").first).to_have_text("000.png")


def test_members_see_the_panels_of_their_role_and_no_other_study(page: Page, served: Served) -> None:
    panels = {Role.ASSISTANT: ["Progress"], Role.READER: ["Results"]}
    with served.labelling.database.write() as db:
        study_id = queries.studies.find_study(db, COMPARED).id
        for role in panels:
            queries.members.add_member(
                db, study_id, f"Ada, {role}", role, datetime.now(UTC), secret_hash=hash_secret(role), hub_name=None
            )
    for role, seen in panels.items():
        page.locator("#owner-secret input").fill(role)
        page.click("#sign-in")
        expect(page.locator("#studies-list button.name")).to_have_text([COMPARED])
        expect(page.locator("#create-study")).to_be_hidden()
        open_study(page, COMPARED)
        expect(page.locator("#study-tabs [role=tab]").filter(visible=True)).to_have_text(seen)
        expect(
            page.locator({"Progress": "#study-progress h3", "Results": "#mos-table td"}[seen[0]]).first
        ).to_be_visible()
        page.click("#all-studies")
        page.click("#sign-out")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_results_that_take_long_do_not_appear_in_the_study_that_was_opened_meanwhile(
    page: Page, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    analyse = analysis.analyse

    def take_long(
        database: Database, study_id: int, told: Callable[[str], None], scale: str
    ) -> Analysis | PairedAnalysis:
        go_on.wait(timeout=60)
        return analyse(database, study_id, told, scale)

    monkeypatch.setattr(analysis, "analyse", take_long)
    sign_in(page, served)
    for name in RATED:
        open_study(page, name)
        open_panel(page, "Results")
        expect(page.locator("#study-summary")).to_contain_text("Waiting")
        if name == "Few":
            page.click("#all-studies")
    page.evaluate(WATCH)
    go_on.set()
    expect(page.locator("#study-summary")).to_contain_text(f"of {RATED_PICTURES} pictures")
    page.wait_for_timeout(1000)  # or what comes late would come after the end
    shown: list[str] = page.evaluate("seen")
    assert {votes for text in shown for votes in re.findall(r"Votes used\s*(\d+)", text)} == {"30"}
