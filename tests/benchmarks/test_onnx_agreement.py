"""The comparison of ONNX files with torch sees differences of scores, faces, notices and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut

from benchmarks.onnx_agreement import Outcome, compared, is_alike, made_photo
from fiqa import load_predictor
from fiqa.errors import FiqaError
from fiqa.results import QualityResult


@pytest.fixture(scope="module")
def result() -> QualityResult:
    return load_predictor("lite", device="cpu", finder="bundled").score(astronaut())


def moved(result: QualityResult, by: float) -> QualityResult:
    return replace(result, score=result.score + by)


def test_photos_differ_and_are_made_alike_each_time() -> None:
    photos = [made_photo(number) for number in range(4)]
    assert len({photo.tobytes() for photo in photos}) == 4
    assert np.array_equal(made_photo(3), photos[3])


def test_differences_are_those_of_the_scores(result: QualityResult) -> None:
    expected: list[Outcome] = [result, moved(result, -0.2), moved(result, -0.4), "refused"]
    found: list[Outcome] = [moved(result, 0.01), moved(result, -0.2), moved(result, -0.43), "refused"]
    assert (
        compared(expected, found)
        == "mean difference 1.3e-02, largest 3.0e-02, SRCC 1.0000, other faces or notices in 0"
    )
    with pytest.raises(FiqaError, match="Fewer than two photos"):
        compared(expected[3:], found[3:])


def test_other_faces_notices_and_refusals_are_seen(result: QualityResult) -> None:
    assert is_alike(result, moved(result, 0.1))
    assert not is_alike(result, replace(result, faces=result.faces * 2))
    assert not is_alike(result, replace(result, notices=("another",)))
    assert not is_alike(result, "refused")
