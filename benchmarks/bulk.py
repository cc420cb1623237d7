"""What many photos take: memory while a long list is scored, and photos a second on Ray: `make bench NAME=bulk`.

The list names photos that a stand-in refuses, so that its length and not the network is measured: each is a row with
an error, in parquet. Prints the memory of the process that reads, hands out and writes, at a tenth, half and the end of
the list and after the file was made, for a list and for one ten times as long. With --actors 1 2, photos a second of
portraits of 512 x 512 pixels on Ray on this machine with that many actors, once all have loaded.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr
from pathlib import Path

from benchmarks.script import run_benchmark
from fiqa.__main__ import _parser
from fiqa.bulk.command import write_rows
from fiqa.bulk.engines import Waiting, in_order
from fiqa.bulk.sinks import Done
from fiqa.bulk.sources import PhotoWords
from fiqa.bulk.workers import Scoring
from fiqa.errors import PhotoError
from fiqa.photos.images import PhotoSource
from fiqa.photos.sources import FoundPhotos

BATCH = 4


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory() as folder:
        if options.actors:
            for actors in options.actors:
                rate = rate_on_ray(Path(folder), actors, options.photos)
                print(f"{actors:3} actors {rate:8.1f} photos/s", flush=True)
            return
        memory_of_list(Path(folder), 1000)  # what is imported for the first is no part of what a list takes
        for length in (options.length // 10, options.length):
            shares = "  ".join(f"{each:6.1f} MiB" for each in memory_of_list(Path(folder), length))
            print(f"{length:9} photos  {shares}  at 10 %, 50 %, 100 % and in the file", flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=200_000, metavar="N", help="of the longer list (default: 200000)")
    parser.add_argument("--actors", type=int, nargs="+", metavar="N", help="measure Ray with so many actors instead")
    parser.add_argument("--photos", type=int, default=80, metavar="N", help="that Ray scores (default: 80)")
    return parser.parse_args()


def memory_of_list(folder: Path, length: int) -> list[float]:
    """Return the memory [MiB] at a tenth, half and the end of a list that a refusing stand-in scores."""
    listed, output = folder / f"{length}.txt", folder / f"{length}.parquet"
    with listed.open("w") as file:
        file.writelines(f"portraits/{number:09}.jpg\n" for number in range(length))
    marks, seen = [length // 10, length // 2, length], list[float]()

    def score_many(sources: Iterable[PhotoSource]) -> Iterator[PhotoError]:
        """Refuse every photo, and note the memory at the marks."""
        for number, _ in enumerate(sources, start=1):
            if number in marks:
                seen.append(resident_mib())
            yield PhotoError("It is not there.")

    options = _parser().parse_args(["score", str(listed), "--output", str(output)])
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # a line for every photo
        write_rows(options, lambda: in_order(score_many))
    return [*seen, resident_mib()]


def resident_mib() -> float:
    """Return the memory of this process that is in use, as Linux tells it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def rate_on_ray(folder: Path, actors: int, photos: int) -> float:
    """Return photos a second on Ray, once every actor has loaded its predictor."""
    from benchmarks.throughput import portrait
    from fiqa.bulk.on_ray import RayRun

    for number in range(photos):
        (folder / f"{number:04}.jpg").write_bytes(portrait(number))
    run = RayRun(Scoring("lite", "cpu", "bundled"), None, actors, BATCH)
    arriving = run(Waiting(PhotoWords((str(folder),)), Done()), FoundPhotos())
    skipped = 4 * BATCH * actors
    for _, _photo in zip(range(skipped), arriving, strict=False):
        pass
    started = time.perf_counter()
    rest = sum(1 for _ in arriving)
    return rest / (time.perf_counter() - started)


if __name__ == "__main__":
    run_benchmark(main)
