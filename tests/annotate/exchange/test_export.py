"""An export says what the database says, trains as it is, and is there whole or not at all."""

import json
import re
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from annotate import queries
from annotate.analysis import mos_rows
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion
from annotate.errors import ExportError
from annotate.exchange.export import export_study
from annotate.exchange.export_tables import SCREEN, TABLES, tables_of
from annotate.exchange.imports import read_ratings
from annotate.exchange.layout import Label
from annotate.queries.imports import ImportedRating
from annotate.statistics.mos import estimate_mos
from annotate.statistics.ratings import Ratings
from annotate.stimuli.files import Candidate
from annotate.ui.rating.routes import SCRIPTS
from fiqa.evaluation.official_protocol import read_test_set
from tests.annotate.exchange.exported import COUNT, NAMES, PEOPLE, contents, labels, table
from tests.annotate.rated import Person, new_study
from tests.annotate.studies import NOW, candidates, honest_ratings, make_study, picture, rate
from training.data.datasets import read_dataset

TABLE_FILES = {f"{table.name}.{kind}" for table in tables_of(StudyProtocol()) for kind in ("csv", "json")}


def test_tables_say_what_the_database_says(database: Database, study_id: int, tmp_path: Path) -> None:
    report = export_study(database, study_id, tmp_path, tmp_path / "out")
    ratings = table(tmp_path / "out" / "ratings.csv")
    assert report.ratings == len(ratings) == COUNT * PEOPLE
    with database.read() as db:
        rows = mos_rows(db, study_id)
        stored = {(row.stimulus, row.participant): row.grade for row in queries.ratings.stream_ratings(db, study_id)}
    assert {(row["stimulus"], row["participant"]): float(row["grade"]) for row in ratings} == stored
    assert {row["used"] for row in ratings} == {"1"}
    exported = table(tmp_path / "out" / "mos.csv")
    assert [row["stimulus"] for row in exported] == NAMES
    for row, figures in zip(exported, rows, strict=True):
        assert float(row["mos"]) == pytest.approx(figures["mos"], abs=1e-6)
        assert float(row["ci95"]) == pytest.approx(figures["ci95"], abs=1e-6)
        assert int(row["ratings"]) == PEOPLE
    assert json.loads((tmp_path / "out" / "protocol.json").read_text())["protocol"] == StudyProtocol().to_json()


@pytest.mark.slow
def test_the_statistics_of_an_exported_table_are_those_of_the_study(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out")
    votes = pd.read_csv(tmp_path / "out" / "ratings.csv", keep_default_na=True).query("used == 1")
    ours = estimate_mos(Ratings.from_frame(votes)).to_frame().set_index("stimulus")
    theirs = pd.read_csv(tmp_path / "out" / "mos.csv").set_index("stimulus")
    rated = ours.index[ours["ratings"] > 0].intersection(theirs.index)
    assert len(rated) > 0
    for column in ("mos", "sos", "ci95", "ratings"):
        np.testing.assert_allclose(ours.loc[rated, column], theirs.loc[rated, column], atol=1e-4, err_msg=column)


@pytest.mark.parametrize("there", [True, False])
def test_an_export_to_a_link_goes_where_it_leads(
    database: Database, study_id: int, tmp_path: Path, there: bool
) -> None:
    if there:
        (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    for _ in range(2):
        export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "mos.csv").is_file()


def test_links_in_a_circle_are_said(database: Database, study_id: int, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(ExportError, match=r"circle|links"):
        export_study(database, study_id, tmp_path / "data", tmp_path / "out")


def test_everything_about_how_a_study_was_run_is_exported(database: Database, tmp_path: Path) -> None:
    study_id = new_study(database, images=2, training_count=0, gold_every=0, trap_every=0, repeat_every=0)
    person = Person(database, study_id, language="de")
    person.rate_all(person.start())
    code = person.finish().completion_code
    with database.write() as db:
        (row,) = queries.participants.participants_page(db, study_id)
        (sitting,) = queries.participants.list_sittings(db, row.participant.id)
        queries.participants.set_sitting_accepted(db, sitting.id, False, "clicks, „alles gleich“", NOW)
        queries.participants.set_votes_used(db, row.participant.id, used=False, reason="clicks", now=NOW)
    export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    name = row.participant.pseudonym
    (participant,) = table(tmp_path / "out" / "participants.csv")
    assert (participant["participant"], participant["language"], participant["votes_used"]) == (name, "de", "0")
    (exported,) = table(tmp_path / "out" / "sittings.csv")
    assert (exported["completion_code"], exported["pixel_ratio"], exported["accepted"]) == (code, "1", "0")
    decisions = [(each["decision"], each["reason"]) for each in table(tmp_path / "out" / "decisions.csv")]
    assert decisions == [("rejected", "clicks, „alles gleich“"), ("votes left out", "clicks")]
    texts = {(each["language"], each["text"]): each["shown"] for each in table(tmp_path / "out" / "texts.csv")}
    assert texts["de", "instructions"].startswith("Sie sehen")
    assert texts["de", "consent"].startswith("Wir speichern")
    assert texts["es", "grade 5"] == "Excelente"


def test_every_table_is_there_as_csv_and_as_json_and_every_column_is_explained(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    check_tables(database, study_id, tmp_path, without=("scales", "comparisons", "pairs", "scale", "complaints"))


def test_every_table_of_a_study_of_pairs_is_there_and_explained(sqlite_database: Database, tmp_path: Path) -> None:
    study_id = new_study(sqlite_database, images=3, method="pairs", repeat_every=0)
    person = Person(sqlite_database, study_id)
    person.rate_all(person.start())
    of_grades = ("ratings", "mos", "scales")
    check_tables(sqlite_database, study_id, tmp_path, without=(*of_grades, "complaints"), label=None)


def test_further_scales_have_columns_in_every_table_and_can_be_imported_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    offered = [replace(each, condition="ab"[at % 2], source=f"s{at // 2}") for at, each in enumerate(candidates(8))]
    study_id = make_study(sqlite_database, tmp_path, offered, protocol=protocol)
    given = honest_ratings([each.name for each in offered], 3)
    turned = [each._replace(more_grades={"details": 6 - (each.grade or 0), "exposure": 3.0}) for each in given]
    rate(sqlite_database, study_id, turned)
    check_tables(sqlite_database, study_id, tmp_path, without=("comparisons", "pairs", "scale", "complaints"))
    out = tmp_path / "out"
    for row in table(out / "mos.csv"):
        assert float(row["mos"]) + float(row["mos_details"]) == pytest.approx(6, abs=1e-5)
        assert (row["mos_exposure"], row["ratings_exposure"], row["sos_exposure"]) == ("3", "3", "0")
    assert {row["grade_exposure"] for row in table(out / "ratings.csv")} == {"3"}
    a, b = table(out / "conditions.csv")
    assert float(a["mos"]) - float(b["mos"]) == pytest.approx(
        float(b["mos_details"]) - float(a["mos_details"]), abs=1e-5
    )
    pairs = {row["scale"]: row["difference"] for row in table(out / "condition_pairs.csv")}
    assert float(pairs["overall"]) == pytest.approx(float(pairs["details"]))  # of the other two, turned round
    assert pairs["exposure"] == "0"
    scales = {(row["a"], row["b"]): row["srcc"] for row in table(out / "scales.csv")}
    assert scales == {("overall", "details"): "-1", ("overall", "exposure"): "", ("details", "exposure"): ""}
    texts = {(row["language"], row["text"]): row["shown"] for row in table(out / "texts.csv")}
    assert (texts["de", "scale exposure"], texts["de", "grade 5 exposure"]) == ("Belichtung", "Ausgezeichnet")
    again = make_study(sqlite_database, tmp_path, offered, name="again", protocol=protocol)
    rate(sqlite_database, again, read_ratings(out / "ratings.csv", protocol, NOW).ratings)
    with sqlite_database.read() as db:
        for scale in protocol.scale_names:
            assert mos_rows(db, again, scale) == mos_rows(db, study_id, scale)


def check_tables(
    database: Database, study_id: int, tmp_path: Path, *, without: tuple[str, ...], label: Label | None = "mos"
) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out", label=label)
    sections = (tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [
        each.name for each in TABLES if each.name not in without
    ]
    for section in sections:
        name = section.splitlines()[0]
        rows = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
        as_csv = table(tmp_path / "out" / f"{name}.csv")
        assert [{key: _as_text(value) for key, value in row.items()} for row in rows] == as_csv
        header = (tmp_path / "out" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert re.findall(r"^\| `(\w+)` \| .{5,} \|$", section, re.MULTILINE) == header


def test_what_the_screen_check_measures_has_columns() -> None:
    scripts = [resources.files("annotate.ui.rating").joinpath(name) for name in SCRIPTS]
    measured = "".join(script.read_text(encoding="utf-8") for script in scripts)
    assert all(re.search(rf"\b{name}\b", measured) for name in SCREEN)


def _as_text(value: object) -> str:
    """Return a value of JSON as CSV has it."""
    return "" if value is None else str(int(value) if isinstance(value, bool) else value)


def test_layout_is_the_authors_and_holds_every_picture_unchanged(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    report = export_study(database, study_id, tmp_path, tmp_path / "out")
    exported = {row["image"]: row for row in table(tmp_path / "out" / "mos.csv")}
    found = labels(tmp_path / "out")
    assert found == {image: float(row["mos"]) for image, row in exported.items()}
    for image, row in exported.items():
        assert (tmp_path / "out" / image).read_bytes() == picture(NAMES.index(row["stimulus"]))
    assert sum(report.splits.values()) == COUNT
    assert min(report.splits.values()) >= 2
    assert len(read_test_set(tmp_path / "out", points=0)) == report.splits["test"]
    read = read_dataset(tmp_path / "out")
    assert {name: len(photos) for name, photos in read.splits.items()} == report.splits
    assert (read.name, read.mos_range, read.notices) == ("faces", (1.0, 5.0), ())
    assert (tmp_path / "out" / "val" / "landmark").is_dir()


def test_no_source_is_in_two_splits(database: Database, study_id: int, tmp_path: Path) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out")
    pairs = {(row["source"], row["image"].split("/")[0]) for row in table(tmp_path / "out" / "mos.csv")}
    assert len(pairs) == len({source for source, _ in pairs}) == COUNT // 2
    described = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert (described["split_by"], described["mos_range"], described["label"]) == ("source", [1.0, 5.0], "mos")


def test_same_seed_gives_the_same_files(database: Database, study_id: int, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        export_study(database, study_id, tmp_path, tmp_path / name, seed=seed)
    first, second, third = (contents(tmp_path / name) for name in "abc")
    for files in (first, second, third):
        del files["protocol.json"]  # tells when it was exported
    assert first == second
    assert first["train/label.json"] != third["train/label.json"]


def test_label_may_be_the_p910_estimate_within_the_scale(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(30))
    rate(database, study_id, honest_ratings([f"{number:03}.png" for number in range(30)], 20))
    export_study(database, study_id, tmp_path, tmp_path / "out", label="mos_p910")
    expected = {row["image"]: min(max(float(row["mos_p910"]), 1.0), 5.0) for row in table(tmp_path / "out" / "mos.csv")}
    assert labels(tmp_path / "out") == pytest.approx(expected, abs=1e-6)


def test_votes_that_are_not_used_are_marked_and_not_counted(database: Database, study_id: int, tmp_path: Path) -> None:
    with database.write() as db:
        person = queries.participants.get_participant(db, study_id, "p00")
        queries.participants.set_votes_used(db, person.id, used=False, reason="clicks", now=NOW)
    export_study(database, study_id, tmp_path, tmp_path / "out")
    ratings = table(tmp_path / "out" / "ratings.csv")
    assert {row["participant"] for row in ratings if row["used"] == "0"} == {"p00"}
    assert {row["ratings"] for row in table(tmp_path / "out" / "mos.csv")} == {str(PEOPLE - 1)}


def test_unusable_and_thinly_rated_pictures_are_left_out(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(8))
    answers: list[tuple[str, int, float | None]] = [
        (f"{number:03}.png", person, 3.0) for number in range(2, 8) for person in range(3)
    ]
    answers += [("000.png", person, None if person else 2.0) for person in range(3)] + [("001.png", 0, 4.0)]
    rate(database, study_id, [ImportedRating(name, f"p{person}", grade) for name, person, grade in answers])
    report = export_study(database, study_id, tmp_path, tmp_path / "out", min_ratings=2)
    assert report.left_out == {"unusable": 1, "too_few_ratings": 1}
    assert sum(report.splits.values()) == 6
    images = {row["stimulus"]: row["image"] for row in table(tmp_path / "out" / "mos.csv")}
    assert images["000.png"] == images["001.png"] == ""
    blank = [row for row in table(tmp_path / "out" / "ratings.csv") if row["unusable"] == "1"]
    assert {(row["stimulus"], row["grade"]) for row in blank} == {("000.png", "")}


def test_study_without_ratings_exports_its_tables(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(3))
    report = export_study(database, study_id, tmp_path, tmp_path / "out")
    assert (report.splits, report.left_out) == ({}, {"too_few_ratings": 3})
    assert set(contents(tmp_path / "out")) == {"README.md", "protocol.json", *TABLE_FILES}


def test_tables_alone_can_be_had(database: Database, study_id: int, tmp_path: Path) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out")
    report = export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    assert report.splits == {}
    assert set(contents(tmp_path / "out")) == {"README.md", "protocol.json", *TABLE_FILES}


def test_exported_ratings_can_be_imported(database: Database, study_id: int, tmp_path: Path) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out")
    again = make_study(database, tmp_path, candidates(COUNT), name="again")
    rate(database, again, read_ratings(tmp_path / "out" / "ratings.csv", StudyProtocol(), NOW).ratings)
    with database.read() as db:
        assert mos_rows(db, again) == mos_rows(db, study_id)


def test_no_name_is_a_formula_to_a_spreadsheet_and_all_are_read_again_as_they_were(
    database: Database, tmp_path: Path
) -> None:
    names = ["=cmd.png", "-1.png", "+a.png", "@b.png", "'=c.png", "d.png"]
    offered = [Candidate(name, partial(picture, number), "=s") for number, name in enumerate(names)]
    study_id = make_study(database, tmp_path / "data", offered)
    rate(database, study_id, [ImportedRating(name, "=p", 3.0) for name in names])
    export_study(database, study_id, tmp_path / "data", tmp_path / "out")
    cells = [
        cell for name in ("ratings.csv", "mos.csv") for row in table(tmp_path / "out" / name) for cell in row.values()
    ]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))]
    read = read_ratings(tmp_path / "out" / "ratings.csv", StudyProtocol(), NOW)
    assert {(each.stimulus, each.participant) for each in read.ratings} == {(name, "=p") for name in names}
    groups = [
        photo.groups for split in ("train", "val", "test") for photo in read_dataset(tmp_path / "out").splits[split]
    ]
    assert {(each["stimulus"], each["source"]) for each in groups} == {(name, "=s") for name in names}


def test_file_names_are_safe_and_unique(database: Database, tmp_path: Path) -> None:
    names = ["a/face.png", "b/face.png", "c/FACE.jpg", "d/..png", "e/sp ace:?.png", "ü" * 120, "face"]
    offered = [Candidate(name, partial(picture, number)) for number, name in enumerate(names)]
    study_id = make_study(database, tmp_path, offered)
    rate(database, study_id, honest_ratings(names, 2))
    export_study(database, study_id, tmp_path, tmp_path / "out")
    files = [Path(row["image"]) for row in table(tmp_path / "out" / "mos.csv")]
    assert len({file.stem.casefold() for file in files}) == len(names)
    assert files[0].name == "face.png"
    assert {file.suffix for file in files} == {".png"}
    assert all((tmp_path / "out" / file).is_file() for file in files)


def test_answers_to_the_questions_at_the_start_are_columns_in_one_wording(database: Database, tmp_path: Path) -> None:
    questions = (READY_QUESTIONS["age_group"], StartQuestion("lamp", {"en": "Which lamp?"}, {}))
    study_id = new_study(database, images=1, questions=questions, training_count=0)
    for language, answers in (("de", {"age_group": 0, "lamp": "LED"}), ("en", {"age_group": 0}), ("es", {})):
        person = Person(database, study_id, language=language)
        person.consent()
        person.answer_questions(answers)
    Person(database, study_id)
    export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    people = table(tmp_path / "out" / "participants.csv")
    answered = [(each["answer_age_group"], each["answer_lamp"]) for each in people]
    assert answered == [("18 to 29", "LED"), ("18 to 29", ""), ("", ""), ("", "")]
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "| `answer_lamp` | Answer to “Which lamp?”" in readme
    shown = {(each["language"], each["text"]): each["shown"] for each in table(tmp_path / "out" / "texts.csv")}
    assert shown["de", "question age_group"] == "Wie alt sind Sie?"


def test_what_was_done_to_a_picture_is_exported_with_its_mos(database: Database, tmp_path: Path) -> None:
    offered = [Candidate("a.png", partial(picture, 1), "anna", condition="jpeg 30"), *candidates(1)]
    study_id = make_study(database, tmp_path, offered)
    export_study(database, study_id, tmp_path, tmp_path / "out", label=None)
    conditions = {row["stimulus"]: row["condition"] for row in table(tmp_path / "out" / "mos.csv")}
    assert conditions == {"a.png": "jpeg 30", "000.png": ""}
