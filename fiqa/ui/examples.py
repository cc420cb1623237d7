"""Example photos: scikit-image's astronaut, as she is and damaged on the spot.

The portrait of Eileen Collins is NASA's, in the public domain, and comes with scikit-image.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fiqa.ui.figures import text, thumbnail_uri

FACE = (slice(20, 240), slice(115, 335))
"""Rows and columns of the astronaut's head, for the thumbnails."""


@dataclass(frozen=True)
class Example:
    """A labelled choice of degradation (name, severity 0..1), or none."""

    label: str
    steps: tuple[tuple[str, float], ...] = ()


EXAMPLES = (
    Example("Pristine"),
    Example("Blurred", (("gaussian_blur", 0.5),)),
    Example("Noisy", (("gaussian_noise", 0.7),)),
    Example("Compressed", (("jpeg", 0.85),)),
    Example("Low resolution", (("low_resolution", 0.6),)),
    Example("Too dark", (("low_light", 0.75),)),
)


@cache
def example_photo(index: int) -> NDArray[np.uint8]:
    """Return the astronaut (512, 512, 3) uint8 with the degradation of `EXAMPLES[index]`."""
    # scipy and scikit-image would delay the page if they were imported with it.
    from skimage.data import astronaut

    from fiqa.degradations import degrade

    return degrade(astronaut(), EXAMPLES[index].steps)


def example_buttons(*, with_pictures: bool) -> str:
    """Return one button per example, whose `value` is its index; pictures cost imports, so they come later."""
    return '<div class="examples">' + "".join(
        f'<button type="button" value="{index}" title="The astronaut Eileen Collins, {text(example.label.lower())}">'
        f"{_picture(index) if with_pictures else '<span></span>'}{text(example.label)}</button>"
        for index, example in enumerate(EXAMPLES)
    ) + "</div>"


def _picture(index: int) -> str:
    return f'<img src="{thumbnail_uri(example_photo(index)[FACE])}" alt="">'
