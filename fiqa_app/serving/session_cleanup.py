"""What Gradio would retain of visits, for features that this app does without, and how it is made to forget.

Of each of the last 10,000 visits Gradio retains all that their page has shown, for links that open a page as it was: a
megabyte for everyone who had a photo scored, long after it was to be forgotten. It retains the names of all files that
were uploaded, to delete them by age, which `UploadFolder` does; and when every event began and ended, for statistics
that it computes anew after each.

What was forgotten leaves holes in the heap, whose memory is given back now and then.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count

import gradio as gr
from gradio.routes import App
from gradio.state_holder import StateHolder

from fiqa.memory import give_memory_back

KEPT_SESSIONS = 1000
"""Visits whose state is kept: who comes back to a page after that many others begins anew."""
CLOSED = timedelta(minutes=2)
"""How long a page that was closed is remembered: a connection may only have been lost for a while."""
SWEEP_S = 5
SWEEPS_TO_GIVE_BACK = 6


def keep_no_statistics(demo: gr.Blocks) -> None:
    """Let the queue take no note of the events that pass through it."""
    demo._queue.ANALYTICS_MAX_EVENTS = 0  # noqa: SLF001  the environment variable that sets it allows one at least


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
    """Forget what pages have shown, closed pages, the names of uploads, and who waits for nothing any more."""
    _forget_closed(app.state_holder)
    sessions = app.state_holder.session_data
    for session in sessions.values():
        session.config_values.clear()
    demo = app.get_blocks()
    for names in demo.temp_file_sets:
        names.clear()
    queue = demo._queue  # noqa: SLF001  nothing public tells
    waiting = queue.pending_event_ids_session
    for name in [name for name, events in waiting.items() if not events and name not in sessions]:
        del waiting[name]
        queue.pending_messages_per_session.pop(name, None)


def _forget_closed(holder: StateHolder) -> None:
    """Forget pages that were closed some time ago; Gradio does so after an hour."""
    now = datetime.now()  # noqa: DTZ005  as Gradio notes it
    closed = [name for name, session in holder.session_data.items() if session.is_closed]
    for name in [name for name in closed if now - holder.time_last_used.get(name, now) > CLOSED]:
        holder.delete_state(name)
        with holder.lock:
            holder.session_data.pop(name, None)
            holder.time_last_used.pop(name, None)
