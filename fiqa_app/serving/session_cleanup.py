"""What Gradio would retain of visits, for features that this app does without, and how it is made to forget.

Gradio retains the state of the last 10,000 visits, and the names of all files that were uploaded, to delete them by
age, which `UploadFolder` does; and when every event began and ended, for statistics that it computes anew after each.

What was forgotten leaves holes in the heap, whose memory is given back now and then.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

from gradio.routes import App

from fiqa.memory import give_memory_back
from fiqa_app.gradio_internals import forget_closed, forget_uploads, forget_who_waited

KEPT_SESSIONS = 1000
"""Visits whose state is kept: who comes back to a page after that many others begins anew."""
CLOSED = timedelta(minutes=2)
"""How long a page that was closed is remembered: a connection may only have been lost for a while."""
SWEEP_S = 5
SWEEPS_TO_GIVE_BACK = 6


@asynccontextmanager
async def forgetting(app: App) -> AsyncIterator[None]:
    """Forget every few seconds while the server runs, in its own thread, where nothing is half done meanwhile."""
    task = asyncio.create_task(_forget_for_ever(app))
    try:
        yield
    finally:
        task.cancel()


async def _forget_for_ever(app: App) -> None:
    for sweep in count(1):
        await asyncio.sleep(SWEEP_S)
        forget(app)
        if sweep % SWEEPS_TO_GIVE_BACK == 0:
            await asyncio.to_thread(give_memory_back)


def forget(app: App) -> None:
    """Forget closed pages, the names of uploads, and who waits for nothing any more."""
    forget_closed(app, after=CLOSED)
    forget_uploads(app)
    forget_who_waited(app)
