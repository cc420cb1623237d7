"""Atlases in the app: there for every checkpoint that the page offers, also one trained a moment ago."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.checkpoints import CheckpointSpec, list_checkpoints
from fiqa.degradation.atlas import find_atlas
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings
from fiqa.ui import atlases
from fiqa.ui.attention import state
from fiqa.ui.attention import tab as attention
from fiqa.ui.degradation import tab as degradation
from fiqa.ui.photos import LoadedPhotos
from fiqa.ui.score import tab as score
from fiqa.ui.service import PredictorService

CHOICES: tuple[Any, ...] = (state.EXAMPLE, "", 1, "contribution", 12, "viridis", False, [], 0, 0)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PredictorService]:
    """The app's service, as it stands before anything is trained."""
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    settings = Settings.from_environment()

    def load(name: str) -> QualityPredictor:
        return load_predictor(name, device="cpu", finder="bundled")

    def find() -> list[CheckpointSpec]:
        return [spec for spec in list_checkpoints(settings) if spec.present]

    service = PredictorService(load, find(), "lite", find)
    yield service
    service.stop()


@pytest.mark.slow
def test_a_checkpoint_works_in_every_tab_right_after_its_training(service: PredictorService, tmp_path: Path) -> None:
    tabs = (
        score._Handlers(service),
        attention._Handlers(service),
        degradation._Handlers(service, Settings.from_environment()),
    )
    folder = tmp_path / "data" / "checkpoints" / "portraits"
    shutil.copytree(bundled(CHECKPOINT), folder)
    photo = tmp_path / "astronaut.png"
    Image.fromarray(astronaut()).save(photo)
    scores = {
        tabs[0].score(photo.read_bytes(), "portraits")["score"],
        tabs[1].attention(photo.read_bytes(), "portraits")[0]["score"],
        tabs[2].degradation(photo.read_bytes(), "portraits")["score"],
    }
    assert len(scores) == 1
    assert "portraits" in [*tabs[1].show(state.AttentionState(), LoadedPhotos(), None, "portraits", *CHOICES)][-2][0]
    *_, (examination, panel, *_) = tabs[2].examine(True, LoadedPhotos(((str(photo), "a.png"),)), "portraits")
    assert "Most likely" in panel
    assert examination.checkpoint == "portraits"


def test_weights_trained_anew_under_the_same_name_get_an_atlas_of_their_own(
    service: PredictorService, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite = find_atlas(service.spec_of("lite"), Settings.from_environment())
    assert lite is not None
    monkeypatch.setattr(atlases, "find_atlas", lambda spec, _: replace(lite, checkpoint_sha256=spec.sha256))
    shelf = atlases.AtlasCache(service, Settings.from_environment())
    before = shelf.get("lite")
    assert shelf.get("lite") is before
    service.checkpoints["lite"] = replace(service.spec_of("lite"), sha256="of other weights")
    assert shelf.get("lite").checkpoint_sha256 == "of other weights"
