import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main
from fiqa.degradation.synthetic import degrade
from fiqa.errors import SettingError
from fiqa.video import reports
from fiqa.video.scoring import FaceSample, choose_best
from tests.fiqa.video.conftest import write_clip

pytestmark = pytest.mark.slow
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 2.4 seconds: the astronaut blurred, then sharp, then nobody."""
    portrait = astronaut()[:256, 96:352]
    blurred = degrade(portrait, [("gaussian_blur", 0.5)])
    empty = np.full_like(portrait, 128)
    return write_clip(tmp_path_factory.mktemp("clip") / "talk.mp4", [blurred] * 8 + [portrait] * 8 + [empty] * 8)


def test_every_report_tells_when_the_face_was_good(talk: Path, tmp_path: Path, capsys: Capture) -> None:
    table, figure, best = tmp_path / "scores.csv", tmp_path / "timeline.svg", tmp_path / "best"
    arguments = ["--every", "0.4", "--output", str(table), "--timeline", str(figure), "--best-frames", str(best)]
    assert main(["video", str(talk), *arguments, "--best", "1"]) == 0
    rows = list(csv.DictReader(table.open()))
    assert [float(row["time_s"]) for row in rows] == [0, 0.4, 0.8, 1.2, 1.6, 2.0]
    assert [row["person"] for row in rows] == ["1"] * 4 + [""] * 2
    assert min(float(row["score"]) for row in rows[2:4]) > 0.2 + max(float(row["score"]) for row in rows[:2])
    assert "No face" in rows[5]["reason"]
    assert figure.read_text().count("<svg") == 1
    (picture,) = best.iterdir()
    assert picture.name.startswith(("01-at-0000.800s-person-1", "01-at-0001.200s-person-1"))
    assert Image.open(picture).size == (256, 256)
    assert capsys.readouterr().out == ""


def test_table_and_json_sum_up_each_person(talk: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["video", str(talk), "--every", "0.8"]) == 0
    out = capsys.readouterr().out
    assert "3 frames of 0:02.3, one every 0.8 s; 1 without a face." in out
    assert main(["video", str(talk), "--every", "0.8", "--format", "json"]) == 0
    (person,) = json.loads(capsys.readouterr().out)["persons"]
    assert (person["samples"], person["from_s"], person["to_s"], person["best_s"]) == (2, 0, 0.8, 0.8)


def test_a_clip_without_a_face_ends_with_status_1(tmp_path: Path, capsys: Capture) -> None:
    path = write_clip(tmp_path / "grey.mp4", [np.full((96, 96, 3), 128, dtype=np.uint8)] * 3)
    assert main(["video", str(path)]) == 1
    assert "1 without a face" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mp4"], "does not exist"),
        (["TALK", "--every", "0"], "expected above 0"),
        (["TALK", "--best", "0"], "expected 1 to"),
        (["TALK", "--timeline", "x.jpg"], "must end in .png or .svg"),
        (["TALK", "--output", "nowhere/x.csv"], "cannot be written"),
        (["TALK", "--output", "x.html"], "would not hold what its suffix says"),
        (["TALK", "--output", "TALK"], "would be overwritten"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str], message: str, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["video", *(each.replace("TALK", str(talk)) for each in arguments)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_the_best_frames_are_apart_and_as_many_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    samples = [FaceSample(step / 4, 1, float(rng.uniform())) for step in range(200)]
    best = choose_best([*samples, FaceSample(3.0, reason="nobody")], 5)
    times = sorted(sample.time_s for sample in best)
    assert len(times) == 5
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
    assert best[0].score == max(sample.score or 0 for sample in samples)


def test_a_score_that_rises_all_the_time_still_has_several_best_frames() -> None:
    samples = [FaceSample(step / 4, 1, step / 40) for step in range(40)]
    assert [sample.time_s for sample in choose_best(samples, 3)] == [9.75, 8.75, 7.75]


def test_two_people_may_be_at_their_best_at_once() -> None:
    samples = [FaceSample(1.0, 1, 0.8), FaceSample(1.0, 2, 0.7)]
    assert choose_best(samples, 3) == samples


def test_a_timeline_has_a_suffix_that_is_known() -> None:
    with pytest.raises(SettingError, match=r"\.png or \.svg"):
        reports.timeline(object(), ".jpg")  # type: ignore[arg-type]  # it is refused before it is looked at


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (600, "10:00.0")])
def test_times_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert reports.clock(seconds) == text
