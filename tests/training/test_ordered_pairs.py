"""Pairs of one face whose order is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fiqa.degradations import DEGRADATIONS
from fiqa.models.landmark_encoding import crop_coordinates
from tests.training.test_views import views
from training.labelled_views import mirrored_landmarks
from training.ordered_pairs import FROM_CLEAN, LEAST, WIDEST, OrderedPairs, Pairs, severities
from training.pseudo_mos import TYPES

Halves = tuple[np.ndarray, np.ndarray]


def pairs(
    types: Sequence[str] = TYPES, *, count: int = 6, crop_px: int = 32, mirror_right: bool = False
) -> OrderedPairs:
    return OrderedPairs(views(), crop_px, types, pairs=count, seed=3, mirror_right=mirror_right)


def halves(drawn: Pairs) -> Halves:
    better, worse = drawn.crops.reshape(2, -1, *drawn.crops.shape[1:])
    return better, worse


def brightness(crops: np.ndarray) -> np.ndarray:
    means: np.ndarray = crops.mean(axis=(1, 2, 3))
    return means


def test_a_number_always_draws_the_same_pairs_and_others_draw_others() -> None:
    first, again, other = pairs().batch(5), pairs().batch(5), pairs().batch(6)
    assert np.array_equal(first.crops, again.crops)
    assert np.array_equal(first.landmarks, again.landmarks)
    assert not np.array_equal(first.crops, other.crops)


GOODNESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "low_light": brightness,
    "high_light": lambda crops: -brightness(crops),
    "gaussian_blur": lambda crops: crops.std(axis=(1, 2, 3)),
}


@pytest.mark.parametrize("name", GOODNESS)
def test_the_second_half_is_the_same_crop_damaged_more(name: str) -> None:
    better, worse = halves(pairs([name], count=20).batch(0))
    assert (GOODNESS[name](better) > GOODNESS[name](worse)).all()


def test_both_halves_have_the_landmarks_of_their_crop() -> None:
    data = views()
    drawn = OrderedPairs(data, 64, ["jpeg"], pairs=8, seed=0, mirror_right=False).batch(0)
    better, worse = drawn.landmarks.numpy().reshape(2, 8, 68, 2)
    plain = crop_coordinates(data.landmarks[0], 0, 0, 64)
    mirrored = crop_coordinates(mirrored_landmarks(data.landmarks[0], 64), 0, 0, 64)
    assert np.array_equal(better, worse)
    assert all(np.allclose(each, plain, atol=1e-5) or np.allclose(each, mirrored, atol=1e-5) for each in better)
    assert len({each.tobytes() for each in better}) == 2


def test_where_inference_mirrors_right_crops_those_alone_are_mirrored() -> None:
    bright_left = np.tile(np.linspace(200, 50, 64).astype(np.uint8)[None, :, None], (64, 1, 3))
    data = replace(views(1), pixels=bright_left[None])
    drawn = OrderedPairs(data, 16, ["jpeg"], pairs=40, seed=0, mirror_right=True).batch(0)
    better, _ = halves(drawn)
    falls = better[:, :, 0].mean(axis=(1, 2)) > better[:, :, -1].mean(axis=(1, 2))
    from_left = brightness(better) - bright_left.mean()
    aside = np.abs(from_left) > 10  # compression shifts brightness a little
    assert aside.sum() > 20
    assert np.array_equal(falls[aside], from_left[aside] > 0)


def test_severities_are_in_order_within_bounds_and_often_begin_at_the_clean_photo() -> None:
    drawn = [severities(np.random.default_rng(seed)) for seed in range(400)]
    low, high = np.array(drawn).T
    assert (high <= 1).all()
    assert (high - low >= LEAST - 1e-9).all()
    assert (high - low <= WIDEST + 1e-9).all()
    assert (low == 0).mean() == pytest.approx(FROM_CLEAN, abs=0.07)


def test_every_type_asked_for_is_drawn_and_no_other() -> None:
    data = replace(views(1), pixels=np.full((1, 64, 64, 3), 100, dtype=np.uint8))
    drawn = OrderedPairs(data, 64, ["low_light", "colour_cast"], pairs=30, seed=0, mirror_right=False).batch(0)
    _, worse = halves(drawn)
    grey = np.ptp(worse, axis=-1).max(axis=(1, 2)) == 0
    assert 0 < grey.sum() < len(grey)  # darkness keeps grey grey, a cast does not
    assert set(TYPES) == set(DEGRADATIONS)
