import logging
import threading
import time
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from fiqa.errors import CheckpointError, FiqaError
from fiqa.photos.images import PhotoSource
from fiqa.results import QualityResult
from fiqa.ui.service import ENDING_MESSAGE, GENERIC_MESSAGE, PredictorService, translate_errors
from tests.fiqa.ui.conftest import FakePredictor, load, spec


def test_the_default_is_loaded_and_warmed_up_in_the_background(service: PredictorService) -> None:
    assert not service.is_loaded("first")
    service.start().result(timeout=10)
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


def test_a_predictor_stays_in_one_thread_whoever_asks(grey: NDArray[np.uint8]) -> None:
    at_work: set[int] = set()

    class Watched(FakePredictor):
        def score(self, source: PhotoSource, **asked: Any) -> QualityResult:
            at_work.add(threading.get_ident())
            return super().score(source, **asked)

    service = PredictorService(lambda _: Watched(), [spec("first")], "first")
    threads = [threading.Thread(target=service.score, args=("first", grey)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(at_work) == 1
    assert threading.get_ident() not in at_work


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


def test_a_failed_load_in_the_background_is_told_to_the_first_visitor(grey: NDArray[np.uint8]) -> None:
    service = PredictorService(load, [spec("damaged")], "damaged")
    service.start()
    with pytest.raises(CheckpointError, match="damaged"):
        service.score("damaged", grey)


def test_an_unknown_checkpoint_is_refused_with_the_known_ones(service: PredictorService) -> None:
    with pytest.raises(FiqaError, match="first, second, damaged"):
        service.device("../../etc/passwd")


def test_every_step_is_warmed_up_on_a_photo_with_a_face() -> None:
    seen: list[PhotoSource] = []

    class Watched(FakePredictor):
        def score(self, source: PhotoSource, **asked: Any) -> QualityResult:
            seen.append(source)
            return super().score(source, **asked)

    service = PredictorService(lambda _: Watched(), [spec("first")], "first")
    service.device("first")
    (photo,) = seen
    np.testing.assert_array_equal(np.asarray(photo), astronaut())


def test_what_was_foreseen_is_told_and_the_rest_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FiqaError, match=r"^Try another photo\.$"), translate_errors():
        raise FiqaError("Try another photo.")
    assert not caplog.records
    with caplog.at_level(logging.ERROR), pytest.raises(FiqaError) as caught, translate_errors():
        raise KeyError("internals")
    assert str(caught.value) == GENERIC_MESSAGE
    assert "internals" in caplog.text


def test_the_predictor_works_in_the_visit_of_whoever_asks(service: PredictorService) -> None:
    visitor: ContextVar[str] = ContextVar("visitor", default="nobody")
    token = visitor.set("anna")
    assert service.ask("first", lambda _: visitor.get()) == "anna"
    visitor.reset(token)
    assert service.ask("first", lambda _: visitor.get()) == "nobody"


def test_at_the_end_what_waits_is_told_so(service: PredictorService) -> None:
    begun, go_on = threading.Event(), threading.Event()
    service.start().result()
    told: list[str] = []

    def wait_in_line() -> None:
        try:
            service.device("first")
        except FiqaError as error:
            told.append(str(error))

    def work(_predictor: object) -> bool:
        begun.set()
        return go_on.wait(10)

    running = service._submit("first", work)
    begun.wait(10)
    waiting = threading.Thread(target=wait_in_line)
    waiting.start()
    while not service._workers["first"]._work_queue.qsize():
        time.sleep(0.01)
    service.stop()
    go_on.set()
    waiting.join(10)
    running.result(10)
    assert told == [ENDING_MESSAGE]
    with pytest.raises(FiqaError, match=ENDING_MESSAGE):
        service.device("first")


def test_a_checkpoint_that_was_trained_since_is_found_and_scores() -> None:
    present = [spec("first")]
    service = PredictorService(load, present[:], "first", lambda: present)
    with pytest.raises(FiqaError, match="'new' is not here"):
        service.device("new")
    loaded = service.start().result()
    present.append(spec("new"))
    service.rescan()
    assert list(service.checkpoints) == ["first", "new"]
    assert service.device("new") == loaded
    assert service.is_loaded("first")
    present.clear()
    service.rescan()
    assert list(service.checkpoints) == ["first", "new"]


def test_a_checkpoint_that_was_trained_since_is_found_when_it_is_asked_for(grey: NDArray[np.uint8]) -> None:
    service = PredictorService(load, [spec("first")], "first", lambda: [spec("first"), spec("second")])
    assert service.score("second", grey).score == 0.4
    assert service.spec_of("second").title == "The second one"


def test_a_checkpoint_trained_again_under_its_name_is_loaded_again(grey: NDArray[np.uint8]) -> None:
    loaded: list[str] = []

    def count(checkpoint: str) -> FakePredictor:
        loaded.append(checkpoint)
        return FakePredictor()

    now = replace(spec("first"), sha256="new")
    service = PredictorService(count, [replace(now, sha256="old")], "first", lambda: [now])
    service.score("first", grey)
    service.score("first", grey)
    assert loaded == ["first"]
    service.rescan()
    assert not service.is_loaded("first")
    service.score("first", grey)
    assert loaded == ["first", "first"]
