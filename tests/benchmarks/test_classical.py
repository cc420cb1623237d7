"""Classical measures: the filters against foreign ones, the packages by what they must prefer."""

import importlib

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage import filters

from benchmarks import classical
from fiqa.degradation.synthetic import degrade

FACE: NDArray[np.uint8] = np.asarray(skimage.data.astronaut())[20:276, 100:356]
PACKAGES = {"BRISQUE": "brisque", "NIQE": "mmeval", "PIQE": "pypiqe"}


def test_variance_of_laplacian_is_that_of_the_four_neighbour_filter() -> None:
    luma = FACE @ classical.LUMA
    inner = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    assert classical.variance_of_laplacian(FACE) == pytest.approx(inner.var(), rel=0.05)


def test_tenengrad_is_the_mean_square_of_sobels_gradient() -> None:
    luma = FACE @ classical.LUMA
    normalised = filters.sobel_h(luma) ** 2 + filters.sobel_v(luma) ** 2
    assert classical.tenengrad(FACE) == pytest.approx(16 * normalised.mean(), rel=0.05)  # scikit-image divides by 4


@pytest.mark.parametrize("measure", [classical.variance_of_laplacian, classical.tenengrad])
def test_filters_prefer_sharp_photos_and_take_noise_for_sharpness(measure: classical.Measure) -> None:
    blurred, noisy = degrade(FACE, [("gaussian_blur", 0.5)]), degrade(FACE, [("gaussian_noise", 0.5)])
    assert measure(blurred) < measure(FACE) < measure(noisy)


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.filterwarnings("ignore")
def test_statistics_of_natural_scenes_prefer_the_photo_to_blur_and_noise(name: str) -> None:
    pytest.importorskip(PACKAGES[name], exc_type=ImportError)
    measure = classical.LOADERS[name]()
    for degradation in ("gaussian_blur", "gaussian_noise"):
        assert measure(degrade(FACE, [(degradation, 0.6)])) < measure(FACE)


def test_a_missing_package_is_named_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", refuse)
    measures, missing = classical.load_measures()
    assert set(measures) == {"variance of Laplacian", "Tenengrad"}
    assert len(missing) == 3
    assert "BRISQUE is left out (No module named 'brisque'): run pip install --group bench." in missing
