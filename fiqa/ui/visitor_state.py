"""Pictures of visitors' photos that a page holds in memory, and when they go.

Gradio keeps a visitor's state for an hour after they left; the footer promises less, so we sweep it ourselves.
"""

import time
from collections.abc import Callable
from threading import Lock, Timer
from typing import Protocol
from weakref import WeakSet

SWEEP_S = 60
KEPT_MINUTES = 15
"""How long a photo that was uploaded is kept at most, on the disk and in memory; the footer promises it."""
KEPT_S = 60 * KEPT_MINUTES - SWEEP_S
"""Age at which what holds pictures of a photo is forgotten; looked after every `SWEEP_S`."""


class Forgetful(Protocol):
    """What holds pictures for a while."""

    def forget(self, *, before: float) -> bool:
        """Forget what was made before a time of the monotonic clock, in seconds; return whether anything is left."""
        ...


class Sweeper:
    """Forgets what visitors looked at some time ago, in a thread of its own while there is anything to forget."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._watched: WeakSet[Forgetful] = WeakSet()
        self._lock = Lock()
        self._timer: Timer | None = None

    def watch(self, holder: Forgetful) -> None:
        """Look after what holds pictures until it holds none."""
        with self._lock:
            self._watched.add(holder)
            if self._timer is None:
                self._start()

    def sweep(self) -> None:
        """Forget what is too old, and come back while anything is left."""
        with self._lock:
            for holder in list(self._watched):
                if not holder.forget(before=self.clock() - KEPT_S):
                    self._watched.discard(holder)
            self._timer = None
            if self._watched:
                self._start()

    def _start(self) -> None:
        self._timer = Timer(SWEEP_S, self.sweep)
        self._timer.daemon = True
        self._timer.start()
