"""Boxes of one face are told from those of two."""

import numpy as np

from fiqa.faces.boxes import distinct, overlaps


def test_boxes_that_overlap_a_better_one_are_dropped() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 3, 3]])
    assert distinct(boxes) == [0, 2, 3]
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 81 / 119, 0, 9 / 100])
