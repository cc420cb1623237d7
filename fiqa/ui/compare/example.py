"""Methods to try the tab with: the astronaut with noise, and two classical filters that repair it."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
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
    methods: list[tuple[str, list[UploadedFile]]] = []
    for name, photos in _made_photos().items():
        files = []
        for number, photo in enumerate(photos, start=1):
            path = place / f"{name.replace(' ', '-')}-{number}.png"
            path.write_bytes(photo)
            files.append(UploadedFile(str(path), f"astronaut-{number}.png"))
        methods.append((name, files))
    return methods


@cache
def _made_photos() -> dict[str, list[bytes]]:
    """Return the photos of each method as PNG files, some megabytes in all: to make them takes seconds."""
    filters: dict[str, Callable[[Pixels], Pixels]] = {
        "noisy": lambda photo: photo,
        "median": _median,
        "total variation": _total_variation,
    }
    damaged = [damaged_portrait([("gaussian_noise", severity)]) for severity in SEVERITIES]
    noisy = [photo[:, ::-1] if number % 2 else photo for number, photo in enumerate(damaged)]
    return {name: [_png(apply(photo)) for photo in noisy] for name, apply in filters.items()}


def _png(photo: Pixels) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(photo)).save(buffer, "PNG")
    return buffer.getvalue()


def _median(photo: Pixels) -> Pixels:
    from scipy.ndimage import median_filter

    filtered: Pixels = median_filter(photo, size=(3, 3, 1))
    return filtered


def _total_variation(photo: Pixels) -> Pixels:
    from skimage.restoration import denoise_tv_chambolle
    from skimage.util import img_as_float32, img_as_ubyte

    # In single precision, which takes a fifth of the time and changes no level by more than one.
    filtered: Pixels = img_as_ubyte(denoise_tv_chambolle(img_as_float32(photo), weight=0.12, channel_axis=2))
    return filtered
