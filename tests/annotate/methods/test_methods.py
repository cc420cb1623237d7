"""Every method is a module that nothing else knows, and a protocol fits its method."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.design.scales import SCALES
from annotate.design.sitting_plan import ItemTime
from annotate.errors import ProtocolError
from annotate.methods import METHODS, check_protocol, find_method, item_time, make_protocol, study_effort
from annotate.methods.method import AnswerKind, Method
from tests.annotate.studies import candidates, honest_ratings, make_study, rate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_module_is_a_method() -> None:
    folder = Path(__file__).parents[3] / "annotate" / "methods"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "method"}
    assert {name.replace("-", "_") for name in METHODS} == modules
    assert all(method.name == name for name, method in METHODS.items())
    assert next(iter(METHODS)) == StudyProtocol().method


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_method_can_be_run_with_its_own_defaults(method: Method) -> None:
    protocol = make_protocol({"method": method.name})
    assert protocol.method == method.name
    assert StudyProtocol.from_json(protocol.to_json()) == protocol
    assert set(method.scales) <= set(SCALES)
    assert bool(method.scales) is (method.answer is AnswerKind.GRADE)
    roles = method.roles(protocol)
    assert len(set(roles)) == len(roles) >= 1
    assert all(role.isidentifier() for role in roles)  # they are in addresses


@pytest.mark.parametrize(
    ("design", "partners", "pairs", "people"), [("balanced", 4, 40, 4), ("chain", 2, 26, 3), ("active", 4, 40, 4)]
)
def test_the_effort_of_a_study_of_pairs_is_that_of_its_design(
    design: str, partners: int, pairs: int, people: int
) -> None:
    protocol = make_protocol({
        "method": "pairs", "pair_design": design, "pair_partners": partners, "ratings_wanted": 2, "repeat_every": 0,
        "sitting_items": 20,
    })  # fmt: skip
    found = study_effort(protocol, StimulusSummary(pairs=0, group_sizes=(4, 4, 4, 4, 4, 5, 1)))
    assert found
    assert (found.unit, found.units, found.ratings, found.people, found.sittings) == (
        "pair", pairs, 2 * pairs, people, people
    )  # fmt: skip
    assert study_effort(protocol, StimulusSummary(pairs=0, group_sizes=(1, 1))) is None


@pytest.mark.parametrize(
    ("values", "seconds"),
    [({}, 5), ({"more_scales": "piq23"}, 10), ({"method": "dcr"}, 7.5), ({"method": "pairs"}, 7.5)],
)
def test_an_item_takes_longer_the_more_it_shows_and_asks(values: dict[str, Any], seconds: float) -> None:
    assert item_time(make_protocol(values)).seconds == seconds


def test_once_people_have_answered_an_item_takes_as_long_as_their_median(
    sqlite_database: Database, tmp_path: Path
) -> None:
    study_id = make_study(sqlite_database, tmp_path, candidates(7))
    names = [f"{number:03}.png" for number in range(7)]
    for people, expected in ((2, ItemTime(5)), (1, ItemTime(8.0, 21))):
        given = honest_ratings(names, people, seed=people)
        times = [each._replace(participant=f"{people}{each.participant}", response_ms=8000) for each in given]
        rate(sqlite_database, study_id, times)
        with sqlite_database.read() as db:
            assert queries.stimuli.summarize_stimuli(db, study_id).item == expected


def test_studies_of_former_versions_are_acr() -> None:
    assert StudyProtocol.from_json({"scale": "acr5"}).method == "acr"


def test_an_unknown_method_is_refused_naming_those_there_are() -> None:
    with pytest.raises(ProtocolError, match=r"method is 'acrr'; expected one of acr"):
        find_method("acrr")


@pytest.mark.parametrize("change", [{"method": "acrr"}])
def test_no_study_is_made_with_a_protocol_that_its_method_cannot_be_run_with(
    change: dict[str, Any], sqlite_database: Database
) -> None:
    with pytest.raises(ProtocolError):
        check_protocol(StudyProtocol(**change))
    with sqlite_database.write() as db, pytest.raises(ProtocolError):
        queries.studies.create_study(db, "faces", StudyProtocol(**change), NOW)
    with sqlite_database.write() as db:
        study = queries.studies.create_study(db, "faces", StudyProtocol(), NOW)
        with pytest.raises(ProtocolError):
            queries.lifecycle.change_protocol(db, study.id, NOW, **change)
