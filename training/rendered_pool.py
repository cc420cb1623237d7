"""Examples rendered while training: a pool that is drawn from and slowly renewed.

Rendering an example costs more than learning from it, so each is seen several times, differently cropped,
before it falls out of the pool; nothing has to be rendered before the first step.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

Example = TypeVar("Example")


class RenderedPool(Generic[Example]):
    """Up to `size` examples, `renewed` of them rendered anew for each batch; all follows from `seed`."""

    def __init__(
        self, render: Callable[[np.random.Generator], Example], *, size: int, renewed: int, seed: int | tuple[int, ...]
    ) -> None:
        self._render = render
        self._renewed = renewed
        self._rng = np.random.default_rng(seed)
        self._examples: deque[Example] = deque(maxlen=size)

    def draw(self, count: int) -> list[Example]:
        """Return `count` examples: the newest, and others at random."""
        fresh = self._renewed if len(self._examples) >= count else count
        self._examples.extend(self._render(self._rng) for _ in range(fresh))
        newest = range(len(self._examples) - min(fresh, count), len(self._examples))
        older = self._rng.choice(len(self._examples), count - len(newest))
        return [self._examples[index] for index in (*newest, *older)]
