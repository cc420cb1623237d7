"""`fiqa audit` from a folder and a table to its reports."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut and her mirror image as twelve people of two groups, one photo without a face, and their table."""
    folder = tmp_path_factory.mktemp("audited")
    photo = astronaut()[:300, 70:370]
    rows = []
    for number in range(12):
        pixels = photo if number % 2 else photo[:, ::-1]
        Image.fromarray(pixels.copy()).save(folder / f"{number}.png")
        rows.append((f"{number}.png", f"p{number}", "red" if number < 6 else "blue", "alone" if number == 0 else ""))
    Image.new("RGB", (300, 300), (90, 120, 60)).save(folder / "wall.png")
    rows.append(("wall.png", "p9", "red", ""))
    with (folder / "groups.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "person", "team", "hat"), *rows])
    return folder


def audit(folder: Path, *more: str) -> int:
    return main(["audit", str(folder), "--groups", str(folder / "groups.csv"), "--damage", "blur:0.5", *more])


@pytest.fixture(scope="module")
def written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("report") / "audit.json"
    assert audit(folder, "--output", str(output), "--figure", str(output.with_suffix(".svg"))) == 1  # the wall
    return output


def test_a_photo_without_a_face_is_named_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(folder, "--format", "csv", "--group-columns", "team") == 1
    output, errors = capsys.readouterr()
    assert "red" in output
    assert "skin tone" not in output
    assert [line.partition(": ")[2] for line in errors.splitlines()] == [
        "No face was found in this picture: choose a photo that shows one."
    ]


def test_groups_falls_and_gaps_are_in_the_json(written: Path) -> None:
    report = json.loads(written.read_text())
    assert (report["photos"], report["people"], report["unscored"]) == (13, 12, 1)
    assert report["damages"] == ["Gaussian blur 0.5"]
    columns = {each["column"]: each for each in report["columns"]}
    assert list(columns) == ["team", "hat", "skin tone", "pose", "face size"]
    team = columns["team"]
    assert [(each["group"], each["people"], each["photos"]) for each in team["means"]["as it is"]] == [
        ("blue", 6, 6), ("red", 6, 6),
    ]  # fmt: skip
    assert team["unscored"] == {"red": 1}
    assert all(each["mean"] > 0.1 for each in team["means"]["fall: Gaussian blur 0.5"])
    assert team["gaps"]["as it is"]["difference"] == pytest.approx(0, abs=1e-9)
    assert columns["hat"]["means"]["as it is"][0]["interval"] is None
    assert any("hat: one person alone in alone, so there is no interval." in each for each in report["notices"])
    assert any("skin tone is measured from pixels" in each for each in report["notices"])


def test_the_figure_is_drawn(written: Path) -> None:
    assert "<svg" in written.with_suffix(".svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "is no folder"),
        ([".", "--damage", "blur"], "A damage is a name and a severity"),
        ([".", "--damage", "blur:2"], "choose a number above 0, up to 1"),
        ([".", "--damage", "rust:0.5"], "Unknown degradation 'rust'"),
        ([".", "--group-columns", "sex"], "name it with --groups"),
        ([".", "--groups", "groups.csv", "--group-columns", "sex"], "has no column 'sex'"),
        ([".", "--groups", "none.csv"], "cannot be read"),
        ([".", "--output", "nowhere/x.json"], "cannot be written"),
        ([".", "--output", "x.png"], "would not hold what its suffix says"),
        ([".", "--figure", "x.jpg"], "must end in .png or .svg"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main(["audit", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_photos_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path)]) == 1
    assert "is a folder without photos" in capsys.readouterr().err
