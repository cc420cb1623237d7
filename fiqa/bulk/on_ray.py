"""Scores photos on Ray Data: on this machine, or on a cluster of machines.

One task, on the machine where the command runs, reads what is waiting and makes blocks of photos; actors, each with a
predictor of its own, score a block at a time, as many actors as Ray finds room for. A path is read by the actor that
scores it, so it has to lead to the photo on every machine; bytes out of tables and archives travel. What a machine was
at work on when it was lost is done again on another. Rows come as they are done, in any order.

A row of Ray's is a block of photos, so that Ray hands out, moves and repeats blocks.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fiqa.bulk.engines import Waiting
from fiqa.bulk.lists import Named
from fiqa.bulk.workers import Scoring, score_block
from fiqa.errors import FiqaError, SettingError
from fiqa.photos.sources import FoundPhotos
from fiqa.reports import ScoredPhoto

READER_CPUS = 0
"""Processors set aside for the task that reads: it waits for the disk, and must find room beside actors."""
BLOCKS_AHEAD = 2
"""Blocks that an actor has been given, the one that it scores among them."""
Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class RayRun:
    """How photos are scored on Ray: `workers` actors (None: as many as there is room for), `batch` photos a block.

    `address` is that of a cluster; None is the one of RAY_ADDRESS, else a local one that ends with the run.
    """

    scoring: Scoring
    address: str | None
    workers: int | None
    batch: int

    def __call__(self, waiting: Waiting, found: FoundPhotos) -> Iterator[ScoredPhoto]:
        """Score what is waiting.

        Raises SettingError where Ray or the cluster is not there, FiqaError where a predictor cannot be loaded or Ray
        gives up.
        """
        ray = _import_ray()
        with _connected(ray, self.address), _blocks_as_they_are(ray):
            try:
                for row in self._dataset(ray, waiting).iter_rows():
                    yield from _unpacked(row["block"], found)
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[-1]
                raise FiqaError(f"Ray ended the run ({reason}): go on with --resume.") from error

    def _dataset(self, ray: Any, waiting: Waiting) -> Any:
        """Return the scored blocks, to be computed while they are iterated over."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        blocks = ray.data.from_items([0]).map_batches(
            _read, fn_args=(waiting, self.batch, str(Path.cwd())),
            batch_size=None, num_cpus=READER_CPUS, scheduling_strategy=here,
        )  # fmt: skip
        size = {"min_size": 1} if self.workers is None else {"size": self.workers}
        return blocks.map_batches(
            _Scorer, fn_constructor_args=(self.scoring, str(Path.cwd())), batch_size=1, num_cpus=1,
            num_gpus=int(_on_gpus(ray, self.scoring.device)),
            compute=ray.data.ActorPoolStrategy(**size, max_tasks_in_flight_per_actor=BLOCKS_AHEAD),
        )  # fmt: skip


@dataclass(frozen=True)
class _Block:
    """Photos that are scored together, what came of them, or what there is to say: `content` is plain Python."""

    content: "list[Named] | list[ScoredPhoto] | FoundPhotos | FiqaError"

    def as_table(self) -> Table:
        """Return a table with this block as its only row."""
        column = np.empty(1, dtype=object)
        column[0] = self
        return {"block": column}


def _read(_: Table, waiting: Waiting, batch: int, folder: str) -> Iterator[Table]:
    """Yield blocks of what is waiting, then what there is to say about the search, or why it ended."""
    _stand_in(folder)
    found = FoundPhotos()
    photos = waiting.photos(found)
    try:
        while block := [*islice(photos, batch)]:
            yield _Block(block).as_table()
        yield _Block(found).as_table()
    except FiqaError as error:
        yield _Block(error).as_table()


class _Scorer:
    """An actor: scores blocks with the predictor that it loads for the first."""

    def __init__(self, scoring: Scoring, folder: str) -> None:
        self.scoring = scoring
        _stand_in(folder)

    def __call__(self, table: Table) -> Table:
        """Return the block scored."""
        (block,) = table["block"]
        if isinstance(block.content, FoundPhotos | FiqaError):
            return block.as_table()  # type: ignore[no-any-return]
        names, photos = zip(*block.content, strict=True)
        try:
            scored = map(ScoredPhoto, names, score_block(self.scoring, photos))
            return _Block([*scored]).as_table()
        except FiqaError as error:  # the predictor cannot be loaded: no other block would fare better
            return _Block(error).as_table()


def _unpacked(block: _Block, found: FoundPhotos) -> list[ScoredPhoto]:
    """Return the photos of a block; note what there is to say, and raise what ended the run."""
    if isinstance(block.content, FiqaError):
        raise block.content
    if isinstance(block.content, FoundPhotos):
        found.passed_over.update(block.content.passed_over)
        found.troubles += block.content.troubles
        return []
    return cast("list[ScoredPhoto]", block.content)  # scored by now


def _stand_in(folder: str) -> None:
    """Make the paths of a run mean the same on every machine."""
    with suppress(OSError):  # a machine may not have the folder, and need none where photos are at URLs
        os.chdir(folder)


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SettingError("Scoring on Ray needs ray: run `pip install 'fiqa[ray]'`.") from error
    return ray


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster: the one that this process is connected to already, or a new one."""
    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with kept_sigterm():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        raise SettingError(f"No Ray cluster answers at {where}: {str(error).splitlines()[0]}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def kept_sigterm() -> Iterator[None]:
    """Let SIGTERM do afterwards what it did before: Ray would have it end the process with rows still to be written."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _blocks_as_they_are(ray: Any) -> Iterator[None]:
    """Let Ray neither join blocks nor draw bars of its own."""
    context = ray.data.DataContext.get_current()
    before = context.target_max_block_size, context.enable_progress_bars
    context.target_max_block_size, context.enable_progress_bars = 1, False
    try:
        yield
    finally:
        context.target_max_block_size, context.enable_progress_bars = before


def _on_gpus(ray: Any, device: str) -> bool:
    """Whether every actor gets a GPU: where one is asked for, or whatever is best and the cluster has some."""
    return device.startswith("cuda") or (device == "auto" and ray.cluster_resources().get("GPU", 0) > 0)
