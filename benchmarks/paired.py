"""How many votes order pictures: absolute grades (ACR) against pairs by each design, for close and for spread pictures.

    python -m benchmarks.paired [--seeds 16] [--figure docs/screenshots/pairs-votes.png]

Ten pictures of one source are simulated, their qualities evenly spaced over part of the five grades. Everybody has an
inconsistency of their own, 0.5 grades in the median, as `tests/annotate/simulated.py` has it. ACR rounds to grades.
Side by side a person feels the difference with noise of the same size for each picture (`same`), or with half of it
(`half`): how much sharper people are side by side is not known for faces, and decides more than any design. Felt
differences below a quarter of the noise are answered by "no difference". The chain goes by scores that are off by 0.4
grades. What is counted are votes, whichever the method, until Spearman's correlation with the truth is 0.90 and 0.95 in
the mean over studies.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from annotate.design.protocol import StudyProtocol
from annotate.pair_designs import DESIGNS
from annotate.pair_designs.design import Pair, PairAnswers, PairGroup
from annotate.statistics.comparisons import LEFT, NONE, RIGHT, Comparisons
from annotate.statistics.paired_scale import fit_paired_scale
from benchmarks.script import run_benchmark

PICTURES, MOST_VOTES, FEW, EVERY = 10, 600, 120, 20
"""Up to FEW votes it is looked twice as often."""
GOALS = (0.90, 0.95)
SCENES: Mapping[str, tuple[float, float]] = {
    "close (0.5 grades)": (2.75, 3.25),
    "spread (3.6 grades)": (1.2, 4.8),
}
SHARPNESS: Mapping[str, float] = {"same": 1.0, "half": 0.5}
NOISE, NOISE_SPREAD, TIE, MODEL_ERROR = 0.5, 0.35, 0.25, 0.4
PROTOCOL = StudyProtocol(ratings_wanted=1000, pair_partners=4, pair_certainty=0.9999, pair_information=0.0)
"""Nothing ends a study here but the last vote."""

Floats = NDArray[np.float64]


class Course(NamedTuple):
    """Mean rank correlation with the truth after so many votes."""

    votes: Floats
    srcc: Floats

    def needed(self, goal: float) -> float:
        """Return the votes at which the correlation first reaches a goal, NaN where it does not."""
        above = np.flatnonzero(self.srcc >= goal)
        return float(self.votes[above[0]]) if above.size else float("nan")


def acr(truth: Floats, rng: np.random.Generator) -> Iterator[tuple[int, Floats]]:
    """Yield votes so far and MOS after every person, who rates all pictures."""
    total = np.zeros(truth.size)
    for people in range(1, MOST_VOTES // truth.size + 1):
        noise = np.exp(rng.normal(np.log(NOISE), NOISE_SPREAD))
        total += np.clip(np.round(truth + rng.normal(0, 0.3) + noise * rng.normal(size=truth.size)), 1, 5)
        yield people * truth.size, total / people


def pairs(truth: Floats, rng: np.random.Generator, design: str, sharpness: float) -> Iterator[tuple[int, Floats]]:
    """Yield votes so far and positions as a study of that design goes on."""
    ids = list(range(truth.size))
    scores = dict(enumerate((truth + rng.normal(0, MODEL_ERROR, truth.size)).tolist()))
    answers: dict[Pair, list[int]] = {}
    asked = _asked(design, ids, scores, answers, int(rng.integers(2**31)))
    for votes, pair in enumerate(islice(asked, MOST_VOTES), 1):
        answers.setdefault(pair, [0, 0, 0])[_answer(truth, pair, rng, sharpness)] += 1
        if votes % (EVERY if votes > FEW else EVERY // 2) == 0:
            yield votes, _positions(answers, truth.size)


def _asked(
    design: str, ids: Sequence[int], scores: Mapping[int, float], answers: Mapping[Pair, Sequence[int]], seed: int
) -> Iterator[Pair]:
    """Yield which pair is asked next, without end."""
    chance, plan = Random(seed), DESIGNS[design].plan  # noqa: S311
    first = list(plan(PairGroup(ids, scores=scores), PROTOCOL, chance).pairs)
    while not DESIGNS[design].adaptive:
        yield from chance.sample(first, len(first))
    yield from first
    while True:
        counts = {pair: PairAnswers(*each) for pair, each in answers.items()}
        wanted = {pair: sum(found) for pair, found in answers.items()}
        yield from plan(PairGroup(ids, wanted, answers=counts), PROTOCOL, chance).pairs or first


def _answer(truth: Floats, pair: Pair, rng: np.random.Generator, sharpness: float) -> int:
    """Return 0 where the first is preferred, 1 for no difference, 2 for the second."""
    noise = sharpness * np.sqrt(2) * np.exp(rng.normal(np.log(NOISE), NOISE_SPREAD))
    felt = truth[pair[0]] - truth[pair[1]] + noise * rng.normal()
    return 1 if abs(felt) < TIE * noise else 0 if felt > 0 else 2


def _positions(answers: Mapping[Pair, Sequence[int]], pictures: int) -> Floats:
    rows = [
        (one, other, preferred)
        for (one, other), counts in answers.items()
        for preferred, count in zip((LEFT, NONE, RIGHT), counts, strict=True)
        for _ in range(count)
    ]
    left, right, preferred = np.array(rows, np.int64).T
    names = tuple(map(str, range(pictures)))
    blank = np.full(left.size, np.nan)
    return fit_paired_scale(Comparisons(left, right, np.zeros_like(left), preferred, blank, names, ("",))).jod


Method = Callable[[Floats, np.random.Generator], Iterator[tuple[int, Floats]]]


def methods() -> dict[str, Method]:
    """Return what is compared, by its name."""

    def by(design: str, sharpness: float) -> Method:
        return lambda truth, rng: pairs(truth, rng, design, sharpness)

    named = {f"{design}, {name}": by(design, size) for name, size in SHARPNESS.items() for design in DESIGNS}
    return {"ACR": acr, **named}


def course(method: Method, scene: tuple[float, float], seeds: int) -> Course:
    """Simulate studies of one method."""
    found: dict[int, list[float]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        truth = rng.permutation(np.linspace(*scene, PICTURES))
        for votes, estimate in method(truth, rng):
            known = np.ptp(estimate) > 0
            found.setdefault(votes, []).append(float(stats.spearmanr(truth, estimate).statistic) if known else 0.0)
    looked_at = sorted(found)
    return Course(np.array(looked_at, float), np.array([np.mean(found[votes]) for votes in looked_at]))


def draw(courses: Mapping[str, Mapping[str, Course]], path: Path) -> None:
    """Draw the correlation over the votes, a panel for each scene."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(courses), figsize=(10, 4), sharey=True, layout="constrained")
    colours = {"ACR": "#444444", "balanced": "#4c78a8", "chain": "#e0912f", "active": "#3a923a"}
    for panel, (scene, by_method) in zip(axes, courses.items(), strict=True):
        for name, found in by_method.items():
            design, _, sharpness = name.partition(", ")
            style = "-" if sharpness != "same" else "--"
            panel.plot(found.votes, found.srcc, style, color=colours[design], label=name, linewidth=1.5)
        panel.set(title=scene, xlabel="votes", ylim=(0.4, 1.0), xlim=(0, _shown(by_method.values())))
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("rank correlation with the truth")
    axes[-1].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)


def _shown(courses: Iterable[Course]) -> float:
    """Return up to how many votes a panel shows: all, or the few in which every method is through."""
    return FEW if all(found.needed(GOALS[-1]) <= FEW for found in courses) else MOST_VOTES


def main() -> None:
    """Print the votes that each method needs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=16, help="simulated studies of each kind")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the courses into a file")
    options = parser.parse_args()
    courses: dict[str, dict[str, Course]] = {}
    for scene, span in SCENES.items():
        courses[scene] = {name: course(method, span, options.seeds) for name, method in methods().items()}
        print(f"{PICTURES} pictures, {scene}: votes for a rank correlation of {' and '.join(map(str, GOALS))}")
        plain = [courses[scene]["ACR"].needed(goal) for goal in GOALS]
        for name, found in courses[scene].items():
            votes = [found.needed(goal) for goal in GOALS]
            shown = "".join(
                f"{each:9.0f}" if not math.isnan(each) else f"{'> ' + str(MOST_VOTES):>9}" for each in votes
            )
            share = "".join(f"{each / acr_votes:8.2f}" for each, acr_votes in zip(votes, plain, strict=True))
            print(f"  {name:<18}{shown}   of ACR's:{share}", flush=True)
        print()
    if options.figure:
        draw(courses, options.figure)


if __name__ == "__main__":
    run_benchmark(main)
