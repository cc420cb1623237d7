"""The demo study: one portrait, damaged in several ways, so that a newcomer can rate at once.

It has every part of a study and takes two minutes. Its ratings are stored like any others and mean nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.stimuli.files import Candidate

Portrait = Callable[[Sequence[tuple[str, float]]], NDArray[np.uint8]]
"""Gives a portrait (H, W, 3) uint8 with degradations: (name, severity 0..1), in order."""

NAME = "Demo: one portrait, damaged in several ways"
PROTOCOL = StudyProtocol(
    ratings_wanted=1000,
    training_count=2,
    gold_every=0,
    trap_every=0,
    repeat_every=0,
    break_every=5,
    break_s=5,
    max_sittings=1,
)


@dataclass(frozen=True)
class _Damage:
    """How one picture is made; in training, which grade is right."""

    steps: tuple[tuple[str, float], ...] = ()
    expected: float | None = None


_PICTURES = (
    _Damage((("jpeg", 0.2),), 5.0),
    _Damage((("gaussian_blur", 0.8),), 1.0),
    _Damage(),
    _Damage((("gaussian_blur", 0.25),)),
    _Damage((("motion_blur", 0.5),)),
    _Damage((("gaussian_noise", 0.35),)),
    _Damage((("gaussian_noise", 0.8),)),
    _Damage((("jpeg", 0.75),)),
    _Damage((("low_resolution", 0.5),)),
    _Damage((("low_light", 0.6),)),
    _Damage((("haze", 0.6),)),
    _Damage((("low_resolution", 0.4), ("jpeg", 0.8))),
)


def demo_candidates(portrait: Portrait) -> list[Candidate]:
    """Return the pictures of the demo study; each is made when it is read."""
    return [
        Candidate(
            f"{number:02}.png",
            partial(_png, portrait, damage.steps),
            kind=ItemKind.RATED if damage.expected is None else ItemKind.TRAINING,
            expected=damage.expected,
        )
        for number, damage in enumerate(_PICTURES)
    ]


def _png(portrait: Portrait, steps: Sequence[tuple[str, float]]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(portrait(steps)).save(buffer, "PNG")
    return buffer.getvalue()
