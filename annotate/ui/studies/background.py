"""Work that takes a while: done in a thread of its own, while the page is told how far it is.

Whoever began it may leave; what was begun is finished, because half a change would be worse. Nobody waits for that:
Gradio closes the generator of who left in the thread that serves everybody.
"""

import json
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from annotate.ui.studies.html import WORKING

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
TOLD_EVERY_S = 0.4
"""Work that takes less is not announced: the page would only flicker."""


def run_in_background(work: Callable[[], Result], say: Callable[[], str]) -> Generator[str, None, Result]:
    """Do the work, and yield what `say` returns every now and then; returns the work's result or raises its error.

    What the work needs to be open, it has to close itself: it may go on after this generator is closed.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="studies")
    running = pool.submit(copy_context().run, work)  # in the name of who began it
    pool.shutdown(wait=False)  # its thread ends with the work
    while True:
        try:
            return running.result(timeout=TOLD_EVERY_S)
        except TimeoutError:
            if running.done():  # just now, or the error is the work's own
                return running.result()
        try:
            yield say()
        except GeneratorExit:
            running.add_done_callback(_log_failure)
            raise


def _log_failure(done: "Future[Any]") -> None:
    if error := done.exception():
        logger.error("Work whose page was closed has failed.", exc_info=error)


def forget_file_on_study_change(study: gr.State, file: gr.File) -> None:
    """Take an uploaded file away when another study is opened: it is of the one before."""
    study.change(None, None, [file], js="() => null", show_progress_on=[])


def reset_on_study_change(
    study: gr.State, shown: Sequence[Component], running: Sequence[Any], buttons: Mapping[gr.Button, bool] | None = None
) -> None:
    """When another study is opened, empty what is shown of the one before, and let nothing of it come late.

    `running` are the events that fill it, or its numbers would stand under the other's name. What they have begun is
    finished, unseen. `buttons` are those that come and go while it runs, and whether each is there while nothing does.
    """
    # In the browser, at once: an answer of the server could come after what the other study's panel is filled with.
    there = buttons or {}
    empty = as_values([*[""] * len(shown), *map(visibility, there.values())])
    study.change(None, None, [*shown, *there], js=empty, cancels=list(running), show_progress_on=[])


def reset_on_failure(event: Any, shown: gr.HTML, buttons: Mapping[gr.Button, bool] | None = None) -> None:
    """Take away how far `event` was once it fails, and leave results from before. `buttons` are as above.

    After an error, which is told in a note of its own, the page runs what waits for `failure`, and not for `then`.
    """
    there = buttons or {}
    updates = json.dumps([*map(visibility, there.values())])
    js = f"(shown) => [shown?.includes({json.dumps(WORKING)}) ? '' : shown, ...{updates}]"
    event.failure(None, shown, [shown, *there], js=js, show_progress_on=[])


def show_buttons(event: Any, buttons: Mapping[gr.Button, bool]) -> None:
    """Let the buttons that are True be there, and no others, once `event` happens; in the browser, at once."""
    event(None, None, [*buttons], js=as_values([*map(visibility, buttons.values())]), show_progress_on=[])


def visibility(shown: bool) -> dict[str, Any]:
    """Return, for the browser, what shows a component or hides it."""
    return {"__type__": "update", "visible": shown}


def as_values(values: Sequence[Any]) -> str:
    """Return JavaScript that gives values to as many outputs; of one it is the value itself."""
    return f"() => ({json.dumps(values if len(values) > 1 else values[0])})"
