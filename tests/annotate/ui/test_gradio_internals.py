"""What labelling uses of Gradio beyond what Gradio promises is still there."""

from typing import Any

import gradio as gr
import pytest

from annotate.ui.gradio_internals import told


@pytest.mark.parametrize(("sent", "read"), [({"do": "open"}, {"do": "open"}), ("nonsense", {}), (None, {})])
def test_else_no_press_in_a_table_is_understood(sent: Any, read: dict[str, Any]) -> None:
    assert told(gr.EventData(None, sent)) == read
