"""Whether what people complain about goes with what a model found wrong with the same pictures.

    shares      of all reasons given about the pictures of one diagnosis, the share that each reason has
    agreement   of the pictures that people complain about and whose diagnosis names a reason, the share of which that
                is the reason given most; of several given alike, each counts its part
    by chance   the same if the diagnoses were dealt to these pictures at random
    kappa       how much of what is beyond chance is reached (J. Cohen, "A coefficient of agreement for nominal
                scales", 1960): 0 is chance, 1 is always

Intervals come from resampling sources, as those of metrics do (`annotate.statistics.source_resampling`).

Shapes: J pictures, R reasons, B resamplings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from annotate.statistics.conditions import json_safe
from annotate.statistics.ratings import Numbers
from annotate.statistics.source_resampling import CELLS_AT_ONCE, SourceDraws

CLEAN = "clean"
"""The diagnosis that nothing is wrong."""
REASON_OF: Mapping[str, str] = MappingProxyType(
    {
        "gaussian_noise": "noise",
        "poisson_noise": "noise",
        "gaussian_blur": "blur",
        "motion_blur": "blur",
        "low_resolution": "blur",
        "jpeg": "compression",
        "webp": "compression",
        "low_light": "light",
        "high_light": "light",
        "haze": "light",
        "colour_cast": "colour",
        "block_loss": "artefacts",
    }
)
"""The reason that people would give for each type of degradation; a diagnosis may also be called like a reason."""
Complaints = Mapping[str, Mapping[str, int]]
"""How often each reason was given about a picture, by name."""


class Diagnosis(NamedTuple):
    """What a model finds likeliest: a type, and maybe how probable and how severe it is, 0 to 1."""

    type: str
    probability: float | None = None
    severity: float | None = None


def likeliest(found: Sequence[Diagnosis]) -> Diagnosis | None:
    """Return the likeliest of a picture's diagnoses, or else the first; None where there are none."""
    return max(found, key=lambda each: each.probability or 0, default=None)


@dataclass(frozen=True)
class ComparedPicture:
    """A picture with complaints, or a diagnosis, or both.

    `expected` is the reason that the diagnosis names, None where it names none; `agrees` whether it is among those
    given most, None where nothing can be said.
    """

    stimulus: str
    reasons: Mapping[str, int]
    diagnosis: Diagnosis | None
    expected: str | None
    agrees: bool | None

    def row(self, offered: Sequence[str]) -> dict[str, Any]:
        """Return a JSON-safe dictionary with a count for each reason that the study offers."""
        found = self.diagnosis or Diagnosis("")
        counts = {reason: self.reasons.get(reason, 0) for reason in offered}
        said = {"diagnosis": found.type or None, "probability": found.probability, "severity": found.severity}
        return {"stimulus": self.stimulus, **counts, **said, "expected": self.expected, "agrees": self.agrees}


@dataclass(frozen=True)
class DiagnosisFigures:
    """A diagnosis: its pictures, the reasons given about them, and the share that each reason has of these."""

    diagnosis: str
    expected: str | None
    pictures: int
    complaints: int
    shares: Mapping[str, float]

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return {**asdict(self), "shares": dict(self.shares)}


@dataclass(frozen=True)
class ComplaintAgreement:
    """How far diagnoses and complaints agree on `pictures`; of `clean` ones people complain, and the model does not.

    Intervals of 95 % are from `…_low` to `…_high`; NaN where something is unknown.
    """

    pictures: int
    clean: int
    agreement: float
    agreement_low: float
    agreement_high: float
    by_chance: float
    kappa: float
    kappa_low: float
    kappa_high: float

    def row(self) -> dict[str, Any]:
        """Return a JSON-safe dictionary."""
        return json_safe(asdict(self))


@dataclass(frozen=True)
class ComparedComplaints:
    """Complaints and diagnoses side by side, most complained of first; `offered` are the reasons of the study."""

    offered: Sequence[str]
    pictures: tuple[ComparedPicture, ...]
    diagnoses: tuple[DiagnosisFigures, ...]
    agreement: ComplaintAgreement


def compare_complaints(
    complaints: Complaints,
    diagnoses: Mapping[str, Diagnosis],
    offered: Sequence[str],
    sources: Mapping[str, str | None],
    *,
    seed: int = 0,
) -> ComparedComplaints:
    """Return how far reasons and diagnoses go together.

    Args:
        complaints: Of the study's pictures that people complain about.
        diagnoses: By stimulus.
        offered: The reasons that people could give.
        sources: By stimulus, what it was made of; those of none are resampled by themselves.
        seed: Of the resamplings.
    """
    names = sorted({*complaints, *diagnoses}, key=lambda name: (-sum(complaints.get(name, {}).values()), name))
    pictures = tuple(_compared(name, complaints.get(name, {}), diagnoses.get(name), offered) for name in names)
    kinds: dict[str, list[ComparedPicture]] = {}
    for each in pictures:
        if each.diagnosis:
            kinds.setdefault(each.diagnosis.type, []).append(each)
    figures = [_figures(kind, of_kind, offered) for kind, of_kind in kinds.items()]
    figures.sort(key=lambda each: (-each.complaints, -each.pictures, each.diagnosis))
    return ComparedComplaints(offered, pictures, tuple(figures), _agreement(pictures, offered, sources, seed))


def _compared(
    name: str, reasons: Mapping[str, int], diagnosis: Diagnosis | None, offered: Sequence[str]
) -> ComparedPicture:
    named = REASON_OF.get(diagnosis.type, diagnosis.type) if diagnosis else None
    expected = named if named in offered else None
    most = max(reasons.values(), default=0)
    agrees = reasons.get(expected, 0) == most if expected and most else None
    return ComparedPicture(name, reasons, diagnosis, expected, agrees)


def _figures(kind: str, pictures: Sequence[ComparedPicture], offered: Sequence[str]) -> DiagnosisFigures:
    given = {reason: sum(each.reasons.get(reason, 0) for each in pictures) for reason in offered}
    complaints = sum(given.values())
    shares = {reason: count / complaints if complaints else 0.0 for reason, count in given.items()}
    return DiagnosisFigures(kind, pictures[0].expected, len(pictures), complaints, shares)


def _agreement(
    pictures: Sequence[ComparedPicture], offered: Sequence[str], sources: Mapping[str, str | None], seed: int
) -> ComplaintAgreement:
    judged = [each for each in pictures if each.agrees is not None]
    clean = sum(bool(each.reasons) for each in pictures if each.diagnosis and each.diagnosis.type == CLEAN)
    if not judged:
        return ComplaintAgreement(0, clean, *(float("nan"),) * 7)
    counts = np.array([[each.reasons.get(reason, 0) for reason in offered] for each in judged])
    most = (counts == counts.max(axis=1, keepdims=True)).astype(np.float64)
    most /= most.sum(axis=1, keepdims=True)
    found = np.array([[each.expected == reason for reason in offered] for each in judged], np.float64)
    draws = SourceDraws([each.stimulus for each in judged], sources, np.random.default_rng(seed))
    agreement, chance, kappa = _kappa(most, found, np.ones((1, len(judged))))
    drawn = [_kappa(most, found, weights) for weights in draws.weights(CELLS_AT_ONCE // len(judged))]
    some_agreement, _, some_kappa = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    return ComplaintAgreement(
        len(judged),
        clean,
        float(agreement[0]),
        *draws.interval(some_agreement),
        float(chance[0]),
        float(kappa[0]),
        *draws.interval(some_kappa),
    )


def _kappa(most: Numbers, found: Numbers, weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return agreement, agreement by chance and kappa (B,) of pictures (J, R) that count `weights` (B, J) times."""
    total = weights.sum(axis=1, keepdims=True)
    agreement = (weights @ (most * found)).sum(axis=1) / total[:, 0]
    chance = (weights @ most / total * (weights @ found / total)).sum(axis=1)
    kappa = np.full(agreement.size, np.nan)
    np.divide(agreement - chance, 1 - chance, out=kappa, where=chance < 1)
    return agreement, chance, kappa
