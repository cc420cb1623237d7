"""Photos scored in processes get the scores that one process gives them, in order, errors in their places."""

from io import BytesIO
from itertools import repeat
from multiprocessing import active_children

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.bulk.workers import Scoring, score_in_processes
from fiqa.errors import CheckpointError, FiqaError, PhotoError
from fiqa.results import QualityResult


def portrait(quality: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(astronaut()[:256, 96:352]).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.mark.slow
def test_processes_score_as_one_does_and_in_order() -> None:
    photos = [portrait(20), b"no photo", portrait(50), portrait(90)]
    outcomes = [*score_in_processes(photos, Scoring("lite", "cpu", "bundled"), workers=2, batch=2)]
    expected = [*load_predictor("lite", device="cpu", finder="bundled").score_many(photos)]
    assert [type(each) for each in outcomes] == [QualityResult, PhotoError, QualityResult, QualityResult]
    scores = [[each.score for each in some if isinstance(each, QualityResult)] for some in (outcomes, expected)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


@pytest.mark.slow
def test_a_predictor_that_cannot_be_loaded_is_one_error() -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        list(score_in_processes([portrait(50)], Scoring("nowhere", "cpu", "bundled"), workers=1))


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_run_with_one_sentence() -> None:
    outcomes = score_in_processes(repeat(b"no photo"), Scoring("lite", "cpu", "bundled"), workers=1, batch=2)
    assert isinstance(next(outcomes), PhotoError)
    (worker,) = active_children()
    worker.kill()
    with pytest.raises(FiqaError, match=r"killed.*--resume"):
        for _ in outcomes:
            pass
