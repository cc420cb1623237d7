"""`fiqa score` where photos come from lists, or results are written as they come."""

import argparse
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from fiqa.bulk.sinks import SINKS, opened
from fiqa.bulk.sources import Named, is_list, photos_in
from fiqa.bulk.workers import Scoring, score_in_processes
from fiqa.errors import FiqaError, SettingError
from fiqa.photos.images import PhotoSource
from fiqa.photos.sources import find_photos, read_photos
from fiqa.reports import ScoredPhoto, one_line
from fiqa.settings import Settings
from fiqa.stopping import status_of

ScoreMany = Callable[[Iterable[PhotoSource]], Iterable[Any]]


def is_bulk(options: argparse.Namespace) -> bool:
    """Whether the options ask for what this module does."""
    by_rows = options.output is not None and options.output.suffix.lower() == ".jsonl"
    return by_rows or options.resume or any(is_list(word) for word in options.paths)


def in_processes(options: argparse.Namespace) -> ScoreMany:
    """Return what scores photos as the options say, in as many processes as they say."""
    settings = Settings.from_environment()
    scoring = Scoring(
        options.checkpoint or settings.checkpoint,
        options.device or settings.device,
        settings.finder,
        options.face,
        options.aligned,
        threads=max(1, (os.cpu_count() or 1) // options.workers),
    )
    return partial(score_in_processes, scoring=scoring, workers=options.workers, batch=options.batch)


def run(options: argparse.Namespace, score_many: Callable[[], ScoreMany]) -> int:
    """Score what the words stand for and write row by row; return the exit status.

    `score_many` loads the network and returns what scores photos: nothing is loaded where the options are wrong.
    """
    if options.output is None or options.format not in (None, "csv") or options.face == "all":
        raise SettingError(
            f"Lists of photos are scored into a file, one face a photo: --output scores.jsonl or "
            f"another that ends in one of {', '.join(SINKS)}, without --format and --face all."
        )
    with opened(options.output, resume=options.resume) as sink:
        waiting = ((name, photo) for name, photo in _photos(options.paths) if name not in sink.done)
        failed = written = 0
        try:
            for scored in _progress(_scored(waiting, score_many())):
                sink.write(scored)
                written += 1
                failed += isinstance(scored.outcome, FiqaError)
        except KeyboardInterrupt as stop:
            _say(f"fiqa: interrupted after {written} photos; --resume goes on")
            return status_of(stop)
    return int(bool(failed))


def _photos(words: Iterable[str]) -> Iterator[Named]:
    """Yield name and photo of what the words stand for, lists opened when their turn has come."""
    for word in words:
        if is_list(word):
            yield from photos_in(Path(word))
            continue
        found = find_photos([word])
        for trouble in found.troubles:
            _say(f"fiqa: {one_line(trouble)}")
        yield from zip(found.paths, read_photos(found.paths), strict=True)


def _scored(photos: Iterator[Named], score_many: ScoreMany) -> Iterator[ScoredPhoto]:
    """Yield what came of each photo; names wait in line while their photos are ahead."""
    names: deque[str] = deque()

    def sources() -> Iterator[PhotoSource]:
        """Yield the photos alone, and note their names."""
        for name, photo in photos:
            names.append(name)
            yield photo

    for outcome in score_many(sources()):
        yield ScoredPhoto(names.popleft(), outcome)


def _progress(photos: Iterator[ScoredPhoto]) -> Iterator[ScoredPhoto]:
    """Pass photos on, with their number and rate on a terminal and a line for each that failed."""
    from tqdm import tqdm

    bar = tqdm(photos, unit="photo", disable=None)
    for photo in bar:
        if isinstance(photo.outcome, FiqaError):
            _say(f"{one_line(photo.path)}: {one_line(str(photo.outcome))}", bar.write)
        yield photo


def _say(line: str, write: Callable[..., Any] = print) -> None:
    with suppress(OSError):  # standard error may be full or gone
        write(line, file=sys.stderr)
