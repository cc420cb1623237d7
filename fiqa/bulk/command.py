"""`fiqa score` where photos come from lists, or results are written as they come."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from fiqa.bulk.engines import Engine, Waiting, in_order
from fiqa.bulk.sinks import SINKS, opened
from fiqa.bulk.sources import PhotoWords, needs_rows
from fiqa.bulk.workers import Scoring, score_in_processes
from fiqa.chosen_predictor import load_chosen
from fiqa.errors import FiqaError, SettingError
from fiqa.photos.sources import FoundPhotos
from fiqa.reports import ScoredPhoto, one_line
from fiqa.stopping import status_of

COUNTING = "count photos"
"""The thread that finds out how many there are."""


def is_bulk(options: argparse.Namespace) -> bool:
    """Whether the options ask for what this module does."""
    by_rows = options.output is not None and options.output.suffix.lower() in {".jsonl", ".parquet"}
    return by_rows or options.resume or options.engine == "ray" or any(map(needs_rows, options.paths))


def run(options: argparse.Namespace) -> int:
    """Score what the words stand for and write row by row; return the exit status. Raises FiqaError."""
    return write_rows(options, partial(_chosen_engine, options))


def write_rows(options: argparse.Namespace, load: Callable[[], Engine]) -> int:
    """Write a row for every photo that has none yet; return the exit status.

    `load` makes what scores them: nothing is loaded where the options are wrong.
    """
    if options.output is None or options.format not in (None, "csv") or options.face == "all":
        raise SettingError(
            f"Lists of photos are scored into a file, one face a photo: --output scores.jsonl or "
            f"another that ends in one of {', '.join(SINKS)}, without --format and --face all."
        )
    words, found = PhotoWords(tuple(options.paths), options.column), FoundPhotos()
    count, is_new = Counter[str](), not options.output.exists()
    try:
        with opened(options.output, resume=options.resume) as sink:
            for scored in _progress(load()(Waiting(words, sink.done), found), words, len(sink.done)):
                sink.write(scored)
                count["written"] += 1
                count["failed"] += isinstance(scored.outcome, FiqaError)
    except KeyboardInterrupt as stop:
        _say(f"fiqa: interrupted after {count['written']} photos; --resume goes on")
        return status_of(stop)
    except FiqaError:
        if is_new and not count["written"]:  # in the way of the command that is right
            options.output.unlink(missing_ok=True)
        raise
    for line in [*found.troubles, *filter(None, [found.remark()])]:
        _say(f"fiqa: {one_line(line)}")
    return int(bool(count["failed"] or found.troubles))


def _chosen_engine(options: argparse.Namespace) -> Engine:
    """Return what scores as the options say: this process, as many as they say, or a cluster."""
    if options.engine == "ray":
        from fiqa.bulk.on_ray import RayRun

        return RayRun(_scoring(options, threads=1), options.address, options.workers, options.batch)
    if (options.workers or 1) == 1:
        predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
        return in_order(partial(predictor.score_many, face=options.face, aligned=options.aligned))
    scoring = _scoring(options, threads=max(1, (os.cpu_count() or 1) // options.workers))
    return in_order(partial(score_in_processes, scoring=scoring, workers=options.workers, batch=options.batch))


def _scoring(options: argparse.Namespace, *, threads: int) -> Scoring:
    settings = options.settings
    return Scoring(
        options.checkpoint or settings.checkpoint,
        options.device or settings.device,
        settings.finder,
        options.face,
        options.aligned,
        threads,
    )


def _progress(photos: Iterator[ScoredPhoto], words: PhotoWords, done: int) -> Iterator[ScoredPhoto]:
    """Pass photos on, with number, rate and time left on a terminal, and a line for each that failed."""
    from tqdm import tqdm

    bar = tqdm(photos, unit="photo", disable=None, initial=done)
    if not bar.disable:
        Thread(target=_count, args=(bar, words), name=COUNTING, daemon=True).start()
    for photo in bar:
        if isinstance(photo.outcome, FiqaError):
            _say(f"{one_line(photo.path)}: {one_line(str(photo.outcome))}", bar.write)
        yield photo


def _count(bar: Any, words: PhotoWords) -> None:
    """Tell a bar how many photos there are, which may take longer than scoring the first."""
    with suppress(Exception):  # of any service's kind; what cannot be read, the run itself tells
        bar.total = words.count()


def _say(line: str, write: Callable[..., Any] = print) -> None:
    with suppress(OSError):  # standard error may be full or gone
        write(line, file=sys.stderr)
