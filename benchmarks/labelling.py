"""What the crowd labelling can carry, and how far its numbers can be trusted.

    python -m benchmarks.labelling [--only mos clickers …] [--seeds 10]

Every table is one function. People and pictures are simulated (`tests/annotate/simulated.py`), so the truth is known.
What the database carries is measured in `benchmarks/rating_load.py`, what it survives in `benchmarks/rating_kills.py`.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.statistics.findings import Check
from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.participant_checks import bt500, remove_bias
from annotate.statistics.planning import next_batch
from annotate.statistics.reliability import estimate_reliability
from annotate.statistics.screening import Screening, screen
from benchmarks import rating_kills, rating_load
from benchmarks.load_studies import CGFIQA_IMAGES, DATABASES, STUDIES
from benchmarks.script import run_benchmark
from tests.annotate.simulated import Design, SimulatedStudy, simulate, simulate_crowd

CGFIQA_RATINGS = 20
PLAIN = Design()
REFILLED = replace(PLAIN, participants=125)
"""As `annotate` runs it: new people take the places of the rejected, so that 20 accepted ratings remain."""

Floats = NDArray[np.float64]


def main() -> None:
    """Print the chosen tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="tables to print")
    parser.add_argument(
        "--seeds",
        type=int,
        default=10,
        help="simulated studies per row; the load lasts six times as many seconds, with ten times as many kills",
    )
    options = parser.parse_args()
    for name in options.only:
        TABLES[name](options.seeds)
        print()


def mos_of_a_large_study(seeds: int) -> None:
    """Time and memory of every figure for a study of CGFIQA's size; `seeds` runs, the median of each."""
    runs = min(seeds, 5)
    print(f"{CGFIQA_IMAGES:,} stimuli x {CGFIQA_RATINGS} ratings, median of {runs}{'wall s':>16}{'CPU s':>8}")
    ratings = simulate_crowd(CGFIQA_IMAGES, CGFIQA_RATINGS, per_person=100, seed=0)
    steps: Mapping[str, Callable[[], Any]] = {
        "MOS, SOS, CI95 and P.910 (goal: 10)": lambda: estimate_mos(ratings),
        "screening": lambda: screen(ratings),
        "reliability": lambda: estimate_reliability(ratings),
        "next batch of 1,000": lambda: next_batch(estimate_mos(ratings), 1000, wanted_ratings=21),
    }
    for name, step in steps.items():
        wall, processor = np.median([_seconds(step) for _ in range(runs)], axis=0)
        print(f"  {name:<46}{wall:8.2f}{processor:8.2f}")
    print(f"  peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def planted_clickers(seeds: int) -> None:
    """Who is caught, who is wronged, and the error of the MOS, with one person in five clicking at random."""
    designs = {
        "20 random clickers among 100": PLAIN,
        "... who answer traps rightly": replace(PLAIN, dodging=True),
        "... and keep to the middle grades": replace(PLAIN, dodging=True, cautious=True),
        "no gold, trap or repeated items": replace(PLAIN, golds=0, traps=0, repeats=0),
        "25 pictures a person instead of 100": replace(PLAIN, stimuli=125, seen=25, golds=3, traps=3, repeats=3),
        "rejected people replaced": REFILLED,
        "... dodging and keeping to the middle": replace(REFILLED, dodging=True, cautious=True),
        "... honest people less consistent": replace(REFILLED, noise=0.6),
        "... honest people more consistent": replace(REFILLED, noise=0.4),
        "nobody clicks": replace(PLAIN, clickers=0),
    }
    print(f"planted clickers, means of {seeds} studies (goals: caught >= 90 %, wronged <= 3 %, error <= 0.5 of plain)")
    print(f"  {'':<40}{'caught':>8}{'wronged':>9}{'plain':>9}{'P.910':>9}{'screened':>9}{'ratio':>7}")
    for name, design in designs.items():
        figures = _means([_clicker_figures(simulate(design, seed)) for seed in range(seeds)])
        caught, wronged, *errors = figures
        cells = "".join(f"{error:9.3f}" for error in errors)
        share = f"{caught:8.1%}" if design.clickers else f"{'–':>8}"
        print(f"  {name:<40}{share}{wronged:9.2%}{cells}{errors[-1] / errors[0]:7.2f}")


def _clicker_figures(study: SimulatedStudy) -> tuple[float, ...]:
    """Return the shares caught and wronged, and the errors of plain MOS, of P.910 alone and after screening.

    The plain MOS is that of the first 100 people, whose ratings are 20 a picture.
    """
    ratings, clicker = study.ratings, study.clicker
    screening = screen(ratings)
    left_out = ~screening.participant_used
    first = ratings.participant < PLAIN.participants
    plain, final = estimate_mos(ratings, first), estimate_mos(ratings, screening.used)
    errors = [_error(study, mos) for mos in (plain.mos, plain.mos_p910, final.mos_p910)]
    caught = left_out[clicker].mean() if clicker.any() else np.nan
    return float(caught), float(left_out[~clicker].mean()), *errors


def each_check(seeds: int) -> None:
    """Whom every check by itself finds; BT.500 before and after the others' finds are left out."""
    studies = [simulate(replace(PLAIN, dodging=True), seed) for seed in range(seeds)]
    print(f"share of people found by each check, {seeds} studies with 20 % random clickers who answer traps rightly")
    print(f"  {'':<26}{'clickers':>10}{'honest':>10}")
    for check in Check:
        rows = [_shares(study, _found_by(check, screen(study.ratings))) for study in studies]
        print("  {:<26}{:10.1%}{:10.1%}".format(check, *_means(rows)))
    rows = [_shares(study, _bt500_alone(study)) for study in studies]
    print("  {:<26}{:10.1%}{:10.1%}".format("BT.500 by itself", *_means(rows)))


def _found_by(check: Check, screening: Screening) -> set[int]:
    """Return the participants a check found; simulated people are known by their numbers."""
    return {int(finding.participant) for finding in screening.findings if finding.check is check}


def _bt500_alone(study: SimulatedStudy) -> set[int]:
    votes = study.ratings.where(study.ratings.counted)
    return set(np.flatnonzero(bt500(votes, remove_bias(votes)).rejected()).tolist())


def _shares(study: SimulatedStudy, found: set[int]) -> tuple[float, float]:
    """Return which share of the clickers and of the honest was found."""
    flags = np.isin(np.arange(study.clicker.size), list(found))
    return float(flags[study.clicker].mean()), float(flags[~study.clicker].mean())


def few_ratings(seeds: int) -> None:
    """When the P.910 estimate can be had, and what it is worth then: error of it and of the mean, honest people."""
    print(f"error of the MOS in grades, means of {seeds} studies without clickers")
    print(f"  {'ratings a stimulus':<22}{'a person':>10}{'mean':>9}{'P.910':>9}{'estimated':>11}")
    for per_stimulus in (3, 5, 8, 10, 15, 20):
        for seen in (20, 50, 100):
            people = 300 * per_stimulus // seen
            design = Design(stimuli=300, participants=people, seen=seen, golds=0, traps=0, repeats=0, clickers=0)
            plain, fitted, known = _means([_errors_of_both(simulate(design, seed)) for seed in range(seeds)])
            print(f"  {per_stimulus:<22}{seen:>10}{plain:9.3f}{fitted:9.3f}{known:11.0%}")


def _errors_of_both(study: SimulatedStudy) -> tuple[float, float, float]:
    """Return the errors of mean and P.910 over stimuli that have both, and the share that have."""
    table = estimate_mos(study.ratings)
    known = ~np.isnan(table.mos_p910)
    return _error(study, table.mos), _error(study, table.mos_p910), float(known.mean())


def interval_coverage(seeds: int) -> None:
    """How often the 95 % intervals hold the truth."""
    print(f"share of stimuli whose 95 % interval holds the true MOS, {seeds} studies of 20 ratings a stimulus")
    print(f"  {'':<26}{'CI95 by t':>12}{'by 1.96':>10}{'P.910 by t':>12}")
    for name, clickers in (("honest people", 0.0), ("20 % random clickers", 0.2)):
        studies = [simulate(replace(PLAIN, clickers=clickers), seed) for seed in range(seeds)]
        shares = np.mean([list(_coverage(study, estimate_mos(study.ratings))) for study in studies], axis=0)
        print(f"  {name:<26}{shares[0]:12.1%}{shares[1]:10.1%}{shares[2]:12.1%}")


def _coverage(study: SimulatedStudy, table: MosTable) -> Iterator[float]:
    """Yield the shares for Student's t, for 1.96 and for P.910; a shift common to all stimuli is no error."""
    normal = 1.96 * table.sos / np.sqrt(table.ratings)
    for mos, width in ((table.mos, table.ci95), (table.mos, normal), (table.mos_p910, table.ci95_p910)):
        error = (mos - _padded(study, mos.size))[: study.truth.size]
        yield float(np.mean(np.abs(error - np.nanmean(error)) <= width[: study.truth.size]))


def _error(study: SimulatedStudy, mos: Floats) -> float:
    """Return the root mean squared error of the MOS (J,), NaN where nothing is known; gold and traps have no truth."""
    error = (mos - _padded(study, mos.size))[~np.isnan(mos)]
    return float(np.sqrt(np.nanmean(error**2))) if error.size else np.nan


def _padded(study: SimulatedStudy, size: int) -> Floats:
    return np.pad(study.truth, (0, size - study.truth.size), constant_values=np.nan)


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean of every column over the rows that have it, NaN where none has."""
    columns = np.array(rows).T
    return [float(column[~np.isnan(column)].mean()) if not np.isnan(column).all() else np.nan for column in columns]


def _seconds(step: Callable[[], Any]) -> tuple[float, float]:
    """Return the time a step takes, by the clock and of the processor; they differ where others use it too."""
    clock, processor = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - clock, time.process_time() - processor


TABLES: Mapping[str, Callable[[int], None]] = {
    "people": lambda seeds: rating_load.people_at_once(seconds=6.0 * seeds),
    "people-studies": lambda seeds: rating_load.people_at_once(2.0 * seeds, tuple(STUDIES), DATABASES, (20, 200)),
    "kills": lambda seeds: rating_kills.kills(10 * seeds),
    "next": lambda seeds: rating_load.next_stimulus(50 * seeds),
    "import": lambda _seeds: rating_load.import_of_votes(),
    "import-pairs": lambda _seeds: rating_load.import_of_comparisons(),
    "mos": mos_of_a_large_study,
    "clickers": planted_clickers,
    "checks": each_check,
    "few": few_ratings,
    "coverage": interval_coverage,
}

if __name__ == "__main__":
    run_benchmark(main)
