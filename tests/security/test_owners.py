"""Everything of the owner's refuses who has no pass, also in a session in which the owner has just been at work.

Members of a study get what their role is for, and nothing else, of that study only.
"""

import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotate import queries
from annotate.database.tables import Event
from annotate.design.roles import Role
from annotate.owners import OwnerAccess, hash_secret, make_secret
from tests.annotate.studies import candidates, honest_ratings, make_study, rate
from tests.security.conftest import Attacker
from tests.served import serve

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

SECRET, NAME, OTHER = "the owner's secret", "a study that nobody may see", "a study of others"
FOR_ALL_MEMBERS = {f"Studies.{name}" for name in ("open", "leave", "title", "refresh", "enter", "sign_in_by_link")}
"""Handlers that show what the role allows, and change nothing."""
ALLOWED: dict[Role, set[str]] = {
    Role.ASSISTANT: {"Progress.enter", "Progress.show"},
    Role.READER: {
        "DiagnosesPanel.compare",
        "DiagnosesPanel.diagnose",
        "DiagnosesPanel.stopped",
        "Metrics.compare",
        "Results.enter",
        "Results.arrange",
        "Downloads.tables",
        "Downloads.training",
    },
}
"""What else members may run, by the names of the methods."""
UNGUARDED = {"sign_in", "sign_out", "enter", "empty", "end_test_run", "hide"}
"""Events that run without a pass: they let in or out, or empty or hide what the page shows."""
BY_LINK = "sign_in_by_link"
"""Lets in who has the link that the start prints, and refuses everybody else with a sentence of its own."""


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    folder = tmp_path_factory.mktemp("owned")
    with serve(folder, FIQA_RATE_LIMIT="1000", FIQA_OWNER_SECRET=SECRET) as served:
        labelling = served.labelling
        study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(4), name=NAME)
        rate(labelling.database, study_id, honest_ratings(["000.png", "001.png"], 3))
        with httpx.Client(base_url=served.address, timeout=60) as client:
            yield Attacker(served, client, Path("unused"))


def owners_pass() -> str:
    return OwnerAccess(SECRET).sign_in(SECRET, datetime.now(UTC))


def config(attacker: Attacker) -> dict[str, Any]:
    described: dict[str, Any] = attacker.http.get("/config").json()
    return described


def inside(tree: dict[str, Any], wanted: int) -> set[int]:
    """Return the ids of everything laid out inside a component."""
    if tree["id"] == wanted:
        return ids_of(tree)
    return set().union(*(inside(child, wanted) for child in tree.get("children") or []))


def ids_of(tree: dict[str, Any]) -> set[int]:
    return {tree["id"]}.union(*(ids_of(child) for child in tree.get("children") or []))


def studies_events(attacker: Attacker) -> tuple[dict[int, dict[str, Any]], int]:
    """Return every event that shows something in the Studies tab, by number, and the id of the browser's pass."""
    described = config(attacker)
    tabs = [each for each in described["components"] if each["type"] == "tabitem"]
    (tab,) = [each["id"] for each in tabs if each["props"].get("id") == "studies"]
    (owner_pass,) = [each["id"] for each in described["components"] if each["type"] == "browserstate"]
    ours = inside(described["layout"], tab)
    events = {each["id"]: each for each in described["dependencies"] if ours & {*each["outputs"], *each["inputs"]}}
    return {number: each for number, each in events.items() if each["backend_fn"]}, owner_pass


def nothing_chosen(attacker: Attacker) -> dict[int, Any]:
    """Return what a page sends of each component in which nothing is given, where that is not null.

    That is an empty list of checkboxes, and a slider as it stands.
    """
    described = config(attacker)["components"]
    sliders = {each["id"]: each["props"]["value"] for each in described if each["type"] == "slider"}
    return {each["id"]: [] for each in described if each["type"] == "checkboxgroup"} | sliders


def study_id(attacker: Attacker) -> int:
    with attacker.served.labelling.database.read() as db:
        return queries.studies.find_study(db, NAME).id


def everything_stored(attacker: Attacker) -> tuple[Any, ...]:
    with attacker.served.labelling.database.read() as db:
        studies = [
            (each.name, each.state, json.dumps(each.protocol.to_json())) for each in queries.studies.list_studies(db)
        ]
        events = db.query(Event).count()
        return studies, events, queries.progress.study_version(db, study_id(attacker))


def open_study(attacker: Attacker, session: str, given_pass: str, study: int) -> dict[str, Any]:
    """Open a study as the page does, so that the session's state holds it; returns the outcome."""
    events, pass_id = studies_events(attacker)
    (number,) = [
        number
        for number, each in events.items()
        if attacker.served.demo.fns[number].name == "open" and each["inputs"] == [pass_id]
    ]
    return attacker.outcome(number, [given_pass], session=session, details={"do": "open", "study": str(study)})


def open_as_owner(attacker: Attacker, session: str) -> None:
    assert open_study(attacker, session, owners_pass(), study_id(attacker))["success"]


def let_in(attacker: Attacker, role: Role, study: int) -> str:
    """Make a member; return a pass of theirs, as signing in gives it."""
    secret = make_secret()
    with attacker.served.labelling.database.write() as db:
        known = hash_secret(secret)
        queries.members.add_member(db, study, f"{role} {secret[:5]}", role, datetime.now(UTC), secret_hash=known)
    return OwnerAccess(SECRET).member_pass(known, datetime.now(UTC))


def handler_of(attacker: Attacker, number: int) -> str:
    """Return the handler of an event as Class.method, from what its closure guards."""
    made = attacker.served.demo.fns[number].fn
    held = [cell.cell_contents for cell in getattr(made, "__closure__", None) or ()]
    return next(
        (work.__qualname__ for work in held if inspect.ismethod(work)), str(attacker.served.demo.fns[number].name)
    )


def test_every_event_of_the_tab_asks_for_the_pass_first(attacker: Attacker) -> None:
    events, owner_pass = studies_events(attacker)
    assert len(events) > 30
    names = {
        attacker.served.demo.fns[number].name for number, each in events.items() if owner_pass not in each["inputs"]
    }
    assert names <= UNGUARDED - {"enter"}


def test_without_the_pass_every_event_refuses_and_changes_nothing(attacker: Attacker) -> None:
    events, owner_pass = studies_events(attacker)
    before, empty = everything_stored(attacker), nothing_chosen(attacker)
    forged = OwnerAccess("another secret").sign_in("another secret", datetime.now(UTC))
    open_as_owner(attacker, "shared")
    for number, each in events.items():
        if owner_pass not in each["inputs"]:
            continue
        for given in (None, forged):
            data = [given if component == owner_pass else empty.get(component) for component in each["inputs"]]
            details = {"do": "open", "study": str(study_id(attacker)), "person": "p00"}
            outcome = attacker.outcome(number, data, session="shared", details=details)
            assert NAME not in json.dumps(outcome)
            if attacker.served.demo.fns[number].name != "enter":  # which shows the door
                assert not outcome["success"]
                by_link = attacker.served.demo.fns[number].name == BY_LINK
                refusal = "This link signs in once" if by_link else "Sign in as the owner"
                assert refusal in outcome["output"]["error"]
    assert everything_stored(attacker) == before


def test_with_the_pass_the_same_events_answer(attacker: Attacker) -> None:
    events, _ = studies_events(attacker)
    open_as_owner(attacker, "owner")
    (number,) = [number for number in events if attacker.served.demo.fns[number].name == "title"]
    outcome = attacker.outcome(number, [owners_pass(), None], session="owner")
    assert NAME in json.dumps(outcome)


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.READER])
def test_every_event_refuses_a_member_but_those_that_their_role_is_for(attacker: Attacker, role: Role) -> None:
    given_pass = let_in(attacker, role, study_id(attacker))
    assert open_study(attacker, role, given_pass, study_id(attacker))["success"]
    events, pass_id = studies_events(attacker)
    before, empty, allowed = everything_stored(attacker), nothing_chosen(attacker), set()
    for number, each in events.items():
        name = handler_of(attacker, number)
        if pass_id not in each["inputs"] or name in FOR_ALL_MEMBERS:
            continue
        data = [given_pass if component == pass_id else empty.get(component) for component in each["inputs"]]
        outcome = attacker.outcome(number, data, session=role, details={"do": "look", "person": "p00"})
        refused = any(said in json.dumps(outcome["output"]) for said in ("you may not do that", "Only whoever runs"))
        assert refused is (name not in ALLOWED[role]), (name, outcome)
        assert not refused or not outcome["success"]
        allowed |= {name} & ALLOWED[role]
    assert allowed == ALLOWED[role]
    assert everything_stored(attacker) == before


@pytest.mark.parametrize("role", list(Role))
def test_a_member_of_one_study_sees_nothing_of_another(attacker: Attacker, role: Role) -> None:
    labelling = attacker.served.labelling
    name = f"{OTHER}, {role}"
    theirs = make_study(labelling.database, labelling.settings.data_dir, candidates(1), name=name)
    given_pass, session = let_in(attacker, role, theirs), f"elsewhere-{role}"
    refused = open_study(attacker, session, given_pass, study_id(attacker))
    assert "not a member of this study" in refused["output"]["error"]
    open_as_owner(attacker, session)  # the session's state now holds a study that is none of theirs
    events, pass_id = studies_events(attacker)
    empty = nothing_chosen(attacker)
    for number, each in events.items():
        if pass_id not in each["inputs"] or attacker.served.demo.fns[number].name in {"open", "leave", BY_LINK}:
            continue
        data = [given_pass if component == pass_id else empty.get(component) for component in each["inputs"]]
        assert NAME not in json.dumps(attacker.outcome(number, data, session=session)["output"])
    listed = open_study(attacker, session, given_pass, theirs)
    assert listed["success"]


def test_a_removed_member_is_refused_at_once(attacker: Attacker) -> None:
    given_pass = let_in(attacker, Role.OWNER, study_id(attacker))
    assert open_study(attacker, "removed", given_pass, study_id(attacker))["success"]
    with attacker.served.labelling.database.write() as db:
        for each in queries.members.list_members(db, study_id(attacker)):
            queries.members.remove_member(db, study_id(attacker), each.name, datetime.now(UTC))
    refused = open_study(attacker, "removed", given_pass, study_id(attacker))
    assert "you were removed" in refused["output"]["error"]
