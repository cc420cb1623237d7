"""Crop positions: covering, deterministic, and the released ones as recorded."""

import numpy as np
import pytest

from fiqa.photos.crops import ReleasedOffsets, cut_crops, grid_offsets
from tests.fiqa.official import reference


def test_four_crops_of_half_the_side_tile_the_view() -> None:
    assert grid_offsets(256, 256, 128, 4) == [(0, 0), (0, 128), (128, 0), (128, 128)]


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_grid_has_as_many_crops_as_asked_for_and_stays_inside(count: int) -> None:
    offsets = grid_offsets(512, 600, 384, count)
    assert len(offsets) == len(set(offsets)) == count
    assert all(0 <= top <= 128 and 0 <= left <= 216 for top, left in offsets)


def test_twenty_crops_reach_all_four_corners() -> None:
    assert {(0, 0), (0, 128), (128, 0), (128, 128)} <= set(grid_offsets(512, 512, 384, 20))


def test_a_view_of_one_crop_has_one_place() -> None:
    assert grid_offsets(384, 384, 384, 1) == [(0, 0)]


def test_a_view_smaller_than_a_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than a crop"):
        grid_offsets(100, 512, 128, 4)


def test_released_offsets_are_those_recorded_for_two_photos_in_a_row() -> None:
    vectors = reference.vectors()
    offsets = ReleasedOffsets()
    for key in ("seed20/offsets", "seed20/offsets_second_image"):
        assert np.array_equal(offsets.draw(512, 512, 384, 20), vectors[key])


def test_released_offsets_allow_a_photo_of_exactly_one_crop() -> None:
    assert ReleasedOffsets().draw(384, 384, 384, 2) == [(0, 0), (0, 0)]


def test_cut_crops_are_the_windows_at_the_offsets() -> None:
    view = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    crops = cut_crops(view, [(0, 1), (4, 4)], 4)
    assert np.array_equal(crops[0], view[0:4, 1:5])
    assert np.array_equal(crops[1], view[4:8, 4:8])


def test_crops_right_of_the_middle_are_mirrored_when_asked_for() -> None:
    view = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    left, middle, right = cut_crops(view, [(0, 1), (0, 2), (4, 3)], 4, mirror_right=True)
    assert np.array_equal(left, view[0:4, 1:5])
    assert np.array_equal(middle, view[0:4, 2:6])
    assert np.array_equal(right, view[4:8, 3:7][:, ::-1])
