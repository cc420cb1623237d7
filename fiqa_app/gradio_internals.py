"""What the app uses of Gradio that Gradio does not promise to keep; the app touches it nowhere else.

After an update of Gradio, `tests/fiqa_app/test_gradio_internals.py` says what is not there any more, and what breaks.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import gradio as gr
import wrapt
from gradio.block_function import BlockFunction
from gradio.blocks import Block, BlocksConfig
from gradio.queueing import Event
from gradio.renderable import Renderable
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder


class Page(gr.Blocks):
    """Blocks in which an input that a request leaves out is what its component shows at first.

    Programs that use `gradio_client` or the MCP server get the defaults of what they leave out. Those that post JSON
    themselves would get an error as soon as an endpoint takes one input more than it did when they were written.

    What browsers are told of the page is made once, see `_PageConfig`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.default_config = _PageConfig(self)

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """Fill in what is missing at the end of `inputs`, then let Gradio read them."""
        read: list[Any] = await super().preprocess_data(block_fn, _completed(block_fn, inputs), state, explicit_call)
        return read


def _completed(event: BlockFunction, inputs: Sequence[Any]) -> list[Any]:
    missing = event.inputs[len(inputs) :]
    return [*inputs, *(getattr(component, "value", None) for component in missing)]


class _PageConfig(BlocksConfig):
    """What a page is made of, as browsers and programs are told.

    Gradio puts it together three times before the page is served, with the schema of what each component holds, and
    once more for every visitor. Here it is done once, with the schemas of what programs send and get alone.
    """

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(page)
        self._size, self._told = (0, 0), dict[str, Any]()
        self._offered = frozenset[int]()

    def get_config(self, renderable: Renderable | None = None) -> dict[str, Any]:
        """Return what is told, put together anew where blocks or events were added since."""
        size = len(self.blocks), len(self.fns)
        if size != self._size:
            offered = [event for event in self.fns.values() if event.api_visibility != "private"]
            self._offered = frozenset(
                each._id  # noqa: SLF001  it has no other name
                for event in offered
                for each in (*event.inputs, *event.outputs)
            )
            self._size, self._told = size, super().get_config(renderable)
        return self._told

    def config_for_block(  # type: ignore[override]  # a static method of Gradio's, which is called as one of ours
        self, _id: int, rendered_ids: list[int], block: Block, renderable: Renderable | None = None
    ) -> dict[str, Any]:
        """Return what is told of one block."""
        if _id in self._offered:
            return super().config_for_block(_id, rendered_ids, block, renderable)
        without_schema = cast("Block", _WithoutSchema(block))
        config = super().config_for_block(_id, rendered_ids, without_schema, renderable)
        return {**config, "skip_api": block.skip_api}

    def __copy__(self) -> "_VisitConfig":
        visit = _VisitConfig(self.root_block)
        visit.blocks, visit.fns, visit.renderables = self.blocks.copy(), self.fns.copy(), self.renderables.copy()
        visit.fn_id = self.fn_id
        return visit


class _VisitConfig(BlocksConfig):
    """What one visitor's page is made of, of which Gradio would note all that it shows, for links that show it again.

    That is a megabyte for everyone who had a photo scored, long after it was to be forgotten.
    """

    def config_for_block(self, *_: Any) -> dict[str, Any]:  # type: ignore[override]  # as above
        """Note nothing of what a block shows."""
        return {}


class _WithoutSchema(wrapt.ObjectProxy[Block]):
    """A block of which nobody is told what it takes and gives."""

    skip_api = True


@wrapt.transient_function_wrapper(App, "create_app")
def without_applications(*_: Any) -> None:
    """Let a function lay out a page and Gradio make no application, as it else does three times before the launch."""


def count_waiting(demo: gr.Blocks) -> int:
    """Return how many events wait in the queue."""
    return len(demo._queue)  # noqa: SLF001  nothing public tells, here and below


def queued_events(demo: gr.Blocks) -> list[Event]:
    """Return the events that wait or run; each has its function as `fn`, and its `request`."""
    return list(demo._queue.event_ids_to_events.values())  # noqa: SLF001


def keep_no_statistics(demo: gr.Blocks) -> None:
    """Let the queue take no note of the events that pass through it."""
    demo._queue.ANALYTICS_MAX_EVENTS = 0  # noqa: SLF001  the environment variable that sets it allows one at least


def look_for_work_less_often(demo: gr.Blocks) -> None:
    """Let the queue look for events a hundred times a second, and for the progress of some ten times.

    Gradio looks a thousand times and a hundred, by which an app takes a twentieth of a processor while nobody is there.
    """
    demo._queue.sleep_when_free = 0.01  # noqa: SLF001
    demo._queue.progress_update_sleep_when_free = 0.1  # noqa: SLF001


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
