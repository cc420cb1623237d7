import json
import shutil
from pathlib import Path

import pytest

from fiqa.__main__ import main

pytestmark = pytest.mark.slow

Folders = dict[str, Path]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))


def test_a_json_report_is_written_and_confirmed(
    folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"

    assert main(["compare", str(folders["clean"]), str(folders["noisy"]), "--output", str(report)]) == 0
    assert main(["compare", "--verify", str(report)]) == 0

    written = json.loads(report.read_text())
    assert [method["name"] for method in written["methods"]] == ["clean", "noisy"]
    assert written["degradations"]["noisy"]
    assert capsys.readouterr().out.strip().endswith("is confirmed: 2 photos, 2 methods.")


def test_a_report_that_is_not_confirmed_ends_with_status_1(
    folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    main(["compare", str(folders["clean"]), str(folders["noisy"]), "--no-diagnosis", "--output", str(report)])
    written = json.loads(report.read_text())
    written["photos"][0]["scores"]["noisy"] += 0.01
    report.write_text(json.dumps(written))

    assert main(["compare", "--verify", str(report)]) == 1
    assert "1 score differs" in capsys.readouterr().out


def test_an_html_report_shows_examples(folders: Folders, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    assert main(["compare", str(folders["clean"]), str(folders["noisy"]), "--output", str(page)]) == 0
    assert page.read_text(encoding="utf-8").count("<figure") == 2


def test_a_report_of_zips_is_confirmed_by_folders_elsewhere(
    folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zips = [shutil.make_archive(str(tmp_path / name), "zip", folders[name]) for name in ("clean", "noisy")]
    report, places = tmp_path / "report.json", [str(folders[name]) for name in ("clean", "noisy")]

    assert main(["compare", *zips, "--no-diagnosis", "--output", str(report)]) == 0
    assert main(["compare", *places, "--verify", str(report)]) == 0
    assert main(["compare", places[0], "--verify", str(report)]) == 1

    assert [method["name"] for method in json.loads(report.read_text())["methods"]] == ["clean", "noisy"]
    told = capsys.readouterr()
    assert "is confirmed: 2 photos" in told.out
    assert "1 places are named" in told.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare"], "at least two methods"),
        (["compare", "clean"], "at least two methods"),
        (["compare", "clean", "clean"], "named twice"),
        (["compare", "clean", "nowhere"], "is no folder"),
        (["compare", "clean", "noisy", "--reference", "nowhere"], "is no folder"),
        (["compare", "--verify", "clean"], "cannot be read"),
        (["compare", "clean", "noisy", "--output", "nowhere/x.json"], "cannot be written"),
        (["compare", "clean", "noisy", "--output", "x.xml"], "would not hold what its suffix says"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str],
    message: str,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folders["clean"].parent)

    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
