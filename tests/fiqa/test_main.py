"""The command line scores what it can, says in one line what it cannot, and never shows a traceback."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import checkpoints
from fiqa.__main__ import main
from fiqa.errors import CheckpointError, FiqaError, SettingError
from fiqa.faces.face_choice import FaceChoice
from fiqa.photos.images import decode_photo
from fiqa.results import FaceResult, QualityResult

ROOT = Path(__file__).parents[2]
LANDMARKS = np.zeros((68, 2), np.float32)
LITE = {
    "name": "lite", "title": "Bundled", "present": True, "licence": "Apache-2.0", "source": "bundled",
    "parameters": 1_250_000, "gflops": 0.41, "score_range": [0.0, 1.0], "note": "Small.",
}  # fmt: skip


class BrightnessPredictor:
    """Scores a photo by its brightness; stops as Ctrl-C does after `patience` photos."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.patience, self.faces = record.pop("patience", 99), record.pop("faces", 1)
        self.signal, self.goes_on = record.pop("signal", None), record.pop("goes_on", False)

    def stop(self) -> None:
        """End as a person or the system ends a run."""
        if self.signal is None:
            raise KeyboardInterrupt
        os.kill(os.getpid(), self.signal)
        assert self.goes_on, "the signal had no effect"

    def score_many(
        self, sources: Iterable[str], *, face: FaceChoice = "main", aligned: str | None = None
    ) -> Iterator[QualityResult | FiqaError]:
        if (face, aligned) != ("main", None):
            self.record["which"] = {"face": face, "aligned": aligned}
        for number, source in enumerate(sources):
            if number == self.patience:
                self.stop()
            try:
                pixels = decode_photo(source).pixels
            except FiqaError as error:
                yield error
                continue
            scores = [float(pixels.mean()) / 255 - 0.1 * number for number in range(self.faces)]
            found = [FaceResult((1.0, 2.0, 30.0, 40.0), LANDMARKS, each, (each - 0.01, each + 0.01)) for each in scores]
            yield QualityResult(
                scores[0], found[0].interval, tuple(found), "lite", (0.0, 1.0), "bundled", notices=("A notice.",)
            )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the networks with stand-ins; return what they were asked for."""
    record: dict[str, Any] = {}

    def load_predictor(checkpoint: str, *, device: str, finder: str) -> BrightnessPredictor:
        if checkpoint not in ("lite", "other"):
            raise CheckpointError(f"Unknown checkpoint {checkpoint!r}; known are lite, other.")
        if device == "cuda:7":
            raise SettingError("There is no device cuda:7 here.")
        record.update(checkpoint=checkpoint, device=device, finder=finder)
        return BrightnessPredictor(record)

    def run_official_protocol(checkpoint: str, data: Path, **options: Any) -> dict[str, float]:
        record.update(checkpoint=checkpoint, data=data, **options)
        return {"PLCC": 0.98731, "SRCC": 0.98804, "KRCC": float("nan")}

    listed = [LITE, {**LITE, "name": "cgfiqa", "present": False, "gflops": None}]
    monkeypatch.setattr(checkpoints, "describe_checkpoints", lambda: listed)
    loading = ModuleType("fiqa.loading")
    vars(loading).update(load_predictor=load_predictor, fetch_checkpoint=lambda name: Path("ckpt") / name)
    protocol = ModuleType("fiqa.evaluation.official_protocol")
    vars(protocol).update(run_official_protocol=run_official_protocol)
    monkeypatch.setitem(sys.modules, "fiqa.loading", loading)
    monkeypatch.setitem(sys.modules, "fiqa.evaluation.official_protocol", protocol)
    for name in ("FIQA_CHECKPOINT", "FIQA_DEVICE", "FIQA_FINDER"):
        monkeypatch.delenv(name, raising=False)
    return record


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two photos, one broken one, a text and hidden leftovers."""
    monkeypatch.chdir(tmp_path)
    for name, level in (("photos/bright.png", 200), ("photos/deep/dark.JPG", 50), ("photos/.thumbs/small.png", 0)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (level, level, level)).save(path)
    (tmp_path / "photos/broken.png").write_bytes(b"")
    (tmp_path / "photos/notes.txt").write_text("no photo")
    (tmp_path / "photos/._bright.png").write_bytes(b"leftover")
    (tmp_path / "nothing").mkdir()
    return tmp_path


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


def test_control_sequences_in_file_names_do_not_reach_the_terminal(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "photos/\x1b[2Jevil\n.png"
    Image.new("RGB", (64, 64)).save(folder / name)
    assert main(["score", name, "photos/broken\x1b.png"]) == 1
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_run_told_to_end_writes_what_is_done(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals, status: int
) -> None:
    asked.update(patience=1, signal=number)
    words = ["photos/bright.png", "photos/deep/dark.JPG", "--output", "scores.json"]
    assert main(["score", *words]) == status
    assert [row["path"] for row in json.loads(Path("scores.json").read_text())] == ["photos/bright.png"]
    assert capsys.readouterr().err == "fiqa: interrupted after 1 of 2 photos\n"
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_run_that_ends_before_its_first_score_leaves_what_was_written_before(
    asked: dict[str, Any], folder: Path
) -> None:
    Path("scores.csv").write_text("of yesterday")
    asked["patience"] = 0
    assert main(["score", "photos/bright.png", "--output", "scores.csv"]) == 130
    assert Path("scores.csv").read_text() == "of yesterday"


def test_a_hangup_that_is_ignored_stays_ignored(asked: dict[str, Any], folder: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asked.update(patience=1, signal=signal.SIGHUP, goes_on=True)
        assert main(["score", "photos/bright.png", "photos/deep/dark.JPG"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_photo_comes_from_standard_input(
    asked: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper((folder / "photos/bright.png").open("rb")))
    assert main(["score", "-"]) == 0
    assert "0.784" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["score", ""], "empty path"),
        (["score", "photos", "--output", "scores.xlsx"], "scores.xlsx would not hold what its suffix says"),
        (["score", "photos/bright.png", "--output", "photos/bright.png", "--format", "csv"], "is one of the photos"),
        (
            ["degrade", "photos/bright.png", "--type", "jpeg", "--severity", "1", "--output", "photos/bright.png"],
            "photos",
        ),
        (
            ["degrade", "photos/bright.png", "--type", "jpeg", "--severity", "1", "--seed", "-1", "--output", "x.png"],
            "-1",
        ),
        (["attention", "photos/bright.png", "--output", "loop.png"], "circle"),
    ],
)
def test_words_that_would_do_harm_or_nothing_cost_one_line(
    asked: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    before = (folder / "photos/bright.png").read_bytes()
    (folder / "loop.png").symlink_to("loop.png")
    assert main(words) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert (folder / "photos/bright.png").read_bytes() == before


def test_a_format_that_is_named_goes_into_a_file_of_any_suffix(asked: dict[str, Any], folder: Path) -> None:
    assert main(["score", "photos/bright.png", "--output", "scores.dat", "--format", "csv"]) == 0
    assert Path("scores.dat").read_text().startswith("path,")


class Terminal(TextIOWrapper):
    """A terminal that knows some letters only."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_a_letter_gets_a_replacement(
    asked: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    (folder / "photos/bright.png").rename(folder / "photos/ψ.png")
    shown = BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(shown, encoding=encoding))
    assert main(["score", "photos/ψ.png"]) == 0
    assert "photos/?.png" in shown.getvalue().decode(encoding)


def test_a_pipe_gets_utf_8_whatever_the_terminal(
    asked: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "photos/bright.png").rename(folder / "photos/ψ.png")
    piped = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(piped, encoding="ascii"))
    assert main(["score", "photos/ψ.png", "--format", "csv"]) == 0
    assert "photos/ψ.png,0.78" in piped.getvalue().decode()


def run_in_shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which `fiqa` is this command line."""
    line = f'fiqa() {{ "{sys.executable}" -m fiqa "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("fiqa checkpoints > /dev/full", "No space left on device"),
        ("fiqa checkpoints >&-", "Standard output is closed"),
    ],
)
def test_a_full_disk_or_closed_output_costs_one_line(command: str, reason: str) -> None:
    done = run_in_shell(command)
    assert done.returncode == 1
    assert done.stderr.startswith("fiqa: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_standard_error_costs_nothing() -> None:
    done = run_in_shell("fiqa checkpoints --format json 2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout)


def test_help_is_shown_on_a_terminal_without_its_letters() -> None:
    done = run_in_shell("fiqa attention --help", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "--colour-map" in done.stdout


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


def test_mistaken_names_cost_one_line_without_a_stand_in(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)
    for option in (["--checkpoint", "no such"], ["--checkpoint", str(tmp_path)], ["--device", "cuda:63"]):
        command = [sys.executable, "-m", "fiqa", "score", str(photo), *option]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("fiqa: ")
        assert done.stderr.count("\n") == 1
