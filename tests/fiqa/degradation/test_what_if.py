"""What-if answers are those of degrading the whole photo; repairs undo, roughly, what they say they undo."""

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from fiqa.degradation.diagnosis import encode_faces
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.degradation.what_if import (
    LARGEST_VIEW_PX,
    ResponseCurve,
    encode_degraded,
    estimate_repair,
    find_subject,
    good_from,
    response_curve,
)
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor

ASTRONAUT: NDArray[np.uint8] = np.asarray(skimage.data.astronaut())
SEEDED = {"gaussian_noise", "poisson_noise", "block_loss", "low_resolution", "webp"}
"""What they do depends on where in the photo the pattern, or the grid, begins."""
PATTERNS = 8
"""So many patterns are averaged of those: a single one may hit an eye in the part and miss it in the photo."""


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


def test_without_steps_the_score_is_that_of_the_photo(predictor: QualityPredictor) -> None:
    subject = find_subject(predictor, ASTRONAUT)
    assert subject.reduction == 1
    assert encode_degraded(predictor, subject, []).score == pytest.approx(predictor.score(ASTRONAUT).score, abs=1e-4)


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.slow
def test_degrading_the_part_that_counts_is_degrading_the_photo(predictor: QualityPredictor, name: str) -> None:
    steps, subject = [(name, 0.5)], find_subject(predictor, ASTRONAUT)
    seeds = range(PATTERNS if name in SEEDED else 1)
    whole_face = predictor.find_faces(ASTRONAUT).faces[0]
    parts = encode_faces(predictor, [degrade(subject.pixels, steps, seed=seed) for seed in seeds], subject.face)
    wholes = encode_faces(predictor, [degrade(ASTRONAUT, steps, seed=seed) for seed in seeds], whole_face)
    part, whole = (np.mean([face.score for face in faces]) for faces in (parts, wholes))
    assert part == pytest.approx(whole, abs=0.1 if name in SEEDED else 0.002)
    assert encode_degraded(predictor, subject, steps).score == pytest.approx(parts[0].score, abs=1e-5)


@pytest.mark.slow
def test_a_large_face_is_reduced_so_that_severities_keep_their_meaning(predictor: QualityPredictor) -> None:
    large = np.asarray(Image.fromarray(ASTRONAUT[20:270, 100:350]).resize((1500, 1500), Image.Resampling.LANCZOS))
    subject = find_subject(predictor, large)
    assert subject.reduction > 2
    assert max(subject.pixels.shape) < 1.5 * LARGEST_VIEW_PX
    still = encode_degraded(predictor, subject, []).score
    assert still == pytest.approx(predictor.score(large).score, abs=0.02)
    assert encode_degraded(predictor, subject, [("gaussian_blur", 0.6)]).score < still - 0.2


def test_a_response_curve_starts_with_the_photo_as_it_is(predictor: QualityPredictor) -> None:
    subject = find_subject(predictor, ASTRONAUT)
    curve = response_curve(predictor, subject, "gaussian_blur")
    assert curve.scores[0] == pytest.approx(encode_degraded(predictor, subject, []).score, abs=1e-5)
    assert curve.scores[-1] < curve.scores[0] - 0.3
    assert (curve.severities[0], curve.severities[-1]) == (0, 1)


@pytest.mark.parametrize(
    ("scores", "expected"), [((0.9, 0.7, 0.5), 0.75), ((0.5, 0.7, 0.5), None), ((0.9, 0.8, 0.7), None)]
)
def test_where_good_ends_is_read_between_the_points(scores: tuple[float, ...], expected: float | None) -> None:
    at = ResponseCurve("jpeg", (0.0, 0.5, 1.0), scores).falls_below(good_from((0.0, 1.0)))
    assert at == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_brings_a_photo_closer_to_what_it_was(name: str) -> None:
    photo, repair = ASTRONAUT[40:240, 120:320], REPAIRS[name]
    damaged = DEGRADATIONS[repair.undoes](photo, 0.3)
    mended = repair(damaged, 0.3)
    assert mended.shape == photo.shape
    assert mended.dtype == np.uint8

    def error(candidate: NDArray[np.uint8]) -> float:
        return float(np.mean((candidate.astype(float) - photo) ** 2))

    assert error(mended) < error(damaged)
    assert np.array_equal(repair(damaged, 0.0), damaged)


def test_the_repair_of_a_dark_photo_is_to_brighten_it(predictor: QualityPredictor) -> None:
    subject = find_subject(predictor, ASTRONAUT)
    dark = subject.degraded([("low_light", 0.6)])
    gains = {name: estimate_repair(predictor, subject, dark, name).gain for name in ("brighten", "darken", "denoise")}
    assert max(gains, key=lambda name: gains[name]) == "brighten"
    assert gains["brighten"] > 0.1
