"""Works ahead of whoever takes the results: in threads, in order, and never far."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def made_ahead(make: Callable[[Given], Made], given: Iterable[Given], *, workers: int, ahead: int) -> Iterator[Made]:
    """Yield what `make` returns for everything given, in order, while threads are at work on what follows.

    What is given is read one by one as places become free, so it may be endless; no more than `ahead` results wait.
    An error of `make`, or of reading what is given, is raised where the result would have come.

    Args:
        make: What the threads do; it has to allow for `workers` calls at a time.
        given: What it is called with.
        workers: Number of threads.
        ahead: How many results may be in the making, or made and not yet taken.
    """
    source, waiting = iter(given), deque[Future[Made]]()
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as threads:
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < ahead:
                    more = _begin_next(source, lambda each: threads.submit(make, each), waiting)
                if waiting:
                    yield waiting.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _begin_next(
    source: Iterator[Given], begin: Callable[[Given], "Future[Made]"], waiting: "deque[Future[Made]]"
) -> bool:
    """Begin with what comes next; say whether anything may come after it."""
    try:
        waiting.append(begin(next(source)))
    except StopIteration:
        return False
    except Exception as error:  # noqa: BLE001  whatever reading raises has its turn after the results before it
        failed: Future[Made] = Future()
        failed.set_exception(error)
        waiting.append(failed)
        return False
    return True
