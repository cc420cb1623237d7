"""The command line scores what it can, says in one line what it cannot, and never shows a traceback."""

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main
from fiqa.photos.images import decode_photo
from tests.fiqa.command_line.test_streams import ROOT

LITE = {
    "name": "lite", "title": "Bundled", "present": True, "licence": "Apache-2.0", "source": "bundled",
    "parameters": 1_250_000, "gflops": 0.41, "score_range": [0.0, 1.0], "note": "Small.",
}  # fmt: skip


def test_photo_is_scored_with_status_0(asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "photos/bright.png"]) == 0
    said = capsys.readouterr()
    assert "0.784" in said.out
    assert "photos/bright.png" in said.out
    assert said.err == ""
    assert asked == {"checkpoint": "lite", "device": "auto", "finder": "auto"}


def test_folder_is_searched_and_bad_files_cost_one_line_each(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "photos", "--format", "json"]) == 1
    said = capsys.readouterr()
    rows = {row["path"]: row for row in json.loads(said.out)}
    assert list(rows) == ["photos/bright.png", "photos/broken.png", "photos/deep/dark.JPG"]
    assert said.err.splitlines() == [
        "fiqa: 1 file that is no photo was passed over: 1 .txt",
        "photos/broken.png: broken.png is empty (0 bytes).",
    ]

    assert rows["photos/broken.png"]["score"] is None
    assert rows["photos/broken.png"]["error"] == "broken.png is empty (0 bytes)."
    good = rows["photos/bright.png"]
    assert good["error"] is None
    assert good["interval"] == [0.7743, 0.7943]
    assert good["notices"] == ["A notice."]
    assert {"box_xyxy", "score", "landmarks"} <= good["faces"][0].keys()
    assert np.shape(good["faces"][0]["landmarks"]) == (68, 2)


def test_faces_are_asked_for_by_the_options(asked: dict[str, Any], folder: Path) -> None:
    assert main(["score", "photos/bright.png", "--face", "central", "--aligned", "gfiqa"]) == 0
    assert asked["which"] == {"face": "central", "aligned": "gfiqa"}
    assert main(["score", "photos/bright.png", "--face", "2"]) == 0
    assert asked["which"] == {"face": 2, "aligned": None}


@pytest.mark.parametrize("words", [["--face", "smallest"], ["--face", "0"], ["--aligned", "celeba"]])
def test_a_face_that_cannot_be_meant_is_refused_at_once(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["score", "photos/bright.png", *words])
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words[1] in said


def test_every_face_has_a_row_where_all_are_asked_for(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked["faces"] = 2
    assert main(["score", "photos/bright.png", "--face", "all", "--format", "csv"]) == 0
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [(row["score"], row["face"], row["faces"]) for row in rows] == [("0.7843", "1", "2"), ("0.6843", "2", "2")]
    assert [row["notices"] for row in rows] == ["A notice.", ""]
    asked["faces"] = 2
    assert main(["score", "photos/bright.png", "--face", "all"]) == 0
    assert "0.684" in (table := capsys.readouterr().out)
    assert "2 of 2" in table


def test_the_table_says_why_a_photo_has_no_score(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "photos/broken.png"]) == 1
    assert "broken.png is empty (0 bytes)." in capsys.readouterr().out


def test_every_object_has_the_documented_fields(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["score", "photos", "--format", "json"])
    for row in json.loads(capsys.readouterr().out):
        assert {"path", "score", "interval", "faces", "notices", "error"} <= row.keys()


def test_patterns_are_expanded_and_each_photo_is_scored_once(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "photos/**/*.JPG", "photos/b*t.png", "photos/bright.png", "--format", "csv"]) == 0
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [row["path"] for row in rows] == ["photos/deep/dark.JPG", "photos/bright.png"]
    assert rows[1]["score"] == "0.7843"
    assert rows[1]["faces"] == "1"


@pytest.mark.parametrize("word", ["missing.png", "photos/*.gif", "nothing"])
def test_what_stands_for_no_photo_is_an_error(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert main(["score", word, "photos/bright.png"]) == 1
    said = capsys.readouterr()
    assert "0.784" in said.out
    assert said.err.count("\n") == 1
    assert word in said.err


def test_existing_photo_is_no_pattern(asked: dict[str, Any], folder: Path) -> None:
    (folder / "photos/bright.png").rename(folder / "photos/[1].png")
    assert main(["score", "photos/[1].png"]) == 0


def test_output_file_takes_its_format_from_its_suffix(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "photos/bright.png", "--output", "scores.json"]) == 0
    assert main(["score", "photos/bright.png", "--output", "scores.csv"]) == 0
    assert main(["score", "photos/bright.png", "--output", "scores.txt", "--format", "json"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(Path("scores.json").read_text()) == json.loads(Path("scores.txt").read_text())
    assert Path("scores.csv").read_text().startswith("path,score,")
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "scores.csv",
        "scores.json",
        "scores.txt",
    ]


@pytest.mark.parametrize("output", ["photos", "no/such/folder/scores.csv"])
def test_output_that_cannot_be_written_is_refused_before_the_work(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    assert main(["score", "photos/bright.png", "--output", output]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not asked, "the checkpoint was loaded in vain"


def test_interrupted_run_keeps_what_is_done(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked["patience"] = 1
    assert main(["score", "photos/bright.png", "photos/deep/dark.JPG", "--format", "json"]) == 130
    said = capsys.readouterr()
    assert [row["path"] for row in json.loads(said.out)] == ["photos/bright.png"]
    assert said.err == "fiqa: interrupted after 1 of 2 photos\n"


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["score", "x.png", "--checkpoint", "huge"], 1, "Unknown checkpoint 'huge'"),
        (["score", "x.png", "--device", "cuda:7"], 1, "no device cuda:7"),
        (["score", "x.png", "--device", "gpu"], 2, "none of auto, cpu"),
        (["score", "x.png", "--format", "xml"], 2, "xml"),
        (["score", "x.png", "--face", "0"], 2, "main, largest, central; see"),
        (["score"], 2, "PATH"),
        (["scores"], 2, "scores"),
        ([], 2, "COMMAND"),
        (["degrade", "x.png", "--type", "jpeg", "--severity", "0.5", "--output", "y.png"], 1, "does not exist"),
        (["degrade", "x.png", "--type", "jpeg", "--severity", "much", "--output", "y.png"], 2, "much"),
    ],
)
def test_mistakes_cost_one_line(
    arguments: list[str],
    status: int,
    reason: str,
    asked: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        given = main(arguments)
    except SystemExit as exit_:
        given = int(exit_.code or 0)
    said = capsys.readouterr()
    assert given == status
    assert reason in said.err
    assert said.err.startswith("fiqa")
    assert said.err.count("\n") == 1


def test_environment_sets_the_defaults(asked: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_CHECKPOINT", "other")
    monkeypatch.setenv("FIQA_DEVICE", "cpu")
    monkeypatch.setenv("FIQA_FINDER", "bundled")
    main(["score", "photos/bright.png"])
    assert asked == {"checkpoint": "other", "device": "cpu", "finder": "bundled"}
    main(["score", "photos/bright.png", "--checkpoint", "lite", "--device", "mps"])
    assert asked == {"checkpoint": "lite", "device": "mps", "finder": "bundled"}


def test_checkpoints_are_listed(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == LITE
    assert main(["checkpoints"]) == 0
    head, lite, missing = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "present", "parameters", "gflops", "licence", "title"]
    assert lite.split() == ["lite", "yes", "1.25", "M", "0.41", "Apache-2.0", "Bundled"]
    assert missing.split() == ["cgfiqa", "no", "1.25", "M", "–", "Apache-2.0", "Bundled"]


def test_checkpoint_is_fetched_by_name(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "fetch", "cgfiqa"]) == 0
    assert capsys.readouterr().out == "ckpt/cgfiqa\n"


def test_evaluation_prints_its_metrics(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--checkpoint", "other", "--data", "dataset/CGFIQA", "--device", "cpu"]) == 0
    assert capsys.readouterr().out == "PLCC   0.9873\nSRCC   0.9880\nKRCC   undefined\n"
    assert asked["data"] == Path("dataset/CGFIQA")
    assert asked["output"] == Path("result")
    assert asked["device"] == "cpu"


def test_degrade_writes_what_the_library_computes(tmp_path: Path) -> None:
    from fiqa.degradation.synthetic import degrade

    photo = np.ascontiguousarray(astronaut()[:128, 128:256])
    Image.fromarray(photo).save(tmp_path / "photo.png")
    for suffix in (".png", ".webp", ".bmp", ".tiff"):
        output = tmp_path / f"worse{suffix}"
        words = ["--type", "gaussian_noise", "--severity", "0.6", "--seed", "3", "--output", str(output)]
        assert main(["degrade", str(tmp_path / "photo.png"), *words]) == 0
        assert np.array_equal(decode_photo(output).pixels, degrade(photo, [("gaussian_noise", 0.6)], seed=3))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--type", "fog", "--severity", "0.5", "--output", "y.png"], "fog"),
        (["--type", "jpeg", "--severity", "1.5", "--output", "y.png"], "1.5"),
        (["--type", "jpeg", "--severity", "nan", "--output", "y.png"], "nan"),
        (["--type", "jpeg", "--severity", "0.5", "--output", "y.jpg"], "once more"),
        (["--type", "jpeg", "--severity", "0.5", "--output", "no/such/y.png"], "cannot be written"),
    ],
)
def test_impossible_degradations_cost_one_line(
    words: list[str], reason: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["degrade", "photos/bright.png", *words]) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert not list(folder.glob("y*"))


def test_help_needs_neither_torch_nor_time() -> None:
    code = (
        "import sys; from fiqa.__main__ import main\n"
        "try: main(['score', '--help'])\n"
        "finally: assert not {'torch', 'PIL'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--checkpoint" in done.stdout


def test_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fiqa", "checkpoints"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_bundled_checkpoint_is_listed_as_present_and_small() -> None:
    command = [sys.executable, "-m", "fiqa", "checkpoints", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lite = next(each for each in json.loads(done.stdout) if each["name"] == "lite")
    assert lite["present"]
    assert 0 < lite["parameters"] <= 1_500_000
    assert 0 < lite["gflops"] <= 0.5  # a multiply-add counted once, as the limits of challenges count


@pytest.mark.slow
def test_mistaken_names_cost_one_line_without_a_stand_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)
    for option in (["--checkpoint", "no such"], ["--checkpoint", str(tmp_path)], ["--device", "cuda:63"]):
        assert main(["score", str(photo), *option]) == 1
        said = capsys.readouterr().err
        assert said.startswith("fiqa: ")
        assert said.count("\n") == 1
