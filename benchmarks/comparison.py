"""How far the statistics of a comparison can be trusted, and what a comparison costs.

    python -m benchmarks.comparison [--runs 2000] [--photos 60]

First simulated methods: photos of an input quality drawn from 0.2..0.8, two methods that score each of them with noise
of their own (a standard deviation of 0.06 each) and a true difference of 0, 0.01 or 0.03. It counts how often the test
says "different" (false alarms where there is no difference, power where there is one), and how often the interval
holds the true difference, of few photos too. Of four methods that are all alike it counts how often any of the six
pairs is a false alarm.

Then time: a folder of photos is scored twice by `score_many`, and compared with itself as two methods. A comparison
should take at most 1.1 times as long.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from benchmarks.script import run_benchmark
from fiqa import QualityPredictor, load_predictor
from fiqa.comparison.comparison import compare
from fiqa.comparison.statistics import LEVEL, compare_pair, detectable_difference, holm, signed_rank_p
from fiqa.degradation.synthetic import degrade

DIFFERENCES, COUNTS = (0.0, 0.01, 0.03), (30, 200)
NOISE = 0.06
INTERVAL_RUNS, INTERVAL_COUNTS = 200, (5, 10, 30)
Scores = NDArray[np.float64]


def main() -> None:
    """Print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, help="simulated comparisons of each kind (default: 2000)")
    parser.add_argument("--photos", type=int, default=60, help="photos in the folder that is timed (default: 60)")
    options = parser.parse_args()
    simulate(options.runs)
    measure_time(options.photos)


def simulate(runs: int) -> None:
    """Print how often a difference is found, and how often the interval holds it."""
    print(f"{'photos':>6} {'difference':>10} {'found':>7} {'interval holds':>14} {'detectable':>10}   {runs} runs")
    for count, difference in product(COUNTS, DIFFERENCES):
        found, held, detectable = find_rate(count, difference, runs)
        print(f"{count:>6} {difference:>10.2f} {found:>7.1%} {held:>14.1%} {detectable:>10.3f}")
    for count in INTERVAL_COUNTS:
        print(
            f"{count:>6} photos: the interval holds the true difference in {hold_rate(count, runs):.1%} of {runs} runs"
        )
    for count in COUNTS:
        alarms = np.mean([any_alarm(count, np.random.default_rng(run)) for run in range(runs)])
        print(f"{count:>6} photos, four methods alike: any of six pairs a false alarm in {alarms:.1%}")


def find_rate(count: int, difference: float, runs: int) -> tuple[float, float, float]:
    """Return how often a true difference is found, how often the interval holds it, and the mean detectable one."""
    found, detectable, held = [], [], []
    for run in range(runs):
        before, after = draw_methods(np.random.default_rng(run), count, (0.0, difference))
        found.append((signed_rank_p(after - before) or 0.0) < LEVEL)
        detectable.append(detectable_difference(after - before) or 0.0)
        if run < INTERVAL_RUNS:
            low, high = compare_pair("a", "b", before, after, np.arange(count)).interval or (np.nan, np.nan)
            held.append(low <= difference <= high)
    return float(np.mean(found)), float(np.mean(held)), float(np.mean(detectable))


def hold_rate(count: int, runs: int) -> float:
    """Return how often the interval of the difference holds the true one, which is 0."""
    held = 0
    for run in range(runs):
        before, after = draw_methods(np.random.default_rng(run), count, (0.0, 0.0))
        low, high = compare_pair("a", "b", before, after, np.arange(count)).interval or (np.nan, np.nan)
        held += low <= 0 <= high
    return held / runs


def any_alarm(count: int, rng: np.random.Generator) -> bool:
    """Whether any pair of four methods that are alike is taken for different, after Holm's correction."""
    methods = draw_methods(rng, count, (0.0,) * 4)
    pairs = [methods[b] - methods[a] for a in range(4) for b in range(a + 1, 4)]
    return min(holm([signed_rank_p(each) or 1.0 for each in pairs])) < LEVEL


def draw_methods(rng: np.random.Generator, count: int, differences: tuple[float, ...]) -> list[Scores]:
    """Return the scores (count,) of methods on the same photos, each higher than the input by its difference."""
    quality = rng.uniform(0.2, 0.8, count)
    return [quality + difference + rng.normal(0, NOISE, count) for difference in differences]


def measure_time(count: int) -> None:
    """Print what a comparison costs beside scoring its photos."""
    predictor = load_predictor("lite", device="cpu")
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, method) for method in ("a", "b")]
        for number, folder in product(range(count), folders):
            folder.mkdir(exist_ok=True)
            severity = 0.2 + 0.5 * number / count + (0.1 if folder.name == "b" else 0.0)
            Image.fromarray(degrade(astronaut(), [("gaussian_noise", severity)], seed=number)).save(
                folder / f"{number:04}.png"
            )
        scored, compared = (min(times) for times in zip(*_timed(predictor, folders), strict=True))
    print(f"{count} photos of two methods: scored in {scored:.1f} s, compared in {compared:.1f} s, ", end="")
    print(f"{compared / scored:.2f} times as long (goal: at most 1.1)")


def _timed(predictor: QualityPredictor, folders: list[Path]) -> Iterator[tuple[float, float]]:
    """Yield seconds of scoring and of comparing, in turns, so that a busy machine slows both."""
    paths = [str(path) for folder in folders for path in sorted(folder.iterdir())]
    predictor.score(paths[0])
    for _ in range(2):
        started = time.process_time()
        list(predictor.score_many(paths))
        scored = time.process_time()
        compare({folder.name: folder for folder in folders}, predictor=predictor)
        yield scored - started, time.process_time() - scored


if __name__ == "__main__":
    run_benchmark(main)
