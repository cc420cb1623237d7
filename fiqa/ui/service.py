"""Predictors for the app: loaded behind the page, handed out per checkpoint, used by one thread at a time.

Importing torch and reading a checkpoint take seconds, so the page is served first and the default
checkpoint is loaded and warmed up in a background thread. Whoever needs it earlier simply waits.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec
from fiqa.errors import FiqaError
from fiqa.results import QualityResult

logger = logging.getLogger(__name__)

WARM_UP_SIDE_PX = 256
GENERIC_MESSAGE = "Something went wrong on our side. Please try again; if it happens again, try another photo."


class Predictor(Protocol):
    """What the app needs of `fiqa.predictor.QualityPredictor`."""

    device: str

    def score(self, source: NDArray[np.uint8]) -> QualityResult: ...


@dataclass
class _Slot:
    """A checkpoint's predictor once loaded, and the lock that loading and scoring share."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    predictor: Predictor | None = None


class PredictorService:
    """Hands out predictors; safe to call from any thread.

    `load` takes a checkpoint name and returns its predictor (slow, may raise FiqaError).
    `checkpoints` are those present, `default` the name of the one loaded by `start`.
    """

    def __init__(self, load: Callable[[str], Predictor], checkpoints: Sequence[CheckpointSpec], default: str) -> None:
        self.checkpoints = {checkpoint.name: checkpoint for checkpoint in checkpoints}
        self.default = default
        self._load = load
        self._slots = {name: _Slot() for name in self.checkpoints}

    def start(self) -> threading.Thread:
        """Load and warm up the default checkpoint in the background."""
        thread = threading.Thread(target=self._prepare_default, name="load-predictor", daemon=True)
        thread.start()
        return thread

    def score(self, checkpoint: str, photo: NDArray[np.uint8]) -> QualityResult:
        """Score `photo` (H, W, 3) uint8 RGB, waiting for the checkpoint to be loaded if need be."""
        slot = self._slot(checkpoint)
        with slot.lock:
            return self._loaded(slot, checkpoint).score(photo)

    def device(self, checkpoint: str) -> str:
        """Name the device the checkpoint runs on, waiting for it to be loaded if need be."""
        slot = self._slot(checkpoint)
        with slot.lock:
            return self._loaded(slot, checkpoint).device

    def is_loaded(self, checkpoint: str) -> bool:
        """Whether a score can be had without waiting for a load."""
        return self._slot(checkpoint).predictor is not None

    def _slot(self, checkpoint: str) -> _Slot:
        if checkpoint not in self._slots:
            raise FiqaError(f"Checkpoint {checkpoint!r} is not here; choose one of {', '.join(self._slots)}.")
        return self._slots[checkpoint]

    def _loaded(self, slot: _Slot, checkpoint: str) -> Predictor:
        """Return the slot's predictor, loading it first; the caller holds the slot's lock."""
        if slot.predictor is None:
            predictor = self._load(checkpoint)
            _warm_up(predictor)
            slot.predictor = predictor
        return slot.predictor

    def _prepare_default(self) -> None:
        # Nobody waits for this thread; a visitor gets the same error with the first photo.
        with suppress(FiqaError), politely():
            self.device(self.default)


@contextmanager
def politely() -> Iterator[None]:
    """Let out FiqaErrors only: what was not foreseen goes to the log, and the visitor gets an apology."""
    try:
        yield
    except FiqaError:
        raise
    except Exception as error:
        logger.exception("Unexpected error")
        raise FiqaError(GENERIC_MESSAGE) from error


def _warm_up(predictor: Predictor) -> None:
    """Score a grey ramp, because the first forward pass allocates and tunes and would make a visitor wait."""
    ramp = np.linspace(0, 255, WARM_UP_SIDE_PX, dtype=np.uint8)
    photo = np.ascontiguousarray(np.broadcast_to(ramp[:, None, None], (WARM_UP_SIDE_PX, WARM_UP_SIDE_PX, 3)))
    try:
        predictor.score(photo)
    except FiqaError:
        # A ramp holds no face; being refused has warmed up the finder, which is most of it.
        logger.debug("The warm-up picture was refused.")
