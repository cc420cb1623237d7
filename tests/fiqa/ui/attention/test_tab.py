"""The Attention tab's handlers with the bundled network, and what they make of choices, clicks and errors."""

import gc
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.route_utils import delete_files_created_by_app
from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from PIL import Image
from skimage.data import astronaut

from fiqa.checkpoints import find_checkpoint
from fiqa.loading import load_predictor
from fiqa.maps import explain
from fiqa.maps.face_maps import MapKey
from fiqa.predictor import QualityPredictor
from fiqa.ui.attention.state import EXAMPLE, AttentionState, Choices, choose_newest, find_sources
from fiqa.ui.attention.tab import UPDATED, _Handlers, build_attention_tab
from fiqa.ui.photos import LoadedPhotos
from fiqa.ui.service import PredictorService
from fiqa.ui.visitor_state import KEPT_S
from tests.fiqa.small_networks import SMALL_SPEC, small_vit_predictor

pytestmark = pytest.mark.slow

Show = Callable[..., list[tuple[Any, ...]]]
CHOICES: dict[str, Any] = {
    "photo": EXAMPLE, "compare": "", "face": 1, "kind": "contribution", "block": 12, "colour_map": "viridis",
    "whole": False, "without": [], "right": 0, "down": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def handlers() -> _Handlers:
    def load(name: str) -> QualityPredictor:
        return load_predictor("lite", device="cpu", finder="bundled") if name == "lite" else small_vit_predictor()

    return _Handlers(PredictorService(load, [find_checkpoint("lite"), SMALL_SPEC], "lite"))


@pytest.fixture
def state() -> AttentionState:
    return AttentionState()


@pytest.fixture
def show(handlers: _Handlers, state: AttentionState) -> Show:
    """Call `show` with the choices given and the usual ones otherwise; return all that it yields."""

    def call(
        *,
        tray: list[tuple[str, str | None]] | None = None,
        photos: LoadedPhotos | None = None,
        checkpoint: str = "lite",
        **chosen: Any,
    ) -> Any:
        values = {**CHOICES, **chosen}
        return list(handlers.show(state, photos or LoadedPhotos(), tray, checkpoint, *values.values()))

    return call


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("photos") / "group.png"
    Image.fromarray(np.hstack([astronaut()[:260, 80:380]] * 2)).save(path)
    return str(path)


def figure_of(yielded: list[tuple[Any, ...]]) -> str:
    return next(each[0] for each in reversed(yielded) if isinstance(each[0], str))


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def test_the_example_is_there_before_any_photo(show: Show, state: AttentionState) -> None:
    yielded = show()
    assert "Astronaut (example)" in figure_of(yielded)
    assert yielded[-1][2].count("<tr>") == 7
    assert "without any" in yielded[-1][2]
    assert all(len(each) == 4 + len(UPDATED) for each in yielded)


def test_a_map_asked_for_again_is_not_computed_again(show: Show, state: AttentionState) -> None:
    show()
    (inspection,) = state.shown
    before = inspection.maps[MapKey("quality")]
    show(kind="quality", colour_map="magma")
    assert state.shown == [inspection]
    assert inspection.maps[MapKey("quality")] is before
    assert (state.key, state.colour_map) == (MapKey("quality"), "magma")


def test_a_colour_map_that_does_not_suit_is_replaced(show: Show, state: AttentionState) -> None:
    show(kind="occlusion")
    assert state.colour_map == "berlin"


def test_a_kind_the_checkpoint_lacks_is_not_offered_and_the_reason_is_given(show: Show, state: AttentionState) -> None:
    yielded = show(kind="attention")
    assert state.key == MapKey("contribution")
    note, offered = yielded[-2][3], dict(zip(UPDATED, yielded[-2][4:], strict=True))["kind"]["choices"]
    assert "no ViT" in note
    assert {"attention", "rollout"}.isdisjoint(name for _, name in offered)


def test_every_face_can_be_chosen(show: Show, state: AttentionState, group: str) -> None:
    photos = LoadedPhotos(((group, "group.png"),))
    yielded = show(photos=photos)
    offered = dict(zip(UPDATED, yielded[-2][4:], strict=True))
    assert [number for _, number in offered["face"]["choices"]] == [1, 2]
    first = state.shown[0].face.face
    show(photos=photos, photo="score:0", face=2)
    second = state.shown[0].face.face
    assert first is not None
    assert second is not None
    assert abs(first.box_xyxy[0] - second.box_xyxy[0]) > 200


def test_two_photos_share_one_scale(show: Show, state: AttentionState, group: str) -> None:
    yielded = show(tray=[(group, None)], compare=EXAMPLE)
    assert [each.subject.name for each in state.shown] == ["group.png", "Astronaut (example)"]
    assert figure_of(yielded).count("<figure") == 2
    assert figure_of(yielded).count('class="colour-bar"') == 1
    most = max(float(np.nanmax(each.maps[state.key].in_view())) for each in state.shown)
    assert [scale.limits for scale in state.scales()] == [(0.0, most)] * 2


def test_checkpoints_that_score_on_other_ranges_have_a_colour_scale_each(
    show: Show, state: AttentionState, handlers: _Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded = handlers.service.ask("small", lambda predictor: predictor)
    monkeypatch.setattr(graded, "spec", replace(SMALL_SPEC, score_range=(1.0, 5.0)))
    yielded = show(compare="checkpoint:small", kind="quality")
    assert [scale.limits for scale in state.scales()] == [(0.0, 1.0), (1.0, 5.0)]
    assert figure_of(yielded).count('class="colour-bar"') == 2


def test_two_checkpoints_stand_side_by_side(show: Show, state: AttentionState) -> None:
    yielded = show(compare="checkpoint:small", kind="cross_attention")
    assert [each.subject.checkpoint for each in state.shown] == ["lite", "small"]
    assert figure_of(yielded).count("<figure") == 2
    assert "no ViT" in figure_of(show(checkpoint="small", compare="checkpoint:lite", kind="rollout"))


def test_the_blocks_of_a_vit_can_be_looked_at_one_by_one(show: Show, state: AttentionState) -> None:
    yielded = show(checkpoint="small", kind="attention")
    block = dict(zip(UPDATED, yielded[-2][4:], strict=True))["block"]
    assert (state.key, block["maximum"], block["visible"]) == (MapKey("attention", 3), 3, True)
    assert "block 1" in figure_of(show(checkpoint="small", kind="attention", block=1))
    assert len(state.inspections) == 1


def test_what_adds_up_is_read_in_its_unit(
    show: Show, state: AttentionState, handlers: _Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "GRADIENT_STEPS", 4)
    yielded = show(checkpoint="small", kind="integrated_gradients")
    assert re.search(r'<div class="ticks">.*[-−]\d', figure_of(yielded), re.DOTALL)
    assert "score gained per 1 % of the area" in handlers.read(state, event(side=0, x=225.5, y=130.5))


def test_dropped_and_moved_landmarks_change_the_score(show: Show, state: AttentionState) -> None:
    show()
    found = state.shown[0].score
    yielded = show(without=["eyes", "mouth"], right=20)
    assert state.shown[0].score != found
    assert "as you changed them" in yielded[-1][2]


def test_a_click_reads_what_the_maps_hold_there(show: Show, state: AttentionState, handlers: _Handlers) -> None:
    show(kind="quality")
    quality = state.shown[0].maps[MapKey("quality")].in_photo().values
    said = handlers.read(state, event(side=0, x=225.5, y=130.5))
    assert f"<b>{quality[130, 225]:.3f}</b>" in said
    assert "Pixel 226, 130" in said or "Pixel 225, 130" in said
    assert "no crop reached" in handlers.read(state, event(side=0, x=5.0, y=500.0))


@pytest.mark.parametrize("data", [{"side": 3, "x": 1, "y": 1}, {"side": "../x", "x": 1, "y": 1}, {"side": 0}])
def test_a_click_that_makes_no_sense_gets_a_sentence(
    show: Show, state: AttentionState, handlers: _Handlers, data: dict[str, Any]
) -> None:
    show()
    assert 'role="alert"' in handlers.read(state, event(**data))


@pytest.mark.parametrize(("format", "start"), [("png", "data:image/png"), ("npz", "data:application/zip")])
def test_maps_can_be_saved(show: Show, state: AttentionState, handlers: _Handlers, format: str, start: str) -> None:
    show()
    assert f'href="{start}' in handlers.save(state, event(side=0, format=format))


def test_a_photo_that_is_gone_gets_a_sentence(show: Show, state: AttentionState, tmp_path: Path) -> None:
    assert 'role="alert"' in figure_of(show(tray=[(str(tmp_path / "gone.png"), None)]))
    assert state.shown == []


def test_another_tabs_photos_are_followed_only_once_this_one_was_looked_at(
    handlers: _Handlers, show: Show, state: AttentionState
) -> None:
    rest = (LoadedPhotos(), None, "lite", *CHOICES.values())
    assert len(list(handlers.show_if_opened(state, *rest))) == 1
    assert state.shown == []
    show()
    assert len(list(handlers.show_if_opened(state, *rest))) > 1


def test_what_was_added_last_is_chosen() -> None:
    state, choices = AttentionState(), Choices(**CHOICES)
    both = LoadedPhotos((("/cache/a.png", "a"), ("/cache/b.png", "b")))
    assert choose_newest(state, find_sources(both, None), choices).photo == "score:0"
    assert choose_newest(state, find_sources(both, [("/cache/c.png", None)]), choices).photo == "own:0"
    kept = Choices(**{**CHOICES, "photo": "score:1"})
    assert choose_newest(state, find_sources(both, [("/cache/c.png", None)]), kept).photo == "score:1"
    assert choose_newest(state, find_sources(LoadedPhotos(), None), kept).photo == EXAMPLE


def test_inspections_of_long_ago_are_forgotten(show: Show, state: AttentionState) -> None:
    show()
    (inspection,) = state.shown
    for number in range(2, 10):
        state.keep(replace(inspection, subject=replace(inspection.subject, face=number)))
    assert [subject.face for subject in state.inspections] == [4, 5, 6, 7, 8, 9]


def test_nothing_of_a_photo_stays_for_longer_than_promised(
    show: Show, state: AttentionState, handlers: _Handlers
) -> None:
    show()
    assert state in handlers._sweeper._watched
    handlers._sweeper.sweep()
    assert state.inspections
    assert state.shown
    later = time.monotonic() + KEPT_S + 1
    handlers._sweeper.clock = lambda: later
    handlers._sweeper.sweep()
    assert not state.inspections
    assert not state.shown
    assert state not in handlers._sweeper._watched
    assert "no longer here" in handlers.read(state, event(side=0, x=1.0, y=1.0))


def test_the_api_gives_array_and_figure(handlers: _Handlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)
    answer, array, figure = handlers.attention(photo.read_bytes(), "lite", "contribution")
    values = np.load(array)
    assert (values.shape, values.dtype) == ((512, 512), np.float32)
    assert np.nansum(values) == pytest.approx(answer["score"], abs=1e-4)
    assert answer["sums_to"] == "score"
    assert Path(figure).read_bytes().startswith(b"\x89PNG")
    assert all(Path(path).is_relative_to(tmp_path / "served") for path in (array, figure))


@pytest.mark.parametrize(
    ("kind", "face", "words"),
    [("gradcam", 1, "no map 'gradcam'"), ("rollout", 1, "no ViT"), ("quality", 2, "no face 2")],
)
def test_the_api_refuses_politely(handlers: _Handlers, tmp_path: Path, kind: str, face: int, words: str) -> None:
    Image.fromarray(astronaut()).save(tmp_path / "photo.png")
    with pytest.raises(gr.Error, match=words):
        handlers.attention((tmp_path / "photo.png").read_bytes(), "lite", kind, face)
    with pytest.raises(gr.Error, match="No photo was given"):
        handlers.attention(None, "lite", "quality")


@pytest.fixture
def served(handlers: _Handlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[gr.Blocks]:
    """Serve the tab alone on a free port, its files under `tmp_path`."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    with gr.Blocks(analytics_enabled=False) as demo:
        photos, checkpoint = gr.State(LoadedPhotos()), gr.Dropdown(["lite"], value="lite")
        with gr.Tabs(), gr.Tab("Attention") as tab:
            build_attention_tab(handlers.service, photos, checkpoint, tab)
    demo.launch(prevent_thread_lock=True, quiet=True)
    yield demo
    demo.close(verbose=False)
    gc.collect()  # Gradio leaves sockets to the garbage collector; here their warnings are expected


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_program_gets_array_and_figure_and_nothing_is_left_of_them(served: gr.Blocks, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)
    client = Client(served.local_url, verbose=False, download_files=str(tmp_path / "received"))
    answer, array, figure = client.predict(handle_file(str(photo)), "lite", "quality", api_name="/attention")
    assert (answer["kind"], answer["checkpoint"], answer["faces"]) == ("quality", "lite", 1)
    assert np.load(array).shape == (512, 512)
    with Image.open(figure) as picture:
        assert picture.format == "PNG"
    left = [file for file in (tmp_path / "served").rglob("*") if file.is_file() and file.stat().st_size]
    assert left
    delete_files_created_by_app(served, age=0)  # what Gradio does every minute to files of a certain age
    assert not any(file.exists() for file in left)
