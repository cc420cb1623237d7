"""The Score tab: photos in, scores out, and the same for programs at `/score` and `/score_batch`.

`photos` is the state that all tabs share (`fiqa.ui.photos`): this tab writes it, and scores what it holds.
"""

import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

from fiqa.errors import FiqaError
from fiqa.faces.face_choice import ALIGNED_LAYOUTS, FaceChoice, read_face_choice
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.photos.thumbnails import thumbnail_uri
from fiqa.reports import ScoredPhoto
from fiqa.results import QualityResult
from fiqa.ui.examples import EXAMPLES, example_buttons, example_png
from fiqa.ui.offers import build_offer
from fiqa.ui.photos import MOST_PHOTOS, SCORING, SCORING_LIMIT, UNSEEN, LoadedPhotos, check_count, decode_upload, given
from fiqa.ui.progress import busy_panel, progress_panel
from fiqa.ui.score.panels import batch_panel, empty_panel, error_panel, photo_panel
from fiqa.ui.score.tables import BatchRow
from fiqa.ui.service import PredictorService, translate_errors

PROGRESS_EVERY_S = 0.3
FACE_OPTIONS = [
    ("The main face", "main"),
    ("The largest face", "largest"),
    ("The face nearest the middle", "central"),
    ("Aligned crops, as in FFHQ", "ffhq"),
    ("Aligned crops, as in GFIQA", "gfiqa"),
]
"""Whose score a photo gets, or that the photos are crops in which no face has to be found."""
PASTE_PHOTOS = files("fiqa.ui.score").joinpath("paste.js").read_text(encoding="utf-8")
CLICK_EXAMPLE = files("fiqa.ui.score").joinpath("examples.js").read_text(encoding="utf-8")
SHOW_AND_SORT = files("fiqa.ui.score").joinpath("panel.js").read_text(encoding="utf-8")


def build_score_tab(
    service: PredictorService, photos: gr.State, tab: gr.Tab
) -> tuple[gr.Dropdown, gr.Gallery, gr.Button]:
    """Lay out the tab inside `tab` and connect it; `photos` holds `LoadedPhotos`.

    Returns the choice of checkpoint, for whatever else on the page depends on it; the tray; and the button that offers
    photos of other tabs.
    """
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=3, min_width=280, elem_classes="tray"):
            tray, offer, examples = _build_tray()
            checkpoint = gr.Dropdown(
                _choices(service),
                value=service.default,
                label="Checkpoint",
                filterable=False,
                visible=len(service.checkpoints) > 1,
                elem_id="checkpoint",
            )
            face = gr.Dropdown(
                FACE_OPTIONS, value="main", label="Face that is scored", filterable=False, elem_id="scored-face"
            )
        with gr.Column(scale=9, min_width=300, elem_classes="results"):
            panel = gr.HTML(empty_panel(), js_on_load=SHOW_AND_SORT, apply_default_css=False, elem_id="panel")
    handlers = _Handlers(service)
    gr.on(
        [photos.change, checkpoint.change, face.change],
        handlers.show_scores,
        [photos, checkpoint, face],
        panel,
        trigger_mode="always_last",
        concurrency_limit=SCORING_LIMIT,
        concurrency_id=SCORING,
        **UNSEEN,
    )
    at_once: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}

    def look_again() -> dict[str, Any]:
        """Offer the checkpoints that are there now."""
        service.rescan()
        choices = _choices(service)
        checkpoint.choices = [*choices]  # by these Gradio checks what those send who never loaded the page
        return gr.update(choices=choices, visible=len(choices) > 1)

    gr.on(tab.select, look_again, None, checkpoint, **at_once)
    gr.on(None, look_again, None, checkpoint, **at_once)
    take = (handlers.take_photos, [tray, photos, checkpoint], [photos, panel])
    tray.change(*take, **at_once)
    gr.on(None, show_examples, None, examples, **at_once)
    # The tray's own `change` tells of what visitors do, not of what the server puts there.
    examples.click(pick_example, None, tray, **at_once).then(*take, **at_once)
    _build_endpoints(handlers, checkpoint)
    return checkpoint, tray, offer


def _choices(service: PredictorService) -> list[tuple[str, str]]:
    return [(item.title, item.name) for item in service.checkpoints.values()]


def _build_tray() -> tuple[gr.Gallery, gr.Button, gr.HTML]:
    """Lay out where photos come in: the tray itself, the photos of other tabs, and the examples."""
    tray = gr.Gallery(
        label="Photos",
        type="filepath",
        format="png",
        sources=["upload", "clipboard", "webcam"],
        file_types=["image", *sorted(PHOTO_SUFFIXES)],
        interactive=True,
        columns=3,
        object_fit="cover",
        fit_columns=False,
        allow_preview=False,
        buttons=[],
        elem_id="photos",
    )
    offer = build_offer("offer-to-score")
    hint = f"Up to {MOST_PHOTOS} photos at once. Pasting works anywhere on the page."
    gr.HTML(hint, js_on_load=PASTE_PHOTOS, apply_default_css=False, elem_id="hint")
    buttons = example_buttons(with_pictures=False)
    examples = gr.HTML(buttons, js_on_load=CLICK_EXAMPLE, apply_default_css=False, elem_id="examples")
    return tray, offer, examples


def show_examples() -> str:
    """Put the pictures on the example buttons, once the page is there."""
    return example_buttons(with_pictures=True)


def pick_example(event: gr.EventData) -> list[tuple[str, str]]:
    """Put the clicked example in the tray: a file that has its name, which other tabs show."""
    index = event.index  # whatever the page sends becomes an attribute
    if not isinstance(index, int) or not 0 <= index < len(EXAMPLES):
        raise gr.Error("This example does not exist.")
    path = save_bytes_to_cache(example_png(index), EXAMPLES[index].file_name, get_upload_folder())
    return [(path, f"Astronaut, {EXAMPLES[index].label.lower()}")]


@translate_errors()
def score_photo(
    service: PredictorService,
    checkpoint: str,
    source: str | bytes,
    *,
    face: FaceChoice = "main",
    aligned: str | None = None,
) -> tuple[NDArray[np.uint8], QualityResult]:
    """Decode one upload and score it; returns the photo (H, W, 3) uint8 as displayed, and the result.

    Raises PhotoError when the upload is no photo, FiqaError when the checkpoint cannot be used.
    """
    decoded = decode_upload(source)
    return decoded.pixels, service.score(checkpoint, decoded, face=face, aligned=aligned)


def score_if_possible(service: PredictorService, checkpoint: str, source: bytes) -> float | None:
    """Return the score of a photo, None where it gets none; the checkpoint may just have been trained."""
    service.rescan()
    try:
        return score_photo(service, checkpoint, source)[1].score
    except FiqaError:
        return None


class _Handlers:
    """The tab's event handlers: they turn every error into a sentence for the visitor."""

    def __init__(self, service: PredictorService) -> None:
        self.service = service

    def take_photos(
        self, tray: list[tuple[str, str | None]] | None, before: LoadedPhotos, checkpoint: str
    ) -> tuple[LoadedPhotos, str]:
        """Make what is in the tray the page's photos, and answer at once that work begins."""
        before.superseded = True
        items = tuple((path, caption or Path(path).name) for path, caption in tray or [])
        busy = busy_panel(len(items), is_loaded=self.service.is_loaded(checkpoint))
        return LoadedPhotos(items), busy if items else empty_panel()

    def show_scores(self, photos: LoadedPhotos, checkpoint: str, face: str = "main") -> Iterator[str]:
        """Score the page's photos; a batch reports its progress on the way."""
        try:
            with translate_errors():
                yield from self._panels(photos, checkpoint, face)
        except FiqaError as error:
            yield error_panel(str(error))

    def score(
        self, photo: bytes | None, checkpoint: str, face: str = "main", aligned: str | None = None
    ) -> dict[str, Any]:
        """Score the quality of the main face in one photo, and of every other face in it.

        Args:
            photo: The photo, as an image file of any common format.
            checkpoint: Name of the checkpoint to score with.
            face: Whose score the photo gets: main (the most prominent), largest, central, or a number from 1.
            aligned: ffhq or gfiqa for crops in the layout of these data sets, in which no face has to be found.

        Returns:
            score (higher is better, within score_range) and its 95 % interval, face (number of the one that has it),
            faces (most prominent first; of each box_xyxy and 68 landmarks in pixels of the photo, score and interval),
            notices, checkpoint, finder, timings_ms.
        """
        try:
            choice = read_face_choice(face)
            return score_photo(self.service, checkpoint, given(photo), face=choice, aligned=aligned or None)[
                1
            ].to_dict()
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def score_batch(
        self, photos: list[str] | None, checkpoint: str, face: str = "main", aligned: str | None = None
    ) -> list[dict[str, Any]]:
        """Score the quality of the faces in many photos; a photo that cannot be scored does not stop the others.

        Args:
            photos: The photos, as image files of any common format.
            checkpoint: Name of the checkpoint to score with.
            face: Whose score each photo gets, as in /score.
            aligned: ffhq or gfiqa for aligned crops, as in /score.

        Returns:
            One entry per photo in order: what /score gives,
            file (its name) and error (one sentence where the photo could not be scored, and score is null).
        """
        items = [(path, Path(path).name) for path in photos or []]
        try:
            check_count(len(items))
            rows = self._scored(items, checkpoint, read_face_choice(face), aligned or None)
            return [_as_answer(row.scored) for row in rows]
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _panels(self, photos: LoadedPhotos, checkpoint: str, option: str) -> Iterator[str]:
        face, aligned = _asked(option)
        if not photos.items:
            yield empty_panel()
        elif len(photos.items) == 1:
            path, name = photos.items[0]
            photo, result = score_photo(self.service, checkpoint, path, face=face, aligned=aligned)
            yield photo_panel(name, photo, result, self.service.checkpoints[checkpoint])
        else:
            yield from self._batch_panels(photos, checkpoint, face, aligned)

    def _batch_panels(
        self, photos: LoadedPhotos, checkpoint: str, face: FaceChoice, aligned: str | None
    ) -> Iterator[str]:
        count = len(photos.items)
        check_count(count)
        yield progress_panel(0, count)
        rows: list[BatchRow] = []
        told = time.monotonic()
        for row in self._scored(photos.items, checkpoint, face, aligned):
            rows.append(row)
            if photos.superseded:
                return
            if time.monotonic() - told > PROGRESS_EVERY_S:
                told = time.monotonic()
                yield progress_panel(len(rows), count)
        yield batch_panel(rows, self.service.checkpoints[checkpoint])

    def _scored(
        self, items: Sequence[tuple[str, str]], checkpoint: str, face: FaceChoice, aligned: str | None
    ) -> Iterator[BatchRow]:
        for path, name in items:
            try:
                photo, result = score_photo(self.service, checkpoint, path, face=face, aligned=aligned)
                yield BatchRow(ScoredPhoto(name, result), thumbnail_uri(photo, result.chosen.box_xyxy))
            except FiqaError as error:
                yield BatchRow(ScoredPhoto(name, error))


def _asked(option: str) -> tuple[FaceChoice, str | None]:
    """Return which face is asked for, and in which layout, by an option of the page."""
    return ("main", option) if option in ALIGNED_LAYOUTS else (read_face_choice(option), None)


def _as_answer(photo: ScoredPhoto) -> dict[str, Any]:
    """Return the entry of one photo, under "file" for "path": gradio_client tries to fetch whatever has a path."""
    entry = photo.to_dict()
    return {"file": entry.pop("path"), **entry}


def _build_endpoints(handlers: _Handlers, checkpoint: gr.Dropdown) -> None:
    """Offer `/score` and `/score_batch` to `gradio_client`, and as tools where the MCP extra is installed.

    They hang on components that nobody sees: Gradio checks that files given to components were uploaded.
    """
    with gr.Row(visible=False):
        # Bytes, because as a path Gradio's File leaves an empty temporary file behind for each call.
        one = gr.File(type="binary", label="Photo")
        many = gr.File(file_count="multiple", type="filepath", label="Photos")
        face, aligned = gr.Textbox("main", label="Face"), gr.Textbox(None, label="Aligned")
        answer = gr.JSON(label="Result")
    for name, handler, source in (("score", handlers.score, one), ("score_batch", handlers.score_batch, many)):
        gr.Button(name, visible=False).click(
            handler,
            [source, checkpoint, face, aligned],
            answer,
            api_name=name,
            concurrency_limit=SCORING_LIMIT,
            concurrency_id=SCORING,
        )
