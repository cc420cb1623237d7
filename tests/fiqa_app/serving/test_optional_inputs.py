"""Inputs that a request leaves out."""

import asyncio

import gradio as gr
import pytest

from fiqa_app.serving.optional_inputs import Page


@pytest.fixture
def page() -> Page:
    """A page with one event of two inputs."""
    page = Page()
    with page:
        photo, face = gr.Textbox(), gr.Textbox("main")
        gr.Button().click(lambda *_: None, [photo, face], None)
    return page


@pytest.mark.parametrize(
    ("sent", "read"),
    [([], ["", "main"]), (["a.png"], ["a.png", "main"]), (["a.png", "largest"], ["a.png", "largest"])],
)
def test_what_is_left_out_is_what_the_page_shows_at_first(page: Page, sent: list[str], read: list[str]) -> None:
    (event,) = page.fns.values()
    assert [each or "" for each in asyncio.run(page.preprocess_data(event, sent, None))] == read
