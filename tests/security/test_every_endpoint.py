"""Nonsense and attacks at every event of the page, private ones too: their HTTP is open to everybody."""

import gc
import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa_app import main as app
from tests.fiqa.ui.conftest import load, spec
from tests.security.conftest import HIDDEN, Attacker, file_data
from tests.served import make_labelling

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

MARKUP = "<img src=x onerror=alert(1)>"
TELLTALES = ("Traceback", "site-packages", "/secret/path", "sqlalchemy", HIDDEN)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = {"event": endpoints, "kind": kinds}
    for name in asked.keys() & metafunc.fixturenames:
        events = asked[name]()
        metafunc.parametrize(name, list(events), ids=[f"{number}-{called}" for number, called in events.items()])


def endpoints() -> dict[int, str]:
    """Return the number and name of every event of the app, private ones too."""
    return {number: name for number, (name, _) in described().items()}


def kinds() -> dict[int, str]:
    """Return one of the events that differ only in what starts them: they run the same function on the same inputs."""
    first = {kind: number for number, (_, kind) in reversed(described().items())}
    return {number: name for number, name in endpoints().items() if number in first.values()}


@cache
def described() -> dict[int, tuple[str, Any]]:
    """Return the name of every event of the app, and its function and inputs."""
    with warnings.catch_warnings():
        # Laid out while tests are collected, so what Gradio leaves open must go before the first test that looks.
        warnings.simplefilter("ignore", ResourceWarning)
        service = PredictorService(load, [spec("first"), spec("damaged")], "first")
        labelling = make_labelling(Path("never opened"))
        settings = Settings.from_environment({})
        ownership = app.create_ownership(settings, labelling)
        fns = app.create_demo(settings, service, labelling, ownership).fns
        found = {number: (str(event.name), kind_of(event)) for number, event in fns.items()}
        del fns
        gc.collect()
    return found


def kind_of(event: Any) -> tuple[Any, ...]:
    """Return what tells the function, or what it guards, and the inputs of an event from those of others."""
    cells = [cell.cell_contents for cell in getattr(event.fn, "__closure__", None) or ()]
    functions = [each for each in (event.fn, *cells) if callable(each)]
    names = [(getattr(each, "__module__", ""), getattr(each, "__qualname__", "")) for each in functions]
    return (*names, *(each._id for each in event.inputs))


def payloads(attacker: Attacker) -> list[Any]:
    """Return what is sent in the place of every input."""
    stolen = file_data(attacker.hidden)
    return [
        None,
        MARKUP,
        str(attacker.hidden),
        "../../../../etc/passwd",
        -1,
        1e308,
        stolen,
        [stolen],
        [{"image": stolen, "caption": MARKUP}],
        {"__class__": "x", "a": [[[]]]},
        [None] * 300,
    ]


def test_the_tests_know_every_endpoint_of_the_server(attacker: Attacker) -> None:
    described = {each["id"] for each in attacker.http.get("/config").json()["dependencies"]}
    assert described == set(attacker.served.demo.fns)


def test_no_endpoint_breaks_tells_or_repeats(kind: int, attacker: Attacker) -> None:
    inputs = len(attacker.served.demo.fns[kind].inputs)
    session = f"fuzz{kind}"
    joined = 0
    for value in payloads(attacker):
        answer = attacker.join(kind, [value] * inputs, session=session, details={"index": value, "side": value})
        assert answer.status_code in (200, 400, 422, 429)
        joined += answer.status_code == 200
    if joined:
        messages = attacker.listen(session)
        said = json.dumps(messages)
        assert not [word for word in TELLTALES if word in said]
        shown = [each["output"].get("data") for each in messages if each.get("success") and each.get("output")]
        assert MARKUP not in json.dumps(shown)
    attacker.assert_well()


def test_a_wrong_number_of_inputs_is_refused(kind: int, attacker: Attacker) -> None:
    inputs = len(attacker.served.demo.fns[kind].inputs)
    result = attacker.outcome(kind, ["x"] * (inputs + 5), session=f"many{kind}")
    assert not [word for word in TELLTALES if word in json.dumps(result)]


def test_nobody_jumps_the_queue(event: int, attacker: Attacker) -> None:
    fn = attacker.served.demo.fns[event]
    if fn.queue:
        body = {"fn_index": event, "data": [], "session_hash": "direct"}
        answer = attacker.http.post(f"/gradio_api/run/{fn.api_name or 'predict'}", json=body)
        assert answer.status_code == 404
