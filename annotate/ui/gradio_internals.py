"""What the tabs of labelling use of Gradio that Gradio does not promise to keep; they touch it nowhere else."""

from typing import Any

import gradio as gr


def told(event: gr.EventData) -> dict[str, Any]:
    """Return what the page says of an event; nothing where it says nonsense."""
    return event._data if isinstance(event._data, dict) else {}  # noqa: SLF001  it has no name for the whole
