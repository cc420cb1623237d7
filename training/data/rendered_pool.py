"""Examples rendered while training: a pool that is drawn from and slowly renewed.

Rendering an example costs more than learning from it, so each is seen several times, differently cropped, before it
falls out of the pool; nothing has to be rendered before the first step. An example is its number: a resumed run
renders those it draws again and goes on as if it had never stopped.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

Example = TypeVar("Example")


class RenderedPool(Generic[Example]):
    """The last `size` examples, `renewed` of them new with every batch of `batch`; all follows from `seed`."""

    def __init__(
        self, render: Callable[[np.random.Generator], Example], *, size: int, renewed: int, batch: int, seed: int
    ) -> None:
        self._render, self._seed = render, seed
        self._size, self._renewed, self._batch = size, renewed, batch
        self._examples: dict[int, Example] = {}

    def draw(self, draw: int) -> list[Example]:
        """Return the examples of batch number `draw`: those that are new with it, and others at random."""
        end = self._batch + draw * self._renewed
        fresh = self._batch if draw == 0 else self._renewed
        start = max(0, end - self._size)
        for number in [each for each in self._examples if each < start]:
            del self._examples[number]
        older = np.random.default_rng((self._seed, 0, draw)).integers(start, end, self._batch - fresh)
        return [self._example(number) for number in (*range(end - fresh, end), *older.tolist())]

    def _example(self, number: int) -> Example:
        if number not in self._examples:
            self._examples[number] = self._render(np.random.default_rng((self._seed, 1, number)))
        return self._examples[number]
