"""Ends work in order at SIGTERM and SIGHUP, as Ctrl-C does: what is done is still written.

An import that is under way is finished first: the compiled parts of torch end the process with a stack of C++ where an
exception comes up while they are loaded.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
INTERRUPTED = 130
IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
"""The file that Python names for the code of its own import system."""
RETRY_S = 0.05
"""How often it is looked whether an import has ended."""


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

    Ctrl-C raises KeyboardInterrupt as ever. A signal that is ignored already, as under nohup, stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        """End the work once: a second signal must not interrupt the writing of what is done."""
        if _imports(frame):
            _raise_again(number)
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        for each in ended_by:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    ended_by = [each for each in SIGNALS if in_main_thread and signal.getsignal(each) is signal.SIG_DFL]
    before: dict[int, Any] = dict.fromkeys(ended_by, signal.SIG_DFL)
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.default_int_handler
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _imports(frame: FrameType | None) -> bool:
    """Whether what runs in a frame was called by an import."""
    while frame is not None:
        if frame.f_code.co_filename == IMPORT_SYSTEM:
            return True
        frame = frame.f_back
    return False


def _raise_again(number: int) -> None:
    """Send the main thread a signal again in a moment; one that came to another thread would not wake it."""
    if sys.platform == "win32":
        timer = threading.Timer(RETRY_S, signal.raise_signal, [number])
    else:
        timer = threading.Timer(RETRY_S, signal.pthread_kill, [threading.main_thread().ident, number])
    timer.daemon = True
    timer.start()
