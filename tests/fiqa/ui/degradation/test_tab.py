"""The Degradation tab's handlers, with the bundled checkpoint."""

import time
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa.checkpoints import find_checkpoint
from fiqa.degradation.atlas import TYPES
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings
from fiqa.ui.degradation.panels import COLOURS
from fiqa.ui.degradation.tab import DiagnosisState, WhatIfState, _Handlers, steps_of
from fiqa.ui.photos import LoadedPhotos
from fiqa.ui.service import PredictorService
from fiqa.ui.visitor_state import KEPT_S

Save = Callable[..., str]
STILL = ("", 0.5) * 3


@pytest.fixture(scope="module")
def handlers() -> _Handlers:
    def load(name: str) -> QualityPredictor:
        return load_predictor(name, device="cpu", finder="bundled")

    return _Handlers(PredictorService(load, [find_checkpoint("lite")], "lite"), Settings.from_environment())


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("photos") / "portrait.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return str(path)


@pytest.fixture(scope="module")
def trial(handlers: _Handlers, portrait: str) -> WhatIfState:
    *_, (examination, *_) = handlers.examine(True, LoadedPhotos(((portrait, "portrait.png"),)), "lite")
    trial, *_ = handlers.begin_trial(examination)
    assert trial is not None
    return trial


def test_nothing_is_computed_before_the_tab_is_opened(handlers: _Handlers, portrait: str) -> None:
    assert list(handlers.examine(False, LoadedPhotos(((portrait, "portrait.png"),)), "lite")) == []


def test_without_photos_the_map_is_shown(handlers: _Handlers) -> None:
    *_, (_, panel, figure, _, below) = handlers.examine(True, LoadedPhotos(), "lite")
    assert "What is wrong with a photo?" in panel
    assert len(figure.data) == len(TYPES) + 1
    assert below["visible"] is False


def test_a_photo_is_placed_on_the_map_and_diagnosed(handlers: _Handlers, portrait: str) -> None:
    *_, (examination, panel, figure, _, below) = handlers.examine(
        True, LoadedPhotos(((portrait, "<b>portrait.png"),)), "lite"
    )
    assert "Most likely" in panel
    assert list(figure.data[-1].x) == [examination.photos[0].outcome.diagnosis.position[0]]
    assert "<b>portrait" not in figure.data[-1].customdata[0]
    assert below["visible"] is True


def test_several_photos_share_the_map_and_a_table(handlers: _Handlers, portrait: str, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    items = ((portrait, "a.png"), (str(tmp_path / "notes.jpg"), "notes.jpg"), (portrait, "c.png"))
    *_, (_, panel, figure, choice, _) = handlers.examine(True, LoadedPhotos(items), "lite")
    assert "2 of 3 photos placed" in panel
    assert list(figure.data[-1].text) == ["1", "3"]
    assert choice["choices"] == [("a.png", 0), ("c.png", 2)]


def test_an_unreadable_photo_gives_a_sentence(handlers: _Handlers, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    *_, (_, panel, _, _, below) = handlers.examine(
        True, LoadedPhotos(((str(tmp_path / "notes.jpg"), "notes.jpg"),)), "lite"
    )
    assert 'role="alert"' in panel
    assert below["visible"] is False


def test_an_unknown_checkpoint_gives_a_sentence(handlers: _Handlers) -> None:
    *_, (_, panel, *_) = handlers.examine(True, LoadedPhotos(), "nonsense")
    assert "nonsense" in panel


def test_steps_change_score_place_and_words(handlers: _Handlers, trial: WhatIfState) -> None:
    still = handlers.try_steps(trial, *STILL)
    moved = handlers.try_steps(trial, "gaussian_blur", 0.6, "", 0.5, "jpeg", 0.2)
    assert 'data-steps="0"' in still
    assert "nothing applied" in still
    assert 'data-steps="2"' in moved
    assert "Gaussian blur 4.3 (sigma, px), then JPEG" in moved
    assert handlers.try_steps(None, *STILL) == ""


def test_no_type_and_no_severity_are_no_step() -> None:
    assert steps_of(("", 0.5, "jpeg", 0, "haze", 0.25)) == [("haze", 0.25)]


@pytest.mark.slow
def test_every_type_gets_a_curve_and_they_are_kept(handlers: _Handlers, trial: WhatIfState) -> None:
    *_, panel = handlers.show_curves(trial)
    assert panel.count('<figure class="curve">') == len(DEGRADATIONS) == len(trial.curves)
    assert "good up to" in panel
    assert len(list(handlers.show_curves(trial))) == 1


@pytest.mark.slow
def test_every_repair_is_tried_and_called_an_estimate(handlers: _Handlers, trial: WhatIfState) -> None:
    *_, panel = handlers.show_repairs(trial, "low_light", 0.6, "", 0.5, "", 0.5)
    assert panel.count("<tr>") == len(REPAIRS) + 1
    assert "Brighten: the repair that would help most" in panel
    assert "estimate" in panel


def test_nothing_of_a_photo_stays_for_longer_than_promised(handlers: _Handlers, portrait: str) -> None:
    *_, shown = handlers.examine(True, LoadedPhotos(((portrait, "portrait.png"),)), "lite")
    examination = next(value for value in shown if isinstance(value, DiagnosisState))
    trial, *_ = handlers.begin_trial(examination)
    assert trial is not None
    handlers._sweeper.sweep()
    assert examination.photos
    assert trial.pictures
    later = time.monotonic() + KEPT_S + 1
    handlers._sweeper.clock = lambda: later
    handlers._sweeper.sweep()
    assert not examination.photos
    assert trial.pictures is None
    assert "choose it again" in handlers.try_steps(trial, *["", 0.0] * 3)


def test_only_photos_with_a_place_can_be_tried(handlers: _Handlers) -> None:
    assert handlers.begin_trial(DiagnosisState(), 0)[0] is None
    assert handlers.begin_trial(DiagnosisState())[0] is None


def test_programs_get_the_dictionary_of_the_command_line(handlers: _Handlers, portrait: str) -> None:
    answer = handlers.degradation(Path(portrait).read_bytes(), "lite")
    assert answer["degradations"][0]["probability"] == max(each["probability"] for each in answer["degradations"])
    assert {"outlier", "position", "neighbours", "score", "atlas"} <= set(answer)


def test_programs_can_degrade_a_photo(handlers: _Handlers, portrait: str) -> None:
    degraded = handlers.degrade(Path(portrait).read_bytes(), "jpeg", 0.6, 3)
    assert np.array_equal(degraded, degrade(skimage.data.astronaut(), [("jpeg", 0.6)], seed=3))


@pytest.mark.parametrize(
    ("kind", "severity", "seed", "said"),
    [("style", 0.5, 0, "gaussian_blur"), ("jpeg", 1.5, 0, "0 to 1"), ("jpeg", 0.5, -1, "seed")],
)
def test_programs_are_told_what_was_wrong(
    handlers: _Handlers, portrait: str, kind: str, severity: float, seed: float, said: str
) -> None:
    with pytest.raises(gr.Error, match=said):
        handlers.degrade(Path(portrait).read_bytes(), kind, severity, seed)


@pytest.mark.parametrize("photo", [None, b"", b"not a photo"])
def test_programs_that_send_no_photo_are_refused_politely(handlers: _Handlers, photo: bytes | None) -> None:
    for call in (lambda: handlers.degradation(photo, "lite"), lambda: handlers.degrade(photo, "jpeg", 0.5, 0)):
        with pytest.raises(gr.Error) as caught:
            call()
        assert caught.value.message.endswith(".")


def test_every_degradation_has_a_colour_and_is_named_in_the_endpoints_documentation() -> None:
    assert set(COLOURS) == set(TYPES)
    assert len(set(COLOURS.values())) == len(TYPES)
    named = str(_Handlers.degrade.__doc__)
    assert [name for name in DEGRADATIONS if f" {name}" not in named] == []
