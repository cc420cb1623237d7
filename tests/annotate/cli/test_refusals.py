"""What a command cannot do it says in one line, wherever and however it is run."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from annotate.__main__ import main
from annotate.database import engine

ROOT = Path(__file__).parents[3]
COUNT, PEOPLE, CLICKERS = 30, 12, 3
NAMES = [f"{number:03}.png" for number in range(COUNT)]
Run = Callable[..., Any]


def test_what_cannot_be_done_is_one_line_and_status_1(refused: Callable[..., str], run: Run) -> None:
    run("create", "faces", "--images", "faces")
    Path("deep.json").write_text(100_000 * "[", encoding="utf-8")
    for command, reason in (
        ("mos nothing", "no study called 'nothing'; there are: 'faces'"),
        ("create faces --images faces", "called 'faces' already"),
        ("create b --images nowhere", "nowhere does not exist"),
        ("create b --images faces --scale stars", "scale is 'stars'"),
        ("create b --images faces --ratings 0", "ratings_wanted is 0"),
        ("create b --images faces --protocol nowhere.json", "No such file"),
        ("create b --images faces --protocol ratings.csv", "no JSON object"),
        ("create b --images faces --protocol deep.json", "no JSON object"),
        (f"protocol faces more_scales={1000 * '['}", "more_scales"),
        ("links faces --count 2 --url foo", "--url is 'foo', expected an address"),
        ("pause faces", "A study that is draft cannot become paused"),
        ("import faces nowhere.csv", "No such file"),
        ("export faces ratings.csv", "is a file"),
        ("export faces /", "no folder of its own"),
        ("restore ratings.csv", "no usable backup"),
        ("backup ratings.csv", "exists already"),
    ):
        assert reason in refused(*command.split())
    assert [study["study"] for study in run("status")] == ["faces"]


def test_command_that_is_not_understood_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["create", "faces"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "python -m annotate create: one of the arguments --images --dataset is required; "
        "see python -m annotate create --help\n"
    )


@pytest.mark.parametrize("command", [["create", "faces", "--images", ""], ["add", "faces", "--images", ""]])
def test_a_path_that_is_empty_is_not_the_current_folder(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(command)
    assert "it is empty" in capsys.readouterr().err


def test_nobody_of_no_name_is_let_in(refused: Callable[..., str], run: Run) -> None:
    run("create", "faces", "--images", "faces")
    assert refused("members", "faces", "--add", "")
    assert refused("members", "faces", "--remove", "")


def test_names_cannot_write_on_the_terminal(refused: Callable[..., str]) -> None:
    assert "\x1b" not in refused("mos", "a\x1b[31m\nb")


def test_database_of_a_newer_version_is_refused(run: Run, refused: Callable[..., str], folder: Path) -> None:
    run("status")
    with closing(sqlite3.connect("data/ratings.sqlite3", isolation_level=None)) as other:
        other.execute("UPDATE schema_version SET version = 99 WHERE version = 1")
    for command in ("status", "migrate"):
        assert "has schema 99" in refused(command)


def test_file_that_is_no_database_is_refused(refused: Callable[..., str], folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "ratings.sqlite3").write_bytes(b"precious notes " * 500)
    assert "is no SQLite database" in refused("status")
    assert (folder / "data" / "ratings.sqlite3").read_bytes() == b"precious notes " * 500


def test_database_that_another_program_holds_is_refused(
    run: Run, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("create", "faces", "--images", "faces")
    monkeypatch.setattr(engine, "BUSY_S", 0.2)
    with closing(sqlite3.connect("data/ratings.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "in use by another program" in refused("open", "faces")
        other.execute("ROLLBACK")
    assert run("status", "faces")["state"] == "draft"


def test_read_only_database_is_refused(
    run: Run, refused: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("create", "faces", "--images", "faces")
    monkeypatch.setenv("FIQA_DATABASE_URL", f"sqlite:///file:{folder}/data/ratings.sqlite3?mode=ro&uri=true")
    assert "read-only" in refused("open", "faces")


def test_full_disk_adds_nothing(run: Run, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("create", "faces", "--images", "faces")
    configure = engine._configure_sqlite

    def nearly_full(connection: sqlite3.Connection, record: Any) -> None:
        configure(connection, record)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_configure_sqlite", nearly_full)
        assert "disk is full" in refused("import", "faces", "ratings.csv")
    assert run("status", "faces")["participants"] == 0
    assert run("import", "faces", "ratings.csv")["imported"] == COUNT * (PEOPLE + CLICKERS)


def test_settings_that_cannot_be_used_are_said(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_DATABASE_URL", "nonsense")
    assert "no database URL" in refused("status")
    monkeypatch.setenv("FIQA_DATABASE_URL", "postgresql://user@host/name")
    assert "pg_dump" in refused("backup")


def test_help_is_instant_and_the_module_runs_by_name() -> None:
    code = (
        "import sys; sys.argv = ['annotate', '--help']\ntry:\n import annotate.__main__ as m; m.main()\nfinally:\n "
        "assert not {'sqlalchemy', 'numpy', 'scipy', 'PIL'} & sys.modules.keys()"
    )
    for command in ([sys.executable, "-c", code], [sys.executable, "-m", "annotate", "--help"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "usage: python -m annotate" in done.stdout


@pytest.mark.parametrize(
    ("command", "bounds"),
    [
        ("traps faces --count 1000000", "1 to 100"),
        ("traps faces --count 0", "1 to 100"),
        ("next faces --count -1", "1 to 60000"),
        ("next faces --count 1.5", "1 to 60000"),
        ("links faces --count -5", "1 to 10000"),
        ("export faces out --min-ratings 0", "1 to 1000"),
    ],
)
def test_every_count_has_bounds(capsys: pytest.CaptureFixture[str], command: str, bounds: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert f"is not a whole number from {bounds}; see" in said
    assert said.count("\n") == 1


def test_usage_shows_the_command_that_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/fiqa-annotate"])
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "usage: fiqa-annotate" in capsys.readouterr().out


def test_missing_package_is_one_line_that_names_the_extra(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in sys.modules if name.split(".")[0] == "sqlalchemy" or name == "annotate.database.engine"
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    said = refused("status")
    assert said == "annotate: The package sqlalchemy is missing: pip install 'fiqa[annotate]'\n"


def test_names_that_join_letters_are_shown_as_they_are(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "علی\u200cرضا", "--images", "faces")
    assert main(["status"]) == 0
    assert "علی\u200cرضا" in capsys.readouterr().out


NAMES_OF_THE_WORLD = "Gesichter 人脸 👩\u200d🦰"


@pytest.mark.parametrize(("encoding", "options"), [("ascii", []), ("cp1252", ["--json"])], ids=["text", "JSON"])
@pytest.mark.slow
def test_what_is_piped_is_utf_8_whatever_the_system_says(run: Run, encoding: str, options: list[str]) -> None:
    run("create", NAMES_OF_THE_WORLD, "--images", "faces")
    done = annotate(["status", NAMES_OF_THE_WORLD, *options], encoding=encoding, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("utf-8")
    assert "人脸" in shown
    if options:
        assert json.loads(shown)["study"] == NAMES_OF_THE_WORLD


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.slow
def test_full_disk_and_closed_output_are_one_line(run: Run) -> None:
    run("create", "faces", "--images", "faces")
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = annotate(["mos", "faces"], stdout=full)
    assert (done.returncode, done.stderr) == (1, b"annotate: The result cannot be written: No space left on device.\n")
    closed = subprocess.run(  # noqa: S602
        f"{sys.executable} -m annotate mos faces >&-", shell=True, cwd=Path.cwd(), capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (closed.returncode, closed.stderr) == (1, b"annotate: Standard output is closed; nothing was done.\n")


@pytest.mark.slow
def test_a_full_standard_error_stops_nothing(folder: Path, run: Run) -> None:
    with Path("/dev/full").open("wb") as full:
        for command, status in ((["create", "faces", "--images", "faces"], 0), (["status", "nobody"], 1)):
            done = annotate(command, stdout=subprocess.PIPE, stderr=full)
            assert done.returncode == status
    assert run("status", "faces")["pictures"] == COUNT, "warnings are lost, the study is not"


def annotate(
    arguments: list[str], *, stdout: Any, stderr: Any = subprocess.PIPE, encoding: str = "utf-8"
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "annotate", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=stderr, env=environment, check=False)


@pytest.mark.parametrize("name", ["with%20percent", "who?x=1", "number#1", "a%3Fb", "spaces and ü"])
def test_data_folder_is_taken_as_it_is_written(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(folder / name))
    assert run("status") == []
    assert (folder / name / "ratings.sqlite3").is_file()
    assert Path(run("backup")["path"]).parent == folder / name / "backups"
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == sorted(["faces", name])
