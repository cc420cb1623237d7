"""The Degradation tab: what is wrong with a photo, what would be if, and the same for programs.

The tab shows the photos of the state that all tabs share, from the first time a visitor opens it. `/degradation` and
`/degrade` offer diagnosis and degradation to programs.

A slider has to answer at once, so what it needs is prepared when a photo is chosen (`WhatIfState`), and of the map
only the one point moves, in the browser.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from numpy.typing import NDArray

from fiqa.degradation.diagnosis import DiagnosedPhoto, EncodedFace, PhotoDiagnosis, diagnose
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.degradation.what_if import (
    RepairEstimate,
    ResponseCurve,
    Step,
    Subject,
    encode_degraded,
    estimate_repair,
    find_subject,
    response_curve,
)
from fiqa.errors import FiqaError, PhotoError, SettingError
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.settings import Settings
from fiqa.ui.atlases import AtlasCache
from fiqa.ui.degradation.panels import (
    building_panel,
    curves_panel,
    diagnosis_panel,
    diagnosis_table,
    empty_panel,
    error_panel,
    face_figure,
    map_figure,
    repairs_panel,
    trial_panel,
)
from fiqa.ui.photos import UNSEEN, LoadedPhotos, check_count, decode_upload, given
from fiqa.ui.progress import busy_panel, progress_panel
from fiqa.ui.service import PredictorService, translate_errors
from fiqa.ui.visitor_state import Sweeper

MOST_STEPS = 3
LARGEST_DEGRADED_PX = 16_000_000
"""Pixels of a photo that `/degrade` takes: arithmetic in linear light needs 36 bytes a pixel."""
PROGRESS_EVERY_S = 0.3
WHAT_IF = (
    "<h2>What if…</h2><p>Damage the photo step by step and watch its score, and its place: the ring on the map. "
    "Severity runs from 0, unchanged, to 1, barely usable.</p>"
)
WORKING: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "degradation"}
"""Concurrency group of what takes long, apart from the scores' own."""
_DEGRADING = Lock()

MOVE_POINT = files("fiqa.ui.degradation").joinpath("atlas.js").read_text(encoding="utf-8")


@dataclass(eq=False)
class DiagnosisState:
    """The diagnoses of a visitor's photos by one checkpoint, and the photos' paths."""

    checkpoint: str = ""
    paths: tuple[str, ...] = ()
    photos: tuple[DiagnosedPhoto, ...] = ()
    made: float = field(default_factory=time.monotonic)

    def forget(self, *, before: float) -> bool:
        """Forget the photos if they were looked at before a time, in seconds; return whether they are still here."""
        if self.made < before:
            self.paths, self.photos = (), ()
        return bool(self.photos)

    def placed(self) -> list[int]:
        """Return the indices of the photos that have a place on the map."""
        return [index for index, photo in enumerate(self.photos) if isinstance(photo.outcome, PhotoDiagnosis)]


@dataclass(eq=False)
class WhatIfState:
    """What a what-if needs of one photo; curves are kept once they were asked for."""

    checkpoint: str
    pictures: tuple[Subject, EncodedFace] | None
    curves: list[ResponseCurve] = field(default_factory=list)
    made: float = field(default_factory=time.monotonic)

    @property
    def subject(self) -> Subject:
        """The photo; raises FiqaError once it is forgotten."""
        return self._remembered()[0]

    @property
    def before(self) -> EncodedFace:
        """The photo as it came; raises FiqaError once it is forgotten."""
        return self._remembered()[1]

    def forget(self, *, before: float) -> bool:
        """Forget the photo if it was begun before a time, in seconds; return whether it is still here."""
        if self.made < before:
            self.pictures = None
        return self.pictures is not None

    def _remembered(self) -> tuple[Subject, EncodedFace]:
        if self.pictures is None:
            raise FiqaError("This photo was deleted, as all are after some minutes; choose it again.")
        return self.pictures


def build_degradation_tab(
    service: PredictorService, settings: Settings, photos: gr.State, checkpoint: gr.Dropdown, tab: gr.Tab
) -> gr.UploadButton:
    """Lay out the tab inside the current Blocks and connect it; `photos` holds `LoadedPhotos`.

    Returns what takes photos in.
    """
    handlers = _Handlers(service, settings)
    opened, examination, trial = gr.State(False), gr.State(DiagnosisState()), gr.State(None)
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=7, min_width=300):
            atlas = gr.Plot(show_label=False, container=False, elem_id="atlas")
        with gr.Column(scale=5, min_width=300, elem_classes="results"):
            upload = gr.UploadButton(
                "Choose photos",
                file_count="multiple",
                file_types=["image", *sorted(PHOTO_SUFFIXES)],
                size="sm",
                elem_id="choose",
            )
            panel = gr.HTML(empty_panel(), apply_default_css=False, elem_id="diagnosis")
    with gr.Column(visible=False, elem_id="what-if") as below:
        photo, steps, before, after, ask_curves, ask_repairs = _build_what_if()
        curves = gr.HTML(apply_default_css=False, elem_id="curves")
        repairs = gr.HTML(apply_default_css=False, elem_id="repairs")
    tab.select(lambda: True, None, opened, concurrency_limit=None, **UNSEEN)
    upload.upload(handlers.take_files, [upload, photos], photos, concurrency_limit=None, **UNSEEN)
    gr.on(
        [opened.change, photos.change, checkpoint.change],
        handlers.examine,
        [opened, photos, checkpoint],
        [examination, panel, atlas, photo, below],
        trigger_mode="always_last",
        **WORKING,
        **UNSEEN,
    )
    begun = [trial, before, curves, repairs]
    # Two events, because the choice of photo still has its old value when an examination has just ended.
    examination.change(handlers.begin_trial, examination, begun, trigger_mode="always_last", **WORKING, **UNSEEN)
    photo.input(handlers.begin_trial, [examination, photo], begun, trigger_mode="always_last", **WORKING, **UNSEEN)
    gr.on(
        [trial.change, *(step.input for step in steps)],
        handlers.try_steps,
        [trial, *steps],
        after,
        trigger_mode="always_last",
        concurrency_limit=None,
        **UNSEEN,
    )
    ask_curves.click(handlers.show_curves, trial, curves, **WORKING, **UNSEEN)
    ask_repairs.click(handlers.show_repairs, [trial, *steps], repairs, **WORKING, **UNSEEN)
    _build_endpoints(handlers, checkpoint)
    return upload


def _build_what_if() -> tuple[gr.Dropdown, list[gr.Dropdown | gr.Slider], gr.HTML, gr.HTML, gr.Button, gr.Button]:
    """Lay out the sliders, the face before and after, and what can be asked beyond them."""
    kinds = [("nothing", ""), *((kind.label, name) for name, kind in DEGRADATIONS.items())]
    gr.HTML(WHAT_IF, apply_default_css=False, elem_classes="section-head")
    steps: list[gr.Dropdown | gr.Slider] = []
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=4, min_width=280, elem_classes="steps"):
            photo = gr.Dropdown([], label="Photo", visible=False, filterable=False)
            for number in range(MOST_STEPS):
                label = "Apply" if number == 0 else "then"
                with gr.Row(elem_classes="step"):
                    steps.append(
                        gr.Dropdown(kinds, value="", label=label, filterable=False, elem_id=f"type-{number + 1}")
                    )
                    steps.append(
                        gr.Slider(0, 1, 0.5, step=0.01, label="Severity", elem_id=f"severity-{number + 1}", buttons=[])
                    )
            with gr.Row():
                ask_curves = gr.Button("Response curves", elem_id="ask-curves", size="md")
                ask_repairs = gr.Button("What would help?", elem_id="ask-repairs", size="md")
        with gr.Column(scale=3, min_width=200, elem_classes="before"):
            before = gr.HTML(apply_default_css=False, elem_id="before")
        with gr.Column(scale=5, min_width=300):
            after = gr.HTML(js_on_load=MOVE_POINT, apply_default_css=False, elem_id="after")
    return photo, steps, before, after, ask_curves, ask_repairs


@translate_errors()
def diagnose_photo(
    service: PredictorService, atlases: AtlasCache, checkpoint: str, source: str | bytes
) -> PhotoDiagnosis:
    """Decode one upload and diagnose it, waiting for the checkpoint's atlas to be built if need be.

    Raises PhotoError when the upload is no photo or has no face, FiqaError when the checkpoint cannot be used.
    """
    atlas = atlases.get(checkpoint)
    photo = decode_upload(source)
    found = service.ask(checkpoint, lambda predictor: diagnose(predictor, atlas, photo.pixels))
    return replace(found, notices=(*photo.notices, *found.notices))


class _Handlers:
    """The tab's event handlers: they turn every error into a sentence for the visitor."""

    def __init__(self, service: PredictorService, settings: Settings) -> None:
        self.service = service
        self.shelf = AtlasCache(service, settings)
        self._sweeper = Sweeper()

    def take_files(self, files: list[str] | None, before: LoadedPhotos) -> LoadedPhotos:
        """Make uploaded files the page's photos."""
        before.superseded = True
        return LoadedPhotos(tuple((path, Path(path).name) for path in files or []))

    def examine(self, opened: bool, photos: LoadedPhotos, checkpoint: str) -> Iterator[tuple[Any, ...]]:
        """Place the page's photos on the map once the tab was opened: examination, panel, map, choice, what-if."""
        if not opened:
            return
        try:
            with translate_errors():
                for done, total in self.shelf.prepare(checkpoint):
                    yield _only_panel(building_panel(done, total))
                yield from self._examine(photos, checkpoint)
        except FiqaError as error:
            yield DiagnosisState(), error_panel(str(error)), gr.skip(), gr.skip(), gr.update(visible=False)

    def _examine(self, photos: LoadedPhotos, checkpoint: str) -> Iterator[tuple[Any, ...]]:
        atlas = self.shelf.get(checkpoint)
        if not photos.items:
            yield DiagnosisState(), empty_panel(), map_figure(atlas, []), gr.skip(), gr.update(visible=False)
            return
        check_count(len(photos.items))
        yield _only_panel(busy_panel(len(photos.items), is_loaded=self.service.is_loaded(checkpoint)))
        diagnosed: list[DiagnosedPhoto] = []
        told = time.monotonic()
        for each in self._diagnosed(photos.items, checkpoint):
            diagnosed.append(each)
            if photos.superseded:
                return
            if time.monotonic() - told > PROGRESS_EVERY_S:
                told = time.monotonic()
                yield _only_panel(progress_panel(len(diagnosed), len(photos.items)))
        examination = DiagnosisState(checkpoint, tuple(path for path, _ in photos.items), tuple(diagnosed))
        self._sweeper.watch(examination)
        yield self._shown(examination)

    def _shown(self, examination: DiagnosisState) -> tuple[Any, ...]:
        """Return what the page shows of an examination."""
        photos = examination.photos
        score_range = self.service.checkpoints[examination.checkpoint].score_range
        placed = [
            (number, photo.path, photo.outcome.diagnosis)
            for number, photo in enumerate(photos, start=1)
            if isinstance(photo.outcome, PhotoDiagnosis)
        ]
        only = photos[0].outcome if len(photos) == 1 else None
        if isinstance(only, FiqaError):
            panel = error_panel(str(only))
        else:
            panel = diagnosis_panel(photos[0].path, only) if only else diagnosis_table(photos, score_range)
        choices = [(name, number - 1) for number, name, _ in placed]
        choice = gr.update(choices=choices, value=choices[0][1] if choices else None, visible=len(photos) > 1)
        figure = map_figure(self.shelf.get(examination.checkpoint), placed)
        return examination, panel, figure, choice, gr.update(visible=bool(placed))

    def _diagnosed(self, items: Sequence[tuple[str, str]], checkpoint: str) -> Iterator[DiagnosedPhoto]:
        for path, name in items:
            try:
                yield DiagnosedPhoto(name, self._diagnose(path, checkpoint))
            except FiqaError as error:
                yield DiagnosedPhoto(name, error)

    def _diagnose(self, source: str | bytes, checkpoint: str) -> PhotoDiagnosis:
        return diagnose_photo(self.service, self.shelf, checkpoint, source)

    def begin_trial(
        self, examination: DiagnosisState, index: int | None = None
    ) -> tuple[WhatIfState | None, str, str, str]:
        """Prepare the what-if for one photo, or the first: trial, face, and empty places for curves and repairs."""
        placed = examination.placed()
        if not placed or index not in (None, *placed):
            return None, "", "", ""
        index = placed[0] if index is None else index
        try:
            with translate_errors():
                trial = self._trial(examination.paths[index], examination.checkpoint)
        except FiqaError as error:
            return None, error_panel(str(error)), "", ""
        return trial, face_figure(trial.before, "As it is"), "", ""

    def _trial(self, path: str, checkpoint: str) -> WhatIfState:
        pixels = decode_upload(path).pixels
        subject = self.service.ask(checkpoint, lambda predictor: find_subject(predictor, pixels))
        trial = WhatIfState(checkpoint, (subject, self._look(checkpoint, subject, [])))
        self._sweeper.watch(trial)
        return trial

    def _look(self, checkpoint: str, subject: Subject, steps: Sequence[Step]) -> EncodedFace:
        return self.service.ask(checkpoint, lambda predictor: encode_degraded(predictor, subject, steps))

    def try_steps(self, trial: WhatIfState | None, *values: Any) -> str:
        """Apply the chosen steps and look again."""
        if trial is None:
            return ""
        try:
            with translate_errors():
                steps = steps_of(values)
                encoded_face = self._look(trial.checkpoint, trial.subject, steps)
                (diagnosis,) = self.shelf.get(trial.checkpoint).diagnose(encoded_face.embedding[None])
                score_range = self.service.checkpoints[trial.checkpoint].score_range
                return trial_panel(encoded_face, trial.before, diagnosis, steps, score_range, trial.subject.reduction)
        except FiqaError as error:
            return error_panel(str(error))

    def show_curves(self, trial: WhatIfState | None) -> Iterator[str]:
        """Draw the response curves of the photo, as they come."""
        if trial is None:
            return
        try:
            with translate_errors():
                yield self._curves_panel(trial)
                for name in list(DEGRADATIONS)[len(trial.curves) :]:
                    curve = self.service.ask(
                        trial.checkpoint, partial(response_curve, subject=trial.subject, name=name)
                    )
                    trial.curves.append(curve)
                    yield self._curves_panel(trial)
        except FiqaError as error:
            yield error_panel(str(error))

    def _curves_panel(self, trial: WhatIfState) -> str:
        return curves_panel(trial.curves, self.service.checkpoints[trial.checkpoint].score_range, len(DEGRADATIONS))

    def show_repairs(self, trial: WhatIfState | None, *values: Any) -> Iterator[str]:
        """Try every repair on the photo with the chosen steps applied."""
        if trial is None:
            return
        score_range = self.service.checkpoints[trial.checkpoint].score_range
        estimates: list[RepairEstimate] = []
        try:
            with translate_errors():
                pixels = trial.subject.degraded(steps_of(values))
                yield repairs_panel(estimates, score_range, len(REPAIRS))
                for name in REPAIRS:
                    estimates.append(
                        self.service.ask(
                            trial.checkpoint,
                            partial(estimate_repair, subject=trial.subject, pixels=pixels, name=name),
                        )
                    )
                    yield repairs_panel(estimates, score_range, len(REPAIRS))
        except FiqaError as error:
            yield error_panel(str(error))

    def degradation(self, photo: bytes | None, checkpoint: str) -> dict[str, Any]:
        """Say how the main face in a photo was degraded.

        Args:
            photo: The photo, as an image file of any common format.
            checkpoint: Name of the checkpoint whose degradation encoder to use.

        Returns:
            degradations (of each type, probability and severity 0 to 1, likeliest first; "clean" is one of the types),
            outlier (above 1 the face is outside what is known), position on the map and nearest references,
            score, box_xyxy, checkpoint, atlas (what the diagnosis rests on), notices.
        """
        try:
            return self._diagnose(given(photo), checkpoint).to_dict()
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def degrade(self, photo: bytes | None, type: str, severity: float, seed: float) -> NDArray[np.uint8]:
        """Apply a synthetic degradation to a photo.

        Args:
            photo: The photo, as an image file of any common format.
            type: Kind of degradation: TYPES.
            severity: From 0 (unchanged) to 1 (barely usable).
            seed: Random seed, a whole number from 0 up.

        Returns:
            The degraded photo, a PNG file of the same size.
        """
        try:
            with translate_errors():
                pixels = decode_upload(given(photo)).pixels
                if pixels.shape[0] * pixels.shape[1] > LARGEST_DEGRADED_PX:
                    raise PhotoError(
                        f"The photo has more than {LARGEST_DEGRADED_PX // 10**6} megapixels; use `fiqa degrade` for it."
                    )
                with _DEGRADING:
                    return degrade(pixels, [(type, float(severity))], seed=_whole(seed))
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    degrade.__doc__ = (degrade.__doc__ or "").replace("TYPES", ", ".join(DEGRADATIONS))


def _only_panel(panel: str) -> tuple[Any, ...]:
    return gr.skip(), panel, gr.skip(), gr.skip(), gr.skip()


def steps_of(values: Sequence[Any]) -> list[Step]:
    """Return the steps that alternating types and severities stand for; an empty type stands for none."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return [(str(name), float(severity)) for name, severity in pairs if name and severity]


def _whole(seed: float) -> int:
    if not 0 <= seed < 2**31 or seed != int(seed):
        raise SettingError(f"The seed is {seed}, expected a whole number from 0 to {2**31 - 1}.")
    return int(seed)


def _build_endpoints(handlers: _Handlers, checkpoint: gr.Dropdown) -> None:
    """Offer `/degradation` and `/degrade` to `gradio_client`, as `fiqa/ui/score/tab.py` does with scores."""
    with gr.Row(visible=False):
        photo = gr.File(type="binary", label="Photo")
        kind = gr.Textbox("jpeg", label="Type")
        severity = gr.Number(0.5, label="Severity")
        seed = gr.Number(0, label="Seed")
        answer = gr.JSON(label="Result")
        degraded = gr.Image(format="png", label="Degraded photo")
    calls: tuple[tuple[Any, list[Component], Component], ...] = (
        (handlers.degradation, [photo, checkpoint], answer),
        (handlers.degrade, [photo, kind, severity, seed], degraded),
    )
    for handler, inputs, output in calls:
        name = handler.__name__
        gr.Button(name, visible=False).click(handler, inputs, output, api_name=name, **WORKING)
