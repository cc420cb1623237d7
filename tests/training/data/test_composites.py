"""Views damaged in part."""

import numpy as np
import pytest

from tests.training.face_shape import face_landmarks
from training.data.composites import blended, face_mask, half_mask

SIDE = 200
FACE = face_landmarks((100, 100), 90)


def test_the_face_mask_covers_the_face_with_its_forehead_and_nothing_around_it() -> None:
    mask = face_mask(FACE, SIDE)
    assert mask[100, 100] == mask[68, 100] == 1, "the nose, and the forehead above the brows"
    assert mask[5, 5] == mask[195, 100] == mask[100, 30] == 0
    assert 0.1 < mask.mean() < 0.4


@pytest.mark.parametrize("angle", [0.0, 1.0, 4.0])
def test_a_half_mask_covers_one_side_of_the_line_through_a_point(angle: float) -> None:
    mask = half_mask(angle, np.array([SIDE / 2, SIDE / 2]), SIDE)
    assert mask.mean() == pytest.approx(0.5, abs=0.01)
    across = np.array([np.cos(angle), np.sin(angle)])
    x, y = np.rint(SIDE / 2 + 60 * across).astype(int)
    assert mask[y, x] == 1
    assert mask[SIDE - y, SIDE - x] == 0


def test_blending_shows_the_damage_where_the_mask_is_and_the_clean_view_elsewhere() -> None:
    rng = np.random.default_rng(0)
    clean, damaged = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    mask = np.zeros((8, 8), dtype=np.float32)
    mask[:, :4] = 1
    view = blended(clean, damaged, mask)
    assert np.array_equal(view[:, :4], damaged[:, :4])
    assert np.array_equal(view[:, 4:], clean[:, 4:])
