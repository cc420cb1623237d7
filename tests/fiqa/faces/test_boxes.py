"""Boxes of one face are told from those of two."""

import numpy as np

from fiqa.faces.boxes import distinct, overlaps, rounded


def test_boxes_that_overlap_a_better_one_are_dropped() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 3, 3]])
    assert distinct(boxes) == [0, 2, 3]
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 81 / 119, 0, 9 / 100])


def test_places_are_rounded_to_a_share_of_their_face() -> None:
    places = np.array([[0.3, 7.0], [0.3, 7.0], [0.3, 7.0]])
    np.testing.assert_array_equal(rounded(places, np.array([32.0, 63.9, 127.0]), 64), [[0.5, 7], [0.5, 7], [0, 7]])
    assert rounded(np.zeros((0, 68, 2), np.float32), np.zeros(0), 64).dtype == np.float32
