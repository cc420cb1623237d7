"""Which face of a frame is which person: faces are followed from sample to sample by place and size.

Who leaves the picture for longer than `MAX_GAP_S` and comes back is a new person: faces are not recognised.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fiqa.results import Box

MAX_GAP_S = 2.0
MAX_MOVE = 1.0
"""How far a face may have moved between two samples, in sides of its box, and by how much, as a natural logarithm, its
size may have changed on top of that."""


@dataclass
class Tracker:
    """Gives faces the numbers of persons, counted from 1 in the order in which they first come."""

    max_gap_s: float = MAX_GAP_S
    persons: int = 0
    _seen: dict[int, tuple[float, Box]] = field(default_factory=dict)

    def follow(self, time_s: float, boxes: Sequence[Box]) -> list[int]:
        """Return the person of each face of the next sample, boxes as (x0, y0, x1, y1) in pixels."""
        from scipy.optimize import linear_sum_assignment

        self._seen = {who: seen for who, seen in self._seen.items() if time_s - seen[0] <= self.max_gap_s}
        known = list(self._seen)
        found: dict[int, int] = {}
        if known and boxes:
            apart = np.array([[_distance(self._seen[who][1], box) for box in boxes] for who in known])
            rows, columns = linear_sum_assignment(np.minimum(apart, 10 * MAX_MOVE))
            found = {
                int(column): known[row]
                for row, column in zip(rows, columns, strict=True)
                if apart[row, column] <= MAX_MOVE
            }
        people = [found[index] if index in found else self._new() for index in range(len(boxes))]
        self._seen.update({who: (time_s, box) for who, box in zip(people, boxes, strict=True)})
        return people

    def _new(self) -> int:
        self.persons += 1
        return self.persons


def _distance(one: Box, other: Box) -> float:
    """Return how far two boxes are apart: centres in sides of a box, plus the logarithm of the ratio of their sizes."""
    sides = [max(box[2] - box[0], box[3] - box[1], 1e-6) for box in (one, other)]
    centres = [np.array([box[0] + box[2], box[1] + box[3]]) / 2 for box in (one, other)]
    moved = float(np.linalg.norm(centres[0] - centres[1])) / (sum(sides) / 2)
    return moved + abs(float(np.log(sides[0] / sides[1])))
