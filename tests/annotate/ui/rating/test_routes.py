"""What the routes of the rating page give, and what they refuse."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from annotate import queries
from annotate.design.languages import LANGUAGES
from annotate.rating.messages import ACTIONS
from annotate.ui.labelling import Labelling
from annotate.ui.rating import routes
from annotate.ui.rating.routes import RatingRoutes
from tests.annotate.studies import picture
from tests.annotate.ui.conftest import BRIEF, IMAGES, Rater, open_study
from tests.served import make_labelling


def count_ratings(labelling: Labelling) -> int:
    with labelling.database.read() as db:
        return sum(
            len(list(queries.ratings.stream_ratings(db, study.id))) for study in queries.studies.list_studies(db)
        )


def test_the_page_ships_the_scripts_of_its_folder_and_nothing_else() -> None:
    folder = Path(routes.__file__).parent
    assert sorted(routes.SCRIPTS) == sorted(path.name for path in folder.glob("*.js"))
    with gr.Blocks() as page:
        routes.build_rate_tab()
    (shipped,) = [str(each.js_on_load) for each in page.blocks.values() if isinstance(each, gr.HTML)]
    for name in routes.SCRIPTS:
        assert (folder / name).read_text(encoding="utf-8") in shipped


def test_a_sitting_goes_from_consent_to_a_code(site: TestClient, join_code: str, labelling: Labelling) -> None:
    rater = Rater(site)
    assert rater.go("join", study=join_code)["kind"] == "screen check"
    step = rater.go("screen", device="desk", screen={"pixel_ratio": 1.5, "fits": True}, passed=True)
    for done in range(IMAGES):
        assert (step["kind"], step["done"], step["total"]) == ("rate", done, IMAGES)
        step = rater.go("rate", answer=rater.answer())
    assert step["kind"] == "finish"
    assert rater.go("finish")["completion_code"]
    assert count_ratings(labelling) == IMAGES


def test_pictures_come_byte_for_byte_under_a_name_that_says_nothing(site: TestClient, join_code: str) -> None:
    rater = Rater(site)
    rater.start(join_code)
    answer = rater.picture(rater.step["picture"]["number"])
    assert answer.content in [picture(number) for number in range(IMAGES)]
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "content-disposition" not in answer.headers
    assert set(rater.step["picture"]) == {"number", "pictures"}
    assert rater.step["picture"]["pictures"] == [{"role": "picture", "width_px": 20, "height_px": 16}]


def test_large_pictures_come_byte_for_byte_too_and_of_a_lost_one_the_page_is_told(
    site: TestClient, join_code: str, labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    rater = Rater(site)
    rater.start(join_code)
    number = rater.step["picture"]["number"]
    whole = rater.picture(number).content
    monkeypatch.setattr(routes, "WHOLE_BYTES", len(whole) - 1)
    assert rater.picture(number).content == whole
    for path in (labelling.settings.data_dir / "stimuli").rglob("*.png"):
        path.unlink()
    lost = rater.picture(number)
    assert lost.status_code == 503
    assert lost.json()["error"] == "The file of this picture is missing; restore the folder of stimuli."


@pytest.mark.parametrize("role", ["reference", "left", "Picture", "%2e%2e"])
def test_roles_that_an_item_does_not_have_open_nothing(role: str, site: TestClient, join_code: str) -> None:
    rater = Rater(site)
    rater.start(join_code)
    assert rater.picture(rater.step["picture"]["number"], role).status_code in (404, 409)


@pytest.fixture
def pairs_code(labelling: Labelling) -> str:
    """Open a study that compares pairs; return what lets newcomers in."""
    return open_study(labelling, name="pairs", method="pairs", **BRIEF)


def test_both_pictures_of_a_pair_come_byte_for_byte_and_to_nobody_else(site: TestClient, pairs_code: str) -> None:
    rater, thief = Rater(site), Rater(site)
    rater.start(pairs_code)
    thief.start(pairs_code)
    shown = rater.step["picture"]
    assert [each["role"] for each in shown["pictures"]] == ["left", "right"]
    sent = [rater.picture(shown["number"], role).content for role in ("left", "right")]
    assert len({*sent} & {picture(number) for number in range(IMAGES)}) == 2
    for role in ("left", "right"):
        assert thief.picture(shown["number"], role).status_code == 409
        assert Rater(site, "").picture(shown["number"], role).status_code == 403
    assert rater.picture(shown["number"], "picture").status_code == 409


def test_a_pair_takes_a_preference_and_nothing_else(site: TestClient, pairs_code: str) -> None:
    rater, thief = Rater(site), Rater(site)
    rater.start(pairs_code)
    thief.start(pairs_code)
    further: dict[str, Any] = {"preferred": "left", "more_grades": {"details": 3}}
    for wrong in ({}, {"grade": 3}, {"preferred": "best"}, {"preferred": "left", "reasons": ["envy"]}, further):
        refused = rater.post("rate", answer={**rater.answer(None), **wrong})
        assert refused.status_code in (400, 409)
        assert set(refused.json()) == {"kind", "error"}
    theirs = {**thief.answer(None), "preferred": "left", "assignment_id": rater.step["picture"]["number"]}
    assert thief.post("rate", answer=theirs).status_code == 409
    assert rater.go("rate", answer={**rater.answer(None), "preferred": "left"})["done"] == 1


def test_an_answer_sent_again_is_stored_once(site: TestClient, join_code: str, labelling: Labelling) -> None:
    rater = Rater(site)
    rater.start(join_code)
    answer = rater.answer()
    steps = [rater.post("rate", answer=answer).json()["step"]["done"] for _ in range(3)]
    assert steps == [1, 1, 1]
    assert count_ratings(labelling) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 200])
@pytest.mark.parametrize("action", sorted(ACTIONS.keys() - {"welcome", "join"}))
@pytest.mark.slow
def test_without_a_link_nothing_can_be_done(action: str, token: str, site: TestClient) -> None:
    refused = Rater(site, token).post(action, answer={"key": "k", "assignment_id": 1, "grade": 3})
    assert refused.status_code == 403
    assert refused.json()["kind"] == "AccessError"


def test_a_link_of_no_study_lets_nobody_in(site: TestClient) -> None:
    for action in ("welcome", "join"):
        assert Rater(site).post(action, study="nosuchstudy").status_code == 403


def test_many_wrong_links_shut_out_nobody_behind_the_same_address(site: TestClient, join_code: str) -> None:
    for _ in range(30):
        assert Rater(site, "wrong").post("look").status_code == 403
    assert Rater(site).start(join_code)["kind"] == "rate"


def test_nobody_gets_or_rates_what_was_given_to_somebody_else(
    site: TestClient, join_code: str, labelling: Labelling
) -> None:
    victim, thief = Rater(site), Rater(site)
    victim.start(join_code)
    thief.start(join_code)
    theirs = victim.step["picture"]["number"]
    assert thief.picture(theirs).status_code == 409
    refused = thief.post("rate", answer={**thief.answer(), "assignment_id": theirs})
    assert (refused.status_code, refused.json()["kind"]) == (409, "RatingError")
    assert Rater(site, "").picture(theirs).status_code == 403
    assert count_ratings(labelling) == 0


def test_a_picture_is_gone_when_it_is_rated(site: TestClient, join_code: str) -> None:
    rater = Rater(site)
    rater.start(join_code)
    number = rater.step["picture"]["number"]
    rater.go("rate", answer=rater.answer())
    assert rater.picture(number).status_code == 409


@pytest.mark.parametrize("number", [0, 2**31, 10**30, 999_999])
def test_forged_numbers_of_pictures_open_nothing(number: int, site: TestClient, join_code: str) -> None:
    rater = Rater(site)
    rater.start(join_code)
    assert rater.picture(number).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"grade": 6}, {"grade": 2.5}, {"grade": None}, {"grade": 3, "unusable": True}, {"key": ""}, {"key": "ü"},
        {"assignment_id": 999_999}, {"response_ms": 2**30}, {"width_px": 0}, {"pixel_ratio": -1.0},
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_refused_and_not_stored(
    change: dict[str, Any], site: TestClient, join_code: str, labelling: Labelling
) -> None:
    rater = Rater(site)
    rater.start(join_code)
    refused = rater.post("rate", answer={**rater.answer(), **change})
    assert refused.status_code == 409
    assert refused.json()["error"].endswith(".")
    assert count_ratings(labelling) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"token": 5}', b'{"token": "' + b"a" * 201 + b'"}', b'{"sql": "x"}',
        b'{"token": "../../etc"}', b'{"language": "english"}', b'{"answer": {"key": "k", "assignment_id": -1}}',
        b'{"answer": {"key": "k", "assignment_id": 1, "more": 1}}', b'{"screen": {"a": "<script>"}}',
        b'{"panel_participant": "<img src=x>"}', b'{"panel_participant": "{{%A%}}<img>"}',
        b'{"panel_session": "{{x}}"}',
    ],
)  # fmt: skip
def test_what_the_page_would_never_send_is_refused(body: bytes, site: TestClient) -> None:
    for action in ACTIONS:
        refused = site.post(f"/rating/{action}", content=body)
        assert (refused.status_code, refused.json()["kind"]) == (400, "RequestError")


def test_there_are_no_other_actions(site: TestClient) -> None:
    assert site.post("/rating/delete_study", json={}).status_code == 404
    assert site.get("/rating/rate").status_code == 405


def test_withdrawing_deletes_and_closes_the_link(site: TestClient, join_code: str, labelling: Labelling) -> None:
    rater = Rater(site)
    rater.start(join_code)
    rater.go("rate", answer=rater.answer())
    assert rater.post("withdraw").status_code == 200
    assert count_ratings(labelling) == 0
    assert rater.post("look").status_code == 403


def test_whom_a_panel_sends_again_goes_on_where_they_were(site: TestClient, join_code: str) -> None:
    first, second = Rater(site), Rater(site)
    sent = {"study": join_code, "panel_participant": "5f2d", "panel_session": "s1"}
    first.go("join", **sent)
    first.go("screen", device="desk", passed=True)
    first.go("rate", answer=first.answer())
    second.go("join", **sent)
    assert second.go("look")["done"] == 1


@pytest.mark.parametrize("panel_participant", ["{{%PROLIFIC_PID%}}", "%7B%7B%25PROLIFIC_PID%25%7D%7D", "5f2d"])
@pytest.mark.parametrize("action", ["welcome", "join"])
def test_a_link_for_prolific_that_is_opened_elsewhere_says_where_to_open_it(
    action: str, panel_participant: str, site: TestClient, join_code: str
) -> None:
    sent = {"panel_participant": panel_participant, "panel_session": "{{%SESSION_ID%}}"}
    refused = Rater(site).post(action, study=join_code, **sent)
    assert (refused.status_code, refused.json()["kind"]) == (403, "OutsidePanelError")
    assert "opened outside Prolific" in refused.json()["error"]


def test_a_study_is_described_in_every_language(site: TestClient, labelling: Labelling) -> None:
    code = open_study(labelling, name="other", sight_check=True, **BRIEF)
    described = Rater(site).post("welcome", study=code).json()
    assert described["sight_check"] is True
    assert described["method"] == {
        "name": "acr", "answer": "grade", "show": "single", "roles": ["picture"], "no_difference": False, "reasons": [],
    }  # fmt: skip
    assert described["scale"]["grades"] == [1, 2, 3, 4, 5]
    assert described["scale"]["words"]["de"][0] == [1, "Schlecht"]
    assert described["more_scales"] == []
    assert set(described["languages"]) == set(described["texts"]) == set(LANGUAGES)
    assert all(
        set(texts) == {"instructions", "consent", "eligibility", "data_protection"}
        for texts in described["texts"].values()
    )


def test_while_the_database_is_away_the_page_is_told_so(labelling: Labelling) -> None:
    closed = make_labelling(labelling.settings.data_dir / "none", FIQA_DATABASE_URL="nonsense://")
    closed.start()
    with TestClient(Starlette(routes=RatingRoutes(closed).routes())) as site:
        refused = Rater(site, "token").post("look")
    closed.close()
    assert (refused.status_code, refused.json()["kind"]) == (503, "DatabaseError")


def test_a_lost_file_is_the_server_s_fault(site: TestClient, join_code: str, labelling: Labelling) -> None:
    rater = Rater(site)
    rater.start(join_code)
    for file in labelling.settings.stimuli_dir.rglob("*.png"):
        file.unlink()
    assert rater.picture(rater.step["picture"]["number"]).status_code == 503
