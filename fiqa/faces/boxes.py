"""Boxes (left, top, right, bottom): how much they overlap, and which of them are distinct."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]

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
