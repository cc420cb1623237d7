"""What is said of a training: better only where the figures say so."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.data.datasets import Dataset, LabelledPhoto
from training.data.opinions import Opinions, PairAnswers
from training.data.study_photos import SeenPhotos
from training.report import study_agreement
from training.report.study_agreement import StudyAgreement, as_evaluation, compare, write_agreement

MOS = np.linspace(1, 5, 40)
GOOD = (MOS - 1) / 4
POOR = np.random.default_rng(0).permutation(GOOD)


@pytest.fixture(autouse=True)
def _few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_agreement, "BOOTSTRAPS", 60)


def compared(before: NDArray[np.float64], after: NDArray[np.float64], photos: int = 40) -> StudyAgreement:
    root = Path("data")
    labelled = tuple(
        LabelledPhoto(root / "train" / "img" / f"{number}.png", float(mos), groups={"stimulus": f"face {number}"})
        for number, mos in enumerate(MOS[:photos])
    )
    dataset = Dataset(root, "faces", (1.0, 5.0), {"train": labelled})
    seen = SeenPhotos(labelled, torch.zeros(photos, 1, 1, 1), before[:photos])
    return compare(seen, Opinions.of_grades(dataset), after[:photos].astype(np.float32), dataset.mos_range)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "sentence"),
    [
        (
            POOR,
            GOOD,
            "better",
            "mine agrees better with these people than lite (SRCC 1.000 on photos held out, lite has",
        ),
        (GOOD, POOR, "worse", "mine agrees LESS with these people than lite: keep lite, or have more photos rated"),
        (GOOD, GOOD, "unclear", "mine is not clearly better than lite"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_gain(
    before: NDArray[np.float64], after: NDArray[np.float64], verdict: str, sentence: str
) -> None:
    found = compared(before, after)
    assert found.verdict == verdict
    assert found.sentence("lite", "mine").startswith(sentence)


def test_few_photos_are_said_to_tell_little() -> None:
    assert "12 photos are too few to tell much" in compared(GOOD, GOOD, photos=12).sentence("lite", "mine")
    assert "too few" not in compared(GOOD, GOOD).sentence("lite", "mine")


def test_scores_and_errors_are_on_the_scale_of_the_people() -> None:
    found = compared(GOOD, GOOD)
    assert found.after == pytest.approx(MOS, abs=1e-6)
    assert found.figures["after"]["RMSE"].value == pytest.approx(0, abs=1e-6)


def test_preferences_are_measured_beside_grades_and_decide_where_there_are_none() -> None:
    for graded in (True, False):
        photos = tuple(
            LabelledPhoto(Path("data", f"{number}.png"), float(mos) if graded else math.nan)
            for number, mos in enumerate(MOS)
        )
        dataset = Dataset(Path("data"), "faces", (1.0, 5.0), {"train": photos}) if graded else None
        pairs = PairAnswers(np.array([(n, n + 1) for n in range(39)]), np.tile([1.0, 2.0, 3.0], (39, 1)))
        seen = SeenPhotos(photos, torch.zeros(40, 1, 1, 1), POOR)
        opinions = Opinions("faces", (Path("data"),), photos, dataset, pairs)
        found = compare(seen, opinions, GOOD.astype(np.float32), (1.0, 5.0))
        assert found.figures["after"]["PAIRS"].value == 0.75
        assert ("SRCC" in found.figures["after"], found.measure) == (graded, "SRCC" if graded else "PAIRS")
        assert found.verdict == "better"
        assert ("0.750 of preferences in order" in found.sentence("lite", "mine")) != graded


def test_files_name_every_picture_as_the_study_does(tmp_path: Path) -> None:
    found = compared(POOR, GOOD)
    faces = Opinions.of_grades(Dataset(Path("data"), "faces", (1.0, 5.0), {"train": found.seen.photos}))
    write_agreement(tmp_path, faces, found, name="mine", start="lite")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["predictions"][3] == {
        "image": "train/img/3.png", "stimulus": "face 3", "mos": round(MOS[3], 4),
        "before": pytest.approx(1 + 4 * POOR[3], abs=1e-4), "after": pytest.approx(MOS[3], abs=1e-4),
    }  # fmt: skip
    assert (tmp_path / "scores.csv").read_text().splitlines()[:2] == ["stimulus,score", "face 0,1.0"]
    assert set(as_evaluation(faces, found, name="mine", start="lite")["figures"][""]) == {"lite", "mine"}
