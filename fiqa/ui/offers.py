"""Photos that were added on other tabs, offered where photos come in, and put there when a visitor says so.

Nothing is put anywhere by itself, and all of it happens in the browser, at once: what the server put into a tray could
come late, and take the place of photos that were added meanwhile.
"""

from collections.abc import Sequence

import gradio as gr

PhotoInput = gr.Gallery | gr.File | gr.UploadButton
"""What takes photos in; in the browser its value is a list of files, those of a gallery with their captions."""

_OTHERS = """
    const files = (value) => [value ?? []].flat().map((each) => each.image ?? each);
    const here = new Set(files(own).map((file) => file.path));
    const found = new Map(others.flatMap(files).map((file) => [file.path, file]));
    const offered = [...found.values()].filter((file) => !here.has(file.path));
"""
"""Finds the files of the other inputs that are not in this one."""
OFFER = f"""(own, ...others) => {{{_OTHERS}
    const photos = offered.length === 1 ? "photo of another tab" : `${{offered.length}} photos of other tabs`;
    return {{ __type__: "update", visible: offered.length > 0, value: `Use the ${{photos}}` }};
}}"""
TAKE_FILES = f"(own, ...others) => {{{_OTHERS} return [[...(own ?? []), ...offered]]; }}"
TAKE_IMAGES = f"""(own, ...others) => {{{_OTHERS}
    return [[...(own ?? []), ...offered.map((image) => ({{ image, caption: null }}))]];
}}"""
"""An array is the values of all outputs, of which there is one."""


def build_offer(elem_id: str) -> gr.Button:
    """Lay out the button, which is hidden as long as there is nothing to offer."""
    return gr.Button("", visible=False, size="sm", elem_id=elem_id)


def connect_offer(offer: gr.Button, own: gr.Gallery | gr.File, others: Sequence[PhotoInput], photos: gr.State) -> None:
    """Let `offer` name how many photos there are in `others` and not in `own`, and put them beside those there.

    `photos` is the state that all tabs share. An input's own `change` does not tell of an example that the server put
    there; `photos` changes with it.
    """
    inputs = [own, *others]
    gr.on([each.change for each in (*inputs, photos)], None, inputs, offer, js=OFFER, show_progress_on=[])
    take = TAKE_IMAGES if isinstance(own, gr.Gallery) else TAKE_FILES
    offer.click(None, inputs, own, js=take, show_progress_on=[])
