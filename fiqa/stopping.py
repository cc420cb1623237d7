"""Ends work in order at SIGTERM and SIGHUP, as Ctrl-C does: what is done is still written."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
INTERRUPTED = 130


class Stopped(KeyboardInterrupt):
    """The process was told to end; `status` is what a shell expects it to exit with."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def status_of(stop: KeyboardInterrupt) -> int:
    """Return the exit status after a signal or Ctrl-C."""
    return stop.status if isinstance(stop, Stopped) else INTERRUPTED


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise Stopped at the first of the signals, and ignore further ones: what is left is to write results.

    A signal that is ignored already, as under nohup, stays ignored.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        """End the work once: a second signal must not interrupt the writing of what is done."""
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    before = [each for each in SIGNALS if in_main_thread and signal.getsignal(each) is signal.SIG_DFL]
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
