"""Diagnoses come in from a CSV, the likeliest of each picture, and go out beside complaints."""

import csv
from pathlib import Path

import pytest

from annotate.errors import SettingError
from annotate.exchange.diagnoses import compared_csv, read_diagnoses
from annotate.statistics.complaint_agreement import Diagnosis, compare_complaints
from fiqa.degradation.diagnosis import DiagnosedPhoto, to_csv
from fiqa.errors import FiqaError

STIMULI = {"a.png": None, "b.png": "jpeg"}


def write(folder: Path, text: str) -> Path:
    path = folder / "diagnoses.csv"
    path.write_text(text)
    return path


def test_the_likeliest_type_of_a_picture_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "path,type,probability,severity\nx/a.png,jpeg,0.2,0.5\nx/a.png,webp,0.7,0.4\nx/b.png,,,\nx/c.png,haze,1,1\n",
    )
    assert read_diagnoses(path, STIMULI) == {"a.png": Diagnosis("webp", 0.7, 0.4)}
    path = write(tmp_path, "stimulus,diagnosis\na.png,blur\na.png,noise\nb.png,noise\n")
    assert read_diagnoses(path, STIMULI) == {"a.png": Diagnosis("blur"), "b.png": Diagnosis("noise")}


def test_what_fiqa_degradation_writes_has_the_columns(tmp_path: Path) -> None:
    header = to_csv([DiagnosedPhoto("a.png", FiqaError("no face"))]).splitlines()[0]
    path = write(tmp_path, f"{header}\na.png,low_light,0.9,0.3,0.5,0.4,\n")
    assert read_diagnoses(path, STIMULI) == {"a.png": Diagnosis("low_light", 0.9, 0.3)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,score\na.png,1\n", "has no column type, degradation or diagnosis"),
        ("path,type\na.png,\n", "holds no diagnosis"),
        ("path,type\nz.png,jpeg\n", "of a picture of this study"),
        ("path,type,severity\na.png,jpeg,2\n", "line 2, has the severity '2'; expected a number from 0 to 1"),
        ("type\njpeg\n", "needs a column stimulus or path"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=problem):
        read_diagnoses(write(tmp_path, text), STIMULI)


def test_the_table_of_both_is_safe_for_a_spreadsheet(tmp_path: Path) -> None:
    found = compare_complaints(
        {"=a.png": {"blur": 3}}, {"=a.png": Diagnosis("motion_blur", 0.5)}, ("blur", "noise"), {}
    )
    (row,) = csv.DictReader(compared_csv(found).splitlines())
    assert row == {
        "stimulus": "'=a.png", "blur": "3", "noise": "0", "diagnosis": "motion_blur", "probability": "0.5",
        "severity": "", "expected": "blur", "agrees": "1",
    }  # fmt: skip
