"""One range everywhere: with a checkpoint that scores 1 to 5, or 0 to 100, nothing answers on another scale."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.__main__ import main
from fiqa.bundled import CHECKPOINT, bundled
from fiqa.checkpoints import read_spec
from fiqa.degradation.atlas import find_atlas
from fiqa.degradation.diagnosis import diagnose
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.degradation.what_if import find_subject, response_curve
from fiqa.evaluation.official_protocol import run_official_protocol
from fiqa.maps import explain as explain_module
from fiqa.maps.explain import explain
from fiqa.predictor import QualityPredictor
from fiqa.results import Interval
from fiqa.settings import Settings
from fiqa.ui.attention import tab as attention
from fiqa.ui.attention.state import EXAMPLE, AttentionState
from fiqa.ui.degradation import tab as degradation
from fiqa.ui.figures import ACR_WORDS, grade_of
from fiqa.ui.photos import LoadedPhotos
from fiqa.ui.score import tab as score
from fiqa.ui.score.tab import score_if_possible
from fiqa.ui.service import PredictorService

RANGES = ((1.0, 5.0), (0.0, 100.0))
CHOICES: tuple[Any, ...] = (EXAMPLE, "", 1, "contribution", 12, "viridis", False, [], 0, 0)
NAME = "rated"


@pytest.fixture(scope="module")
def share() -> float:
    """The astronaut's score in 0..1."""
    return load_predictor("lite", device="cpu", finder="bundled").score(astronaut()).score


@pytest.fixture(scope="module", params=RANGES, ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of lite whose labels were on another scale."""
    folder = tmp_path_factory.mktemp("checkpoints") / NAME
    shutil.copytree(bundled(CHECKPOINT), folder)
    card = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps(card | {"score_range": request.param}))
    return folder


@pytest.fixture(scope="module")
def predictor(folder: Path) -> QualityPredictor:
    return load_predictor(folder, device="cpu", finder="bundled")


@pytest.fixture(scope="module")
def service(predictor: QualityPredictor) -> Iterator[PredictorService]:
    service = PredictorService(lambda _name: predictor, [predictor.spec], NAME)
    yield service
    service.stop()


@pytest.fixture(scope="module")
def expected(predictor: QualityPredictor, share: float) -> float:
    """The astronaut's score on the checkpoint's scale."""
    low, high = predictor.spec.score_range
    return low + (high - low) * share


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


def word_of(value: float, score_range: Interval) -> str:
    return ACR_WORDS[grade_of(value, score_range) - 1]


def test_python(predictor: QualityPredictor, expected: float) -> None:
    result = predictor.score(astronaut())
    assert (result.score, result.faces[0].score) == pytest.approx((expected, expected), rel=1e-6)
    assert result.interval[0] < expected < result.interval[1]


def test_maps_sum_to_the_score_and_quality_lies_in_its_range(predictor: QualityPredictor, expected: float) -> None:
    low, high = predictor.spec.score_range
    assert np.nansum(explain(predictor, astronaut()).in_photo().values) == pytest.approx(expected, rel=1e-5)
    quality = explain(predictor, astronaut(), "quality").in_photo().values
    assert low <= np.nanmin(quality) < expected < np.nanmax(quality) <= high


@pytest.mark.parametrize("kind", ["occlusion", "integrated_gradients"])
@pytest.mark.slow
def test_losses_and_gains_grow_with_the_range(
    predictor: QualityPredictor, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_module, "GRADIENT_STEPS", 8)
    low, high = predictor.spec.score_range
    few = replace(predictor.spec, preprocessing=replace(predictor.spec.preprocessing, crops=1))
    plain = QualityPredictor(predictor.network, replace(few, score_range=(0.0, 1.0)), predictor.finder)
    wide = QualityPredictor(predictor.network, few, predictor.finder)
    shares = explain(plain, astronaut(), kind).grids
    assert explain(wide, astronaut(), kind).grids == pytest.approx(shares * (high - low), abs=1e-4 * (high - low))


def test_diagnosis_and_what_if(predictor: QualityPredictor, expected: float) -> None:
    atlas = find_atlas(predictor.spec, Settings.from_environment({}))
    assert atlas is not None
    found = diagnose(predictor, atlas, astronaut()).to_dict()
    assert found["score"] == pytest.approx(expected, abs=1e-4)
    assert found["score_range"] == list(predictor.spec.score_range)
    curve = response_curve(predictor, find_subject(predictor, astronaut()), "jpeg")
    assert curve.scores[0] == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_score_tab_and_its_endpoints(
    service: PredictorService, photo: Path, predictor: QualityPredictor, expected: float
) -> None:
    handlers = score._Handlers(service)
    assert handlers.score(photo.read_bytes(), NAME)["score"] == pytest.approx(expected, abs=1e-4)
    assert handlers.score_batch([str(photo)], NAME)[0]["score"] == pytest.approx(expected, abs=1e-4)
    assert score_if_possible(service, NAME, photo.read_bytes()) == pytest.approx(expected, rel=1e-6)
    for count in (1, 2):
        *_, panel = handlers.show_scores(LoadedPhotos(((str(photo), "a.png"),) * count), NAME)
        assert f"<b>{expected:.2f}</b>" in panel
        assert word_of(expected, predictor.spec.score_range) in panel


@pytest.mark.slow
def test_attention_tab_and_its_endpoint(
    service: PredictorService, photo: Path, predictor: QualityPredictor, expected: float, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    low, high = predictor.spec.score_range
    handlers, state = attention._Handlers(service), AttentionState()
    yielded = list(handlers.show(state, LoadedPhotos(), None, NAME, *CHOICES))
    assert f"<b>{expected:.2f}</b> <em>{word_of(expected, (low, high))}</em>" in yielded[-2][0]
    parts = yielded[-1][2]
    guided, unguided = map(float, re.findall(r"<b>([\d.]+)</b> (?:with landmarks|without)", parts))
    assert guided == pytest.approx(expected, abs=1e-3)
    assert abs(guided - unguided) < 0.2 * (high - low)
    qualities = [float(each) for each in re.findall(r"<td class=number>([\d.]+)</td>", parts)]
    assert min(qualities) < expected < max(qualities) <= high
    answer, array, _ = handlers.attention(photo.read_bytes(), NAME)
    assert answer["score"] == pytest.approx(expected, abs=1e-4)
    assert answer["score_range"] == [low, high]
    assert np.nansum(np.load(array)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_degradation_tab_and_its_endpoint(
    service: PredictorService, photo: Path, predictor: QualityPredictor, expected: float
) -> None:
    handlers = degradation._Handlers(service, Settings.from_environment())
    answer = handlers.degradation(photo.read_bytes(), NAME)
    assert answer["score"] == pytest.approx(expected, abs=1e-4)
    *_, (examination, *_) = handlers.examine(True, LoadedPhotos(((str(photo), "a.png"),)), NAME)
    trial, before, *_ = handlers.begin_trial(examination)
    assert trial is not None
    assert trial.before.score == pytest.approx(expected, rel=0.02)
    assert f"<b>{trial.before.score:.2f}</b>" in before
    panel = handlers.try_steps(trial, *("", 0.5) * 3)
    assert f"<b>{trial.before.score:.2f}</b><span>{word_of(expected, predictor.spec.score_range)}" in panel
    trial.curves = [response_curve(predictor, trial.subject, "jpeg")] * len(DEGRADATIONS)
    assert "good up to" in next(handlers.show_curves(trial))


@pytest.mark.parametrize("format", ["json", "csv", "table"])
@pytest.mark.slow
def test_command_line(folder: Path, photo: Path, expected: float, format: str, tmp_path: Path) -> None:
    for command, name in (("score", "scores"), ("degradation", "diagnoses")):
        output = tmp_path / f"{name}.txt"
        options = ["--checkpoint", str(folder), "--device", "cpu", "--format", format, "--output", str(output)]
        assert main([command, str(photo), *options]) == 0
        text = output.read_text(encoding="utf-8")
        if format == "table":
            found = float(text.splitlines()[1].split()[0])
        else:
            row = json.loads(text)[0] if format == "json" else next(iter(csv.DictReader(text.splitlines())))
            found = float(row["score"])
        assert found == pytest.approx(expected, abs=1e-3)


def test_attention_command(folder: Path, photo: Path, expected: float, tmp_path: Path) -> None:
    output = tmp_path / "map.npy"
    assert main(["attention", str(photo), "--checkpoint", str(folder), "--device", "cpu", "--output", str(output)]) == 0
    assert np.nansum(np.load(output)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_official_protocol(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data" / "test"
    for name in ("img", "landmark"):
        (data / name).mkdir(parents=True)
    for name in ("a", "b"):
        Image.fromarray(astronaut()).save(data / "img" / f"{name}.png")
        np.save(data / "landmark" / f"{name}.npy", np.full((68, 2), 200.0))
    (data / "label.json").write_text(json.dumps({"Image": ["a.png", "b.png"], "MOS": [1, 2]}))
    predictions = {}
    for name in ("lite", str(folder)):
        run_official_protocol(name, data.parent, device="cpu", output=tmp_path, progress=False)
        with (tmp_path / "data" / "prediction.csv").open() as file:
            predictions[name] = float(next(csv.DictReader(file))["Predict"])
    low, high = read_spec(folder).score_range
    assert predictions[str(folder)] == pytest.approx(low + (high - low) * predictions["lite"], rel=1e-5)
