"""Simulated comparisons of pairs."""

import numpy as np

from annotate.statistics.comparisons import Comparisons
from annotate.statistics.ratings import Numbers

JOD = 0.6744897501960817  # of Thurstone's standard deviations: three in four prefer the better one


def simulate(positions: Numbers, *, people: int, rounds: int = 1, tie: float = 0.0, seed: int = 0) -> Comparisons:
    """Let people compare every pair by Thurstone's case V; positions are in JOD, `tie` in standard deviations."""
    generator = np.random.default_rng(seed)
    first, second = np.triu_indices(positions.size, 1)
    first, second = np.tile(first, people * rounds), np.tile(second, people * rounds)
    person = np.repeat(np.arange(people), first.size // people)
    turned = generator.random(first.size) < 0.5
    left, right = np.where(turned, second, first), np.where(turned, first, second)
    felt = JOD * (positions[left] - positions[right]) + generator.standard_normal(first.size)
    preferred = np.where(np.abs(felt) <= tie, "none", np.where(felt > 0, "left", "right"))
    names = np.array([f"{number:03}.png" for number in range(positions.size)])
    return Comparisons.from_columns(
        names[left].tolist(), names[right].tolist(), [f"p{number}" for number in person], preferred.tolist()
    )
