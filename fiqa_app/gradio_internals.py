"""What the app uses of Gradio that Gradio does not promise to keep; the app touches it nowhere else.

After an update of Gradio, `tests/fiqa_app/test_gradio_internals.py` says what is not there any more, and what breaks.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.queueing import Event
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder


class Page(gr.Blocks):
    """Blocks in which an input that a request leaves out is what its component shows at first.

    Programs that use `gradio_client` or the MCP server get the defaults of what they leave out. Those that post JSON
    themselves would get an error as soon as an endpoint takes one input more than it did when they were written.
    """

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """Fill in what is missing at the end of `inputs`, then let Gradio read them."""
        read: list[Any] = await super().preprocess_data(block_fn, _completed(block_fn, inputs), state, explicit_call)
        return read


def _completed(event: BlockFunction, inputs: Sequence[Any]) -> list[Any]:
    missing = event.inputs[len(inputs) :]
    return [*inputs, *(getattr(component, "value", None) for component in missing)]


def count_waiting(demo: gr.Blocks) -> int:
    """Return how many events wait in the queue."""
    return len(demo._queue)  # noqa: SLF001  nothing public tells, here and below


def queued_events(demo: gr.Blocks) -> list[Event]:
    """Return the events that wait or run; each has its function as `fn`, and its `request`."""
    return list(demo._queue.event_ids_to_events.values())  # noqa: SLF001


def keep_no_statistics(demo: gr.Blocks) -> None:
    """Let the queue take no note of the events that pass through it."""
    demo._queue.ANALYTICS_MAX_EVENTS = 0  # noqa: SLF001  the environment variable that sets it allows one at least


def forget_what_was_shown(app: App) -> None:
    """Forget what pages have shown, which Gradio retains for links that open a page as it was."""
    for session in app.state_holder.session_data.values():
        session.config_values.clear()


def forget_uploads(app: App) -> None:
    """Forget the names of uploads, which Gradio retains to delete them by age."""
    for names in app.get_blocks().temp_file_sets:
        names.clear()


def forget_who_waited(app: App) -> None:
    """Forget the sessions that wait for nothing any more, and are closed."""
    queue, sessions = app.get_blocks()._queue, app.state_holder.session_data  # noqa: SLF001
    waiting = queue.pending_event_ids_session
    for name in [name for name, events in waiting.items() if not events and name not in sessions]:
        del waiting[name]
        queue.pending_messages_per_session.pop(name, None)


def forget_closed(app: App, *, after: timedelta) -> None:
    """Forget pages that were closed so long ago; Gradio does so after an hour."""
    holder: StateHolder = app.state_holder
    for name in list(_closed_before(holder, after)):
        holder.delete_state(name)
        with holder.lock:
            holder.session_data.pop(name, None)
            holder.time_last_used.pop(name, None)


def _closed_before(holder: StateHolder, after: timedelta) -> Iterator[str]:
    now = datetime.now()  # noqa: DTZ005  as Gradio notes it
    for name in [name for name, session in holder.session_data.items() if session.is_closed]:
        if now - holder.time_last_used.get(name, now) > after:
            yield name
