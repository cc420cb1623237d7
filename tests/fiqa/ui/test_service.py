import logging
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.errors import CheckpointError, FiqaError
from fiqa.results import QualityResult
from fiqa.ui.service import GENERIC_MESSAGE, PredictorService, politely
from tests.fiqa.ui.conftest import FakePredictor, load, spec


def test_the_default_is_loaded_and_warmed_up_in_the_background(service: PredictorService) -> None:
    assert not service.is_loaded("first")
    service.start().join(timeout=10)
    assert service.is_loaded("first")
    assert not service.is_loaded("second")


def test_a_checkpoint_is_loaded_once_however_many_ask(grey: NDArray[np.uint8]) -> None:
    loaded: list[str] = []

    def slow_load(checkpoint: str) -> FakePredictor:
        loaded.append(checkpoint)
        time.sleep(0.05)
        return FakePredictor()

    service = PredictorService(slow_load, [spec("first")], "first")
    threads = [threading.Thread(target=service.score, args=("first", grey)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == ["first"]


def test_one_predictor_is_used_by_one_thread_at_a_time(grey: NDArray[np.uint8]) -> None:
    at_work: list[int] = []

    class Watched(FakePredictor):
        inside = 0

        def score(self, source: NDArray[np.uint8]) -> QualityResult:
            self.inside += 1
            at_work.append(self.inside)
            time.sleep(0.01)
            self.inside -= 1
            return super().score(source)

    service = PredictorService(lambda _: Watched(), [spec("first")], "first")
    threads = [threading.Thread(target=service.score, args=("first", grey)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(at_work) == {1}


def test_a_failed_load_is_told_to_whoever_asks_and_tried_again() -> None:
    answers = iter([CheckpointError("Not yet."), None])

    def load_at_second_try(_: str) -> FakePredictor:
        error = next(answers)
        if error:
            raise error
        return FakePredictor()

    service = PredictorService(load_at_second_try, [spec("first")], "first")
    with pytest.raises(CheckpointError, match="Not yet"):
        service.device("first")
    assert service.device("first") == "cpu"


def test_a_failed_load_in_the_background_ends_quietly() -> None:
    service = PredictorService(load, [spec("damaged")], "damaged")
    service.start().join(timeout=10)
    with pytest.raises(CheckpointError, match="damaged"):
        service.device("damaged")


def test_an_unknown_checkpoint_is_refused_with_the_known_ones(service: PredictorService) -> None:
    with pytest.raises(FiqaError, match="first, second, damaged"):
        service.device("../../etc/passwd")


def test_a_refused_warm_up_picture_does_not_matter() -> None:
    class Refusing(FakePredictor):
        def score(self, source: NDArray[np.uint8]) -> QualityResult:
            raise FiqaError("There is no face in this picture.")

    service = PredictorService(lambda _: Refusing(), [spec("first")], "first")
    assert service.device("first") == "cpu"


def test_what_was_foreseen_is_told_and_the_rest_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FiqaError, match=r"^Try another photo\.$"), politely():
        raise FiqaError("Try another photo.")
    assert not caplog.records
    with caplog.at_level(logging.ERROR), pytest.raises(FiqaError) as caught, politely():
        raise KeyError("internals")
    assert str(caught.value) == GENERIC_MESSAGE
    assert "internals" in caplog.text
