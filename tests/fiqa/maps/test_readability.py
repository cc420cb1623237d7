"""Measures of maps, on maps and predictors that are made up so that the answer is known, and once on the real ones."""

from typing import cast

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from fiqa import QualityPredictor, load_predictor
from fiqa.faces.finders import Face, load_face_finder
from fiqa.maps import readability
from fiqa.maps.face_maps import FaceMap, MapKey, Placement
from fiqa.maps.readability import (
    CELL_PX,
    Curves,
    cell_means,
    curves,
    first_cells,
    measure_face,
    neighbour_correlation,
    on_face,
    share_outside,
    shift_correlation,
)
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import View
from tests.training.face_shape import face_landmarks

SIDE = 128
GRID = SIDE // CELL_PX


def face_map(grid: NDArray[np.floating], kind: str = "quality") -> FaceMap:
    """Return a map of one crop that is the whole view of 128 pixels."""
    placement = Placement(((0, 0),), SIDE, SIDE, np.array([[1.0, 0, 0], [0, 1, 0]]), (SIDE, SIDE))
    return FaceMap(MapKey(kind), np.asarray(grid, float)[None], placement)


class SharpnessPredictor:
    """Scores a view by how much of its left half is sharp; nothing else matters to it."""

    def crop_scores(self, faces: list[FaceCrops]) -> NDArray[np.float64]:
        rough = [np.abs(np.diff(face.view.image[:, : SIDE // 2].astype(float), axis=1)).mean() for face in faces]
        return np.array(rough)[:, None] / 255


def test_neighbouring_cells_of_a_chequerboard_are_opposite_and_those_of_a_slope_alike() -> None:
    cells = np.indices((GRID, GRID)).sum(axis=0)
    assert neighbour_correlation(face_map(cells % 2)) == pytest.approx(-1, abs=0.05)
    assert neighbour_correlation(face_map(cells)) > 0.8
    assert np.isnan(neighbour_correlation(face_map(np.ones((GRID, GRID)))))


def test_neighbour_correlation_is_numpys_of_the_pairs() -> None:
    grid = np.random.default_rng(0).random((GRID, GRID))
    pairs = [(grid[r, c], grid[r, c + 1]) for r in range(GRID) for c in range(GRID - 1)]
    pairs += [(grid[r, c], grid[r + 1, c]) for r in range(GRID - 1) for c in range(GRID)]
    assert neighbour_correlation(face_map(grid)) == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])


def test_the_share_outside_is_that_of_the_area_where_confidence_is_even() -> None:
    landmarks = face_landmarks((SIDE / 2, SIDE / 2), 60)
    inside = on_face(landmarks, SIDE)
    assert 0.1 < inside.mean() < 0.5
    assert share_outside(face_map(np.ones((GRID, GRID)), "confidence"), landmarks) == pytest.approx(1 - inside.mean())


def test_confidence_in_the_middle_of_the_face_is_not_outside() -> None:
    grid = np.zeros((GRID, GRID))
    grid[GRID // 2, GRID // 2] = 1
    assert share_outside(face_map(grid, "confidence"), face_landmarks((SIDE / 2, SIDE / 2), 90)) == 0


def test_the_forehead_belongs_to_the_face() -> None:
    landmarks = face_landmarks((64, 64), 60)
    brows = landmarks[17:27].mean(axis=0)
    assert on_face(landmarks, SIDE)[round(brows[1]) - 3, round(brows[0])]


def test_the_first_cells_of_a_map_are_those_with_the_greatest_values() -> None:
    values = np.arange(16.0).reshape(4, 4)
    chosen = first_cells(values, 0.25, 64)
    assert chosen[-1].all()
    assert chosen.sum() == 4 * CELL_PX**2
    assert not first_cells(values, 0, 64).any()
    assert first_cells(values, 1, 70).all()


def test_cells_are_means_and_what_no_crop_reached_counts_as_nothing() -> None:
    values = np.ones((40, 40))
    values[:16, :16] = np.nan
    assert cell_means(values).tolist() == [[0, 1], [1, 1]]


def noise_face() -> FaceCrops:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    return FaceCrops(None, View(pixels, np.eye(2, 3)), [(0, 0)], None)


def test_an_order_that_knows_what_matters_beats_a_random_one_and_its_opposite() -> None:
    predictor, face = cast("QualityPredictor", SharpnessPredictor()), noise_face()
    knowing = np.tile(np.arange(GRID, 0, -1.0), (GRID, 1))
    orders = {"knowing": knowing, "random": np.random.default_rng(1).random((GRID, GRID)), "opposite": -knowing}
    found = {name: curves(predictor, face, order) for name, order in orders.items()}
    assert found["knowing"].deletion_area < found["random"].deletion_area < found["opposite"].deletion_area
    assert found["knowing"].insertion_area > found["random"].insertion_area > found["opposite"].insertion_area


def test_curves_run_from_the_whole_face_to_the_blurred_one_and_back() -> None:
    found = curves(cast("QualityPredictor", SharpnessPredictor()), noise_face(), np.zeros((GRID, GRID)), steps=4)
    assert len(found.deletion) == len(found.insertion) == 5
    assert found.deletion[0] == found.insertion[-1] > found.deletion[-1] == found.insertion[0]


def test_areas_are_those_of_trapezoids() -> None:
    found = Curves(np.array([1.0, 0.5, 0.0]), np.array([0.0, 1.0, 1.0]))
    assert (found.deletion_area, found.insertion_area) == (0.5, 0.75)


@pytest.fixture(scope="module")
def astronaut() -> tuple[NDArray[np.uint8], Face]:
    photo = np.asarray(skimage.data.astronaut())
    return photo, load_face_finder("bundled").find(photo)[0]


@pytest.mark.slow
def test_everything_is_measured_of_a_real_face(
    astronaut: tuple[NDArray[np.uint8], Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readability, "STEPS", 2)
    photo, face = astronaut
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    found = measure_face(predictor, photo, face.landmarks)
    assert all(np.isfinite(list(found.values())))
    assert -1 <= found["correlation of neighbouring cells"] <= 1
    assert 0 <= found["share of confidence outside the face"] <= 1
    assert found["insertion by occlusion"] > found["deletion by occlusion"]
    assert shift_correlation(predictor, photo, face.landmarks, by_px=0) == pytest.approx(1)
