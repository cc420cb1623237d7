"""How the app is told to end."""

import signal
from queue import SimpleQueue


def wait_for_the_end() -> None:
    """Return when the process is told to end: by Ctrl-C, or by SIGTERM, as a Space does before it stops."""
    ended: SimpleQueue[int] = SimpleQueue()  # a second signal may come while the first is handled; an Event would hang
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: ended.put(number))
    ended.get()
