from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from fiqa.errors import SettingError
from fiqa.maps.face_maps import KINDS, FaceMap, MapKey, Placement
from fiqa.maps.figures import (
    DIVERGING,
    SEQUENTIAL,
    ColourScale,
    array_file,
    colour_maps,
    colour_scale,
    figure_png,
    values_file,
)

PLACEMENT = Placement(((0, 0),), 32, 32, np.array([[1.0, 0, 4], [0, 1.0, 2]]), (60, 40))


def face_map(kind: str, grid: np.typing.NDArray[np.float64]) -> FaceMap:
    return FaceMap(MapKey(kind), grid[None], PLACEMENT)


def test_colours_are_matplotlibs_and_unreached_pixels_are_transparent() -> None:
    values = np.array([[0.0, 0.5, np.nan]])
    rgba = ColourScale("viridis", (0.0, 1.0)).colours(values)
    assert np.array_equal(rgba[0, :2], mpl.colormaps["viridis"]([0.0, 0.5], bytes=True))
    assert rgba[0, 2, 3] == 0


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_sequential_colours_grow_lighter_step_by_step(name: str) -> None:
    row = ColourScale(name, (0.0, 1.0)).bar()[0].astype(float)
    lightness = row @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > -1).all()
    assert lightness[-1] > lightness[0] + 100


def test_every_colour_map_on_offer_is_there() -> None:
    assert set(SEQUENTIAL + DIVERGING) <= set(mpl.colormaps)
    assert colour_maps(KINDS["quality"])[0] == "viridis"
    assert colour_maps(KINDS["occlusion"]) == DIVERGING


def test_ticks_are_round_and_within_the_limits() -> None:
    ticks = ColourScale("viridis", (0.0, 0.059)).ticks()
    assert 3 <= len(ticks) <= 7
    assert ticks[0] == 0
    assert ticks[-1] <= 0.059


def test_two_maps_share_one_scale_that_holds_both() -> None:
    low, high = (face_map("attention", value * np.ones((4, 4))) for value in (1.0, 5.0))
    assert colour_scale([low, high], (0, 1)).limits == (0.0, 5.0)


def test_scales_of_quality_and_confidence_do_not_depend_on_the_photo() -> None:
    grid = np.full((4, 4), 0.3)
    assert colour_scale([face_map("quality", grid)], (1.0, 5.0)).limits == (1.0, 5.0)
    assert colour_scale([face_map("confidence", grid)], (1.0, 5.0)).limits == (0.0, 1.0)


def test_zero_is_in_the_middle_of_what_has_either_sign() -> None:
    grid = np.linspace(-0.1, 0.4, 16).reshape(4, 4)
    scale = colour_scale([face_map("occlusion", grid)], (0, 1))
    assert scale.limits == (-0.4, 0.4)
    assert scale.name in DIVERGING


def test_a_map_of_zeros_has_a_scale() -> None:
    assert colour_scale([face_map("occlusion", np.zeros((4, 4)))], (0, 1)).limits == (-1.0, 1.0)


def test_an_unknown_colour_map_is_refused_with_the_suitable_ones() -> None:
    with pytest.raises(SettingError, match=r"'jet'.*viridis"):
        colour_scale([face_map("quality", np.ones((4, 4)))], (0, 1), "jet")


@pytest.mark.slow
def test_the_figure_is_a_png_with_photo_map_and_colour_bar() -> None:
    made = face_map("quality", np.random.default_rng(0).random((4, 4)))
    photo = np.full((40, 60, 3), 200, np.uint8)
    figure = Image.open(BytesIO(figure_png(photo, made, colour_scale([made], (0, 1)), "a photo")))
    assert figure.format == "PNG"
    assert figure.width > 2 * 60
    assert len(set(map(tuple, np.asarray(figure.convert("RGB")).reshape(-1, 3)))) > 100


def test_files_hold_the_map_in_the_photos_pixels() -> None:
    made = face_map("contribution", np.full((4, 4), 1 / 16))
    values = np.load(BytesIO(array_file(made)))
    assert values.shape == (40, 60)
    assert values.dtype == np.float32
    assert np.nansum(values) == pytest.approx(1)
    both = np.load(BytesIO(values_file(made)))
    assert np.array_equal(both["values"], values, equal_nan=True)
    assert np.array_equal(both["coverage"] > 0, np.isfinite(values))
