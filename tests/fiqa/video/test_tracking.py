import numpy as np

from fiqa.results import Box
from fiqa.video.tracking import Tracker


def box(x: float, y: float = 100, side: float = 80) -> Box:
    return (x, y, x + side, y + side)


def test_two_faces_that_move_keep_their_numbers_in_whatever_order_they_come() -> None:
    tracker = Tracker()
    assert tracker.follow(0.0, [box(100), box(400)]) == [1, 2]
    for step in range(1, 10):
        assert tracker.follow(step / 2, [box(400 - 20 * step), box(100 + 20 * step)])[::-1] in ([1, 2], [2, 1])
    assert tracker.persons == 2


def test_a_face_that_is_hidden_for_a_moment_is_the_same_person_and_for_long_a_new_one() -> None:
    tracker = Tracker(max_gap_s=2)
    assert tracker.follow(0.0, [box(100)]) == [1]
    assert tracker.follow(1.0, []) == []
    assert tracker.follow(2.0, [box(110)]) == [1]
    assert tracker.follow(4.5, [box(110)]) == [2]


def test_a_face_elsewhere_or_of_another_size_is_another_person() -> None:
    tracker = Tracker()
    assert tracker.follow(0.0, [box(100)]) == [1]
    assert tracker.follow(0.5, [box(300)]) == [2]
    assert tracker.follow(1.0, [box(100, side=300)]) == [3]


def test_the_nearest_faces_are_joined_over_all() -> None:
    """Faces side by side move by half a face: each taken alone, the first would take its neighbour's place."""
    tracker = Tracker()
    places = np.arange(5) * 90.0
    assert tracker.follow(0.0, [box(x) for x in places]) == [1, 2, 3, 4, 5]
    assert tracker.follow(0.5, [box(x + 40) for x in places]) == [1, 2, 3, 4, 5]
