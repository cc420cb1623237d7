"""What a GPU computes is what the processor computes; run where there is a GPU."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray

from fiqa import load_predictor
from fiqa.checkpoints import RELEASED
from fiqa.degradation.atlas_building import open_atlas
from fiqa.degradation.diagnosis import diagnose
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.faces.finders import load_face_finder
from fiqa.maps.explain import explain
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.models.dsl_fiqa import load_strictly
from fiqa.models.official import convert
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings
from tests.fiqa.official import reference
from training.data.rendering import Device, full_reference_metrics

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

ASTRONAUT = np.asarray(skimage.data.astronaut())
DEVICES: tuple[Device, Device] = ("cpu", "cuda")
MAPS = ("contribution", "quality", "confidence", "occlusion", "integrated_gradients", "cross_attention")


@pytest.fixture(scope="module")
def on_cpu() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture(scope="module")
def on_gpu() -> QualityPredictor:
    return load_predictor("lite", device="cuda", finder="bundled")


@pytest.fixture(scope="module")
def photos() -> list[NDArray[np.uint8]]:
    """The astronaut as it is, and damaged lightly and strongly in every way."""
    ways = [(name, severity) for name in DEGRADATIONS for severity in (0.3, 0.8)]
    return [ASTRONAUT, *(degrade(ASTRONAUT, [way], seed=1) for way in ways)]


def test_auto_takes_the_gpu() -> None:
    assert load_predictor("lite", finder="bundled").scoring_device == "cuda"


def test_scores_are_those_of_the_processor(
    on_cpu: QualityPredictor, on_gpu: QualityPredictor, photos: list[NDArray[np.uint8]]
) -> None:
    expected = np.array([on_cpu.score(photo).score for photo in photos])
    scores = np.array([on_gpu.score(photo).score for photo in photos])
    assert scores == pytest.approx(expected, abs=0.002)


def test_the_same_photo_gets_the_same_score_again(on_gpu: QualityPredictor) -> None:
    assert len({on_gpu.score(ASTRONAUT).score for _ in range(5)}) == 1


@pytest.mark.parametrize("kind", MAPS)
def test_maps_are_those_of_the_processor(on_cpu: QualityPredictor, on_gpu: QualityPredictor, kind: str) -> None:
    expected, made = (explain(predictor, ASTRONAUT, kind).in_view() for predictor in (on_cpu, on_gpu))
    assert np.corrcoef(expected.ravel(), made.ravel())[0, 1] > 0.99


def test_degradations_are_named_as_on_the_processor(
    on_cpu: QualityPredictor, on_gpu: QualityPredictor, photos: list[NDArray[np.uint8]]
) -> None:
    atlas = open_atlas(on_cpu, Settings.from_environment())
    named = [
        [[found.type for found in diagnose(predictor, atlas, photo).diagnosis.degradations[:1]] for photo in photos]
        for predictor in (on_cpu, on_gpu)
    ]
    assert sum(a == b for a, b in zip(*named, strict=True)) >= len(photos) - 1


def test_the_released_network_scores_as_on_the_processor() -> None:
    scores = []
    for device in DEVICES:
        network = DslFiqa(OFFICIAL)
        load_strictly(network, convert(reference.released_state("de"), reference.released_state("iqa")), "recipe")
        predictor = QualityPredictor(network, RELEASED["cgfiqa"], load_face_finder("bundled"), device=device)
        face = predictor.face_crops(ASTRONAUT, predictor.find_faces(ASTRONAUT).faces[0])
        scores.append(predictor.predict([replace(face, offsets=face.offsets[:1])]).score.numpy())
    assert scores[1] == pytest.approx(scores[0], rel=0.005, abs=0.001)


def test_labels_are_those_of_the_processor(photos: list[NDArray[np.uint8]]) -> None:
    views = np.stack([photo[:256, 100:356] for photo in photos])
    references = np.repeat(views[:1], len(views), axis=0)
    expected, made = (full_reference_metrics(views, references, device) for device in DEVICES)
    assert made == pytest.approx(expected, abs=1e-3)
