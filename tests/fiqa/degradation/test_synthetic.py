"""Degradations: exact at zero, monotonic, seeded, and what their parameters say."""

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, PAPER_TYPES, degrade, find_degradation
from fiqa.errors import DegradationError

PHOTO: NDArray[np.uint8] = np.asarray(skimage.data.astronaut())[0:200, 120:320]
NAMES = list(DEGRADATIONS)
HIGHER_IS_MILDER = {"jpeg", "webp", "poisson_noise"}


def distance(name: str, severity: float, seed: int = 0) -> float:
    degraded = DEGRADATIONS[name](PHOTO, severity, seed=seed).astype(float)
    return float(np.sqrt(np.mean((degraded - PHOTO) ** 2)))


@pytest.mark.parametrize("name", NAMES)
def test_severity_zero_is_the_photo_itself(name: str) -> None:
    assert np.array_equal(DEGRADATIONS[name](PHOTO, 0.0), PHOTO)


@pytest.mark.parametrize("name", NAMES)
def test_each_level_is_further_from_the_photo_than_the_one_before(name: str) -> None:
    distances = [distance(name, level / LEVELS) for level in range(LEVELS + 1)]
    assert distances == sorted(distances)
    assert len(set(distances)) == LEVELS + 1


@pytest.mark.parametrize("name", NAMES)
def test_parameter_is_strictly_monotonic_in_severity(name: str) -> None:
    values = [DEGRADATIONS[name].parameter(severity) for severity in np.linspace(0.01, 1, 50)]
    steps = np.diff(values)
    assert (steps < 0).all() if name in HIGHER_IS_MILDER else (steps > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_output_is_a_photo_of_the_same_size_that_depends_on_the_seed_alone(name: str) -> None:
    first, second = (DEGRADATIONS[name](PHOTO, 0.7, seed=5) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.shape == PHOTO.shape
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", ["gaussian_noise", "poisson_noise", "motion_blur", "block_loss"])
def test_random_degradations_differ_between_seeds(name: str) -> None:
    assert not np.array_equal(DEGRADATIONS[name](PHOTO, 0.7, seed=1), DEGRADATIONS[name](PHOTO, 0.7, seed=2))


def test_gaussian_noise_has_the_stated_deviation() -> None:
    grey = np.full((300, 300, 3), 128, dtype=np.uint8)
    item = DEGRADATIONS["gaussian_noise"]
    assert item(grey, 0.4).std() == pytest.approx(item.parameter(0.4), rel=0.01)


def test_gaussian_blur_spreads_a_point_by_the_stated_deviation() -> None:
    point = np.zeros((101, 101, 3), dtype=np.uint8)
    point[50, 50] = 255
    point[40:61, 40:61] = 255  # a block: a single point would round to nothing
    item = DEGRADATIONS["gaussian_blur"]
    profile = item(point, 0.5)[:, :, 0].astype(float).sum(0)
    places = np.arange(101)
    variance = np.average((places - 50) ** 2, weights=profile)
    assert variance == pytest.approx(item.parameter(0.5) ** 2 + (21**2 - 1) / 12, rel=0.03)


def test_low_light_halves_linear_light_per_stop() -> None:
    grey = np.full((4, 4, 3), 200, dtype=np.uint8)
    linear = ((200 / 255 + 0.055) / 1.055) ** 2.4 * 2.0 ** -DEGRADATIONS["low_light"].parameter(0.4)
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert DEGRADATIONS["low_light"](grey, 0.4)[0, 0, 0] == pytest.approx(expected, abs=0.51)


def test_lost_blocks_stay_lost_when_the_severity_grows() -> None:
    noise = np.random.default_rng(0).integers(0, 256, PHOTO.shape).astype(np.uint8)
    lost = [(DEGRADATIONS["block_loss"](noise, severity) != noise).any(-1) for severity in (0.3, 0.6)]
    assert lost[0].sum() < lost[1].sum()
    assert (lost[0] & ~lost[1]).sum() == 0


def test_a_stack_is_applied_in_order() -> None:
    once = DEGRADATIONS["jpeg"](DEGRADATIONS["gaussian_blur"](PHOTO, 0.5, seed=3), 0.5, seed=4)
    assert np.array_equal(degrade(PHOTO, [("gaussian_blur", 0.5), ("jpeg", 0.5)], seed=3), once)
    assert not np.array_equal(degrade(PHOTO, [("jpeg", 0.5), ("gaussian_blur", 0.5)], seed=3), once)


def test_tiny_photos_are_degraded_too() -> None:
    for item in DEGRADATIONS.values():
        assert item(PHOTO[:1, :1], 1.0).shape == (1, 1, 3)


@pytest.mark.parametrize("severity", [-0.1, 1.1, float("nan")])
def test_severity_out_of_range_is_refused(severity: float) -> None:
    with pytest.raises(DegradationError, match="0 to 1"):
        DEGRADATIONS["jpeg"](PHOTO, severity)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DegradationError, match="gaussian_blur"):
        find_degradation("style")


def test_what_is_no_rgb_photo_is_refused() -> None:
    with pytest.raises(DegradationError, match="uint8 RGB"):
        DEGRADATIONS["jpeg"](PHOTO[..., 0], 0.5)


def test_types_of_the_paper_are_known() -> None:
    assert set(PAPER_TYPES) <= set(DEGRADATIONS)
