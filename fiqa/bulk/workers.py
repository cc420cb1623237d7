"""Scores photos in processes, each with a predictor of its own and its share of the processors.

A photo of usual size gains little from a second thread of torch, so a process a core scores more of them. Blocks of
photos are handed out in order and their results come back in order; no more than two blocks a process are held.
"""

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from typing import Any

from fiqa.ahead import made_ahead
from fiqa.errors import FiqaError
from fiqa.faces.face_choice import FaceChoice
from fiqa.memory import reuse_freed_memory
from fiqa.photos.images import PhotoSource
from fiqa.results import QualityResult

BLOCK = 16
"""Photos that a process takes at a time unless told otherwise."""
Outcomes = list[QualityResult | FiqaError]


@dataclass(frozen=True)
class Scoring:
    """How photos are scored: arguments of `load_predictor` and of `score_many`; `threads` are torch's."""

    checkpoint: str
    device: str
    finder: str
    face: FaceChoice = "main"
    aligned: str | None = None
    threads: int = 1


def score_in_processes(
    sources: Iterable[PhotoSource], scoring: Scoring, *, workers: int, batch: int = BLOCK
) -> Iterator[QualityResult | FiqaError]:
    """Score photos in order in `workers` processes, `batch` photos at a time.

    Raises FiqaError where the predictor cannot be loaded, or where a process was killed.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare_process) as pool:
        try:
            blocks = made_ahead(
                lambda photos: pool.submit(score_block, scoring, photos).result(),
                _blocks(iter(sources), batch),
                workers=workers,
                ahead=2 * workers,
            )
            yield from chain.from_iterable(blocks)
        except BrokenProcessPool:
            raise FiqaError("A worker was killed, for want of memory perhaps: go on with --resume.") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def score_block(scoring: Scoring, photos: Sequence[PhotoSource]) -> Outcomes:
    """Score photos in this process, with the predictor that it has loaded or loads now."""
    return [*_score_many(scoring)(photos, face=scoring.face, aligned=scoring.aligned, workers=1)]


@lru_cache(maxsize=1)
def _score_many(scoring: Scoring) -> Any:
    import torch

    from fiqa.loading import load_predictor

    torch.set_num_threads(scoring.threads)
    return load_predictor(scoring.checkpoint, device=scoring.device, finder=scoring.finder).score_many


def _blocks(sources: Iterator[PhotoSource], batch: int) -> Iterator[list[PhotoSource]]:
    while block := [*islice(sources, batch)]:
        yield block


def _prepare_process() -> None:
    """Leave Ctrl-C to the parent, end with it however it ends, and score in memory that is used again."""
    reuse_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
