"""A page whose endpoints can be called with fewer inputs than they take.

Programs that use `gradio_client` or the MCP server get the defaults of what they leave out. Those that post JSON
themselves would get an error as soon as an endpoint takes one input more than it did when they were written.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState


class Page(gr.Blocks):
    """Blocks in which an input that a request leaves out is what its component shows at first."""

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """Fill in what is missing at the end of `inputs`, then let Gradio read them."""
        read: list[Any] = await super().preprocess_data(block_fn, _completed(block_fn, inputs), state, explicit_call)
        return read


def _completed(event: BlockFunction, inputs: Sequence[Any]) -> list[Any]:
    missing = event.inputs[len(inputs) :]
    return [*inputs, *(getattr(component, "value", None) for component in missing)]
