"""The Compare tab: is method B better than A, and how sure is that? The same for programs at `/compare`.

Each photo, in all its versions, is one turn at the predictor, so that nobody waits for another's whole comparison.
Uploads go when all others go; figures and examples are forgotten with them, and reports are made for whoever asks.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import get_upload_folder

from fiqa.comparison.comparison import Comparison, summarise
from fiqa.comparison.examples import Example, choose_examples, show_example
from fiqa.comparison.matching import MatchedPhotos, PhotoVersions
from fiqa.comparison.measures import usable_measures, with_measures
from fiqa.comparison.page import to_html
from fiqa.comparison.scoring import ScoredVersions, decode_versions, score_decoded
from fiqa.comparison.statistics import PairFigures
from fiqa.errors import FiqaError, SettingError
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.settings import Settings
from fiqa.ui.atlases import AtlasCache
from fiqa.ui.compare.example import example_methods
from fiqa.ui.compare.panels import (
    empty_panel,
    error_panel,
    looking_for_examples,
    pair_panel,
    report_link,
    summary_panel,
)
from fiqa.ui.compare.state import ComparisonState
from fiqa.ui.compare.uploads import (
    MOST_METHODS,
    MOST_NAME,
    MOST_PHOTOS,
    UploadedFile,
    UploadedMethods,
    match_uploads,
    uploaded_files,
)
from fiqa.ui.photos import SCORING, SCORING_LIMIT, UNSEEN, decode_upload
from fiqa.ui.progress import busy_panel, progress_panel
from fiqa.ui.service import PredictorService, translate_errors
from fiqa.ui.visitor_state import KEPT_MINUTES, Sweeper

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas

PROGRESS_EVERY_S = 0.3
SHOWN_METHODS = 2
"""Cards of methods that are there at first."""
FILE_TYPES = [*sorted(PHOTO_SUFFIXES), ".zip"]
KEEPS = (
    f"Up to {MOST_METHODS} methods of {MOST_PHOTOS} photos; a file may have 25 MB. Nothing is kept: photos are deleted "
    f"within {KEPT_MINUTES} minutes, and reports are made for you alone."
)
SHOW_AND_SAVE = files("fiqa.ui.compare").joinpath("summary.js").read_text(encoding="utf-8")
MOVE = files("fiqa.comparison").joinpath("page.js").read_text(encoding="utf-8")
SAVE_FILE = 'watch("value", () => element.querySelector("a")?.click());'


def build_compare_tab(service: PredictorService, settings: Settings, checkpoint: gr.Dropdown) -> None:
    """Lay out the tab inside the current Blocks and connect it; `checkpoint` is the page's choice."""
    state, shown = gr.State(ComparisonState()), gr.State(SHOWN_METHODS)
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=3, min_width=280, elem_classes="tray", elem_id="compare-tray"):
            cards = [_build_card(number) for number in range(MOST_METHODS)]
            more = gr.Button("Add a method", size="sm", elem_id="add-method")
            reference, listed = _build_further()
            start = gr.Button("Compare", variant="primary", elem_id="compare-start")
            example = gr.Button("Try the example", size="sm", elem_id="compare-example")
            gr.HTML(f"<p>{KEEPS}</p>", apply_default_css=False, elem_classes="hint")
        with gr.Column(scale=9, min_width=300, elem_classes="results"):
            summary = gr.HTML(empty_panel(), js_on_load=SHOW_AND_SAVE, apply_default_css=False, elem_id="comparison")
            pair = gr.Dropdown([], label="Pair", filterable=False, visible=False, elem_id="compare-pair")
            detail = gr.HTML("", js_on_load=MOVE, apply_default_css=False, elem_id="comparison-pair")
            saved = gr.HTML("", js_on_load=SAVE_FILE, apply_default_css=False, elem_id="saved-comparison")
    handlers = _Handlers(service, settings)
    at_once: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}
    turns: dict[str, Any] = {"concurrency_limit": SCORING_LIMIT, "concurrency_id": SCORING, **UNSEEN}
    more.click(add_card, shown, [shown, more, *(group for group, *_ in cards)], **at_once)
    for _, _, photos, folder in cards:
        folder.upload(take_folder, [folder, photos], photos, preprocess=False, postprocess=False, **at_once)
    given = [component for _, name, photos, _ in cards for component in (name, photos)]
    outputs = [summary, pair, detail]
    start.click(
        handlers.show_comparison, [state, checkpoint, reference, listed, *given], outputs, preprocess=False, **turns
    )
    example.click(handlers.compare_the_example, [state, checkpoint], outputs, **turns)
    pair.input(handlers.show_pair, [state, pair], detail, trigger_mode="always_last", **turns)
    summary.click(handlers.save, state, saved, **at_once)
    _build_endpoint(handlers, checkpoint)


def _build_card(number: int) -> tuple[gr.Group, gr.Textbox, gr.File, gr.UploadButton]:
    """Lay out where the photos of one method come in."""
    letter = chr(ord("A") + number)
    with gr.Group(visible=number < SHOWN_METHODS, elem_classes="method-card") as group:
        name = gr.Textbox(
            label=f"Method {letter}", placeholder="Name", max_length=MOST_NAME, elem_id=f"method-name-{letter}"
        )
        photos = gr.File(
            label="Photos, or a zip of them", file_count="multiple", file_types=FILE_TYPES, height=110,
            elem_id=f"method-photos-{letter}",
        )  # fmt: skip
        folder = gr.UploadButton(
            "Choose a folder", file_count="directory", size="sm", elem_id=f"method-folder-{letter}"
        )
    return group, name, photos, folder


def _build_further() -> tuple[gr.File, gr.File]:
    """Lay out where undamaged photos come in, and a list of many methods."""
    with gr.Accordion("Undamaged photos", open=False):
        reference = gr.File(
            label="Photos, or a zip of them", file_count="multiple", file_types=FILE_TYPES, height=110,
            elem_id="reference-photos",
        )  # fmt: skip
        gr.HTML("<p>Faces are then found there.</p>", apply_default_css=False, elem_classes="hint")
    with gr.Accordion("A list instead", open=False):
        listed = gr.File(
            label="CSV, and the photos it names", file_count="multiple", file_types=[*FILE_TYPES, ".csv"], height=110,
            elem_id="listed-photos",
        )  # fmt: skip
        gr.HTML(
            "<p>A CSV with the columns <code>path</code> and <code>method</code>; <code>name</code> (what versions of "
            "one photo have in common) and <code>source</code> (who is on it) may stand beside them.</p>",
            apply_default_css=False, elem_classes="hint",
        )  # fmt: skip
    return reference, listed


def add_card(shown: int) -> tuple[Any, ...]:
    """Show one card more."""
    count = min(MOST_METHODS, shown + 1)
    cards = (gr.update(visible=number < count) for number in range(MOST_METHODS))
    return count, gr.update(visible=count < MOST_METHODS), *cards


def take_folder(chosen: Any, before: Any) -> list[dict[str, Any]]:
    """Put the photos of a folder beside what a card holds; files as the page sends them, with their own names."""
    suffixes = (*PHOTO_SUFFIXES, ".zip")
    new = [file for file in chosen or [] if str(file.get("orig_name") or file["path"]).lower().endswith(suffixes)]
    return [*(before or []), *new]


class _Handlers:
    """The tab's event handlers: they turn every error into a sentence for the visitor."""

    def __init__(self, service: PredictorService, settings: Settings) -> None:
        self.service = service
        self._atlases = AtlasCache(service, settings)
        self._sweeper = Sweeper()

    def show_comparison(
        self, state: ComparisonState, checkpoint: str, reference: Any, listed: Any, *cards: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Compare what was handed in; yields panels on the way."""
        methods = [
            (str(name or ""), uploaded_files(files)) for name, files in zip(cards[::2], cards[1::2], strict=True)
        ]
        match = partial(match_uploads, methods, listed=uploaded_files(listed), reference=uploaded_files(reference))
        yield from self._shown(state, checkpoint, match)

    def compare_the_example(self, state: ComparisonState, checkpoint: str) -> Iterator[tuple[Any, ...]]:
        """Compare the example's methods."""
        yield from self._shown(state, checkpoint, lambda: match_uploads(example_methods(Path(get_upload_folder()))))

    def show_pair(self, state: ComparisonState, index: Any) -> Iterator[str]:
        """Show another pair of the comparison."""
        try:
            with translate_errors():
                yield from self._pair_panels(state, state.pair(index))
        except FiqaError as error:
            yield error_panel(str(error))

    def save(self, state: ComparisonState, event: gr.EventData) -> str:
        """Hand out the HTML report, with the examples of every pair that was looked at."""
        if getattr(event, "format", None) != "html":
            raise gr.Error("The page sent something unexpected; reload it.", print_exception=False)
        try:
            with translate_errors():
                comparison, _ = state.get()
                return report_link(to_html(comparison, [each for shown in state.examples.values() for each in shown]))
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def compare_files(self, photos: Any, checkpoint: str, methods: Any = None, reference: Any = None) -> dict[str, Any]:
        """Compare methods by the scores of their photos, photo by photo, each at the same face.

        Args:
            photos: The photos of all methods, as image files; or a zip for each method; or a CSV with the columns path
                and method, and the photos that it names.
            checkpoint: Name of the checkpoint to score with.
            methods: The name of the method of each file, in order; unless each is a zip, or there is a CSV.
            reference: The undamaged photos, or a zip of them; faces are then found there.

        Returns:
            methods (name, mean, interval, median, photos, unscored), pairs (a, b, difference b - a, interval, win_rate,
            p), photos (name, scores by method, errors), degradations, notices, and a stamp of what it was computed
            with.
        """
        try:
            with translate_errors():
                matched = _match_files(uploaded_files(photos), methods, uploaded_files(reference))
                scored = list(self._scored(matched.matched, checkpoint))
                return self._summarised(matched, scored, checkpoint).to_dict()
        except FiqaError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _shown(
        self, state: ComparisonState, checkpoint: str, match: Callable[[], UploadedMethods]
    ) -> Iterator[tuple[Any, ...]]:
        hidden, same = gr.update(visible=False), (gr.skip(), gr.skip())
        try:
            with translate_errors():
                yield busy_panel(2, is_loaded=self.service.is_loaded(checkpoint)), hidden, ""
                uploads = match()
                scored: list[ScoredVersions] = []
                for panel in self._progress(uploads.matched, checkpoint, scored):
                    yield panel, *same
                comparison = self._summarised(uploads, scored, checkpoint)
                state.begin(comparison, uploads.matched, checkpoint)
                self._sweeper.watch(state)
                choices = [(f"{pair.b} against {pair.a}", index) for index, pair in enumerate(comparison.pairs)]
                yield (
                    summary_panel(comparison),
                    gr.update(choices=choices, value=0, visible=len(choices) > 1),
                    gr.skip(),
                )
                for panel in self._pair_panels(state, comparison.pairs[0]):
                    yield *same, panel
        except FiqaError as error:
            yield error_panel(str(error)), hidden, ""

    def _progress(self, matched: MatchedPhotos, checkpoint: str, scored: list[ScoredVersions]) -> Iterator[str]:
        """Score photos into `scored`, yielding panels that say how far that is."""
        count = len(matched.photos)
        yield progress_panel(0, count)
        told = time.monotonic()
        for photo in self._scored(matched, checkpoint):
            scored.append(photo)
            if time.monotonic() - told > PROGRESS_EVERY_S:
                told = time.monotonic()
                yield progress_panel(len(scored), count)

    def _scored(self, matched: MatchedPhotos, checkpoint: str) -> Iterator[ScoredVersions]:
        atlas = self._atlases.find(checkpoint)
        for photo in matched.photos:
            yield self._score(photo, checkpoint, atlas)

    def _score(self, photo: PhotoVersions, checkpoint: str, atlas: "Atlas | None") -> ScoredVersions:
        versions = decode_versions(photo, decode_upload)
        scored = self.service.ask(checkpoint, lambda predictor: score_decoded(predictor, photo, versions, atlas=atlas))
        return with_measures(scored, versions, usable_measures()[0]) if versions.reference is not None else scored

    def _summarised(self, uploads: UploadedMethods, scored: Sequence[ScoredVersions], checkpoint: str) -> Comparison:
        """Return the figures; only what they were computed with is the predictor asked for."""
        predictor = self.service.ask(checkpoint, lambda predictor: predictor)
        return summarise(
            predictor, uploads.matched, scored, uploads.origins,
            reference=uploads.reference, notices=uploads.notices,
        )  # fmt: skip

    def _pair_panels(self, state: ComparisonState, pair: PairFigures) -> Iterator[str]:
        """Yield the panel of a pair, at first without examples, which are made once."""
        comparison, matched = state.get()
        key = (pair.a, pair.b)
        if key not in state.examples:
            versions = {photo.name: photo for photo in matched.photos}
            chosen = choose_examples(pair, comparison.photos)
            examples: list[Example] = []
            for done, photo in enumerate(chosen):
                yield pair_panel(comparison, pair, None, looking_for_examples(done, len(chosen)))
                examples += self._example(state.checkpoint, pair, versions[photo.name])
            state.examples[key] = examples
        yield pair_panel(comparison, pair, state.examples[key])

    def _example(self, checkpoint: str, pair: PairFigures, photo: PhotoVersions) -> list[Example]:
        """Return one photo as an example; none where it cannot be shown, as one that was deleted meanwhile."""
        versions = decode_versions(photo, decode_upload)
        try:
            return [self.service.ask(checkpoint, lambda predictor: show_example(predictor, pair, photo.name, versions))]
        except FiqaError:
            return []


def _match_files(photos: Sequence[UploadedFile], methods: Any, reference: Sequence[UploadedFile]) -> UploadedMethods:
    """Match what a program sent: files with the names of their methods, a zip a method, or a CSV with its photos."""
    if methods is not None:
        if not isinstance(methods, list):
            raise SettingError("The names of methods are no list: give one for each file, in their order.")
        if len(methods) != len(photos):
            raise SettingError(f"There are {len(photos)} files and {len(methods)} names of methods: give one for each.")
        named: dict[str, list[UploadedFile]] = {}
        for method, file in zip(methods, photos, strict=True):
            named.setdefault(str(method), []).append(file)
        return match_uploads(list(named.items()), reference=reference)
    if any(file.name.lower().endswith(".csv") for file in photos):
        return match_uploads((), listed=photos, reference=reference)
    if any(not file.name.lower().endswith(".zip") for file in photos):
        raise SettingError("It is not said whose these photos are: name the method of each file in methods.")
    return match_uploads([("", [file]) for file in photos], reference=reference)


def _build_endpoint(handlers: _Handlers, checkpoint: gr.Dropdown) -> None:
    """Offer `/compare` to `gradio_client`, on components that nobody sees: Gradio checks files given to them."""
    with gr.Row(visible=False):
        photos = gr.File(file_count="multiple", label="Photos")
        methods = gr.JSON(label="Methods")
        reference = gr.File(file_count="multiple", label="Reference")
        answer = gr.JSON(label="Comparison")
    gr.Button("compare", visible=False).click(
        handlers.compare_files,
        [photos, checkpoint, methods, reference],
        answer,
        api_name="compare",
        preprocess=False,
        concurrency_limit=SCORING_LIMIT,
        concurrency_id=SCORING,
    )
