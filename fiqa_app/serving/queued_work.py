"""What the gate has to know of Gradio's queue: which work is slow, and whose it is."""

from typing import Any

import gradio as gr

from fiqa_app.gradio_internals import queued_events
from fiqa_app.serving.gate import visitor_of


class QueuedWork:
    """Looks into the queue of `demo`. Slow is what Gradio runs a limited number of at a time."""

    def __init__(self, demo: gr.Blocks, *, behind_proxy: bool) -> None:
        self.demo, self.behind_proxy = demo, behind_proxy

    def is_slow(self, endpoint: str, fields: dict[str, Any]) -> bool:
        """Whether the request makes a slow event: `queue/join` names it by number, `call/…` by name."""
        if endpoint.rstrip("/") == "queue/join":
            number = str(fields.get("fn_index")).removesuffix(".0")  # Gradio takes "3" and 3.0 for 3 as well
            event = self.demo.fns.get(int(number)) if number.isdecimal() else None
            return event is not None and event.concurrency_limit is not None
        kind, _, name = endpoint.rstrip("/").removeprefix("call/v2/").removeprefix("call/").rpartition("/")
        named = (event for event in self.demo.fns.values() if event.api_name == name)
        return not kind and any(event.concurrency_limit is not None for event in named)

    def pending(self, visitor: str) -> int:
        """Count the slow events of a visitor that wait or run."""
        slow = (event for event in queued_events(self.demo) if event.fn.concurrency_limit is not None)
        return sum(visitor_of(event.request.scope, behind_proxy=self.behind_proxy) == visitor for event in slow)
