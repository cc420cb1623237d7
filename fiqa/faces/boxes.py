"""Boxes (left, top, right, bottom): how much they overlap, which of them are distinct, and places rounded alike."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Places = TypeVar("Places", NDArray[np.float32], NDArray[np.float64])

MOST_OVERLAP = 0.45
"""Boxes that overlap by more (intersection over union) are of one face."""


def distinct(boxes: Boxes, *, overlap: float = MOST_OVERLAP) -> list[int]:
    """Return the indices of boxes (N, 4), best first, that overlap no better one by more than `overlap` (IoU)."""
    kept: list[int] = []
    for index, box in enumerate(boxes):
        if not kept or overlaps(box, boxes[kept]).max() <= overlap:
            kept.append(index)
    return kept


def overlaps(box: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of a box (4,) with each of others (N, 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def rounded(places: Places, sides: NDArray[np.floating[Any]], steps: int) -> Places:
    """Round places (N, ...) in N faces whose longer sides (N,) are given, all in pixels.

    The step is the power of two at or below the side, divided by `steps`, itself a power of two. Runtimes and devices
    differ in the last digits of a place, by the more the larger the face is; rounded, they nearly always agree, and cut
    the same view. A view has 8 bits: cut a millionth of a pixel beside, some of its values would differ by a whole
    level, and the score by a thousandth. Finer steps are no cure, as more places would then lie where two steps meet.
    """
    step = np.exp2(np.floor(np.log2(np.maximum(sides, 1)))) / steps
    step = step.reshape(-1, *[1] * (places.ndim - 1))
    return np.asarray(np.round(places / step) * step, dtype=places.dtype)
