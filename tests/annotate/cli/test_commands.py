"""The command line runs a study from pictures to training data, and says in one line what it cannot do."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from annotate.__main__ import main
from annotate.design.protocol import StudyProtocol
from annotate.design.scales import SCALES
from tests.annotate.studies import picture

COUNT, PEOPLE, CLICKERS = 30, 12, 3
NAMES = [f"{number:03}.png" for number in range(COUNT)]
Run = Callable[..., Any]


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


@pytest.mark.slow
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
        "There are no studies yet.", "faces is a draft with 30 pictures.", "450 ratings were added to faces.",
        "000.png   1.", "correlation", "ratings_wanted = 12", "Prolific  http://", "21 to train, 3 to val, 6 to test",
        "Applied: the votes of 3 participants are not used any more.", "is a whole copy", "The database has schema",
    ):  # fmt: skip
        assert part in said


def test_results_are_there_for_each_scale_that_pictures_are_graded_on(
    run: Run, refused: Callable[..., str], folder: Path
) -> None:
    assert run("create", "faces", "--images", "faces", "--scales", "piq23")["effort"]["item_s"] == 10
    rows = [f"{name},p{person},{1 + at % 5},{5 - at % 5},3" for at, name in enumerate(NAMES) for person in range(2)]
    table = ["stimulus,participant,grade,grade_details,grade_exposure", *rows]
    (folder / "graded.csv").write_text("\n".join(table))
    assert run("import", "faces", "graded.csv")["warnings"] == []
    assert [row["mos"] for row in run("mos", "faces", "--scale", "details")] == [5 - at % 5 for at in range(COUNT)]
    assert run("reliability", "faces", "--scale", "details")["icc_single"] == 1
    found = run("scales", "faces")
    assert [(row["scale"], row["title"], row["ratings"]) for row in found["scales"]] == [
        ("overall", "Overall", 60), ("details", "Details", 60), ("exposure", "Exposure", 60),
    ]  # fmt: skip
    assert found["correlations"][0]["srcc"] == -1
    assert "no scale 'noise'; it has overall, details, exposure" in refused("mos", "faces", "--scale", "noise")
    assert "expected a list of at most 3, or one of piq23" in refused(
        "create", "b", "--images", "faces", "--scales", "x"
    )


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
    assert "no metric 'x'; there are: " in refused("agreement", "faces", "mine.csv", "--lower", "x")
    assert "more than once: keep one row" in refused("agreement", "faces", "ratings.csv", "--lower", "x")


def test_complaints_stand_beside_diagnoses(run: Run, refused: Callable[..., str], folder: Path) -> None:
    run("create", "faces", "--images", "faces")
    (folder / "diagnoses.csv").write_text(f"path,type,probability\nfaces/{NAMES[0]},jpeg,0.9\n")
    assert "faces asks for no reasons" in refused("complaints", "faces", "diagnoses.csv")
    run("protocol", "faces", 'reasons=["blur", "compression"]')
    assert run("complaints", "faces") == {"pictures": [], "diagnoses": [], "agreement": None}
    found = run("complaints", "faces", "diagnoses.csv", "--output", "both.csv")
    assert [(each["stimulus"], each["expected"], each["blur"]) for each in found["pictures"]] == [
        (NAMES[0], "compression", 0)
    ]
    assert (found["diagnoses"][0]["pictures"], found["agreement"]["pictures"]) == (1, 0)
    assert (folder / "both.csv").read_text().splitlines()[1] == f"{NAMES[0]},0,0,jpeg,0.9,,compression,"


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


@pytest.mark.slow
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
