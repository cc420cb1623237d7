"""The Curate tab: photos and rules in, verdicts out while the threshold is moved.

Photos are scored in turn with those of the other tabs; what follows needs no network and answers at once.
"""

import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr

from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import FAMILIES, KEEP
from fiqa.curation.user_lists import persons_in
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import FiqaError, SettingError
from fiqa.faces.identity import missing_identity
from fiqa.photos.archives import photo_source
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.settings import Settings
from fiqa.ui.atlases import AtlasCache
from fiqa.ui.curate.clips import build_clips
from fiqa.ui.curate.endpoint import build_curate_endpoint
from fiqa.ui.curate.examining import UploadExaminer, unexamined
from fiqa.ui.curate.packing import pack, saved_link
from fiqa.ui.curate.panels import (
    empty_panel,
    error_panel,
    example_panel,
    examples_done,
    sheet_panel,
    summary_panel,
)
from fiqa.ui.curate.state import EXAMPLES, REFERENCE, SCORE, SHARE, Choices, CurationState, ExaminedPhoto, sort_page
from fiqa.ui.curate.uploads import visible_files
from fiqa.ui.offers import build_offer
from fiqa.ui.photos import MOST_PHOTOS, SCORING, SCORING_LIMIT, UNSEEN, decode_upload
from fiqa.ui.progress import busy_panel, progress_panel
from fiqa.ui.service import PredictorService, translate_errors
from fiqa.ui.visitor_state import Sweeper

PROGRESS_EVERY_S = 0.3
WAYS = [
    ("The share to keep", SHARE),
    ("A score", SCORE),
    ("A reference set", REFERENCE),
    ("Examples", EXAMPLES),
]
_IN_FAMILIES = {name for names in FAMILIES.values() for name in names}
UNWANTED = [
    *((name.capitalize(), name) for name in FAMILIES),
    *((kind.label, name) for name, kind in DEGRADATIONS.items() if name not in _IN_FAMILIES),
]
"""Degradations that can be chosen, those of a family together: label and name."""
AT_ONCE: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}
IN_TURN: dict[str, Any] = {"concurrency_limit": SCORING_LIMIT, "concurrency_id": SCORING, **UNSEEN}
ANSWERS = {"good": True, "bad": False, "skip": None}


def build_curate_tab(
    service: PredictorService, settings: Settings, checkpoint: gr.Dropdown
) -> tuple[gr.File, gr.Button]:
    """Lay out the tab inside the current Blocks and connect it, and the endpoint `/curate`.

    Returns what takes photos in, and the button that offers those of other tabs.
    """
    examiner = UploadExaminer(service, AtlasCache(service, settings).find)
    handlers = _Handlers(service, examiner)
    state = gr.State(CurationState())
    with gr.Row(elem_classes="workbench", elem_id="curate"):
        with gr.Column(scale=3, min_width=280, elem_classes="tray"):
            uploads, offer, folder = _build_uploads()
            way, share, score, percentile, reference = _build_threshold()
            near_duplicates, best_of, without = _build_rules()
            persons, by_face = _build_persons()
        with gr.Column(scale=9, min_width=300, elem_classes="results"):
            example = gr.HTML("", js_on_load=_script("examples"), apply_default_css=False, elem_id="curate-example")
            summary = gr.HTML(
                empty_panel(), js_on_load=_script("sheet"), apply_default_css=False, elem_id="curate-summary"
            )
            packing = gr.Button("Download a zip of what is kept", size="sm", visible=False, elem_id="curate-pack")
            saved = gr.HTML("", js_on_load=_script("save"), apply_default_css=False, elem_id="curate-saved")
            sheet = gr.HTML("", js_on_load=_script("sheet"), apply_default_css=False, elem_id="curate-sheet")
            build_clips(service, checkpoint)
    rules: list[Any] = [way, share, score, percentile, near_duplicates, best_of, without, by_face]
    shown = [sheet, summary, score, packing, example]
    sort = (handlers.sort, [state, *rules], summary)
    sorting: dict[str, Any] = {"trigger_mode": "always_last", **AT_ONCE}  # what was said while it sorts counts, too
    begun_outputs = [state, sheet, summary, saved]
    for begun in (
        uploads.change(handlers.begin, [uploads, state, checkpoint], begun_outputs, **AT_ONCE),
        folder.upload(handlers.begin_folder, [folder, state, checkpoint], begun_outputs, preprocess=False, **AT_ONCE),
    ):
        begun.then(handlers.score, [state, checkpoint, by_face, way], shown, **IN_TURN).then(*sort, **sorting)
    checkpoint.change(handlers.again, [state, checkpoint], state, **AT_ONCE).then(
        handlers.score, [state, checkpoint, by_face, way], shown, **IN_TURN
    ).then(*sort, **sorting)
    reference.change(handlers.score_reference, [reference, state, checkpoint], summary, **IN_TURN).then(
        *sort, **sorting
    )
    persons.change(handlers.read_persons, [persons, state], None, **AT_ONCE).then(*sort, **sorting)
    by_face.change(handlers.tell_persons, [by_face, state, checkpoint], summary, **IN_TURN).then(*sort, **sorting)
    way.change(handlers.choose_way, [way, state], [share, score, percentile, reference, example], **AT_ONCE)
    gr.on([each.change for each in rules if each is not by_face], *sort, **sorting)
    example.click(handlers.answer, [state], example, trigger_mode="multiple", **AT_ONCE).then(*sort, **sorting)
    packing.click(handlers.pack, [state, *rules], saved, concurrency_limit=2, concurrency_id="packing", **UNSEEN)
    build_curate_endpoint(service, examiner, checkpoint)
    return uploads, offer


def _build_uploads() -> tuple[gr.File, gr.Button, gr.UploadButton]:
    """Lay out where photos come in: files and zips, the photos of other tabs, or a folder."""
    kinds = ["image", ".zip", *sorted(PHOTO_SUFFIXES)]
    uploads = gr.File(
        file_count="multiple",
        file_types=kinds,
        label="Photos, or a zip of folders",
        height=150,
        elem_id="curate-photos",
    )
    offer = build_offer("offer-to-curate")
    folder = gr.UploadButton("Choose a folder", file_count="directory", size="sm", elem_id="curate-folder")
    gr.HTML(
        f"Up to {MOST_PHOTOS} photos; more with <code>fiqa curate</code>.",
        apply_default_css=False,
        elem_id="hint-curate",
    )
    return uploads, offer, folder


def _build_threshold() -> tuple[gr.Radio, gr.Slider, gr.Slider, gr.Slider, gr.File]:
    """Lay out where the threshold comes from, and what moves it."""
    way = gr.Radio(WAYS, value=SHARE, label="Threshold from", elem_id="curate-way")
    share = gr.Slider(1, 100, 30, step=1, label="Share to keep, %", buttons=[], elem_id="curate-share")
    score = gr.Slider(0, 1, 0.6, step=0.01, label="Score", buttons=[], visible=False, elem_id="curate-score")
    percentile = gr.Slider(
        0,
        100,
        20,
        step=1,
        label="Percentile of the reference set",
        buttons=[],
        visible=False,
        elem_id="curate-percentile",
    )
    reference = gr.File(
        file_count="multiple", file_types=["image", ".zip", *sorted(PHOTO_SUFFIXES)], label="Reference set",
        height=110, visible=False, elem_id="curate-reference",
    )  # fmt: skip
    return way, share, score, percentile, reference


def _build_rules() -> tuple[gr.Checkbox, gr.Number, gr.Dropdown]:
    """Lay out the rules beside the threshold."""
    near_duplicates = gr.Checkbox(label="Only the best of photos that look alike", elem_id="curate-alike")
    best_of = gr.Number(
        0, precision=0, minimum=0, maximum=MOST_PHOTOS, label="Best of each folder or person (0 for all)",
        elem_id="curate-best",
    )  # fmt: skip
    without = gr.Dropdown(
        UNWANTED, multiselect=True, value=[], label="Drop photos diagnosed with", elem_id="curate-without"
    )
    return near_duplicates, best_of, without


def _build_persons() -> tuple[gr.File, gr.Checkbox]:
    """Lay out how it is told who is on a photo: by a table, or by the faces where what that needs is here."""
    missing = missing_identity()
    with gr.Accordion("Who is on a photo", open=False, elem_id="curate-who"):
        persons = gr.File(file_types=[".csv"], label="CSV of path and person", height=120, elem_id="curate-persons")
        by_face = gr.Checkbox(
            label="Tell persons by their faces", interactive=missing is None, elem_id="curate-by-face",
            info=f"Not here: {missing}." if missing else "Takes relatives for one person now and then.",
        )  # fmt: skip
    return persons, by_face


class _Handlers:
    """The tab's event handlers: they turn every error into a sentence for the visitor."""

    def __init__(self, service: PredictorService, examiner: UploadExaminer) -> None:
        self.service, self.examiner = service, examiner
        self._sweeper = Sweeper()

    def begin(
        self, paths: list[str] | None, before: CurationState, checkpoint: str
    ) -> tuple[CurationState, str, str, str]:
        """Name what was uploaded and say that work begins: state, sheet, summary, saved."""
        before.superseded = True
        if not paths:
            return CurationState(reference=before.reference, persons=before.persons), "", empty_panel(), ""
        try:
            with translate_errors():
                photos = unexamined(paths)
        except FiqaError as error:
            return CurationState(reference=before.reference, persons=before.persons), "", error_panel(str(error)), ""
        busy = busy_panel(len(photos), is_loaded=self.service.is_loaded(checkpoint))
        return CurationState(photos, reference=before.reference, persons=before.persons), "", busy, ""

    def begin_folder(self, files: Any, before: CurationState, checkpoint: str) -> tuple[CurationState, str, str, str]:
        """Begin with the files of a chosen folder, as the page sends them."""
        return self.begin(visible_files(files) or [""], before, checkpoint)

    def again(self, before: CurationState, _checkpoint: str) -> CurationState:
        """Forget the scores of another checkpoint, and of the reference set."""
        before.superseded = True
        photos = tuple(ExaminedPhoto(PhotoFacts(each.facts.name), each.file) for each in before.photos)
        return CurationState(photos, persons=before.persons)

    def score(
        self, state: CurationState, checkpoint: str, by_face: bool = False, way: str = SHARE
    ) -> Iterator[tuple[Any, ...]]:
        """Score the photos, with progress: sheet, summary, slider of scores, button to pack, example."""
        unchanged = (gr.skip(), gr.skip(), gr.skip())
        if not state.photos:
            yield "", gr.skip(), gr.skip(), gr.update(visible=False), ""
            return
        try:
            with translate_errors():
                low, high = self.service.spec_of(checkpoint).score_range
                examined: list[ExaminedPhoto] = []
                for panel in self._examined(state, checkpoint, examined, embeds=by_face):
                    yield "", panel, *unchanged
                if state.superseded:
                    return
                state.photos, state.score_range, state.scored = tuple(examined), (low, high), True
                state.embedded, state.made = by_face, time.monotonic()
        except FiqaError as error:
            state.photos = ()
            yield "", error_panel(str(error)), *unchanged
            return
        self._sweeper.watch(state)
        slider = gr.update(minimum=low, maximum=high, step=(high - low) / 100)
        yield sheet_panel(state.photos), gr.skip(), slider, gr.update(visible=True), self._first_example(way, state)

    def score_reference(self, paths: list[str] | None, state: CurationState, checkpoint: str) -> Iterator[str]:
        """Score the reference set, with progress in the place of the summary."""
        try:
            with translate_errors():
                wanted = unexamined(paths)
                examined: list[ExaminedPhoto] = []
                yield from self._examined(CurationState(wanted), checkpoint, examined)
                scores = [photo.facts.score for photo in examined if photo.facts.score is not None]
                if wanted and not scores:
                    raise SettingError("Not one photo of the reference set has a score: choose photos with a face.")
                state.reference = tuple(scores)
                self._sweeper.watch(state)
                yield empty_panel()
        except FiqaError as error:
            state.reference = ()
            raise gr.Error(str(error), print_exception=False) from None

    def tell_persons(self, by_face: bool, state: CurationState, checkpoint: str) -> Iterator[Any]:
        """Find out what tells the persons on photos that were scored without, with progress in place of the summary."""
        if not by_face or not state.scored or state.embedded:
            yield gr.skip()
            return
        try:
            with translate_errors():
                examined: list[ExaminedPhoto] = []
                yield from self._examined(state, checkpoint, examined, embeds=True)
                if not state.superseded:
                    state.photos, state.embedded = tuple(examined), True
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def read_persons(self, path: str | None, state: CurationState) -> None:
        """Take in who is on the photos."""
        try:
            with translate_errors():
                state.persons = tuple(persons_in(Path(path), called=Path(path).name)) if path else ()
                if path and not state.persons:
                    raise SettingError(f"{Path(path).name} names no person: give a path and a person in every row.")
        except FiqaError as error:
            state.persons = ()
            raise gr.Error(str(error), print_exception=False) from None

    def sort(self, state: CurationState, *rules: Any) -> Any:
        """Return the summary of the verdicts under the rules that are chosen."""
        if not state.scored:
            return gr.skip()
        try:
            with translate_errors():
                choices = Choices(*rules)
                return summary_panel(state, sort_page(state, choices), choices.way)
        except FiqaError as error:
            return error_panel(str(error))

    def choose_way(self, way: str, state: CurationState) -> tuple[Any, ...]:
        """Show what moves the threshold: share, score, percentile, reference set, example."""
        shown = [gr.update(visible=way == each) for each in (SHARE, SCORE, REFERENCE, REFERENCE)]
        return *shown, self._first_example(way, state)

    def answer(self, state: CurationState, event: gr.EventData) -> str:
        """Note what was said of an example, and show the next one."""
        said, number = getattr(event, "answer", None), getattr(event, "number", None)  # whatever the page sends
        if number != len(state.answers):  # of a photo that was answered already
            return self._example(state)
        if said == "back" and state.answers:
            state.answers.pop()
        elif isinstance(said, str) and said in ANSWERS and state.example:
            state.answers.append(ANSWERS[said])
        return self._example(state)

    def pack(self, state: CurationState, *rules: Any) -> str:
        """Pack what is kept into a zip, and return the link that the page follows."""
        try:
            with translate_errors():
                page = sort_page(state, Choices(*rules))
                kept = {
                    photo.name: known.file
                    for photo, known in zip(page.photos, state.photos, strict=True)
                    if photo.verdict == KEEP
                }
                if not kept:
                    raise SettingError("Nothing is kept: lower the threshold first.")
                return saved_link(pack(kept))
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _first_example(self, way: str, state: CurationState) -> str:
        """Begin with the examples where the threshold comes from them and there is a photo to judge."""
        if way != EXAMPLES or all(facts.score is None for facts in state.facts):
            return ""
        state.begin_examples()
        return self._example(state)

    def _example(self, state: CurationState) -> str:
        """Return the example that is next, or that there is none."""
        try:
            with translate_errors():
                photo = state.example
                if photo is None:
                    return examples_done(state) if state.examples else ""
                return example_panel(state, decode_upload(photo_source(photo.file)).pixels)
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _examined(
        self, state: CurationState, checkpoint: str, examined: list[ExaminedPhoto], *, embeds: bool = False
    ) -> Iterator[str]:
        """Examine the photos of a state into a list, and yield panels that tell how far that is."""
        told = time.monotonic()
        for photo in state.photos:
            examined.append(self.examiner.examine(photo.facts.name, photo.file, checkpoint, embeds=embeds))
            if state.superseded:
                return
            if time.monotonic() - told > PROGRESS_EVERY_S:
                told = time.monotonic()
                yield progress_panel(len(examined), len(state.photos))


def _script(name: str) -> str:
    return files("fiqa.ui.curate").joinpath(f"{name}.js").read_text(encoding="utf-8")
