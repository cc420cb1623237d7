"""The tab around the bundled network, with the example's photos."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from fiqa.checkpoints import find_checkpoint
from fiqa.comparison.comparison import Comparison
from fiqa.comparison.examples import Example
from fiqa.comparison.scoring import ScoredVersions
from fiqa.comparison.stamp import Inputs, Stamp
from fiqa.comparison.statistics import compare_pairs, describe_method
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings
from fiqa.ui.compare import tab
from fiqa.ui.compare.example import SEVERITIES, example_methods
from fiqa.ui.compare.panels import pair_panel, summary_panel
from fiqa.ui.compare.state import ComparisonState
from fiqa.ui.compare.tab import _Handlers, add_card, take_folder
from fiqa.ui.compare.uploads import MOST_METHODS, UploadedFile
from fiqa.ui.service import PredictorService
from tests.markup import MARKUP, times_shown_as_text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def handlers() -> Iterator[_Handlers]:
    def load(name: str) -> QualityPredictor:
        return load_predictor(name, device="cpu", finder="bundled")

    service = PredictorService(load, [find_checkpoint("lite")], "lite")
    yield _Handlers(service, Settings.from_environment({}))
    service.stop()


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert get_upload_folder() == str(tmp_path)
    return tmp_path


def sent(methods: list[tuple[str, list[Any]]]) -> list[Any]:
    """Return names and files as the page sends those of its cards."""
    cards: list[Any] = []
    for name, files in methods:
        cards += [name, [{"path": file.path, "orig_name": file.name} for file in files]]
    return cards + ["", None] * (MOST_METHODS - len(methods))


@pytest.fixture(scope="module")
def compared(handlers: _Handlers, tmp_path_factory: pytest.TempPathFactory) -> tuple[ComparisonState, list[Any]]:
    """Two of the example's methods and one that has a photo less, compared with the undamaged photos; and panels."""
    folder = tmp_path_factory.mktemp("uploads")
    noisy, median, _ = example_methods(folder)
    state = ComparisonState()
    cards = sent([("noisy {0}<b>", noisy[1]), ("median", median[1][:3])])
    reference = [{"path": file.path, "orig_name": file.name} for file in noisy[1]]
    return state, list(handlers.show_comparison(state, "lite", reference, None, *cards))


def test_a_comparison_tells_how_far_it_is_and_then_who_is_better(
    compared: tuple[ComparisonState, list[Any]],
) -> None:
    state, shown = compared
    summaries = [summary for summary, _, _ in shown if isinstance(summary, str)]

    assert "0 of 3 photos scored" in summaries[1]
    assert "3 photos in 2 versions" in summaries[-1]
    assert "median scores higher than noisy" in summaries[-1] or "No difference between median" in summaries[-1]
    assert "5 of noisy &#123;0&#125;&lt;b&gt; have no partner" in summaries[-1]
    assert "PSNR ↑" in summaries[-1]
    assert state.comparison is not None
    assert state.comparison.stamp.inputs["median"].folder == "3 uploaded photos"


def test_names_are_never_markup(compared: tuple[ComparisonState, list[Any]]) -> None:
    said = "".join(part for parts in compared[1] for part in parts if isinstance(part, str))
    assert "<b>median" not in said
    assert "noisy {0}" not in re.sub(r'href="[^"]*"', "", said)


def test_a_pair_shows_figures_at_once_and_then_examples(compared: tuple[ComparisonState, list[Any]]) -> None:
    details = [detail for _, _, detail in compared[1] if isinstance(detail, str) and detail]

    assert "Mapping where the score changed" in details[0]
    assert details[0].count("<svg") == 2
    assert details[-1].count("<figure") == 2 + 3
    assert details[-1].count("data:image/png") == 3 * 3


def test_reports_can_be_saved(handlers: _Handlers, compared: tuple[ComparisonState, list[Any]]) -> None:
    state, shown = compared
    summary = [summary for summary, _, _ in shown if isinstance(summary, str)][-1]
    (data,) = re.findall(r'download="comparison.json" href="data:application/json;base64,([^"]+)"', summary)
    assert len(json.loads(base64.b64decode(data))["photos"]) == 3
    assert all(f'download="comparison.{suffix}"' in summary for suffix in ("csv", "md", "tex"))

    link = handlers.save(state, gr.EventData(None, {"format": "html"}))
    (page,) = re.findall(r'href="data:text/html;base64,([^"]+)"', link)
    assert b"Worst regressions" in base64.b64decode(page)
    with pytest.raises(gr.Error, match="unexpected"):
        handlers.save(state, gr.EventData(None, {"format": "exe"}))


def test_a_pair_that_was_looked_at_is_not_computed_again(
    handlers: _Handlers, compared: tuple[ComparisonState, list[Any]]
) -> None:
    (panel,) = handlers.show_pair(compared[0], 0)
    assert "Worst regressions" in panel


@pytest.mark.parametrize("index", [-1, 1, None, "0", [0]])
def test_a_pair_that_is_not_there_gets_a_sentence(
    handlers: _Handlers, compared: tuple[ComparisonState, list[Any]], index: Any
) -> None:
    (panel,) = handlers.show_pair(compared[0], index)
    assert "not compared here" in panel


def test_a_comparison_is_forgotten_with_its_photos(handlers: _Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(folder: Path) -> list[tuple[str, list[UploadedFile]]]:
        return [(name, files[:1]) for name, files in example_methods(folder)[:2]]

    monkeypatch.setattr(tab, "example_methods", few)
    state = ComparisonState()
    list(handlers.compare_the_example(state, "lite"))
    assert state.forget(before=state.made)
    assert not state.forget(before=state.made + 1)

    (panel,) = handlers.show_pair(state, 0)
    assert "compare again" in panel
    with pytest.raises(gr.Error, match="compare again"):
        handlers.save(state, gr.EventData(None, {"format": "html"}))


@pytest.mark.parametrize(
    ("cards", "message"),
    [([], "at least two methods"), ([("a", ["notes.txt"])], "a has no photos")],
)
def test_bad_input_gets_a_sentence_in_the_page(
    handlers: _Handlers, tmp_path: Path, cards: list[tuple[str, list[str]]], message: str
) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    files = [(name, [{"path": str(tmp_path / each)} for each in names]) for name, names in cards]
    sent_cards = [part for name, each in files for part in (name, each)]

    *_, (summary, pair, detail) = handlers.show_comparison(ComparisonState(), "lite", None, None, *sent_cards)

    assert message in summary
    assert pair["visible"] is False
    assert detail == ""


def test_a_program_gets_what_the_command_line_gives(handlers: _Handlers, tmp_path: Path) -> None:
    methods = [(name, files[:2]) for name, files in example_methods(tmp_path)[:2]]
    photos = [{"path": file.path, "orig_name": file.name} for _, files in methods for file in files]

    answer = handlers.compare_files(photos, "lite", [name for name, files in methods for _ in files])

    assert [method["name"] for method in answer["methods"]] == ["noisy", "median"]
    assert answer["pairs"][0]["difference"] > 0
    assert json.loads(json.dumps(answer)) == json.loads(json.dumps(answer, allow_nan=False))
    with pytest.raises(gr.Error, match="4 files and 1 names"):
        handlers.compare_files(photos, "lite", ["a"])
    with pytest.raises(gr.Error, match="are no list"):
        handlers.compare_files(photos, "lite", {"a": 1})
    with pytest.raises(gr.Error, match="whose these photos are"):
        handlers.compare_files(photos, "lite")


def test_cards_come_one_by_one_up_to_the_last() -> None:
    count, more, *cards = add_card(2)
    assert (count, more["visible"], [card["visible"] for card in cards]) == (3, True, [True] * 3 + [False] * 3)
    assert add_card(MOST_METHODS - 1)[1]["visible"] is False
    assert add_card(10**9)[0] == MOST_METHODS


def test_the_photos_of_a_folder_come_beside_what_is_there() -> None:
    before = [{"path": "/x/a.png", "orig_name": "a.png"}]
    chosen = [{"path": "/y/b.JPG", "orig_name": "b.JPG"}, {"path": "/y/_DS_Store", "orig_name": ".DS_Store"}]
    assert take_folder(chosen, before) == [*before, chosen[0]]


def test_the_example_has_a_photo_of_each_severity(tmp_path: Path) -> None:
    assert [len(files) for _, files in example_methods(tmp_path)] == [len(SEVERITIES)] * 3


def test_names_of_methods_and_photos_show_as_text() -> None:
    values = {MARKUP: np.array([0.5, 0.6]), f"b {MARKUP}": np.array([0.6, 0.5])}
    scores = {name: float(each[0]) for name, each in values.items()}
    methods = tuple(describe_method(name, each, np.arange(2)) for name, each in values.items())
    (pair,) = compare_pairs(values, np.arange(2))
    stamp = Stamp(
        checkpoint=MARKUP, sha256="", version="", finder="", device="", libraries={}, python="", machine="", date="",
        command=("fiqa", MARKUP), inputs={MARKUP: Inputs(MARKUP, 2, "1")},
    )  # fmt: skip
    photo = ScoredVersions(MARKUP, MARKUP, scores)
    comparison = Comparison(methods, (pair,), (photo, photo), (0.0, 1.0), stamp, (MARKUP,))
    pixels = np.zeros((8, 8, 3), np.uint8)
    example = Example(MARKUP, MARKUP, f"b {MARKUP}", (0.5, 0.6), pixels, pixels, np.zeros((8, 8)))
    assert times_shown_as_text(summary_panel(comparison, (MARKUP,))) >= 8
    assert times_shown_as_text(pair_panel(comparison, pair, [example])) >= 8
