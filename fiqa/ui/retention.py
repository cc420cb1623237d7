"""What Gradio would retain of visits, for features that this app does without, and how it is made to forget.

Of each of the last 10,000 visits Gradio retains all that their page has shown, for links that open a page as it was: a
megabyte for everyone who had a photo scored, long after it was to be forgotten. It retains the names of all files that
were uploaded, to delete them by age, which `UploadFolder` does; and when every event began and ended, for statistics
that it computes anew after each.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import gradio as gr
from gradio.routes import App

KEPT_SESSIONS = 1000
"""Visits whose state is kept: who comes back to a page after that many others begins anew."""
SWEEP_S = 5


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
    while True:
        await asyncio.sleep(SWEEP_S)
        forget(app)


def forget(app: App) -> None:
    """Forget what pages have shown, the names of uploads, and who waits for nothing any more."""
    sessions = app.state_holder.session_data
    for session in sessions.values():
        session.config_values.clear()
    demo = app.get_blocks()
    for names in demo.temp_file_sets:
        names.clear()
    waiting = demo._queue.pending_event_ids_session  # noqa: SLF001  nothing public tells
    for name in [name for name, events in waiting.items() if not events and name not in sessions]:
        del waiting[name]
