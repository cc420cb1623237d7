"""The command line runs a study from pictures to training data, and says in one line what it cannot do."""

import csv
import json
import os
import random
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
from annotate.design.protocol import StudyProtocol
from annotate.design.scales import SCALES
from tests.annotate.studies import honest_ratings, picture

ROOT = Path(__file__).parents[2]
COUNT, PEOPLE, CLICKERS = 30, 12, 3
NAMES = [f"{number:03}.png" for number in range(COUNT)]
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures, ratings of them and a data folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("FIQA_DATABASE_URL", "FIQA_OWNER_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "faces").mkdir()
    for number, name in enumerate(NAMES):
        (tmp_path / "faces" / name).write_bytes(picture(number))
    write_ratings(tmp_path / "ratings.csv")
    return tmp_path


def write_ratings(path: Path) -> None:
    """Write ratings by 12 people and 3 who click at random."""
    chance = random.Random(4)  # noqa: S311
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("participant", "grade", "stimulus", "remark"))
        writer.writerows((each.participant, each.grade, each.stimulus, "") for each in honest_ratings(NAMES, PEOPLE))
        writer.writerows((f"x{who}", chance.randint(1, 5), name, "") for who in range(CLICKERS) for name in NAMES)


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must succeed and return what it says as JSON."""

    def run(*arguments: str) -> Any:
        status = main([*arguments, "--json"])
        said = capsys.readouterr()
        assert status == 0, said.err
        return json.loads(said.out)

    return run


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must fail and return the one line that it says."""

    def refused(*arguments: str) -> str:
        assert main(list(arguments)) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("annotate: ")
        assert said.err.count("\n") == 1
        return said.err

    return refused


@pytest.mark.slow
def test_study_from_pictures_to_training_data(run: Run, folder: Path) -> None:
    created = run("create", "faces", "--images", "faces")
    assert (created["state"], created["added"], created["duplicates"]) == ("draft", COUNT, [])
    assert run("open", "faces")["state"] == "open"
    assert run("import", "faces", "ratings.csv")["imported"] == COUNT * (PEOPLE + CLICKERS)

    rows = run("mos", "faces")
    assert [row["stimulus"] for row in rows] == NAMES
    assert {"stimulus", "mos", "sos", "ci95", "ratings", "mos_p910"} <= rows[0].keys()
    assert rows[0]["mos"] < rows[-1]["mos"]

    screened = run("screen", "faces")
    assert {each["participant"] for each in screened["participants"] if not each["used"]} == {"x0", "x1", "x2"}
    assert {row["ratings"] for row in run("mos", "faces")} == {PEOPLE + CLICKERS}
    assert run("screen", "faces", "--apply")["excluded"] == ["x0", "x1", "x2"]
    assert {row["ratings"] for row in run("mos", "faces")} == {PEOPLE}
    assert run("reliability", "faces")["split_half_srcc"] > 0.8

    exported = run("export", "faces", "out")
    assert sum(exported["splits"].values()) == COUNT
    assert len(json.loads((folder / "out" / "train" / "label.json").read_text())["MOS"]) == exported["splits"]["train"]

    assert run("pause", "faces")["state"] == "paused"
    assert run("close", "faces")["state"] == "closed"
    status = run("status", "faces")
    assert (status["pictures"], status["ratings"], status["participants"]) == (COUNT, COUNT * PEOPLE, PEOPLE + CLICKERS)
    assert [study["study"] for study in run("status")] == ["faces"]


def test_results_are_readable_without_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    for command in (
        "status", "create faces --images faces", "import faces ratings.csv", "mos faces", "screen faces --apply",
        "reliability faces", "protocol faces ratings_wanted=12", "links faces --count 1", "export faces out", "backup",
        "migrate",
    ):  # fmt: skip
        assert main(command.split()) == 0
        shown = capsys.readouterr()
        said += shown.out
        assert all(line.startswith("annotate: warning: ") for line in shown.err.splitlines())
    for part in (
        "There are no studies yet.", "faces is a draft with 30 more pictures.", "450 ratings were added to faces.",
        "000.png   1.", "correlation", "ratings_wanted = 12", "Prolific  http://", "21 to train, 3 to val, 6 to test",
        "The votes of 3 more participants are not used.", "is a whole copy", "The database has schema",
    ):  # fmt: skip
        assert part in said


def test_conditions_of_the_table_of_pictures_are_compared(run: Run, folder: Path) -> None:
    table = ["path,source,condition", *(f"{name},s{at // 2},{'ab'[at % 2]}" for at, name in enumerate(NAMES))]
    (folder / "faces" / "stimuli.csv").write_text("\n".join(table))
    run("create", "faces", "--images", "faces")
    run("import", "faces", "ratings.csv")
    found = run("conditions", "faces")
    assert [(each["pictures"], each["sources"]) for each in found["conditions"]] == [(15, 15), (15, 15)]
    (pair,) = found["pairs"]
    assert (pair["sources"], pair["shared"], pair["p"]) == (15, True, pair["p_corrected"])
    assert pair["difference"] == pytest.approx(found["conditions"][0]["mos"] - found["conditions"][1]["mos"])


def test_metrics_are_compared_with_people(run: Run, refused: Callable[..., str], folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    run("import", "faces", "ratings.csv")
    rows = ["path,score,noise", *(f"faces/{name},{at},{-at % 7}" for at, name in enumerate(NAMES))]
    (folder / "mine.csv").write_text("\n".join(rows))
    first, second = run("agreement", "faces", "mine.csv", "--lower", "noise")
    assert (first["metric"], first["pictures"], first["behind"]) == ("mine", COUNT, 0)
    assert (second["metric"], second["lower_is_better"]) == ("noise", True)
    assert second["behind_low"] > 0
    assert "more than once: keep one row" in refused("agreement", "faces", "ratings.csv", "--lower", "x")


def test_a_panel_is_told_whom_to_pay_and_frees_places(
    run: Run, refused: Callable[..., str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "faces", "--images", "faces")
    run("import", "faces", "ratings.csv")
    told = run("panel", "faces", "out", "--bonus", "0.50")
    assert (told["approved"], told["undecided"], told["bonuses"]) == (0, PEOPLE + CLICKERS, "0")
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(told["files"])
    (folder / "returned.csv").write_text("participant,status\nnobody,returned\n")
    assert run("returned", "faces", "returned.csv")["released"] == []
    assert "A bonus of many cannot be paid" in refused("panel", "faces", "out", "--bonus", "many")
    assert "no list of submissions" in refused("returned", "faces", "ratings.csv")


def test_protocol_comes_from_options_and_from_a_file(run: Run, folder: Path) -> None:
    own = StudyProtocol(ratings_wanted=24, language="de", scale=SCALES["acr9"]).to_json()
    (folder / "own.json").write_text(json.dumps(own))
    run("create", "a", "--images", "faces", "--protocol", "own.json")
    assert run("protocol", "a") == own
    run("create", "b", "--images", "faces", "--protocol", "own.json", "--scale", "continuous", "--ratings", "30")
    assert run("protocol", "b") == {**own, "scale": "continuous", "ratings_wanted": 30}
    run("export", "a", "out")
    run("create", "c", "--images", "faces", "--protocol", "out/protocol.json")
    assert run("protocol", "c") == own


def test_protocol_changes_as_far_as_the_state_allows(run: Run, refused: Callable[..., str]) -> None:
    run("create", "faces", "--images", "faces")
    assert run("protocol", "faces", "scale=acr9", "language=es")["scale"] == "acr9"
    run("open", "faces")
    assert "can be changed while it is paused" in refused("protocol", "faces", "ratings_wanted=25")
    run("pause", "faces")
    assert run("protocol", "faces", "ratings_wanted=25")["ratings_wanted"] == 25
    assert "scale can only be changed in a draft" in refused("protocol", "faces", "scale=acr5")
    assert "write KEY=VALUE" in refused("protocol", "faces", "scale")


def test_pictures_are_added_and_duplicates_named(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    (folder / "more.csv").write_text("path,kind,expected\nfaces/000.png,,\nnew.png,gold,5\n")
    (folder / "new.png").write_bytes(picture(200))
    added = run("add", "faces", "--images", "more.csv")
    assert (added["added"], added["duplicates"]) == (1, [{"stimulus": "faces/000.png", "same_as": "000.png"}])


def test_pictures_to_be_rated_next_are_those_with_fewest_ratings(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces", "--ratings", "15")
    run("open", "faces")
    lines = (folder / "ratings.csv").read_text().splitlines()
    (folder / "ratings.csv").write_text("\n".join(line for line in lines if NAMES[7] not in line or "p00" in line))
    run("import", "faces", "ratings.csv")
    plan = run("next", "faces")
    assert plan["missing_ratings"] == 14
    assert [(row["stimulus"], row["ratings"]) for row in plan["next"]] == [(NAMES[7], 1)]
    exact = run("next", "faces", "--ci95", "0.2", "--count", "40")
    assert exact["missing_ratings"] > 14
    assert exact["next"][0]["stimulus"] == NAMES[7]
    (folder / "scores.csv").write_text("\n".join(["stimulus,score", *(f"{name},{name[:3]}" for name in NAMES)]))
    told = run("next", "faces", "--scores", "scores.csv")
    assert told["next"][0]["uncertainty"] < plan["next"][0]["uncertainty"]


def test_scores_that_are_none_are_refused(run: Run, refused: Callable[..., str], folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    (folder / "scores.csv").write_text("stimulus,score\n000.png,good\n")
    assert "line 2" in refused("next", "faces", "--scores", "scores.csv")
    assert "above 0" in refused("next", "faces", "--ci95", "0")


def test_traps_are_drawn_in_the_size_of_the_pictures(run: Run) -> None:
    run("create", "faces", "--images", "faces", "--scale", "acr9")
    assert run("traps", "faces", "--count", "12")["added"] == 12
    assert run("traps", "faces", "--count", "12")["added"] == 0
    assert run("status", "faces")["stimuli"] == {"rated": COUNT, "trap": 12}
    assert not any("trap" in warning for warning in run("open", "faces")["warnings"])


def test_links_open_the_study_for_people_in_its_first_language(run: Run) -> None:
    run("create", "faces", "--images", "faces")
    run("protocol", "faces", "language=de")
    links = run("links", "faces", "--count", "3", "--url", "https://example.org/")
    assert links["anyone"].startswith("https://example.org/?study=")
    assert "PROLIFIC_PID=" in links["prolific"]
    assert len({each["url"] for each in links["personal"]}) == 3
    status = run("status", "faces")
    assert (status["invited"], status["participants"]) == (3, 0)
    with closing(sqlite3.connect("data/ratings.sqlite3")) as stored:
        tokens = [each["url"].rpartition("=")[2] for each in links["personal"]]
        dump = "\n".join(stored.iterdump())
        assert not any(token in dump for token in tokens)
        assert {*stored.execute("SELECT language FROM participant")} == {("de",)}


def test_backup_with_pictures_brings_everything_back(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    made = run("backup", "all.zip", "--pictures")
    (folder / "data").rename(folder / "lost")
    restored = run("restore", "all.zip")
    assert made["pictures"] == restored["pictures"] == len(list((folder / "data" / "stimuli").rglob("*.png"))) > 0
    assert run("status", "faces")["pictures"] == made["pictures"]


def test_backup_is_restored(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    made = run("backup", "copy.sqlite3")
    assert (made["studies"], made["ratings"]) == (1, 0)
    run("import", "faces", "ratings.csv")
    restored = run("restore", "copy.sqlite3")
    assert (restored["ratings"], Path(restored["replaced"]).is_file()) == (0, True)
    assert run("status", "faces")["ratings"] == 0
    assert Path(run("backup")["path"]).parent == folder / "data" / "backups"
    assert run("migrate")["backup"] is None


def test_what_cannot_be_done_is_one_line_and_status_1(refused: Callable[..., str], run: Run) -> None:
    run("create", "faces", "--images", "faces")
    for command, reason in (
        ("mos nothing", "no study called 'nothing'; there are: 'faces'"),
        ("create faces --images faces", "called 'faces' already"),
        ("create b --images nowhere", "nowhere does not exist"),
        ("create b --images faces --scale stars", "scale is 'stars'"),
        ("create b --images faces --ratings 0", "ratings_wanted is 0"),
        ("create b --images faces --protocol nowhere.json", "No such file"),
        ("create b --images faces --protocol ratings.csv", "no JSON object"),
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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "JSON"])
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


def test_others_are_let_into_a_study_and_removed(run: Run, refused: Callable[..., str]) -> None:
    run("create", "faces", "--images", "faces")
    assert len(run("members", "faces", "--add", "Ada", "--role", "reader")["secret"]) == 32
    added = run("members", "faces", "--add", "Grace", "--hugging-face", "hopper")
    assert added["secret"] is None
    assert added["members"] == [
        {"name": "Ada", "role": "reader", "hugging_face": None},
        {"name": "Grace", "role": "assistant", "hugging_face": "hopper"},
    ]
    assert [each["name"] for each in run("members", "faces", "--remove", "Ada")["members"]] == ["Grace"]
    assert "Nobody in this study is called 'Ada'" in refused("members", "faces", "--remove", "Ada")


def test_limits_of_screening_are_previewed_applied_and_undone(run: Run, refused: Callable[..., str]) -> None:
    run("create", "faces", "--images", "faces")
    run("import", "faces", "ratings.csv")
    preview = run("screen", "faces", "--limit", "agreement=0")["preview"]
    assert preview["falls"] == []
    assert preview["ratings_before"] == preview["ratings_after"] == COUNT * (PEOPLE + CLICKERS)
    assert run("screen", "faces", "--limit", "agreement=0.4", "--apply")["excluded"] == ["x0", "x1", "x2"]
    assert run("screen", "faces", "--undo")["returns"] == ["x0", "x1", "x2"]
    assert "No screening was applied" in refused("screen", "faces", "--undo")
    assert "write NAME=VALUE" in refused("screen", "faces", "--limit", "agreement")
    assert "expected 0 to 1" in refused("screen", "faces", "--limit", "agreement=7")
