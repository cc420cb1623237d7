"""A ZeroGPU Space with a stand-in for `spaces`, which pickles as it does; the processor stands for the GPU."""

import pickle
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import skimage.data

from fiqa.checkpoints import find_checkpoint
from fiqa.errors import FiqaError
from fiqa.faces.finders import load_face_finder
from fiqa.loading import load_network, load_predictor
from fiqa.ui.service import PredictorService
from fiqa.zero_gpu import LONGEST_S, SHORTEST_S, ZeroGpuPredictor, gpu_seconds
from fiqa_app.serving.page import work_status

ASTRONAUT = np.asarray(skimage.data.astronaut())


class Lender:
    """Stands for the package: runs the function with copies made by pickle, and notes for how long it was asked."""

    def __init__(self) -> None:
        self.asked_s: list[int] = []
        self.answers: list[Any] = []
        self.refusal: Exception | None = None

    def lend(self, *, duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def lent(*arguments: Any) -> Any:
                if self.refusal:
                    raise self.refusal
                self.asked_s.append(duration(*arguments))
                self.answers.append(function(*pickle.loads(pickle.dumps(arguments))))  # noqa: S301
                return pickle.loads(pickle.dumps(self.answers[-1]))  # noqa: S301

            return lent

        return decorate


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> Lender:
    lender, module = Lender(), ModuleType("spaces")
    module.GPU = lender.lend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", module)
    return lender


@pytest.fixture
def predictor(lender: Lender) -> ZeroGpuPredictor:
    spec = find_checkpoint("lite")
    return ZeroGpuPredictor(load_network(spec), spec, load_face_finder("bundled"), gpu="cpu")


@pytest.mark.slow
def test_a_lent_gpu_scores_as_any_other_device(predictor: ZeroGpuPredictor, lender: Lender) -> None:
    lent, own = predictor.score(ASTRONAUT), load_predictor("lite", device="cpu", finder="bundled").score(ASTRONAUT)
    assert lent.score == pytest.approx(own.score, abs=1e-6)
    assert lent.interval == pytest.approx(own.interval, abs=1e-6)
    assert len(lender.asked_s) == 1


def test_the_page_says_that_scores_take_a_lent_gpu(predictor: ZeroGpuPredictor) -> None:
    service = PredictorService(lambda _: predictor, [predictor.spec], "lite")
    assert work_status(service, "lite") == "lite on a GPU lent for each photo"
    service.stop()


def test_only_numbers_come_back(predictor: ZeroGpuPredictor, lender: Lender) -> None:
    predictor.score(ASTRONAUT)
    (answer,) = lender.answers
    assert type(answer) is np.ndarray
    assert answer.shape == (1, predictor.spec.preprocessing.crops)


def test_maps_and_what_ifs_take_no_gpu(predictor: ZeroGpuPredictor, lender: Lender) -> None:
    faces = predictor.find_faces(ASTRONAUT).faces
    predictor.predict([predictor.face_crops(ASTRONAUT, faces[0])])
    assert lender.asked_s == []
    assert {parameter.device.type for parameter in predictor.network.parameters()} == {"cpu"}


@pytest.mark.parametrize(("crops", "seconds"), [([8], 6), ([20], 6), ([20] * 5, 10), ([20] * 1000, LONGEST_S)])
@pytest.mark.slow
def test_little_time_is_asked_for(crops: Sequence[int], seconds: int, predictor: ZeroGpuPredictor) -> None:
    face = predictor.face_crops(ASTRONAUT, None)
    faces = [type(face)(None, face.view, [(0, 0)] * count, None) for count in crops]
    assert gpu_seconds(faces) == seconds
    assert gpu_seconds([]) == SHORTEST_S


def test_a_visitor_is_told_why_no_gpu_was_lent(predictor: ZeroGpuPredictor, lender: Lender) -> None:
    lender.refusal = RuntimeError()
    lender.refusal.message = "You have used up your share of today."  # type: ignore[attr-defined]
    with pytest.raises(FiqaError, match="used up your share"):
        predictor.score(ASTRONAUT)
