"""Work that takes a while: done in a thread of its own, while the page is told how far it is.

Whoever began it may leave; what was begun is finished, because half a change would be worse.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
TOLD_EVERY_S = 0.4
"""Work that takes less is not announced: the page would only flicker."""


def follow(work: Callable[[], Result], say: Callable[[], str]) -> Generator[str, None, Result]:
    """Do the work, and yield what `say` returns every now and then; returns the work's result or raises its error."""
    with ThreadPoolExecutor(1, thread_name_prefix="studies") as pool:
        running = pool.submit(work)
        while True:
            try:
                return running.result(timeout=TOLD_EVERY_S)
            except TimeoutError:
                if running.done():  # the work's own
                    raise
            yield say()
