import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.maps.face_maps import FaceMap, MapKey, Placement
from fiqa.maps.regions import OUTLINES, REST, altered, region_masks, region_parts

VIEW_PX = 128
PLACEMENT = Placement(((0, 0), (0, 64), (64, 0), (64, 64)), 64, VIEW_PX, np.eye(2, 3), (VIEW_PX, VIEW_PX))


def face() -> NDArray[np.float32]:
    """Landmarks of a schematic face that looks straight ahead."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([64 + 40 * np.cos(turn), 50 + 60 * np.sin(turn)], axis=1)
    brows = [(x, 40) for x in (*range(30, 55, 5), *range(74, 99, 5))][:10]
    nose = [(64, 52), (64, 58), (64, 64), (64, 70), (56, 74), (60, 75), (64, 76), (68, 75), (72, 74)]
    eyes = [(x + dx, 52 + dy) for x in (44, 84) for dx, dy in ((-6, 0), (-2, -3), (2, -3), (6, 0), (2, 3), (-2, 3))]
    around = np.linspace(np.pi, -np.pi, 20, endpoint=False)
    mouth = [(64 + 14 * np.cos(angle), 90 - 5 * np.sin(angle)) for angle in around]
    return np.array([*jaw.tolist(), *brows, *nose, *eyes, *mouth], np.float32)


def maps(confidence: NDArray[np.float64], quality: NDArray[np.float64]) -> dict[MapKey, FaceMap]:
    weights = confidence / confidence.sum(axis=(1, 2), keepdims=True)
    grids = {"confidence": confidence, "contribution": quality * weights / len(quality)}
    return {MapKey(name): FaceMap(MapKey(name), grid, PLACEMENT) for name, grid in grids.items()}


def test_parts_cover_the_view_and_do_not_overlap() -> None:
    masks = region_masks(face(), VIEW_PX)
    assert list(masks) == [*OUTLINES, REST]
    assert np.array_equal(np.sum(list(masks.values()), axis=0), np.ones((VIEW_PX, VIEW_PX)))
    assert all(mask.any() for mask in masks.values())


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [("eyes", 44, 52), ("eyes", 84, 52), ("brows", 40, 40), ("nose", 64, 70), ("mouth", 64, 90), ("jaw", 64, 104),
     ("jaw", 40, 75), ("rest", 64, 10), ("rest", 4, 120)],
)  # fmt: skip
def test_each_place_is_in_the_part_that_lies_there(name: str, x: int, y: int) -> None:
    assert region_masks(face(), VIEW_PX)[name][y, x]


def test_shares_sum_to_one_and_contributions_to_the_score() -> None:
    random = np.random.default_rng(0)
    made = maps(random.random((4, 8, 8)), random.random((4, 8, 8)))
    parts = region_parts(face(), made)
    assert sum(part.area for part in parts) == pytest.approx(1)
    assert sum(part.confidence for part in parts) == pytest.approx(1)
    assert sum(part.contribution for part in parts) == pytest.approx(made[MapKey("contribution")].grids.sum())


def test_an_even_network_gives_every_part_its_area_and_the_same_quality() -> None:
    for part in region_parts(face(), maps(np.ones((4, 8, 8)), np.full((4, 8, 8), 0.7))):
        assert part.confidence == pytest.approx(part.area)
        assert part.quality == pytest.approx(0.7)


def test_a_part_without_confidence_has_no_quality() -> None:
    confidence = np.zeros((4, 8, 8))
    confidence[:, 0, 0] = 1.0
    parts = {part.name: part for part in region_parts(face(), maps(confidence, np.ones((4, 8, 8))))}
    assert parts["mouth"].confidence == 0
    assert np.isnan(parts["mouth"].quality)


def test_landmarks_move_by_shares_of_the_face_and_parts_can_be_dropped() -> None:
    landmarks = face()
    side = np.ptp(landmarks, axis=0).max()
    moved = altered(landmarks, right=0.1, down=-0.2, without=["eyes", "jaw"])
    gone = np.isnan(moved).any(axis=1)
    assert sorted(np.flatnonzero(gone)) == [*range(17), *range(36, 48)]
    assert np.allclose((moved - landmarks)[~gone], side * np.array([0.1, -0.2]), atol=1e-4)
    assert np.isfinite(landmarks).all()


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(SettingError, match="no part ears"):
        altered(face(), without=["ears"])
