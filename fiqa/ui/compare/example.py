"""Methods to try the tab with: the astronaut with noise, and two classical filters that repair it."""

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.ui.compare.uploads import UploadedFile
from fiqa.ui.examples import damaged_portrait

SEVERITIES = (0.25, 0.32, 0.39, 0.46, 0.53, 0.6, 0.67, 0.74)
"""Of the noise of each photo; every other one is mirrored. With fewer photos no test of three pairs could tell."""
Pixels = NDArray[np.uint8]


def example_methods(folder: Path) -> list[tuple[str, list[UploadedFile]]]:
    """Write the example's photos below a folder, as if they had been handed in, and return its methods."""
    place = Path(mkdtemp(prefix="example-", dir=folder))
    filters: dict[str, Callable[[Pixels], Pixels]] = {
        "noisy": lambda photo: photo,
        "median": _median,
        "total variation": _total_variation,
    }
    methods: list[tuple[str, list[UploadedFile]]] = [(name, []) for name in filters]
    for number, severity in enumerate(SEVERITIES, start=1):
        noisy = damaged_portrait([("gaussian_noise", severity)])
        noisy = noisy[:, ::-1] if number % 2 == 0 else noisy
        for name, files in methods:
            path = place / f"{name.replace(' ', '-')}-{number}.png"
            Image.fromarray(np.ascontiguousarray(filters[name](noisy))).save(path)
            files.append(UploadedFile(str(path), f"astronaut-{number}.png"))
    return methods


def _median(photo: Pixels) -> Pixels:
    from scipy.ndimage import median_filter

    filtered: Pixels = median_filter(photo, size=(3, 3, 1))
    return filtered


def _total_variation(photo: Pixels) -> Pixels:
    from skimage.restoration import denoise_tv_chambolle
    from skimage.util import img_as_ubyte

    filtered: Pixels = img_as_ubyte(denoise_tv_chambolle(photo, weight=0.12, channel_axis=2))
    return filtered
