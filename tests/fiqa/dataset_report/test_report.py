"""`fiqa report` tells of what `fiqa score` wrote: spread, slices, drift, worst and best."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main
from fiqa.bulk.sinks import opened
from fiqa.dataset_report.inputs import ScoreSet, read_scores
from fiqa.dataset_report.summary import summarise
from fiqa.errors import PhotoError, SettingError
from fiqa.reports import ScoredPhoto
from fiqa.results import FaceResult, QualityResult

PHOTOS = 40


def scored(path: str, score: float) -> ScoredPhoto:
    face = FaceResult((100.0, 60.0, 300.0, 260.0), None, score, (score, score))
    return ScoredPhoto(path, QualityResult(score, face.interval, (face,), "lite", (0.0, 1.0), "bundled"))


def frame(shift: float = 0.0) -> pd.DataFrame:
    """Scores of photos in two folders, by two cameras, one without a score."""
    scores = np.linspace(0.2, 0.8, PHOTOS) + shift
    return pd.DataFrame(
        {
            "path": [f"{'old' if number < PHOTOS / 2 else 'new'}/{number:02}.jpg" for number in range(PHOTOS)],
            "score": [*scores[:-1], np.nan],
            "camera": ["phone", "mirror"] * (PHOTOS // 2),
            "age": [20, 20, 40, 40] * (PHOTOS // 4),
        }
    )


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_every_kind_of_file_that_is_written_can_be_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scores.{suffix}"
    with opened(path, resume=False) as sink:
        sink.write(scored("a.jpg", 0.25))
        sink.write(ScoredPhoto("b.jpg", PhotoError("It is damaged.")))
    read = read_scores(path).frame
    assert [*read["path"]] == ["a.jpg", "b.jpg"]
    assert read["score"][0] == 0.25
    assert np.isnan(read["score"][1])
    assert read["error"][1] == "It is damaged."
    assert read_scores(path).own_columns == []
    if suffix != "csv":
        assert [*read["box_xyxy"][0]] == [100, 60, 300, 260]


def test_slices_are_by_the_columns_beside_the_scores_and_by_folder() -> None:
    report = summarise(ScoreSet("a", frame()))
    assert list(report.slices) == ["camera", "age", "folder"]
    old, new = report.slices["folder"]
    assert (old.group, old.photos, old.unscored, new.group, new.unscored) == ("old", 20, 0, "new", 1)
    assert old.mean == pytest.approx(frame()["score"][:20].mean())
    assert (old.lowest, new.lowest) == (0.2, 0.0)
    assert [each.group for each in report.slices["age"]] == ["18 to 29", "30 to 44"]
    assert report.worst[0].path == "old/00.jpg"
    assert report.best[0].path == "new/38.jpg"


def test_the_interval_of_a_slice_of_few_photos_ends_where_scores_do() -> None:
    table = pd.DataFrame({"path": ["a/1", "a/2", "b/1", "b/2"], "score": [0.0, 1.0, 0.5, 0.6]})
    few = {each.group: each.interval for each in summarise(ScoreSet("a", table)).slices["folder"]}
    assert few["a"] == (0.0, 1.0)


def test_a_column_of_many_words_keeps_the_commonest_and_one_of_numbers_is_cut_in_quarters() -> None:
    table = frame().assign(camera=["a"] * 10 + [f"c{number}" for number in range(30)], age=range(PHOTOS))
    table = table.rename(columns={"age": "focal length"})
    slices = summarise(ScoreSet("a", table), columns=["camera", "focal length"]).slices
    groups = {each.group: each.photos for each in slices["camera"]}
    assert (groups["a"], groups["others"], len(groups)) == (10, 12, 20)
    assert [each.photos for each in slices["focal length"]] == [10, 10, 10, 10]


def test_drift_tells_a_shift_of_all_photos_and_of_those_in_both() -> None:
    report = summarise(ScoreSet("a", frame()), ScoreSet("b", frame(0.1)))
    assert report.drift is not None
    assert [each.difference for each in report.drift.differences] == pytest.approx([0.1] * 4)
    assert report.drift.shared == PHOTOS - 1
    assert report.drift.paired is not None
    assert report.drift.paired.interval == pytest.approx((0.1, 0.1))


def test_persons_widen_the_intervals_of_means() -> None:
    alone = summarise(ScoreSet("a", frame())).sets[0].interval
    together = summarise(ScoreSet("a", frame().assign(person=[f"p{number // 10}" for number in range(PHOTOS)])))
    assert alone
    assert together.sets[0].interval
    assert together.sets[0].interval[0] < alone[0] < alone[1] < together.sets[0].interval[1]
    assert any("one person" in notice for notice in together.notices)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    frame().to_parquet(tmp_path / "first.parquet")
    frame(0.1).to_csv(tmp_path / "second.csv", index=False)
    return tmp_path


def test_the_command_prints_tables_and_writes_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(files / "first.parquet"), str(files / "second.csv")
    assert main(["report", first, "--against", second, "--by", "camera"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^mean +\+0\.100 +\+0\.0\d\d to \+0\.1\d\d$", printed, re.MULTILINE)
    assert "phone" in printed
    assert main(["report", first, "--output", str(files / "report.json")]) == 0
    report = json.loads((files / "report.json").read_text())
    assert report["sets"][0]["photos"] == PHOTOS
    assert "scores" not in report


def test_the_page_shows_faces_escapes_names_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    portrait = tmp_path / "portrait.png"
    Image.fromarray(astronaut()).save(portrait)
    with opened(tmp_path / "scores.jsonl", resume=False) as sink:
        sink.write(scored(str(portrait), 0.9))
        sink.write(scored("<script>alert(1)</script>.jpg", 0.1))
    page = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "scores.jsonl"), "--output", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<img ") == 2
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert all(link.startswith("data:") for link in re.findall(r"""(?:src|href)=["']([^"'#]+)""", text))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.csv"], "gone.csv does not exist"),
        (["gone"], "gone does not exist"),
        (["first.txt"], "holds no scores: name a .parquet, .csv or .jsonl"),
        (["other.csv"], "holds no scores"),
        (["empty.csv"], "has no photos in it"),
        (["none.csv"], "No photo in none.csv has a score"),
        (["first.parquet", "--by", "hair"], "has no column hair: it has camera, age, folder"),
        (["first.parquet", "--output", "report.pdf"], "end it in .html, .json or .txt"),
    ],
)
def test_what_is_no_set_of_scores_is_one_sentence(
    files: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    (files / "first.txt").write_text("x")
    (files / "other.csv").write_text("a,b\n1,2\n")
    (files / "empty.csv").write_text("path,score\n")
    (files / "none.csv").write_text("path,score\na.jpg,\n")
    assert main(["report", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingError, match="it has camera, age, folder"):
        summarise(ScoreSet("a", frame()), columns=["hair"])
