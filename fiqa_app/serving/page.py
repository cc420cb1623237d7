"""The frame around the tabs: theme, header, footer, and what the browser is told before the first paint."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files

import gradio as gr

from fiqa.errors import FiqaError
from fiqa.ui.figures import text
from fiqa.ui.service import PredictorService, translate_errors

TITLE = "Face image quality"
DESCRIPTION = "How good is the picture of this face? A quality score for face photos, with its uncertainty."

_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='#1d4b4f'/>"
    "<path d='M6 20h20' stroke='#f3efe6' stroke-width='3' stroke-linecap='round'/>"
    "<circle cx='21' cy='20' r='5' fill='#e8a33d'/></svg>"
)
HEAD = (
    f'<meta name="description" content="{DESCRIPTION}"><meta name="referrer" content="no-referrer">'
    f'<link rel="icon" href="data:image/svg+xml,{escape(_ICON.replace("#", "%23"))}">'
)

SWITCH_THEME = """
element.querySelector("button").addEventListener("click", () => document.body.classList.toggle("dark"));
"""

_TEAL = gr.themes.Color(
    "#f0f6f5",
    "#dcebe9",
    "#b9d7d4",
    "#8fbdb9",
    "#5f9c98",
    "#3f7f7d",
    "#2b6668",
    "#1d4b4f",
    "#17393d",
    "#10282b",
    "#0a1a1c",
)
_SAND = gr.themes.Color(
    "#fbf9f4",
    "#f3efe6",
    "#e6dfd1",
    "#d0c6b3",
    "#a69c8a",
    "#7d7567",
    "#5f594e",
    "#47433b",
    "#2b2a27",
    "#1d1d1b",
    "#141413",
)


def build_theme() -> gr.themes.Base:
    """Return the app's theme: paper and deep teal, system fonts only (the page needs no network)."""
    theme = gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_SAND,
        radius_size=gr.themes.sizes.radius_lg,
        font=("-apple-system", "BlinkMacSystemFont", "Segoe UI", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif"),
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"),
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        block_background_fill="#ffffff",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        block_shadow="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="*neutral_900",
        color_accent="*primary_600",
        link_text_color_dark="*primary_300",
        link_text_color_hover_dark="*primary_200",
        link_text_color_visited_dark="*primary_300",
        link_text_color_active_dark="*primary_200",
    )


OPEN_BY_ADDRESS = """
() => {
    const signing = location.hash.startsWith("#sign-in=");
    const tab = signing ? "studies" : location.hash.slice(1).split("/")[0] || "score";
    return { __type__: "update", ...(/^[a-z]+$/.test(tab) ? { selected: tab } : {}) };
}
"""
"""Run in the browser: the tab that the address asks for; the link of the start signs its owner in."""


def keep_address(demo: gr.Blocks, tabs: gr.Tabs) -> None:
    """Let the address say what is shown, and show what the address says; see `address.js`."""
    script = files("fiqa_app.serving").joinpath("address.js").read_text(encoding="utf-8")
    address = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="address")
    for opened in (demo.load, address.input):
        opened(None, None, tabs, js=OPEN_BY_ADDRESS, show_progress_on=[])


def build_header() -> None:
    """Put the name of the page and what it is for at the top."""
    gr.HTML(
        "<header><div><h1>How good is this face photo?</h1>"
        "<p>Image quality of faces, measured: one number, and how sure it is.</p></div>"
        '<button type="button" aria-label="Switch between light and dark" title="Light or dark">◐</button></header>',
        js_on_load=SWITCH_THEME,
        apply_default_css=False,
        elem_id="header",
    )


def build_footer(
    service: PredictorService, checkpoint: gr.Dropdown, *, kept_minutes: int, kept: Mapping[str, str]
) -> None:
    """Say at the bottom what is at work, named once it is known, and what is kept of what each tab is given.

    `kept` says that of tabs that keep it.
    """

    def describe(at_work: str) -> str:
        return footer_text(at_work, kept_minutes=kept_minutes, kept=kept)

    def describe_checkpoint(name: str) -> str:
        """Return the footer for the chosen checkpoint, once it is loaded."""
        return describe(work_status(service, name))

    footer = gr.HTML(describe(f"{service.default}, getting ready"), apply_default_css=False, elem_id="footer")
    # Without triggers an event runs when the page loads and whenever an input changes.
    gr.on(
        None, describe_checkpoint, checkpoint, footer,
        show_progress="hidden", show_progress_on=[], concurrency_limit=None, api_visibility="private",
    )  # fmt: skip


def footer_text(at_work: str, *, kept_minutes: int, kept: Mapping[str, str]) -> str:
    """Return the footer; `at_work` says which checkpoint runs on which device, `kept` what other tabs keep.

    The stylesheet shows what is said of the tab that is looked at.
    """
    photos = f"Nothing is kept of your photos: they serve for your score and are deleted within {kept_minutes} minutes."
    said = "".join(f'<p data-tab="{tab}">{text(sentence)}</p>' for tab, sentence in kept.items())
    return f'<footer><p>At work: {text(at_work)}.</p><p data-tab="photos">{photos}</p>{said}</footer>'


def work_status(service: PredictorService, checkpoint: str) -> str:
    """Name the checkpoint and its device, waiting for it to be loaded; says so when it cannot be."""
    try:
        with translate_errors():
            device = service.device(checkpoint)
    except FiqaError as error:
        return f"{checkpoint}, which could not be loaded ({str(error).rstrip('.')})"
    return f"{checkpoint} on {'the CPU' if device == 'cpu' else device}"
