"""Ratings from elsewhere are all on the scale, each once, of pictures that are there; or none of them is added."""

import re
import unicodedata
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from annotate import queries
from annotate.analysis import mos_rows
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.scales import SCALES
from annotate.design.states import State
from annotate.errors import ImportedRatingsError, ProtocolError, StudyStateError
from annotate.exchange.imports import read_ratings
from annotate.queries.imports import ImportedRating
from annotate.stimuli.files import Candidate
from tests.annotate.rated import Person, new_study
from tests.annotate.studies import NOW, candidates, make_study, picture, rate

HEADER = "stimulus,participant,grade\n"


def written(folder: Path, table: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "ratings.csv"
    path.write_text(table, encoding=encoding)
    return path


def test_columns_are_read_in_any_order_and_others_ignored(tmp_path: Path) -> None:
    table = (
        "Participant;note;grade;stimulus;response_ms;rated_at\n"
        "anna;x;4;a.png;812.4;2026-01-31T10:00:00+01:00\n"
        'bert;"y; z";;a.png;;\n'
    )
    read = read_ratings(written(tmp_path, table, encoding="utf-8-sig"), StudyProtocol(), NOW)
    first, second = read.ratings
    assert (first.stimulus, first.participant, first.grade, first.response_ms) == ("a.png", "anna", 4.0, 812)
    assert first.rated_at
    assert first.rated_at.isoformat() == "2026-01-31T09:00:00+00:00"
    assert (second.grade, second.response_ms, second.rated_at) == (None, None, None)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "is empty"),
        (HEADER, "holds no ratings"),
        ("stimulus,grade\na,1\n", "lacks the column participant"),
        (HEADER + "a,p,6\n", "line 2, '6' is no grade of this scale; expected a whole number from 1 to 5"),
        (HEADER + "a,p,good\n", "line 2, 'good' is no grade"),
        (HEADER + "a,p,nan\n", "line 2, 'nan' is no grade"),
        (HEADER + "a,p,2.5\n", "line 2, '2.5' lies between two grades"),
        (HEADER + "a,p,3\nb,p,3\na,p,4\n", "line 4, rates a by p once more; line 2 does already"),
        (HEADER + ",p,3\n", "line 2, names no stimulus"),
        (HEADER + "a,,3\n", "line 2, names no participant"),
        (HEADER + "a,an\x07na,3\n", r"line 2, has the control character U\+0007 in the name of the participant"),
        (HEADER + "a\x7f,anna,3\n", r"line 2, has the control character U\+007F in the name of the stimulus"),
        (HEADER + f"a,{'p' * 65},3\n", "more than 64 characters"),
        ("stimulus,participant,grade,response_ms\na,p,3,-1\n", "line 2, has the response time '-1'"),
        ("stimulus,participant,grade,response_ms\na,p,3,soon\n", "line 2, has the response time 'soon'"),
        ("stimulus,participant,grade,rated_at\na,p,3,2026-02-01T00:00\n", "without a time zone"),
        ("stimulus,participant,grade,rated_at\na,p,3,2099-02-01T00:00Z\n", "rated in the future"),
        ("stimulus,participant,grade,rated_at\na,p,3,yesterday\n", "expected ISO 8601"),
        ("stimulus,participant,grade,rated_at\na,p,3,0001-01-01T00:00+14:00\n", "line 2, .* before the year 1 in UTC"),
    ],
)
def test_bad_table_is_refused_with_its_line(tmp_path: Path, table: str, reason: str) -> None:
    with pytest.raises(ImportedRatingsError, match=reason):
        read_ratings(written(tmp_path, table), StudyProtocol(), NOW)


def test_further_scales_are_columns_and_each_has_its_own_mos(database: Database, tmp_path: Path) -> None:
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    study_id = make_study(database, tmp_path, candidates(2), protocol=protocol)
    table = (
        "stimulus;participant;grade;grade_details;grade_exposure\n"
        "000.png;anna;4;5,0;1\n000.png;bert;2;4;\n001.png;anna;;;\n001.png;bert;3;;\n"
    )
    rate(database, study_id, read_ratings(written(tmp_path, table), protocol, NOW).ratings)
    with database.read() as db:
        found = {
            scale: [(row["mos"], row["ratings"], row["unusable"]) for row in mos_rows(db, study_id, scale)]
            for scale in protocol.scale_names
        }
        with pytest.raises(ProtocolError, match="no scale 'noise'; it has overall, details, exposure"):
            mos_rows(db, study_id, "noise")
    assert found == {
        "overall": [(3, 2, 0), (3, 1, 1)],
        "details": [(4.5, 2, 0), (None, 0, 1)],
        "exposure": [(1, 1, 0), (None, 0, 1)],
    }
    for cells, reason in (("3,6", "'6' is no grade"), (",3", "has a further grade, but no grade")):
        wrong = written(tmp_path, f"stimulus,participant,grade,grade_details\n000.png,carl,{cells}\n")
        with pytest.raises(ImportedRatingsError, match=f"line 2, {reason}"):
            read_ratings(wrong, protocol, NOW)


@pytest.mark.parametrize(
    ("columns", "warned"),
    [
        ("details,exposure", "no grades on details and exposure, .* Not used of the file: details, exposure"),
        ("grade_detail,grade_exposure", "no grades on details, .* Not used of the file: grade_detail"),
        ("grade_details,grade_exposure", None),
    ],
)
def test_scales_without_grades_and_columns_that_were_not_used_are_named(
    tmp_path: Path, columns: str, warned: str | None
) -> None:
    table = written(tmp_path, f"stimulus,participant,grade,{columns}\na,p,3,4,5\n")
    warnings = read_ratings(table, StudyProtocol.from_json({"more_scales": "piq23"}), NOW).warnings
    assert [bool(re.search(warned or "", each)) for each in warnings] == [True] * bool(warned)
    assert read_ratings(table, StudyProtocol(), NOW).warnings == ()


def test_grade_may_be_missing_only_where_unusable_was_offered(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "a,p,\n")
    assert read_ratings(path, StudyProtocol(), NOW).ratings[0].grade is None
    with pytest.raises(ImportedRatingsError, match="has no grade"):
        read_ratings(path, StudyProtocol(offer_unusable=False), NOW)


@pytest.mark.parametrize("name", ["علی\u200cرضا", "👩\u200d🦰", "Ольга", "\u200eأحمد"])
def test_people_and_pictures_have_names_of_any_script(database: Database, tmp_path: Path, name: str) -> None:
    study_id = make_study(database, tmp_path, [Candidate(f"{name}.png", partial(picture, 1))])
    rate(
        database,
        study_id,
        read_ratings(written(tmp_path, f"{HEADER}{name}.png,{name},4\n"), StudyProtocol(), NOW).ratings,
    )
    with database.read() as db:
        loaded = queries.ratings.load_ratings(db, study_id)
    assert (loaded.stimulus_ids, loaded.participant_ids) == ((f"{name}.png",), (name,))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_compared_however_their_marks_are_written(
    database: Database, tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    study_id = make_study(database, tmp_path, [Candidate("faces/Müller.png", partial(picture, 1))])
    rate(database, study_id, [queries.imports.ImportedRating("faces/Müller.png", "Zoë", 3.0)])
    table = HEADER + unicodedata.normalize(form, "faces\\Müller.png,Anaïs,4\n")
    rate(database, study_id, read_ratings(written(tmp_path, table), StudyProtocol(), NOW).ratings)
    again = HEADER + unicodedata.normalize(form, "faces/Müller.png,Zoë,4\n")
    with pytest.raises(ImportedRatingsError, match=r"Line 2 rates faces/Müller.png by Zoë, who has rated it in this"):
        rate(database, study_id, read_ratings(written(tmp_path, again), StudyProtocol(), NOW).ratings)
    with database.read() as db:
        assert sorted(queries.ratings.load_ratings(db, study_id).participant_ids) == ["Anaïs", "Zoë"]
        assert queries.studies.find_study(db, "faces").id == study_id


def test_table_of_excel_is_read_with_decimal_commas(tmp_path: Path) -> None:
    path = written(tmp_path, "sep=;\nstimulus;participant;grade\nä.png;Zoë;62,5\n", encoding="cp1252")
    (rating,) = read_ratings(path, StudyProtocol(scale=SCALES["continuous"]), NOW).ratings
    assert (rating.stimulus, rating.participant, rating.grade) == ("ä.png", "Zoë", 62.5)


def test_grades_are_those_of_the_study(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "a,p,62.5\n")
    assert read_ratings(path, StudyProtocol(scale=SCALES["continuous"]), NOW).ratings[0].grade == 62.5


def test_repeated_items_of_an_export_stay_repeats(tmp_path: Path) -> None:
    table = "stimulus,participant,grade,kind\na,p,3,rated\na,p,4,repeat\n"
    read = read_ratings(written(tmp_path, table), StudyProtocol(), NOW)
    assert ([rating.grade for rating in read.ratings], read.repeats) == ([3.0, 4.0], 1)


@pytest.mark.parametrize("table", ["000.png,p,3\nlost.png,p,3\n", "000.png,p,3\n001.png,p,3\n000.png,known,3\n"])
def test_nothing_is_added_when_one_rating_does_not_fit_the_study(
    database: Database, tmp_path: Path, table: str
) -> None:
    study_id = make_study(database, tmp_path, candidates(3))
    rate(database, study_id, [queries.imports.ImportedRating("000.png", "known", 2.0)])
    read = read_ratings(written(tmp_path, HEADER + table), StudyProtocol(), NOW)
    with pytest.raises(ImportedRatingsError):
        rate(database, study_id, read.ratings)
    with database.read() as db:
        assert len(queries.ratings.load_ratings(db, study_id)) == 1
        assert queries.ratings.load_ratings(db, study_id).participant_ids == ("known",)


def test_pictures_that_are_only_shown_take_no_ratings(database: Database, tmp_path: Path) -> None:
    clean = Candidate("clean.png", partial(picture, 9), kind=ItemKind.REFERENCE)
    study_id = make_study(
        database, tmp_path, [*candidates(1), clean], protocol=StudyProtocol(method="dcr", scale=SCALES["impairment5"])
    )
    given = [ImportedRating("000.png", "p", 4.0, line=2), ImportedRating("clean.png", "p", 5.0, line=3)]
    with pytest.raises(ImportedRatingsError, match=r"Line 3 rates 'clean\.png', which is only shown as a reference"):
        rate(database, study_id, given)
    with database.read() as db:
        assert len(queries.ratings.load_ratings(db, study_id)) == 0


def test_closed_study_takes_no_ratings(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(3))
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
        queries.lifecycle.change_state(db, study_id, State.CLOSED, NOW)
    with pytest.raises(StudyStateError, match="closed"):
        rate(database, study_id, [queries.imports.ImportedRating("000.png", "p", 2.0)])


def test_repeats_are_numbered_and_count_in_no_mos(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, candidates(2))
    first = ImportedRating("000.png", "p", 2.0)
    rate(database, study_id, [first, first._replace(grade=3.0, repeat=True), first._replace(grade=4.0, repeat=True)])
    rate(database, study_id, [first._replace(grade=5.0, repeat=True), ImportedRating("001.png", "q", None)])
    with database.read() as db:
        kept = queries.ratings.load_ratings(db, study_id)
        mos = {row["stimulus"]: row["mos"] for row in mos_rows(db, study_id)}
        assert [each.rated for each in queries.stimuli.all_stimuli(db, study_id)] == [1, 1]
        sittings = [
            (person.pseudonym, sitting.number, sitting.answers)
            for person, sittings in queries.participants.all_participants(db, study_id)
            for sitting in sittings
        ]
    assert sorted(kept.grade[kept.kind == ItemKind.REPEAT]) == [3, 4, 5]
    assert mos == {"000.png": 2.0, "001.png": None}
    assert sittings == [("p", 1, 3), ("p", 2, 1), ("q", 1, 1)]
    with pytest.raises(
        ImportedRatingsError, match=r"Line 9 rates 000.png by p, who has rated it in this study already"
    ):
        rate(database, study_id, [ImportedRating("001.png", "p", 1.0, line=8), first._replace(line=9)])


def test_people_who_rate_go_on_after_an_import(database: Database) -> None:
    """An import takes its ids as everybody else's are: none is given twice."""
    study_id = new_study(database, images=2, training_count=0, gold_every=0, trap_every=0, repeat_every=0)
    person = Person(database, study_id)
    step = person.rate(person.start(), 2.0)
    rate(database, study_id, [ImportedRating("rated-0.png", "p", 3.0), ImportedRating("rated-1.png", "p", 4.0)])
    assert person.rate(person.look(), 5.0).kind is not step.kind
    with database.read() as db:
        assert len(queries.ratings.load_ratings(db, study_id)) == 4
