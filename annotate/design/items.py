"""The kinds of item that a study shows."""

from enum import IntEnum

MOST_TRAPS = 100
"""Attention checks that are drawn at a time."""


class ItemKind(IntEnum):
    """Why a stimulus was shown. Only RATED rows enter a MOS."""

    RATED = 0
    GOLD = 1  # its grade is known
    TRAP = 2  # it says which grade to give
    REPEAT = 3  # the second showing of a stimulus to the same participant
    TRAINING = 4
    REFERENCE = 5  # only shown beside others, never rated
