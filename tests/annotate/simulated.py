"""Simulated studies, in which the truth is known: honest people with their biases, and random clickers among them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotate.design.items import ItemKind
from annotate.statistics.ratings import Ratings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A study as `annotate` runs it: every participant sees `seen` of the stimuli and some items of each other kind.

    clickers: share of the participants who answer at random; spread evenly over them, the first is one
    noise:    median inconsistency of the honest in grades; 0.5 gives an SOS of 0.7 in the middle of the scale
    dodging:  they give traps the answer asked for, so that traps do not tell
    cautious: they prefer the middle of the scale (2, 3 and 4 of ACR 5)
    """

    stimuli: int = 500
    participants: int = 100
    seen: int = 100
    golds: int = 10
    traps: int = 10
    repeats: int = 10
    clickers: float = 0.2
    noise: float = 0.5
    dodging: bool = False
    cautious: bool = False


@dataclass(frozen=True, eq=False)
class SimulatedStudy:
    """Ratings on ACR 5, who clicked at random (I,), and the MOS (J,) that honest people at large would give."""

    ratings: Ratings
    clicker: NDArray[np.bool_]
    truth: Floats


class _Population:
    """People whose bias spreads by 0.3 grades and whose inconsistency is about `noise` grades, half to twice that."""

    def __init__(self, rng: np.random.Generator, size: int, noise: float) -> None:
        self.rng = rng
        self.bias = rng.normal(0, 0.3, size)
        self.inconsistency = np.exp(rng.normal(np.log(noise), 0.35, size))

    def rate(self, person: NDArray[np.int64], quality: Floats) -> Floats:
        noise = self.inconsistency[person] * self.rng.normal(size=quality.size)
        return np.clip(np.round(quality + self.bias[person] + noise), 1, 5)


def simulate(design: Design, seed: int) -> SimulatedStudy:
    """Return a study with one sitting per participant, its items in random order."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(1.2, 4.8, design.stimuli)
    people = _Population(rng, design.participants, design.noise)
    columns = _shown(design, rng)
    stimulus, person, kind = columns["stimulus"], columns["participant"], columns["kind"]
    gold_grade = np.where(stimulus % 2 == 0, 1.0, 5.0)
    shown = np.where(kind == ItemKind.GOLD, gold_grade, quality[stimulus % design.stimuli])
    grade = people.rate(person, shown)
    asked = rng.integers(1, 6, grade.size).astype(float)
    lapse = rng.random(grade.size) < 0.02
    trap = kind == ItemKind.TRAP
    grade[trap & ~lapse] = asked[trap & ~lapse]
    clicker = np.arange(design.participants) * design.clickers % 1 < design.clickers - 1e-9
    random = clicker[person] & ~(trap & design.dodging)
    grade[random] = rng.integers(2, 5, random.sum()) if design.cautious else rng.integers(1, 6, random.sum())
    ratings = Ratings.from_columns(
        stimulus,
        person,
        grade,
        kind=kind,
        expected=np.select([trap, kind == ItemKind.GOLD], [asked, gold_grade], np.nan),
        sequence=rng.permutation(grade.size),
        response_ms=np.exp(rng.normal(np.log(2500), 0.5, grade.size)),
    )
    return SimulatedStudy(ratings, clicker, _truth(rng, quality, design.noise))


def _shown(design: Design, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Return who is shown what: balanced over the stimuli; repeats come from the person's own pictures."""
    rounds = -(-design.participants * design.seen // design.stimuli)
    order = np.concatenate([rng.permutation(design.stimuli) for _ in range(rounds)])
    rated = order[: design.participants * design.seen].reshape(design.participants, design.seen)
    extra = design.stimuli + np.arange(design.golds + design.traps)
    items = np.hstack([rated, np.tile(extra, (design.participants, 1)), rated[:, : design.repeats]])
    kinds = np.repeat(
        [ItemKind.RATED, ItemKind.GOLD, ItemKind.TRAP, ItemKind.REPEAT],
        [design.seen, design.golds, design.traps, design.repeats],
    )
    return {
        "stimulus": items.ravel(),
        "participant": np.repeat(np.arange(design.participants), items.shape[1]),
        "kind": np.tile(kinds, design.participants),
    }


def _truth(rng: np.random.Generator, quality: Floats, noise: float, people: int = 2000) -> Floats:
    """Return the mean grade (J,) of very many honest people."""
    crowd = _Population(rng, people, noise)
    return np.array([crowd.rate(np.arange(people), np.full(people, value)).mean() for value in quality])


def simulate_crowd(stimuli: int, per_stimulus: int, *, per_person: int, seed: int) -> Ratings:
    """Return honest ratings on ACR 5 of a study of any size, in which everyone (but the last) gives `per_person`."""
    rng = np.random.default_rng(seed)
    stimulus = np.concatenate([rng.permutation(stimuli) for _ in range(per_stimulus)])
    person = np.arange(stimulus.size) // per_person
    quality = rng.uniform(1.2, 4.8, stimuli)
    grade = _Population(rng, int(person[-1]) + 1, noise=0.5).rate(person, quality[stimulus])
    return Ratings.from_columns(stimulus, person, grade)
