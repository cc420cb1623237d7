"""Where results go: terminals, pipes, full disks, and words that are no photo."""

import json
import os
import signal
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fiqa.__main__ import main

ROOT = Path(__file__).parents[3]


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
    before = signal.signal(number, signal.SIG_DFL)  # the hang-up is ignored in tests that run without a terminal
    asked.update(patience=1, signal=number)
    words = ["photos/bright.png", "photos/deep/dark.JPG", "--output", "scores.json"]
    assert main(["score", *words]) == status
    assert [row["path"] for row in json.loads(Path("scores.json").read_text())] == ["photos/bright.png"]
    assert capsys.readouterr().err == "fiqa: interrupted after 1 of 2 photos\n"
    assert signal.getsignal(number) is signal.SIG_DFL
    signal.signal(number, before)


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
