"""Faces are made wrong in the way that is said, and nowhere else."""

import numpy as np
import pytest
import skimage.data

from benchmarks.robustness import EYES
from benchmarks.wrong_faces import bent, sharpened
from tests.training.face_shape import face_landmarks
from training.data.composites import face_mask

VIEW = np.ascontiguousarray(skimage.data.astronaut()[:208, 120:328])
LANDMARKS = face_landmarks((104, 104), 80)


def detail(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    return float(np.abs(np.diff(pixels.astype(np.float32), axis=1)).mean())


@pytest.mark.parametrize("share", [0.04, 0.08])
def test_a_bent_face_keeps_its_sharpness_and_its_surroundings(share: float) -> None:
    wrong = bent(VIEW, LANDMARKS, share)
    outside = face_mask(LANDMARKS, len(VIEW)) == 0
    assert (wrong[outside] == VIEW[outside]).all()
    assert np.abs(wrong[~outside].astype(int) - VIEW[~outside]).mean() > 3
    assert detail(wrong) == pytest.approx(detail(VIEW), rel=0.05)
    assert (bent(VIEW, LANDMARKS, share) == wrong).all()


def test_a_face_is_bent_by_the_share_that_is_named() -> None:
    eyes = [LANDMARKS[eye].mean(axis=0) for eye in EYES]
    distance = float(np.linalg.norm(eyes[1] - eyes[0]))
    ramp = np.repeat(np.tile(np.arange(208, dtype=np.uint8), (208, 1))[..., None], 3, axis=2)
    inside = face_mask(LANDMARKS, 208) == 1
    along_x = (bent(ramp, LANDMARKS, 0.08).astype(float) - ramp)[..., 0][inside]
    assert np.sqrt(2 * (along_x**2).mean()) == pytest.approx(0.08 * distance, rel=0.35)  # one of two directions


def test_sharpening_adds_detail() -> None:
    assert detail(sharpened(VIEW)) > 1.3 * detail(VIEW)
