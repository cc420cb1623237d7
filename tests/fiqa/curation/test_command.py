import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut

import fiqa
from fiqa.__main__ import main
from fiqa.curation import photo_facts
from fiqa.curation.rules import Rules
from fiqa.degradation.synthetic import degrade
from fiqa.errors import SettingError
from fiqa.photos.images import decode_photo

pytestmark = pytest.mark.slow
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of the astronaut, a damaged file, and a caption."""
    folder = tmp_path_factory.mktemp("curated")
    (folder / "sub").mkdir()
    for name, damage in (("clean", []), ("copy", [("jpeg", 0.3)]), ("sub/blurred", [("gaussian_blur", 0.6)])):
        Image.fromarray(degrade(astronaut()[:320, 60:380], damage)).save(folder / f"{name}.png")
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xffnothing more")
    (folder / "clean.txt").write_text("an astronaut")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder, in which scores are kept from test to test."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def folder(shared: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the photos, which are not to be changed, and go to an empty folder."""
    monkeypatch.setenv("FIQA_DATA_DIR", str(data))
    monkeypatch.chdir(tmp_path)
    return shared


def verdicts(file: str | Path) -> dict[str, str]:
    return {photo["name"]: photo["verdict"] for photo in json.loads(Path(file).read_text())["photos"]}


def test_a_curation_tells_and_leaves_everything_as_it_was(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(["curate", str(folder), "--keep-share", "0.34"]) == 1  # one photo cannot be scored
    out = capsys.readouterr().out
    assert "4 photos: 1 keep" in out
    assert "unscored" in out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert list(tmp_path.iterdir()) == []


def test_degradations_and_near_duplicates_are_dropped_and_every_report_says_so(folder: Path) -> None:
    arguments = [
        "--without",
        "blur",
        "--near-duplicates",
        "--contact-sheet",
        "sheet.html",
        "--to-parquet",
        "all.parquet",
    ]
    assert main(["curate", str(folder), *arguments, "--output", "report.json"]) == 1
    found = verdicts("report.json")
    assert found == {"clean.png": "keep", "copy.png": "drop", "damaged.jpg": "unscored", "sub/blurred.png": "drop"}
    assert pd.read_parquet("all.parquet").set_index("name")["verdict"].to_dict() == found
    assert Path("sheet.html").read_text().count("data:image/jpeg") == 3


def test_photos_are_scored_once_and_anew_when_they_change(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "photos")
    decoded: list[str] = []

    def decode(path: str) -> object:
        decoded.append(Path(path).name)
        return decode_photo(path)

    monkeypatch.setattr(photo_facts, "decode_photo", decode)
    for change in (None, "copy.png", "clean.png"):
        if change:
            shutil.copy(tmp_path / "photos" / "sub" / "blurred.png", tmp_path / "photos" / change)
        main(["curate", str(tmp_path / "photos"), "--output", "report.json"])
    assert sorted(decoded[:4]) == ["blurred.png", "clean.png", "copy.png", "damaged.jpg"]
    assert decoded[4:] == ["copy.png", "damaged.jpg", "clean.png", "damaged.jpg"]
    photos = json.loads(Path("report.json").read_text())["photos"]
    assert len({json.dumps(photo["faces"]) for photo in photos}) == 2


def test_a_move_can_be_undone(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.copytree(folder, tmp_path / "photos")
    assert main(["curate", "photos", "--keep-share", "0.34", "--to", "kept", "--by", "move"]) == 1
    assert {path.name for path in Path("kept").iterdir()} == {"clean.png", "clean.txt", "fiqa-curation.jsonl"}
    assert not Path("photos/clean.png").exists()
    assert main(["curate", "photos", "--to", "kept", "--by", "move"]) == 1
    assert "placed before" in capsys.readouterr().err
    assert main(["curate", "--undo", "kept"]) == 0
    assert Path("photos/clean.png").exists()
    assert not Path("kept").exists()


def test_an_interrupted_move_is_finished_as_it_was_planned(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.copytree(folder, tmp_path / "photos")
    command = ["curate", "photos", "--keep-share", "0.67", "--to", "kept", "--by", "move"]
    main(command)
    log = Path("kept/fiqa-curation.jsonl")
    log.write_text("".join(line for line in log.read_text().splitlines(keepends=True) if "finished" not in line))
    Path("kept/copy.png").rename("photos/copy.png")
    assert main([*command[:-1], "copy"]) == 1
    assert "holds an interrupted move" in capsys.readouterr().err
    assert main(command) == 0
    assert "taking up an interrupted move of 3 files" in capsys.readouterr().err
    assert {path.name for path in Path("kept").iterdir()} == {"clean.png", "clean.txt", "copy.png", log.name}


def test_a_threshold_comes_from_examples_from_a_reference_set_and_from_persons(folder: Path, capsys: Capture) -> None:
    Path("good.txt").write_text("clean.png\n")
    Path("bad.txt").write_text(f"{folder}/sub/blurred.png\n\n")
    Path("persons.csv").write_text("path,person\nclean.png,Eileen\ncopy.png,Eileen\n")
    main(["curate", str(folder), "--examples", "good.txt", "bad.txt"])
    assert "It agrees with 2 of 2 examples" in capsys.readouterr().out
    main(["curate", str(folder), "--percentile", "100", "--of", str(folder / "sub"), "--output", "report.json"])
    assert json.loads(Path("report.json").read_text())["counts"]["keep"] == 3
    main(["curate", str(folder), "--best-of", "1", "--persons", "persons.csv", "--output", "report.json"])
    assert verdicts("report.json")["copy.png"] == "drop"
    assert verdicts("report.json")["sub/blurred.png"] == "keep"


def test_a_list_names_what_is_kept(folder: Path) -> None:
    main(["curate", str(folder), "--keep-share", "0.34", "--to", "kept.jsonl", "--by", "list"])
    (entry,) = map(json.loads, Path("kept.jsonl").read_text().splitlines())
    assert (entry["path"], entry["caption"]) == (str(folder.resolve() / "clean.png"), "an astronaut")


def test_python_gives_the_same_verdicts(folder: Path) -> None:
    curation = fiqa.curate(folder, keep_share=0.34)
    assert curation.names("keep") == ["clean.png"]
    assert curation.to_frame().set_index("name").loc["clean.png", "face_px"] > 50


def test_python_refuses_half_a_photo_and_takes_one_degradation_as_a_word(folder: Path) -> None:
    with pytest.raises(SettingError, match="expected a whole number"):
        Rules(best_of=2.0)  # type: ignore[arg-type]  # as somebody without a type checker may write
    with pytest.raises(SettingError, match="no degradation 'ugliness'"):
        fiqa.curate(folder, without="ugliness")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name the folder"),
        (["nowhere"], "is no folder"),
        (["empty"], "without photos"),
        (["PHOTOS", "--keep-share", "2"], "above 0 and up to 1"),
        (["PHOTOS", "--threshold", "7"], "expected a score from 0 to 1"),
        (["PHOTOS", "--threshold", "0.5", "--keep-share", "0.5"], "choose one"),
        (["PHOTOS", "--percentile", "5"], "name both"),
        (["PHOTOS", "--percentile", "5", "--of", "empty"], "without photos"),
        (["PHOTOS", "--examples", "nowhere.txt", "b.txt"], "does not exist"),
        (["PHOTOS", "--persons", "other.csv", "--best-of", "1"], "lacks the columns"),
        (["PHOTOS", "--without", "ugliness"], "no degradation"),
        (["PHOTOS", "--best-of", "0"], "expected a whole number from 1"),
        (["PHOTOS", "--by", "move"], "name a new folder with --to"),
        (["PHOTOS", "--to", "PHOTOS/sub", "--by", "copy"], "within one another"),
        (["PHOTOS", "--to", "x.xml", "--by", "list"], "one of .txt"),
        (["PHOTOS", "--output", "nowhere/x.json"], "cannot be written"),
        (["PHOTOS", "--output", "x.html"], "end it in .csv, .json or .txt"),
        (["--undo", "empty"], "no photos were placed there"),
        (["PHOTOS", "--undo", "empty"], "name no other"),
    ],
)
def test_bad_input_gets_one_sentence(arguments: list[str], message: str, folder: Path, capsys: Capture) -> None:
    Path("empty").mkdir()
    Path("other.csv").write_text("file,who\n")
    assert main(["curate", *(each.replace("PHOTOS", str(folder)) for each in arguments)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
