"""The routes of the rating page, from outside and through the gate; what they do is tested beside them."""

import json
from typing import Any

import pytest

from annotate.rating.messages import ACTIONS
from tests.security.conftest import HIDDEN, Attacker
from tests.security.test_every_endpoint import MARKUP, TELLTALES
from tests.security.test_files import CLIMBS, raw_get

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_the_tests_know_every_route_of_the_rating_page(attacker: Attacker) -> None:
    paths = {str(getattr(route, "path", "")) for route in attacker.served.demo.app.routes}
    assert {path for path in paths if path.startswith("/rating")} == {
        "/rating/picture/{assignment_id:int}/{role}",
        "/rating/preview/{code}/picture/{assignment_id:int}/{role}",
        "/rating/preview/{code}/{action}",
        "/rating/{action}",
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_nonsense_is_refused_in_one_sentence(action: str, attacker: Attacker) -> None:
    strange: tuple[Any, ...] = (
        None,
        MARKUP,
        str(attacker.hidden),
        -1,
        10**30,
        True,
        [[[]]],
        {"__class__": "x"},
        "A" * 100_000,
    )
    fields = ("token", "study", "language", "device", "panel_participant", "panel_session", "answer", "screen")
    for field in fields:
        for value in strange:
            answer = attacker.http.post(f"/rating/{action}", json={field: value})
            assert answer.status_code in (200, 400, 403, 409)
            assert not [word for word in (*TELLTALES, MARKUP) if word in answer.text]
            if answer.status_code != 200:
                assert set(answer.json()) == {"kind", "error"}
    attacker.assert_well()


def test_no_picture_is_fetched_by_a_path(attacker: Attacker) -> None:
    for route in ("/rating/picture/", "/rating/picture/1/", "/rating/"):
        for climb in CLIMBS:
            status, body = raw_get(attacker, route + climb.format(attacker.hidden))
            assert status >= 400, climb
            assert HIDDEN.encode() not in body, climb
    for number in ("1", "0", "1e3", "%D9%A3", "1%00", "1/../2", "99999999999999999999"):
        assert raw_get(attacker, f"/rating/picture/{number}/picture")[0] >= 400


def test_a_participant_s_link_opens_nothing_but_the_rating(attacker: Attacker) -> None:
    study = attacker.http.post("/rating/welcome", json={}).json()
    joined = attacker.http.post("/rating/join", json={"study": study["join_code"]}).json()
    bearer = {"Authorization": f"Bearer {joined['token']}", "Cookie": f"token={joined['token']}"}
    for path in ("/gradio_api/file=" + str(attacker.hidden), "/metrics", "/rating/", "/rating/studies"):
        assert attacker.http.get(path, headers=bearer).status_code >= 400
    assert joined["token"] not in json.dumps(attacker.http.get("/config").json())


def test_a_message_too_large_is_refused_before_it_is_read(attacker: Attacker) -> None:
    assert attacker.http.post("/rating/rate", content=b"x" * 3_000_000).status_code == 413
