"""Reports of an audit whose scores are made up."""

import csv
import json
from io import StringIO

import pytest

from fiqa.audit import FORMATS
from fiqa.audit.figure import draw
from fiqa.audit.reports import FORMATS as WRITTEN
from fiqa.audit.scoring import CLEAN, AuditedPhoto, Damage
from fiqa.audit.summary import Audit, summarise

BLUR = Damage("gaussian_blur", 0.5)


@pytest.fixture(scope="module")
def audit() -> Audit:
    """Six people of a team that loses 0.4 by blur, six of one that loses 0.5, and one person of a third."""
    photos = [
        AuditedPhoto(
            f"{number}.png", f"p{number}", {"team": "red|1" if number < 6 else "blue" if number < 12 else "alone"},
            {CLEAN: 0.9 + number / 1000, BLUR.label: (0.5 if number < 6 else 0.4) + number / 1000},
        )
        for number in range(13)
    ]  # fmt: skip
    failed = AuditedPhoto("wall.png", "p1", {"team": "blue"}, {}, "No face.")
    return summarise(
        [*photos, failed], ["team", "hat"], [BLUR], checkpoint="lite", sha256="ab" * 32, score_range=(0.0, 1.0)
    )


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_every_group_with_its_people(form: str, audit: Audit) -> None:
    text = WRITTEN[form](audit)
    assert all(name in text.replace("\\|", "|") for name in ("red|1", "blue", "alone"))
    assert "Gaussian blur 0.5" in text
    if form in ("table", "md"):
        assert "no score" in text
        assert "one person alone in alone, so there is no interval" in text
        assert "No photo has a hat: the column is left out." in text


def test_the_largest_gap_is_between_those_who_can_be_compared(audit: Audit) -> None:
    gap = audit.columns[0].gaps["fall: Gaussian blur 0.5"]
    assert gap
    assert (gap.higher, gap.lower) == ("blue", "red|1")
    assert gap.difference == pytest.approx(0.1)
    assert gap.is_certain
    table = WRITTEN["table"](audit).splitlines()
    assert next(line for line in table if "blue − red|1" in line and "fall" in line).endswith("yes")


def test_a_line_of_the_csv_is_a_group_and_a_figure(audit: Audit) -> None:
    rows = list(csv.DictReader(StringIO(WRITTEN["csv"](audit))))
    assert [(row["group"], row["figure"]) for row in rows] == [
        (group, figure) for figure in (CLEAN, "fall: Gaussian blur 0.5") for group in ("alone", "blue", "red|1")
    ]
    assert [row["interval_low"] == "" for row in rows if row["group"] == "alone"] == [True, True]


def test_the_json_is_what_the_audit_holds(audit: Audit) -> None:
    report = json.loads(WRITTEN["json"](audit))
    assert report == json.loads(json.dumps(audit.to_dict()))
    assert report["columns"][0]["unscored"] == {"blue": 1}
    assert report["columns"][0]["unnamed"] == 0


def test_an_audit_can_be_read_from_its_json(audit: Audit) -> None:
    again = Audit.from_dict(json.loads(WRITTEN["json"](audit)))
    assert [write(again) for write in WRITTEN.values()] == [write(audit) for write in WRITTEN.values()]


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_groups_are_drawn(audit: Audit, kind: str, begins: bytes) -> None:
    assert draw(audit, kind).startswith(begins)


def test_what_is_offered_is_what_can_be_written() -> None:
    assert tuple(WRITTEN) == FORMATS
