"""Studies with references, from a table of pictures to the DMOS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.__main__ import main
from annotate.database.engine import open_database
from annotate.errors import AssignmentGoneError
from annotate.rating import sitting
from tests.annotate.rated import Person
from tests.annotate.studies import picture

Run = Callable[..., Any]
QUIET = ("training_count=0", "gold_every=0", "trap_every=0", "repeat_every=0", "break_every=0")
ROWS = ("path,reference", "a1.png,clean/a.png", "a2.png,clean/a.png", "b1.png,clean/b.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIQA_DATABASE_URL", raising=False)
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "faces" / "clean").mkdir(parents=True)
    for number, name in enumerate(("a1.png", "a2.png", "b1.png", "clean/a.png", "clean/b.png")):
        (tmp_path / "faces" / name).write_bytes(picture(number))
    return tmp_path


def make(run: Run, folder: Path, method: str, rows: tuple[str, ...] = ROWS) -> None:
    (folder / "faces" / "stimuli.csv").write_text("\n".join(rows))
    run("create", "faces", "--images", "faces", "--method", method)
    run("protocol", "faces", *QUIET)
    run("open", "faces")


def test_dcr_shows_the_reference_before_each_picture_and_never_asks_for_it(run: Run, folder: Path) -> None:
    make(run, folder, "dcr")
    database = open_database(f"sqlite:///{folder / 'data' / 'ratings.sqlite3'}")
    person = Person(database, 1)
    step, seen = person.start(), set()
    while step.picture:
        reference, shown = step.picture.pictures
        assert (reference.role, shown.role) == ("reference", "picture")
        with database.read() as db:
            names = {each.sha256: each.name for each in queries.stimuli.all_stimuli(db, 1)}
            assert sitting.find_picture(db, person.token, step.picture.assignment_id, "reference") == reference
            with pytest.raises(AssignmentGoneError):
                sitting.find_picture(db, person.token, step.picture.assignment_id, "left")
        assert names[reference.sha256] == f"clean/{names[shown.sha256][0]}.png"
        seen.add(names[shown.sha256])
        step = person.rate(step, 4.0)
    database.close()
    assert seen == {"a1.png", "a2.png", "b1.png"}
    assert [(row["stimulus"], row["mos"], row["dmos"]) for row in run("mos", "faces")] == [
        ("a1.png", 4, 4), ("a2.png", 4, 4), ("b1.png", 4, 4),
    ]  # fmt: skip


def test_acr_hr_rates_references_unknown_as_such_and_takes_the_difference(run: Run, folder: Path) -> None:
    make(run, folder, "acr-hr")
    grades = {"a1.png": 2, "a2.png": 3, "b1.png": 4, "clean/a.png": 5, "clean/b.png": 3}
    votes = [f"{name},{person},{grade}" for name, grade in grades.items() for person in "pq"]
    (folder / "votes.csv").write_text("\n".join(["stimulus,participant,grade", *votes]))
    run("import", "faces", "votes.csv")
    rows = {row["stimulus"]: row for row in run("mos", "faces")}
    assert {name: row["dmos"] for name, row in rows.items()} == {
        "a1.png": 2, "a2.png": 3, "b1.png": 6, "clean/a.png": None, "clean/b.png": None,
    }  # fmt: skip
    run("export", "faces", "out")
    written = {row["stimulus"]: row for row in json.loads((folder / "out" / "mos.json").read_text())}
    assert (written["b1.png"]["reference"], written["b1.png"]["dmos"]) == ("clean/b.png", 6)


def test_a_source_that_is_a_picture_of_the_study_is_the_reference(run: Run, folder: Path) -> None:
    rows = ("path,source", "a1.png,a", "a2.png,clean/a.png", "b1.png,b", "clean/a.png,a", "clean/b.png,b")
    make(run, folder, "dcr", rows)
    assert run("status", "faces")["stimuli"] == {"rated": 3, "reference": 2}


@pytest.mark.parametrize(("method", "said"), [("dcr", "without a reference: 3"), ("acr-hr", "No picture has a")])
def test_without_references_a_study_that_needs_them_is_not_opened(
    method: str, said: str, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "faces" / "stimuli.csv").write_text("path\na1.png\na2.png\nb1.png\n")
    run("create", "faces", "--images", "faces", "--method", method)
    assert main(["open", "faces"]) == 1
    assert said in capsys.readouterr().err


def test_a_reference_that_is_not_there_is_named(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "faces" / "stimuli.csv").write_text("path,reference\na1.png,clean/z.png\n")
    assert main(["create", "faces", "--images", "faces", "--method", "dcr"]) == 1
    assert "names the reference clean/z.png, which does not exist" in capsys.readouterr().err
