"""A folder of the astronaut in three versions, and its comparison."""

from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import QualityPredictor, load_predictor
from fiqa.degradation.synthetic import degrade

VERSIONS = {"clean": [], "noisy": [("gaussian_noise", 0.5)], "blurred": [("gaussian_blur", 0.6)]}


@pytest.fixture(scope="package")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture(scope="package")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two photos, the astronaut and her mirror image, in a folder for each version."""
    root = tmp_path_factory.mktemp("methods")
    for method, degradations in VERSIONS.items():
        (root / method).mkdir()
        for name, pixels in (("left", astronaut()), ("right", astronaut()[:, ::-1].copy())):
            Image.fromarray(degrade(pixels, degradations, seed=1)).save(root / method / f"{name}.png")
    return {method: root / method for method in VERSIONS}
