"""Opinions from one study or two: pairs by their pictures, and a picture of both studies once."""

import json
from pathlib import Path

import numpy as np
import pytest

from training.data.datasets import read_dataset
from training.data.opinions import read_opinions
from training.errors import DataError


def write_pairs(folder: Path, pictures: dict[str, bytes], rows: list[tuple[str, str, int, int, int]]) -> Path:
    """Write what an export of a study of pairs is."""
    (folder / "train" / "img").mkdir(parents=True)
    scale: list[dict[str, str | None]] = []
    for name, content in pictures.items():
        (folder / "train" / "img" / name).write_bytes(content)
        scale.append({"stimulus": f"faces/{name}", "image": f"train/img/{name}", "source": name[0]})
    scale.append({"stimulus": "faces/left-out.png", "image": None, "source": None})
    columns = ("first", "second", "first_better", "no_difference", "second_better")
    pairs = [dict(zip(columns, (f"faces/{row[0]}", f"faces/{row[1]}", *row[2:]), strict=True)) for row in rows]
    (folder / "scale.json").write_text(json.dumps(scale))
    (folder / "pairs.json").write_text(json.dumps(pairs))
    (folder / "dataset.json").write_text(json.dumps({"name": "pairs", "label": "jod"}))
    return folder


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    folder = tmp_path / "graded"
    folder.mkdir()
    for name, content in (("one.png", b"a1"), ("two.png", b"other")):
        (folder / name).write_bytes(content)
    (folder / "labels.csv").write_text("image,mos\none.png,0.2\ntwo.png,0.8\n")
    return folder


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    pictures = {"a1.png": b"a1", "a2.png": b"a2", "b1.png": b"b1"}
    rows = [("a1.png", "a2.png", 7, 2, 1), ("a2.png", "left-out.png", 1, 0, 0), ("b1.png", "a2.png", 0, 1, 0)]
    return write_pairs(tmp_path / "compared", pictures, rows)


def test_a_study_of_pairs_has_photos_without_a_mos_and_answers_to_those_that_were_exported(compared: Path) -> None:
    opinions = read_opinions([compared])
    assert [photo.groups["stimulus"] for photo in opinions.photos] == ["faces/a1.png", "faces/a2.png", "faces/b1.png"]
    assert all(np.isnan(photo.mos) for photo in opinions.photos)
    assert opinions.pairs.photos.tolist() == [[0, 1], [2, 1]]
    assert opinions.pairs.answers.tolist() == [[7, 2, 1], [0, 1, 0]]
    assert (opinions.name, opinions.dataset, opinions.file_of(opinions.photos[0])) == (
        "pairs",
        None,
        "train/img/a1.png",
    )
    assert opinions.pairs_among(opinions.photos[1:]).photos.tolist() == [[1, 0]]


def test_a_picture_of_both_studies_is_one_photo_with_a_mos_and_the_source_that_one_of_them_says(
    graded: Path, compared: Path
) -> None:
    opinions = read_opinions([compared, graded])
    assert [photo.path.name for photo in opinions.photos] == ["one.png", "two.png", "a2.png", "b1.png"]
    assert (opinions.photos[0].mos, opinions.photos[0].groups["source"]) == (0.2, "a")
    assert opinions.pairs.photos.tolist() == [[0, 2], [3, 2]]
    described = opinions.describe()
    assert (described["name"], described["pairs"], described["answers"]) == ("graded and pairs", 2, 11)
    assert described["labels_sha256"] == read_dataset(graded).describe()["labels_sha256"]


def write_votes(folder: Path, mos_range: str = "[1, 3]") -> Path:
    """Write the export of a study in which two pictures have two votes each."""
    (folder / "train" / "img").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (folder / "train" / "img" / name).write_bytes(name.encode())
    (folder / "train" / "label.json").write_text('{"Image": ["a.png", "b.png"], "MOS": [1.5, 3]}')
    (folder / "dataset.json").write_text(f'{{"name": "votes", "mos_range": {mos_range}}}')
    (folder / "mos.csv").write_text("stimulus,image\nfaces/a.png,train/img/a.png\nfaces/b.png,train/img/b.png\n")
    votes = [("a", 1, True), ("a", 2, True), ("a", 3, False), ("a", None, True), ("b", 3, True), ("gone", 3, True)]
    rows = [{"stimulus": f"faces/{name}.png", "grade": grade, "used": used} for name, grade, used in votes]
    (folder / "ratings.json").write_text(json.dumps(rows))
    return folder


def test_votes_that_count_are_counted_by_grade_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = write_votes(tmp_path / "study")
    assert read_opinions([folder]).votes == {}
    counted = read_opinions([folder], votes=True).votes
    assert {path.name: counts.tolist() for path, counts in counted.items()} == {"a.png": [1, 1, 0], "b.png": [0, 0, 1]}


def test_any_scale_of_a_study_is_learnt_by_its_name(tmp_path: Path) -> None:
    folder = write_votes(tmp_path / "study")
    figures = "stimulus,image,mos_details,sos_details,ratings_details\n"
    (folder / "mos.csv").write_text(f"{figures}a.png,train/img/a.png,2.5,0.5,4\nb.png,train/img/b.png,,,0\n")
    votes = [{"stimulus": "a.png", "grade": 1, "grade_details": grade, "used": True} for grade in (2, 3, None)]
    (folder / "ratings.json").write_text(json.dumps(votes))
    (photo,) = read_dataset(folder, scale="details").photos("train", least=1)  # nobody graded the details of the other
    assert (photo.path.name, photo.mos, photo.standard_error) == ("a.png", 2.5, 0.25)
    with pytest.raises(DataError, match="has no scale 'noise'; it has overall, details"):
        read_opinions([folder], scale="noise")
    (folder / "mos.csv").write_text(f"{figures}a.png,train/img/a.png,2.5,0.5,4\nb.png,train/img/b.png,3,0,1\n")
    learnt = read_opinions([folder], scale="details", votes=True)
    assert (learnt.name, [photo.mos for photo in learnt.photos]) == ("votes details", [2.5, 3])
    assert [counts.tolist() for counts in learnt.votes.values()] == [[0, 1, 1], [0, 0, 0]]
    (folder / "mos.csv").unlink()
    with pytest.raises(DataError, match="is no export of a study, which alone has a scale details"):
        read_dataset(folder, scale="details")


def test_votes_that_cannot_be_counted_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="on a scale of 0 to 100 are no grades to count"):
        read_opinions([write_votes(tmp_path / "fine", "[0, 100]")], votes=True)
    folder = write_votes(tmp_path / "study")
    (folder / "ratings.json").unlink()
    with pytest.raises(DataError, match="export the study with the tables of people"):
        read_opinions([folder], votes=True)


def test_two_studies_of_a_kind_are_refused(graded: Path) -> None:
    with pytest.raises(DataError, match="one study of grades, one of pairs, or one of each"):
        read_opinions([graded, graded])


def test_a_study_of_pairs_is_no_data_set_of_labelled_photos(compared: Path) -> None:
    with pytest.raises(DataError, match=r"train on it with python -m training\.train_on_study"):
        read_dataset(compared)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("pairs.json", "[{}]", "cannot be read as a study of pairs"),
        ("pairs.json", "[]", "nobody preferred one of two pictures"),
        ("scale.json", '[{"stimulus": "x", "image": "../secret.png"}]', "is no file in"),
        ("scale.json", '[{"stimulus": "x", "image": "train/img/gone.png"}]', "export the study again"),
    ],
)
def test_an_export_of_pairs_that_cannot_be_used_is_one_sentence(
    compared: Path, file: str, content: str, said: str
) -> None:
    (compared / file).write_text(content)
    with pytest.raises(DataError, match=said):
        read_opinions([compared])
