"""A study of pairs from the command line: pictures, votes from a table, the scale, an export that can be read again."""

import csv
import json
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from annotate.__main__ import main
from annotate.exchange.comparisons import read_comparisons
from annotate.statistics.paired_scale import fit_paired_scale
from tests.annotate.studies import picture
from training.data.opinions import read_opinions

NAMES = [f"{number}.png" for number in range(6)]
HEADER = "left,right,participant,preferred"
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures and votes: the higher a picture's number, the better it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIQA_DATABASE_URL", raising=False)
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "faces").mkdir()
    for number, name in enumerate(NAMES):
        (tmp_path / "faces" / name).write_bytes(picture(number))
    chance = random.Random(3)  # noqa: S311
    with (tmp_path / "votes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("left", "right", "participant", "preferred"))
        for person in range(8):
            for pair in combinations(range(6), 2):
                left, right = chance.sample(pair, 2)
                gap = left - right + chance.gauss(0, 1.5)
                word = "none" if abs(gap) < 0.4 else "left" if gap > 0 else "right"
                writer.writerow((NAMES[left], NAMES[right], f"p{person}", word))
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


def test_votes_on_pairs_become_a_scale(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    assert run("import", "faces", "votes.csv")["imported"] == 120
    rows = run("scale", "faces")
    assert all({"stimulus", "jod", "ci95", "comparisons"} <= row.keys() for row in rows)
    assert sorted(NAMES, key=lambda name: next(row["jod"] for row in rows if row["stimulus"] == name)) == NAMES
    assert {row["comparisons"] for row in rows} == {40}
    of_table = {row["stimulus"]: row["jod"] for row in run("scale", "votes.csv")}
    assert {row["stimulus"]: row["jod"] for row in rows} == pytest.approx(of_table, abs=1e-6)
    assert {row["comparisons"] for row in run("scale", "faces", "--participants")} == {15}
    assert len(run("scale", "faces", "--next", "4")) == 4
    status = run("status", "faces")
    assert (status["ratings"], status["wanted"], status["pictures"]) == (120, 150, 6)


def test_an_export_holds_the_comparisons_and_the_scale(run: Run, folder: Path) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    run("import", "faces", "votes.csv")
    report = run("export", "faces", "out")
    assert (report["ratings"], sum(report["splits"].values())) == (120, 6)
    written = {path.name for path in (folder / "out").iterdir()}
    assert {"comparisons.csv", "pairs.csv", "scale.csv", "participants.csv", "README.md", "train"} <= written
    assert not {"mos.csv", "ratings.csv"} & written
    again = fit_paired_scale(read_comparisons(folder / "out" / "comparisons.csv"))
    scale = json.loads((folder / "out" / "scale.json").read_text())
    assert [row["jod"] for row in scale] == pytest.approx(again.jod.tolist(), abs=1e-5)
    first = scale[0]["image"].split("/")
    labels = json.loads((folder / "out" / first[0] / "label.json").read_text())
    assert dict(zip(labels["Image"], labels["JOD"], strict=True))[first[-1]] == scale[0]["jod"]
    pairs = json.loads((folder / "out" / "pairs.json").read_text())
    assert (len(pairs), {sum(list(row.values())[2:]) for row in pairs}) == (15, {8})
    assert (pairs[0]["first"], pairs[0]["second"]) == ("0.png", "1.png")
    assert pairs[4]["second_better"] > pairs[4]["first_better"]  # 0.png and 5.png
    learnt = read_opinions([folder / "out"])
    assert {photo.groups["stimulus"] for photo in learnt.photos} == set(NAMES)
    assert (len(learnt.pairs), learnt.pairs.answers.sum()) == (15, 120)
    run("create", "again", "--images", "faces", "--protocol", "out/protocol.json")
    assert run("import", "again", "out/comparisons.csv")["imported"] == 120
    assert run("scale", "again") == run("scale", "faces")


@pytest.mark.slow
def test_a_design_is_chosen_with_its_settings(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    making = ["--images", "faces", "--method", "pairs"]
    (folder / "lite.csv").write_text("path,score\n" + "".join(f"faces/{name},{at}\n" for at, name in enumerate(NAMES)))
    made = run("create", "chain", *making, "--design", "chain", "--partners", "2", "--scores", "lite.csv")
    assert (made["effort"]["unit"], made["effort"]["units"], made["effort"]["ratings"]) == ("pair", 7, 70)
    run("open", "chain")
    assert run("status", "chain")["wanted"] == 7 * 10  # five neighbours, two long links
    assert run("status", "chain")["effort"] == made["effort"]
    run("create", "active", *making, "--design", "active", "--certainty", "0.9", "--across-sources")
    run("import", "active", "votes.csv")
    run("open", "active")
    assert run("status", "active")["sources"] == {"going on": 1}
    assert run("protocol", "active")["pair_certainty"] == 0.9
    warning = run("create", "unsorted", *making, "--design", "chain")["warnings"][-1]
    assert "goes by scores, which 6 pictures to rate lack" in warning
    assert "6 pictures lack; give each one" in refused(capsys, "open", "unsorted")
    assert "expected one of balanced, active, chain" in refused(capsys, "create", "x", *making, "--design", "best")
    assert "pair_certainty is 2" in refused(capsys, "create", "x", *making, "--certainty", "2")
    (folder / "other.csv").write_text("path,score\nz.png,3\n")
    assert "None of the rows" in refused(capsys, "create", "x", *making, "--scores", "other.csv")


def test_pairs_of_two_sources_are_taken_in_where_that_is_asked_for(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = ["path,source", *(f"{name},s{number // 3}" for number, name in enumerate(NAMES))]
    (folder / "faces" / "stimuli.csv").write_text("\n".join(table))
    (folder / "few.csv").write_text(f"{HEADER}\n1.png,0.png,p,left\n1.png,5.png,p,right")
    run("create", "inside", "--images", "faces", "--method", "pairs", "--ratings", "4")
    assert "Line 3 compares 1.png with 5.png, whose sources are 's0' and 's1'" in refused(
        capsys, "import", "inside", "few.csv"
    )
    assert run("import", "inside", "few.csv", "--across-sources")["imported"] == 2
    assert (run("status", "inside")["ratings"], run("status", "inside")["wanted"]) == (2, 4)
    run("create", "across", "--images", "faces", "--method", "pairs", "--ratings", "4")
    run("protocol", "across", "pair_across_sources=true")
    run("import", "across", "few.csv")
    assert run("status", "across")["wanted"] == 8


def test_the_pairs_worth_comparing_next_are_those_that_the_study_compares(run: Run, folder: Path) -> None:
    table = ["path,source", *(f"{name},s{number // 3}" for number, name in enumerate(NAMES))]
    (folder / "faces" / "stimuli.csv").write_text("\n".join(table))
    run("create", "faces", "--images", "faces", "--method", "pairs")
    run("import", "faces", "votes.csv", "--across-sources")
    pairs = run("scale", "faces", "--next", "20")
    assert len(pairs) == 6
    assert all(NAMES.index(each["stimulus"]) // 3 == NAMES.index(each["other"]) // 3 for each in pairs)
    run("protocol", "faces", "pair_across_sources=true")
    assert len(run("scale", "faces", "--next", "20")) == 15


def test_another_method_keeps_what_was_set_and_says_what_it_brings_along(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "set", "--images", "faces", "--ratings", "1000")
    assert main(["protocol", "set", "method=pairs"]) == 0
    said = capsys.readouterr()
    assert "ratings_wanted = 1000" in said.out
    assert "ratings_wanted" not in said.err
    assert "training_count is 2 now, as the method pairs has it" in said.err
    run("create", "untouched", "--images", "faces")
    assert run("protocol", "untouched", "method=pairs")["ratings_wanted"] == 10


def test_sides_and_second_answers_are_kept(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    rows = [HEADER, "1.png,0.png,p,left", "0.png,1.png,p,right", "0.png,1.png,q,none"]
    (folder / "few.csv").write_text("\n".join(rows))
    imported = run("import", "faces", "few.csv")
    assert (imported["imported"], imported["repeats"]) == (3, 1)
    again = "3 of 3 comparisons are of people who have answered that pair in this study already, the first in line 2"
    assert again in refused(capsys, "import", "faces", "few.csv")
    assert run("status", "faces")["ratings"] == 2
    assert run("import", "faces", "few.csv", "--repeats")["repeats"] == 3
    exported = run("export", "faces", "out")
    assert (exported["ratings"], exported["answers"], run("status", "faces")["ratings"]) == (2, 6, 2)
    kept = json.loads((folder / "out" / "comparisons.json").read_text())
    assert [(row["left"], row["right"], row["preferred"], row["kind"]) for row in kept[:3]] == [
        ("1.png", "0.png", "left", "rated"),
        ("0.png", "1.png", "right", "repeat"),
        ("0.png", "1.png", "none", "rated"),
    ]
    assert [row["comparisons"] for row in run("scale", "faces")] == [2, 2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0.png,9.png,p,left", "Line 3 compares '9.png', which is no picture to compare in the study"),
        ("0.png,1.png,p,better", "prefers 'better'; expected left, none, right"),
        ("0.png,0.png,p,left", "compares 0.png with itself"),
    ],
)
def test_what_cannot_be_imported_is_said_and_nothing_added(
    row: str, reason: str, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    (folder / "bad.csv").write_text(f"{HEADER}\n2.png,1.png,p,left\n{row}\n")
    assert reason in refused(capsys, "import", "faces", "bad.csv")
    assert "Nobody has compared pictures of faces yet." in refused(capsys, "scale", "faces")


def test_reasons_in_a_table_of_pairs_are_warned_of(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    rows = [f"{HEADER},reasons", "1.png,0.png,p,left,blur noise", "2.png,0.png,p,left,", "3.png,0.png,p,left,blur"]
    (folder / "given.csv").write_text("\n".join(rows))
    warning = "given.csv gives reasons with 2 comparisons; imports take in none, so they are left out."
    assert run("import", "faces", "given.csv")["warnings"] == [warning]
    assert main(["import", "faces", "given.csv", "--repeats"]) == 0
    assert f"annotate: warning: {warning}" in capsys.readouterr().err
    (folder / "none.csv").write_text("\n".join([f"{HEADER},reasons", "4.png,0.png,p,left,"]))
    assert run("import", "faces", "none.csv")["warnings"] == []


def test_votes_that_a_draft_holds_keep_their_meaning(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs")
    run("import", "faces", "votes.csv")
    assert "The method cannot be changed: the study holds 120 votes" in refused(
        capsys, "protocol", "faces", "method=acr"
    )
    assert run("protocol", "faces", "pair_partners=4")["method"] == "pairs"


def test_the_next_pairs_of_a_draft_are_those_that_opening_adds_and_then_those_with_fewest_answers(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("create", "faces", "--images", "faces", "--method", "pairs", "--partners", "2", "--ratings", "3")
    planned = run("next", "faces")
    assert planned["missing_ratings"] == 18
    run("open", "faces")
    listed = run("next", "faces")
    assert listed["missing_ratings"] == 18
    assert {(each["stimulus"], each["other"]) for each in planned["next"]} == {
        (each["stimulus"], each["other"]) for each in listed["next"]
    }
    first = (listed["next"][0]["stimulus"], listed["next"][0]["other"])
    (folder / "some.csv").write_text(f"{HEADER}\n{','.join(first)},p,left\n")
    run("import", "faces", "some.csv")
    again = run("next", "faces")["next"]
    assert (again[-1]["stimulus"], again[-1]["other"], again[-1]["reason"]) == (*first, "1 of 3 answers")
    assert "leave --scores and --ci95 out" in refused(capsys, "next", "faces", "--ci95", "0.3")
    run("pause", "faces")
    run("protocol", "faces", "ratings_wanted=5")
    missing = run("next", "faces")["missing_ratings"]
    run("open", "faces")
    assert run("next", "faces")["missing_ratings"] == missing == 29


def test_a_study_that_cannot_be_opened_says_why_in_place_of_its_next_pairs(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES[1:]:
        (folder / "faces" / name).unlink()
    run("create", "one", "--images", "faces", "--method", "pairs")
    assert "there is nothing to compare" in refused(capsys, "next", "one")


def test_conditions_are_put_on_the_scale(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ["path,source,condition", *(f"{name},s{at // 3},{'abc'[at % 3]}" for at, name in enumerate(NAMES))]
    (folder / "faces" / "stimuli.csv").write_text("\n".join(table))
    run("create", "faces", "--images", "faces", "--method", "pairs")
    assert "Nobody has compared" in refused(capsys, "conditions", "faces")
    assert "leave --scale out" in refused(capsys, "conditions", "faces", "--scale", "details")
    pairs = [(first, second) for first in NAMES for second in NAMES if first < second]
    inside = [(first, second) for first, second in pairs if NAMES.index(first) // 3 == NAMES.index(second) // 3]
    rows = [f"{first},{second},p{at},{'left' if at else 'right'}" for at in range(4) for first, second in inside]
    (folder / "votes.csv").write_text("\n".join([HEADER, *rows]))
    run("import", "faces", "votes.csv")
    compared = run("conditions", "faces")
    assert [(each["a"], each["b"], each["sources"], each["shared"]) for each in compared["pairs"]] == [
        (*two, 2, True) for two in ("ab", "ac", "bc")
    ]
    found = compared["conditions"]
    assert [each["condition"] for each in found] == [*"abc"]
    assert found[0]["jod"] > 0 > found[2]["jod"]
    assert all(each["pictures"] == 2 and each["comparisons"] == 16 and each["ci95"] > 0 for each in found)
    run("create", "apart", "--images", "faces", "--method", "pairs")
    (folder / "votes.csv").write_text(f"{HEADER}\n{NAMES[0]},{NAMES[1]},p,left\n")
    run("import", "apart", "votes.csv")
    assert [each["condition"] for each in run("conditions", "apart")["conditions"]] == [*"ab"]


def test_each_method_names_its_own_result(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "pairs", "--images", "faces", "--method", "pairs")
    run("create", "grades", "--images", "faces")
    (folder / "psnr.csv").write_text("path,psnr\n0.png,30\n")
    for command in (
        ["mos", "pairs"],
        ["agreement", "pairs", "psnr.csv"],
    ):
        assert "its result is the scale" in refused(capsys, *command)
    assert "failed_share can be moved" in refused(capsys, "screen", "pairs", "--limit", "agreement=0.4")
    assert run("screen", "pairs", "--limit", "failed_share=0.5", "--apply")["excluded"] == []
    assert "its result is the MOS" in refused(capsys, "scale", "grades")
    assert "expected one of acr" in refused(capsys, "create", "other", "--images", "faces", "--method", "acrr")
    assert "There is no study called" in refused(capsys, "scale", "nothing")
