"""The Attention tab: why a face has its score, as maps over the photo; and the same for programs at `/attention`.

What a visitor looks at comes from the Score tab, from a photo added here, or from the example. Opacity, the
slider between photo and map, and landmarks are drawn by the browser; a click asks the server what the maps
hold there. Inspections are kept for as long as uploads are, so that looking at another map of the same
face finds it again. Gradio would keep a visitor's state for an hour after they left, so we sweep it ourselves.
"""

import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

from fiqa.errors import FiqaError, PhotoError
from fiqa.maps.face_maps import KINDS, MapKey, find_kind
from fiqa.maps.figures import array_file, colour_maps, colour_scale, figure_png, values_file
from fiqa.maps.regions import OUTLINES
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.photos.thumbnails import data_uri
from fiqa.ui.attention.inspection import Inspection, Subject, begin, fill, score_unguided
from fiqa.ui.attention.panels import (
    PARTS,
    failure_panel,
    maps_panel,
    missing_note,
    parts_panel,
    progress_panel,
    reading_panel,
)
from fiqa.ui.attention.state import (
    ALONE,
    CHECKPOINT_PREFIX,
    EXAMPLE,
    EXAMPLE_NAME,
    FIRST_KIND,
    AttentionState,
    Choices,
    Source,
    choose_newest,
    find_key,
    find_sources,
    find_subjects,
)
from fiqa.ui.examples import example_photo
from fiqa.ui.figures import text
from fiqa.ui.photos import SCORING, SCORING_LIMIT, UNSEEN, LoadedPhotos, decode_upload
from fiqa.ui.service import PredictorService, translate_errors
from fiqa.ui.visitor_state import Sweeper

TOLD_AFTER_S = 0.4
"""Work that takes less is not announced: the page would only flicker."""
INTERACT = files("fiqa.ui.attention").joinpath("maps.js").read_text(encoding="utf-8")
SAVE_FILE = """
watch("value", () => element.querySelector("a")?.click());
"""


def build_attention_tab(
    service: PredictorService, photos: gr.State, checkpoint: gr.Dropdown, tab: gr.Tab
) -> gr.Gallery:
    """Lay out the tab inside `tab` and connect it; returns its tray.

    `photos` holds `LoadedPhotos`; `checkpoint` is the page's choice.
    """
    state = gr.State(AttentionState())
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=3, min_width=280, elem_classes="tray"):
            tray, controls, note = _build_controls()
        with gr.Column(scale=9, min_width=300, elem_classes="results"):
            busy = progress_panel("Getting ready", None)
            figure = gr.HTML(busy, js_on_load=INTERACT, apply_default_css=False, elem_id="maps")
            reading = gr.HTML("", apply_default_css=False, elem_id="reading")
            parts = gr.HTML("", apply_default_css=False, elem_id="parts")
            saved = gr.HTML("", js_on_load=SAVE_FILE, apply_default_css=False, elem_id="saved")
    handlers = _Handlers(service)
    options: dict[str, Any] = {
        "inputs": [state, photos, tray, checkpoint, *controls.values()],
        "outputs": [figure, reading, parts, note, *(controls[name] for name in UPDATED)],
        "trigger_mode": "always_last",
        "concurrency_limit": SCORING_LIMIT,
        "concurrency_id": SCORING,
        **UNSEEN,
    }
    gr.on([photos.change, checkpoint.change], handlers.show_if_opened, **options)
    gr.on([tab.select, tray.change, *map(_changed_by_visitor, controls.values())], handlers.show, **options)
    at_once: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}
    figure.select(handlers.read, state, reading, **at_once)
    figure.click(handlers.save, state, saved, **at_once)
    _build_endpoint(handlers, checkpoint)
    return tray


UPDATED = ("photo", "compare", "face", "kind", "block", "colour_map")
"""Controls whose choices follow from what is shown."""


def _build_controls() -> tuple[gr.Gallery, dict[str, Any], gr.HTML]:
    """Lay out what decides on the map: the tray for photos, controls by their names in `Choices`, and a note."""
    photo = gr.Dropdown([(EXAMPLE_NAME, EXAMPLE)], value=EXAMPLE, label="Photo", filterable=False, elem_id="which")
    face = gr.Dropdown([("1", 1)], value=1, label="Face", filterable=False, visible=False, elem_id="face")
    tray = gr.Gallery(
        label="Another photo", type="filepath", format="png", sources=["upload"], interactive=True,
        file_types=["image", *sorted(PHOTO_SUFFIXES)], columns=4, fit_columns=False, allow_preview=False, buttons=[],
        elem_id="another-photo",
    )  # fmt: skip
    kinds = [(each.title, each.name) for each in KINDS.values()]
    kind = gr.Radio(kinds, value=FIRST_KIND, label="Map", elem_id="kind")
    block = gr.Slider(1, 12, value=12, step=1, label="Block", visible=False, elem_id="block")
    note = gr.HTML("", apply_default_css=False, elem_id="missing-maps")
    compare = gr.Dropdown([ALONE], value=ALONE[1], label="Compare with", filterable=False, elem_id="compare")
    with gr.Accordion("Colours and view", open=False):
        first = colour_maps(KINDS[FIRST_KIND])
        colour_map = gr.Dropdown(list(first), value=first[0], label="Colour map", filterable=False, elem_id="colours")
        whole = gr.Checkbox(label="Whole photo instead of the face", value=False, elem_id="whole")
    with gr.Accordion("Move or drop landmarks", open=False):
        dropped = [(PARTS[name].split(":")[0], name) for name in OUTLINES]
        without = gr.CheckboxGroup(dropped, label="Drop those of", elem_id="without")
        right = gr.Slider(-50, 50, value=0, step=5, label="Move right, % of the face", elem_id="right")
        down = gr.Slider(-50, 50, value=0, step=5, label="Move down, % of the face", elem_id="down")
    controls = {
        "photo": photo, "compare": compare, "face": face, "kind": kind, "block": block, "colour_map": colour_map,
        "whole": whole, "without": without, "right": right, "down": down,
    }  # fmt: skip
    return tray, controls, note


def _changed_by_visitor(control: Any) -> Any:
    """Return the event of a visitor's choice; `change` would also tell of what the server puts there."""
    return control.release if isinstance(control, gr.Slider) else control.input


class _Handlers:
    """The tab's event handlers: they turn every error into a sentence for the visitor."""

    def __init__(self, service: PredictorService) -> None:
        self.service = service
        self._sweeper = Sweeper()

    def show_if_opened(self, state: AttentionState, *inputs: Any) -> Iterator[tuple[Any, ...]]:
        """Follow what happens on other tabs, once this one has been looked at."""
        if state.opened:
            yield from self.show(state, *inputs)
        else:
            yield (gr.skip(),) * (4 + len(UPDATED))

    def show(
        self,
        state: AttentionState,
        photos: LoadedPhotos,
        tray: list[tuple[str, str | None]] | None,
        checkpoint: str,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Show the chosen map of the chosen face; work that takes its time reports its progress on the way."""
        same = (gr.skip(),) * len(UPDATED)
        state.opened = True
        try:
            with translate_errors():
                sources = find_sources(photos, tray)
                choices = choose_newest(state, sources, Choices(*values))
                for panel in self._inspect(state, find_subjects(sources, checkpoint, choices), choices):
                    yield panel, "", gr.skip(), gr.skip(), *same
                figure = maps_panel(state.shown, state.key, state.scales(), whole=choices.whole)
                yield figure, "", gr.skip(), missing_note(state.shown[0]), *self._updates(state, sources, choices)
                for each in state.shown:
                    score_unguided(self.service, each)
                yield gr.skip(), gr.skip(), parts_panel(state.shown), gr.skip(), *same
        except FiqaError as error:
            state.shown = []
            yield failure_panel(str(error)), "", "", gr.skip(), *same

    def read(self, state: AttentionState, event: gr.EventData) -> str:
        """Say what the maps hold where the visitor clicked."""
        try:
            with translate_errors():
                inspection = state.side(_given(event, "side"))
                x, y = (float(_given(event, name)) for name in ("x", "y"))
                return reading_panel(inspection, state.key, x, y)
        except FiqaError as error:
            return f'<p class="reading" role="alert">{text(error)}</p>'

    def save(self, state: AttentionState, event: gr.EventData) -> str:
        """Hand out the map on one side as a figure or as values; nothing is kept on the server."""
        try:
            with translate_errors():
                inspection = state.side(_given(event, "side"))
                name = f"{Path(inspection.subject.name).stem}-{state.key.kind}"
                if _given(event, "format") == "npz":
                    return _link(f"{name}.npz", "application/zip", values_file(inspection.maps[state.key]))
                pixels = _pixels(inspection.subject.source)
                scale = state.scales()[state.shown.index(inspection)]
                figure = figure_png(pixels, inspection.maps[state.key], scale, _describe(inspection))
                return _link(f"{name}.png", "image/png", figure)
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def attention(
        self, photo: bytes | None, checkpoint: str, kind: str = FIRST_KIND, face: float = 1, block: float | None = None
    ) -> tuple[dict[str, Any], str, str]:
        """Map where in a face the network looks, in pixels of the photo.

        Args:
            photo: The photo, as an image file of any common format.
            checkpoint: Name of the checkpoint.
            kind: Which map: KINDS.
            face: Which face, counted from 1, the most prominent first.
            block: Which block of attention, counted from 1; the last unless given.

        Returns:
            what the map is (kind, block, title, unit, shows, shows_not, and for maps that add up what they sum to), the
            score of the face with its range, and the checkpoint;
            an .npy file: float32, height x width of the photo, NaN where no crop reached;
            a PNG figure.
        """
        try:
            with translate_errors():
                return self._answer(photo, checkpoint, kind, int(face), None if block is None else int(block))
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _answer(
        self, photo: bytes | None, checkpoint: str, kind: str, face: int, block: int | None
    ) -> tuple[dict[str, Any], str, str]:
        find_kind(kind)
        if photo is None:
            raise PhotoError("No photo was given; send one image file.")
        pixels = decode_upload(photo).pixels
        inspection = begin(self.service, Subject("", "photo", checkpoint, face), pixels)
        if inspection.number != face:
            raise FiqaError(f"There is no face {face}: {inspection.faces} found, counted from 1, the main one first.")
        key = inspection.offered.nearest(kind, block)
        for each in dict.fromkeys((FIRST_KIND, kind)):
            for _ in fill(self.service, inspection, each):
                pass
        face_map = inspection.maps[key]
        figure = figure_png(pixels, face_map, colour_scale([face_map], inspection.score_range), _describe(inspection))
        # Written straight to the folder that Gradio serves from and sweeps.
        files = (("map.npy", array_file(face_map)), ("map.png", figure))
        array, picture = (save_bytes_to_cache(data, name, get_upload_folder()) for name, data in files)
        return _answer(inspection, key), array, picture

    def _inspect(self, state: AttentionState, subjects: list[Subject], choices: Choices) -> Iterator[str]:
        """Put the inspections of the subjects before the visitor, yielding panels that tell of the progress."""
        inspections: list[Inspection] = []
        for subject in subjects:
            if subject not in state.inspections:
                if not self.service.is_loaded(subject.checkpoint):
                    yield progress_panel("Getting ready", None)
                state.keep(begin(self.service, subject, _pixels(subject.source)))
            inspection = state.inspections[subject]
            state.keep(inspection)
            self._sweeper.watch(state)
            state.key = find_key(inspection, choices, beside=state.key if inspections else None)
            for needed in dict.fromkeys((FIRST_KIND, state.key.kind)):
                yield from _told(KINDS[needed].title, fill(self.service, inspection, needed))
            inspections.append(inspection)
        state.shown = inspections
        suitable = colour_maps(KINDS[state.key.kind])
        state.colour_map = choices.colour_map if choices.colour_map in suitable else suitable[0]

    def _updates(self, state: AttentionState, sources: dict[str, Source], choices: Choices) -> tuple[Any, ...]:
        """Return what the controls `UPDATED` now offer."""
        first = state.shown[0]
        photos = [(name, key) for key, (_, name) in sources.items()]
        others = [(name, key) for name, key in photos if key != choices.photo]
        others += [
            (f"checkpoint {name}", CHECKPOINT_PREFIX + name)
            for name in self.service.checkpoints
            if name != first.subject.checkpoint
        ]
        compare = choices.compare if choices.compare in {key for _, key in others} else ALONE[1]
        kinds = [(each.title, each.name) for each in KINDS.values() if each.name not in first.offered.missing]
        blocks = first.offered.blocks.get(state.key.kind, 1)
        return (
            gr.update(choices=photos, value=choices.photo),
            gr.update(choices=[ALONE, *others], value=compare),
            gr.update(
                choices=[(str(n), n) for n in range(1, first.faces + 1)], value=first.number, visible=first.faces > 1
            ),
            gr.update(choices=kinds, value=state.key.kind),
            gr.update(maximum=max(2, blocks), value=state.key.block or blocks, visible=blocks > 1),
            gr.update(choices=list(colour_maps(KINDS[state.key.kind])), value=state.colour_map),
        )


def _pixels(source: str | int) -> NDArray[np.uint8]:
    """Return the photo (H, W, 3) of a source; raises PhotoError, in particular when it was deleted meanwhile."""
    return example_photo(source) if isinstance(source, int) else decode_upload(source).pixels


def _told(title: str, work: Iterator[float]) -> Iterator[str]:
    """Turn the progress of work into panels, once it has taken long enough to be worth telling."""
    told = time.monotonic()
    for share in work:
        if time.monotonic() - told > TOLD_AFTER_S:
            told = time.monotonic()
            yield progress_panel(title, share)


def _given(event: gr.EventData, name: str) -> Any:
    """Return what the page sent with an event; raises FiqaError where it did not."""
    value = getattr(event, name, None)
    if value is None:
        raise FiqaError("The page sent something unexpected; reload it.")
    return value


def _describe(inspection: Inspection) -> str:
    subject = inspection.subject
    return f"{subject.name}, face {inspection.number}, score {inspection.score:.3f}, {subject.checkpoint}"


def _answer(inspection: Inspection, key: MapKey) -> dict[str, Any]:
    face_map, kind = inspection.maps[key], KINDS[key.kind]
    return {
        "kind": key.kind,
        "block": key.block,
        "title": face_map.title,
        "unit": kind.unit,
        "shows": kind.shows,
        "shows_not": kind.shows_not,
        "sums_to": kind.total or None,
        "face": inspection.number,
        "faces": inspection.faces,
        "score": round(inspection.score, 4),
        "score_range": list(inspection.score_range),
        "checkpoint": inspection.subject.checkpoint,
    }


def _link(name: str, media_type: str, data: bytes) -> str:
    """Return a link that holds a file; the time makes each one new, so that the page notices."""
    return (
        f'<a download="{text(name)}" href="{data_uri(media_type, data)}" data-made="{time.time_ns()}">{text(name)}</a>'
    )


_Handlers.attention.__doc__ = (_Handlers.attention.__doc__ or "").replace("KINDS", ", ".join(KINDS))


def _build_endpoint(handlers: _Handlers, checkpoint: gr.Dropdown) -> None:
    """Offer `/attention` to `gradio_client`, on components that nobody sees: Gradio checks files given to them."""
    with gr.Row(visible=False):
        photo = gr.File(type="binary", label="Photo")
        kind = gr.Dropdown(list(KINDS), value=FIRST_KIND, label="Kind")
        face = gr.Number(1, precision=0, label="Face")
        block = gr.Number(None, precision=0, label="Block")
        answer, array, figure = gr.JSON(label="Map"), gr.File(label="Values"), gr.File(label="Figure")
    gr.Button("attention", visible=False).click(
        handlers.attention,
        [photo, checkpoint, kind, face, block],
        [answer, array, figure],
        api_name="attention",
        concurrency_limit=SCORING_LIMIT,
        concurrency_id=SCORING,
    )
