"""Crops: the windows of a view that the network is given, and whose scores are averaged.

For inference they lie on a fixed grid, so that a photo's score depends on the photo alone. The
authors' scripts draw them from a global generator seeded once; `ReleasedOffsets` repeats that for
comparison with published numbers.

An offset is (top, left) in pixels of the view.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Offset = tuple[int, int]
RELEASED_SEED = 20


def grid_offsets(height_px: int, width_px: int, crop_px: int, count: int) -> list[Offset]:
    """Return `count` offsets spread evenly, corners included, on the grid nearest to square (4: 2 x 2, 20: 4 x 5).

    Raises ValueError when the view is smaller than a crop.
    """
    if min(height_px, width_px) < crop_px:
        raise ValueError(f"A view of {width_px} x {height_px} px is smaller than a crop of {crop_px} px.")
    rows = max(divisor for divisor in range(1, int(count**0.5) + 1) if count % divisor == 0)
    tops = _spread(height_px - crop_px, rows)
    lefts = _spread(width_px - crop_px, count // rows)
    return [(top, left) for top in tops for left in lefts]


def _spread(slack_px: int, count: int) -> list[int]:
    """Return `count` integers from 0 to `slack_px`; the middle when there is only one."""
    return [slack_px // 2] if count == 1 else [round(slack_px * k / (count - 1)) for k in range(count)]


class ReleasedOffsets:
    """The crops of the authors' test script: drawn in the order of the photos, never the last row or column."""

    def __init__(self, seed: int = RELEASED_SEED) -> None:
        self._random = np.random.RandomState(seed)

    def draw(self, height_px: int, width_px: int, crop_px: int, count: int) -> list[Offset]:
        """Return the next photo's offsets."""
        ranges = (height_px - crop_px, width_px - crop_px)
        return [(self._below(ranges[0]), self._below(ranges[1])) for _ in range(count)]

    def _below(self, bound: int) -> int:
        # The released script fails where a side equals the crop; there is only one place to cut then.
        return int(self._random.randint(0, bound)) if bound > 0 else 0


def is_right(offset: Offset, width_px: int, crop_px: int) -> bool:
    """Whether the crop at `offset` lies right of the middle of a view."""
    return 2 * offset[1] + crop_px > width_px


def cut_crops(
    view: NDArray[np.uint8], offsets: Sequence[Offset], crop_px: int, *, mirror_right: bool = False
) -> NDArray[np.uint8]:
    """Cut windows (C, S, S, 3) out of a view (H, W, 3); `mirror_right` mirrors those right of its middle."""
    crops = []
    for top, left in offsets:
        crop = view[top : top + crop_px, left : left + crop_px]
        mirrored = mirror_right and is_right((top, left), view.shape[1], crop_px)
        crops.append(crop[:, ::-1] if mirrored else crop)
    return np.stack(crops)
