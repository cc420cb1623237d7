"""Groups of photos that look alike, by their perceptual hashes."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 32
"""Bits of 256 in which two near-duplicates differ at most. A portrait that was resized, saved as JPEG, blurred or made
noisy differed in 20 at most, portraits of different people by one studio in more than 44."""
ROWS = 128
"""Photos that are compared with all others at a time, which bounds the memory."""


def group_near_duplicates(hashes: Sequence[str], *, most_bits: int = MOST_BITS) -> list[list[int]]:
    """Return the groups of near-duplicates as indices into `hashes`, 256 bits in hexadecimal each.

    A photo belongs to a group when it is like any of it. A photo like no other is in no group.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(hashes)
    if not count:
        return []
    words = np.frombuffer(bytes.fromhex("".join(hashes)), dtype=np.uint64).reshape(count, -1)
    alike = [
        np.argwhere(_distances(words[first : first + ROWS], words) <= most_bits) + (first, 0)
        for first in range(0, count, ROWS)
    ]
    rows, columns = np.concatenate(alike).T
    edges = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    groups = defaultdict[int, list[int]](list)
    for index, label in enumerate(labels):
        groups[int(label)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _distances(rows: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return in how many bits hashes (R, words) and (N, words) differ: (R, N)."""
    differing: NDArray[np.int64] = np.bitwise_count(rows[:, None] ^ others[None]).sum(axis=2, dtype=np.int64)
    return differing
