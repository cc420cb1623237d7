"""Predictors for the app: loaded behind the page, handed out per checkpoint, each in a thread of its own.

Importing torch and reading a checkpoint take seconds, so the page is served first and the default
checkpoint is loaded and warmed up in the background. Whoever needs it earlier simply waits.

A predictor stays in one thread from loading to the last score: it is then used by one caller at a time,
and torch, which keeps its helpers per calling thread, does not start anew for every visitor.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from fiqa.checkpoints import CheckpointSpec
from fiqa.errors import FiqaError
from fiqa.faces.face_choice import FaceChoice
from fiqa.photos.images import PhotoSource
from fiqa.results import QualityResult

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

logger = logging.getLogger(__name__)

GENERIC_MESSAGE = "Something went wrong on our side. Please try again; if it happens again, try another photo."
ENDING_MESSAGE = "The app is being restarted; try again in a minute."
Answer = TypeVar("Answer")


class PredictorService:
    """Hands out scores; safe to call from any thread.

    `load` takes a checkpoint name and returns its predictor (slow, may raise FiqaError).
    `checkpoints` are those present, `default` the name of the one loaded by `start`; `find` looks for all again.
    """

    def __init__(
        self,
        load: "Callable[[str], QualityPredictor]",
        checkpoints: Sequence[CheckpointSpec],
        default: str,
        find: Callable[[], Sequence[CheckpointSpec]] = tuple,
    ) -> None:
        self.checkpoints: dict[str, CheckpointSpec] = {}
        self.default = default
        self._load, self._find = load, find
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._loaded: dict[str, tuple[CheckpointSpec, QualityPredictor]] = {}
        self._adding = threading.Lock()
        self._add(checkpoints)

    def rescan(self) -> None:
        """Take in what was trained since, also under a known name; what is gone stays, as long as it can be loaded."""
        self._add(self._find())

    def spec_of(self, checkpoint: str) -> CheckpointSpec:
        """Return what is known of a checkpoint, looking again for a new one; raises FiqaError if it is not here."""
        if checkpoint not in self.checkpoints:
            self.rescan()
        if checkpoint not in self.checkpoints:
            raise FiqaError(f"Checkpoint {checkpoint!r} is not here; choose one of {', '.join(self.checkpoints)}.")
        return self.checkpoints[checkpoint]

    def start(self) -> Future[str]:
        """Begin to load and warm up the default checkpoint; a visitor gets its error, if any, with the first photo."""
        return self._submit(self.default, lambda predictor: predictor.scoring_device)

    def ask(self, checkpoint: str, question: "Callable[[QualityPredictor], Answer]") -> Answer:
        """Return what `question` makes of the checkpoint's predictor, in the predictor's own thread; waits for it."""
        try:
            return self._submit(checkpoint, question).result()
        except CancelledError:
            raise FiqaError(ENDING_MESSAGE) from None

    def stop(self) -> None:
        """Drop everything that waits; what runs runs to its end."""
        for worker in self._workers.values():
            worker.shutdown(wait=False, cancel_futures=True)

    def score(
        self, checkpoint: str, photo: PhotoSource, *, face: FaceChoice = "main", aligned: str | None = None
    ) -> QualityResult:
        """Score a photo, waiting for the checkpoint to be loaded if need be."""
        return self.ask(checkpoint, lambda predictor: predictor.score(photo, face=face, aligned=aligned))

    def device(self, checkpoint: str) -> str:
        """Name what computes the checkpoint's scores, waiting for it to be loaded if need be."""
        return self.ask(checkpoint, lambda predictor: predictor.scoring_device)

    def is_loaded(self, checkpoint: str) -> bool:
        """Whether a score can be had without waiting for a load."""
        return self._predictor(checkpoint) is not None

    def _add(self, checkpoints: Sequence[CheckpointSpec]) -> None:
        with self._adding:
            for each in checkpoints:
                if each.name not in self._workers:
                    self._workers[each.name] = ThreadPoolExecutor(1, f"predictor-{each.name}")
                self.checkpoints[each.name] = each

    def _submit(self, checkpoint: str, question: "Callable[[QualityPredictor], Answer]") -> Future[Answer]:
        """Queue a question to a checkpoint's predictor; raises FiqaError when there is no such checkpoint."""
        self.spec_of(checkpoint)
        visit = copy_context()  # a GPU lent by a Space is lent to the visitor of whom Gradio's context knows
        try:
            return self._workers[checkpoint].submit(visit.run, lambda: question(self._get(checkpoint)))
        except RuntimeError:
            raise FiqaError(ENDING_MESSAGE) from None

    def _predictor(self, checkpoint: str) -> "QualityPredictor | None":
        """Return the predictor if it was loaded from the checkpoint as it is now."""
        spec, predictor = self._loaded.get(checkpoint, (None, None))
        return predictor if spec == self.checkpoints.get(checkpoint) else None

    def _get(self, checkpoint: str) -> "QualityPredictor":
        """Return the predictor, loading it first if need be; runs in the checkpoint's own thread."""
        spec, predictor = self.checkpoints[checkpoint], self._predictor(checkpoint)
        if predictor is None:
            predictor = self._load(checkpoint)
            _warm_up(predictor)
            self._loaded[checkpoint] = spec, predictor
        return predictor


@contextmanager
def translate_errors() -> Iterator[None]:
    """Let out FiqaErrors only: what was not foreseen goes to the log, and the visitor gets an apology."""
    try:
        yield
    except FiqaError:
        raise
    except Exception as error:
        logger.exception("Unexpected error")
        raise FiqaError(GENERIC_MESSAGE) from error


def _warm_up(predictor: "QualityPredictor") -> None:
    """Score a photo with a face: the first run of every step is slow, and no visitor should wait for it."""
    from skimage.data import astronaut

    predictor.score(astronaut())
