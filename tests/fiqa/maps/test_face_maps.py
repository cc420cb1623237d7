"""Maps lie where the crops were cut, whatever the view: turned, beyond the border, coarser or finer than the photo."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.maps.face_maps import KINDS, FaceMap, MapKey, Placement, find_kind
from fiqa.photos.alignment import Square, View, cut_view
from fiqa.photos.crops import grid_offsets

VIEW_PX, CROP_PX, CELLS = 64, 32, 4
RANDOM = np.random.default_rng(0)


def placement(view: View, photo_size: tuple[int, int], *, crops: int = 4) -> Placement:
    offsets = tuple(grid_offsets(VIEW_PX, VIEW_PX, CROP_PX, crops))
    return Placement(offsets, CROP_PX, VIEW_PX, view.to_photo, photo_size)


def unturned(x: float, y: float, scale: float) -> View:
    """A view whose top left corner is at (x, y) and whose pixels are `scale` photo pixels wide."""
    return View(np.zeros((VIEW_PX, VIEW_PX, 3), np.uint8), np.array([[scale, 0, x], [0, scale, y]]))


def face_map(kind: str, place: Placement, grids: NDArray[np.float64] | None = None) -> FaceMap:
    values = RANDOM.random((len(place.offsets), CELLS, CELLS)) if grids is None else grids
    return FaceMap(MapKey(kind), values, place)


def test_every_pixel_has_the_value_of_its_cell() -> None:
    place = placement(unturned(10, 20, 1.0), (100, 120))
    grids = RANDOM.random((4, CELLS, CELLS))
    values = face_map("quality", place, grids).in_photo().values
    for (top, left), grid in zip(place.offsets, grids, strict=True):
        seen = values[20 + top : 20 + top + CROP_PX, 10 + left : 10 + left + CROP_PX]
        assert_allclose(seen, grid.repeat(8, axis=0).repeat(8, axis=1), rtol=1e-6)


def test_pixels_that_no_crop_reached_are_nan_and_the_others_know_how_many_did() -> None:
    place = placement(unturned(10, 20, 1.0), (100, 120), crops=9)
    values, coverage = face_map("quality", place).in_photo()
    assert values.shape == coverage.shape == (120, 100)
    assert values.dtype == coverage.dtype == np.float32
    inside = np.zeros((120, 100), dtype=bool)
    inside[20:84, 10:74] = True
    assert np.array_equal(np.isfinite(values), inside)
    assert np.array_equal(coverage > 0, inside)
    counted = np.zeros((VIEW_PX, VIEW_PX))
    for top, left in place.offsets:
        counted[top : top + CROP_PX, left : left + CROP_PX] += 1 / 9
    assert_allclose(coverage[20:84, 10:74], counted, rtol=1e-6)


def test_overlapping_crops_are_averaged() -> None:
    place = placement(unturned(0, 0, 1.0), (64, 64), crops=9)
    grids = np.arange(9.0)[:, None, None] * np.ones((9, CELLS, CELLS))
    values = face_map("quality", place, grids).in_photo().values
    assert values[0, 0] == 0
    assert values[32, 32] == pytest.approx(np.mean([4, 5, 7, 8]))  # the first pixel of the last crops
    assert values[20, 20] == pytest.approx(np.mean([0, 1, 3, 4]))


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.3])
@pytest.mark.parametrize("centre", [(100.0, 90.0), (30.0, 20.0)])
def test_the_map_is_high_where_the_crops_showed_something_bright(angle: float, centre: tuple[float, float]) -> None:
    photo = np.zeros((180, 200, 3), np.uint8)
    photo[24:32, 36:48] = photo[100:112, 90:100] = 255
    view = cut_view(photo, Square(np.array(centre), 90.0, angle), side_px=VIEW_PX)
    place = placement(view, (200, 180))
    cells = [
        view.image[top : top + CROP_PX, left : left + CROP_PX, 0].reshape(CELLS, 8, CELLS, 8).mean(axis=(1, 3))
        for top, left in place.offsets
    ]
    values = face_map("quality", place, np.stack(cells)).in_photo().values
    brightest = np.nanmax(values)
    assert brightest > 50
    y, x = np.argwhere(values == brightest).mean(axis=0)
    reach = 0.75 * 8 * 90 / VIEW_PX  # half a cell, and half of what is bright
    assert any(abs(x - left) < reach + 6 and abs(y - top) < reach + 6 for left, top in ((42, 28), (95, 106)))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-80, 120), st.floats(-80, 120), st.floats(0.1, 4.0), st.floats(-3.1, 3.1),
    st.sampled_from([(96, 64), (17, 23), (200, 150)]),
)  # fmt: skip
@pytest.mark.slow
def test_what_adds_up_makes_its_total_in_the_photo(
    x: float, y: float, scale: float, angle: float, size: tuple[int, int]
) -> None:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    view = View(np.zeros((VIEW_PX, VIEW_PX, 3), np.uint8), np.array([[cos, -sin, x], [sin, cos, y]]))
    made = face_map("contribution", placement(view, size, crops=9), RANDOM.random((9, CELLS, CELLS)) / 100)
    values = made.in_photo().values
    assume(np.isfinite(values).any())  # else the view lies beside the photo
    assert np.nansum(values, dtype=np.float64) == pytest.approx(made.grids.sum(), rel=1e-5)


def test_the_border_counts_for_the_pixels_that_it_mirrors() -> None:
    place = placement(unturned(-32, 0, 1.0), (200, 64))
    grids = np.zeros((4, CELLS, CELLS))
    grids[0, 0, 0] = 1.0  # left of the photo, so seen in the mirror: columns 24 to 31
    values = face_map("contribution", place, grids).in_photo().values
    assert_allclose(np.nansum(values[:8, 24:32]), 1.0, rtol=1e-6)
    assert np.nansum(values) == pytest.approx(1.0)


def test_a_view_far_larger_than_a_small_photo_is_folded_back_into_it() -> None:
    place = placement(unturned(-100, -90, 4.0), (20, 16))
    values, coverage = face_map("quality", place).in_photo()
    assert values.shape == (16, 20)
    assert np.isfinite(values).all()
    assert coverage.min() > 1


def test_a_photo_coarser_than_the_view_gets_the_mean_of_what_its_pixels_show() -> None:
    place = placement(unturned(0, 0, 0.25), (16, 16))
    grids = RANDOM.random((4, CELLS, CELLS))
    values = face_map("quality", place, grids).in_photo().values
    whole = np.block([[grids[0], grids[1]], [grids[2], grids[3]]]).repeat(8, axis=0).repeat(8, axis=1)
    assert_allclose(values, whole.reshape(16, 4, 16, 4).mean(axis=(1, 3)), rtol=1e-5)


def test_positions_are_read_as_the_photo_is() -> None:
    made = face_map("quality", placement(unturned(10, 20, 1.5), (150, 150)))
    x, y = np.array([12.5, 80.5]), np.array([30.5])
    assert_allclose(made.at(x, y).values, made.in_photo().values[[30]][:, [12, 80]])


def test_the_colour_bar_of_what_adds_up_counts_hundredths_of_the_area() -> None:
    made = face_map("contribution", placement(unturned(10, 20, 1.5), (150, 150)))
    assert np.nanmean(made.in_view()) * 100 == pytest.approx(made.grids.sum())


def test_the_map_of_a_mirrored_photo_is_the_mirror_of_the_map() -> None:
    grids = RANDOM.random((4, CELLS, CELLS))
    width = 120
    place = placement(unturned(10, 20, 1.25), (width, 110))
    mirrored = placement(unturned(width - 10 - 1.25 * VIEW_PX, 20, 1.25), (width, 110))
    across = grids[[1, 0, 3, 2], :, ::-1]
    first, second = (face_map("quality", *each).in_photo().values for each in ((place, grids), (mirrored, across)))
    differs = ~np.isclose(first, second[:, ::-1], equal_nan=True)
    assert differs.mean() < 0.01  # pixels whose centre lies on a border between cells


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"no map 'gradcam'.*quality.*rollout"):
        find_kind("gradcam")


def test_every_kind_says_what_it_shows_and_what_it_does_not() -> None:
    for kind in KINDS.values():
        assert kind.title
        assert kind.unit
        assert kind.shows.endswith(".")
        assert kind.shows_not.endswith(".")
