"""The arithmetic of what must not change a score, on a predictor that is made up: it sees how bright places are."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from benchmarks import robustness
from benchmarks.robustness import Subject
from fiqa import load_predictor
from fiqa.maps import readability
from fiqa.predictor import QualityPredictor
from tests.training.face_shape import face_landmarks
from training.data.composites import face_mask
from training.data.photos import FacePhoto

SIDE = 208


@pytest.fixture(scope="module")
def subject() -> Subject:
    pixels = np.ascontiguousarray(skimage.data.astronaut()[:320, 60:380])
    photo = FacePhoto("one", Path("none"), "source", True, face_landmarks((162, 130), 96), person="somebody")
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    face = robustness._as_found(predictor, pixels, photo.landmarks)
    return Subject(photo, pixels, face.view.image, face.view.landmarks_from_photo(photo.landmarks))


@pytest.mark.parametrize(("sees", "face", "around"), [("face", 1.0, 0.0), ("all", None, None)])
def test_shares_tell_who_looks_at_the_face_from_who_looks_at_the_picture(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, sees: str, face: float | None, around: float | None
) -> None:
    def brightness(
        _predictor: object, pairs: list[tuple[robustness.Pixels, robustness.Landmarks]]
    ) -> NDArray[np.float64]:
        masks = [face_mask(known, len(view)) > 0.99 for view, known in pairs]
        return np.array(
            [view[mask if sees == "face" else ...].mean() for (view, _), mask in zip(pairs, masks, strict=True)]
        )

    monkeypatch.setattr(robustness, "view_scores", brightness)
    figures = robustness.parts(cast("QualityPredictor", None), [subject, subject])["darkness"]
    if face is None:
        assert figures["face"]["value"] + figures["surroundings"]["value"] == pytest.approx(1, abs=0.02)
        assert 0.1 < figures["face"]["value"] < 0.9
    else:
        assert (figures["face"]["value"], figures["surroundings"]["value"]) == pytest.approx((face, around), abs=0.02)


def test_the_finders_error_is_as_long_as_it_was_measured(subject: Subject) -> None:
    rng = np.random.default_rng(0)
    errors = np.stack([robustness._finder_error(subject.landmarks, rng) for _ in range(300)])
    eyes = [subject.landmarks[eye].mean(axis=0) for eye in robustness.EYES]
    mean = np.linalg.norm(errors, axis=-1).mean() / np.linalg.norm(eyes[1] - eyes[0])
    assert mean == pytest.approx(robustness.FINDER_ERROR, rel=0.1)


def test_every_figure_is_measured_and_is_json(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readability, "STEPS", 2)
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    figures = {
        "clean": robustness.clean_scores(predictor, [subject]),
        "landmarks": robustness.landmark_changes(predictor, [subject]),
        "maps": robustness.maps(predictor, [subject]),
    }
    json.dumps(figures, allow_nan=False)
    assert figures["clean"]["studio and portraits"]["n"] == figures["maps"]["n"] == 1
    assert {name for name in figures["maps"] if name.startswith("deletion")} == {
        "deletion by contribution", "deletion by occlusion", "deletion by a random order",
    }  # fmt: skip
