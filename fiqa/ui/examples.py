"""Example photos: scikit-image's astronaut, as she is and damaged on the spot.

The portrait of Eileen Collins is NASA's, in the public domain, and comes with scikit-image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.photos.thumbnails import thumbnail_uri
from fiqa.ui.figures import text

HEAD_XYXY = (140.0, 45.0, 310.0, 215.0)
"""Where the astronaut's head is, in pixels, for the thumbnails."""
PORTRAIT_SIDE_PX = 384
"""Of her portrait: small enough for the window of a laptop at native size, and a phone's."""


@dataclass(frozen=True)
class Example:
    """A labelled choice of degradation (name, severity 0..1), or none."""

    label: str
    steps: tuple[tuple[str, float], ...] = ()

    @property
    def file_name(self) -> str:
        """What the photo is called wherever it goes."""
        return f"astronaut-{self.label.lower().replace(' ', '-')}.png"


EXAMPLES = (
    Example("Pristine"),
    Example("Blurred", (("gaussian_blur", 0.5),)),
    Example("Noisy", (("gaussian_noise", 0.7),)),
    Example("Compressed", (("jpeg", 0.85),)),
    Example("Low resolution", (("low_resolution", 0.6),)),
    Example("Too dark", (("low_light", 0.75),)),
)


def damaged_portrait(steps: Sequence[tuple[str, float]]) -> NDArray[np.uint8]:
    """Return the astronaut's portrait (384, 384, 3) uint8 with degradations: (name, severity 0..1) in order."""
    left = (512 - PORTRAIT_SIDE_PX) // 2
    portrait = example_photo(0)[:PORTRAIT_SIDE_PX, left : left + PORTRAIT_SIDE_PX]
    from fiqa.degradation.synthetic import degrade

    return degrade(portrait, steps)


@cache
def example_photo(index: int) -> NDArray[np.uint8]:
    """Return the astronaut (512, 512, 3) uint8 with the degradation of `EXAMPLES[index]`."""
    # scipy and scikit-image would delay the page if they were imported with it.
    from skimage.data import astronaut

    from fiqa.degradation.synthetic import degrade

    return degrade(astronaut(), EXAMPLES[index].steps)


@cache
def example_png(index: int) -> bytes:
    """Return `example_photo` as a PNG file."""
    buffer = BytesIO()
    Image.fromarray(example_photo(index)).save(buffer, "PNG")
    return buffer.getvalue()


def example_buttons(*, with_pictures: bool) -> str:
    """Return one button per example, whose `value` is its index; pictures cost imports, so they come later."""
    buttons = "".join(_button(index, with_picture=with_pictures) for index in range(len(EXAMPLES)))
    return f'<div class="examples">{buttons}</div>'


def _button(index: int, *, with_picture: bool) -> str:
    label = text(EXAMPLES[index].label)
    picture = "<span></span>"
    if with_picture:
        picture = f'<img src="{thumbnail_uri(example_photo(index), HEAD_XYXY)}" alt="">'
    title = f"The astronaut Eileen Collins, {label.lower()}"
    return f'<button type="button" value="{index}" title="{title}">{picture}{label}</button>'
