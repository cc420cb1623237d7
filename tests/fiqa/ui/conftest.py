"""A predictor that needs no network: what it says follows from the photo's mean, so tests can foresee it."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec, Preprocessing
from fiqa.errors import CheckpointError, NoFaceError
from fiqa.faces.face_choice import FaceChoice
from fiqa.photos.images import PhotoSource, decode_photo
from fiqa.results import FaceResult, QualityResult
from fiqa.ui.service import PredictorService

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor as Base
else:
    Base = object  # torch takes seconds to load

LANDMARKS = np.stack([np.linspace(20, 60, 68), np.linspace(30, 70, 68)], axis=1).astype(np.float32)


def spec(name: str) -> CheckpointSpec:
    return CheckpointSpec(
        name=name,
        title=f"The {name} one",
        licence="Apache-2.0",
        note="Trained on nothing at all.",
        source="tests",
        preprocessing=Preprocessing(view_px=64, margin=1.0, crops=1),
    )


def result(score: float, *, faces: int = 1) -> QualityResult:
    """Make a result with faces side by side, each a little worse than the one before."""
    found = tuple(
        FaceResult((20.0 + 10 * n, 30.0, 60.0 + 10 * n, 70.0), LANDMARKS, score - 0.1 * n, (score - 0.1 * n, score))
        for n in range(faces)
    )
    timings = {"decode": 1.0, "faces": 2.0, "network": 3.0, "total": 6.0}
    return QualityResult(score, (score, score), found, "first", (0.0, 1.0), "fake", ("Taken on trust.",), timings)


class FakePredictor(Base):
    """Scores the mean level; refuses black photos, and breaks on white ones."""

    def __init__(self) -> None:
        """Need neither a network nor a finder."""

    @property
    def scoring_device(self) -> str:
        return "cpu"

    def score(self, source: PhotoSource, *, face: FaceChoice = "main", aligned: str | None = None) -> QualityResult:
        photo = decode_photo(source)
        mean = float(photo.pixels.mean())
        if mean == 0:
            raise NoFaceError("There is no face in this picture.")
        if mean == 255:
            raise RuntimeError("an error nobody foresaw, with /secret/path in it")
        answer = result(mean / 255)
        timings = {**answer.timings_ms, "decode": photo.decode_ms, "total": 5 + photo.decode_ms}
        said = answer.notices if (face, aligned) == ("main", None) else (f"{face}, {aligned}",)
        return replace(answer, notices=(*photo.notices, *said), timings_ms=timings)


def load(checkpoint: str) -> FakePredictor:
    if checkpoint == "damaged":
        raise CheckpointError("The checkpoint is damaged; fetch it again.")
    return FakePredictor()


@pytest.fixture
def service() -> PredictorService:
    return PredictorService(load, [spec("first"), spec("second"), spec("damaged")], "first")


@pytest.fixture
def grey() -> NDArray[np.uint8]:
    """A photo (80, 100, 3) whose fake score is 0.4."""
    return np.full((80, 100, 3), 102, dtype=np.uint8)
