"""Photos that are only facts: what a rule is given, without a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fiqa.curation.curation import Curation
from fiqa.curation.photo_facts import FaceFacts, PhotoFacts
from fiqa.curation.rules import SortedPhoto
from fiqa.faces.pose import Pose

MakeFacts = Callable[..., PhotoFacts]
MakeCuration = Callable[..., Curation]


def make_facts(name: str, score: float | None = 0.5, *, half: float = 0.05, **changes: Any) -> PhotoFacts:
    """Return facts of a photo with an interval of ± `half`; None for a photo that cannot be read."""
    if score is None:
        return PhotoFacts(name, error=f"{name} is damaged.")
    face = FaceFacts((10.0, 20.0, 90.0, 120.0), 100.0, score, Pose(1.0, -2.0, 3.0))
    interval = (round(score - half, 6), round(score + half, 6))
    known: dict[str, Any] = {"score": score, "interval": interval, "faces": (face,), "size_px": (200, 150)}
    return PhotoFacts(name, **{**known, **changes})


@pytest.fixture
def facts() -> MakeFacts:
    return make_facts


@pytest.fixture
def curation(tmp_path: Path) -> MakeCuration:
    """Return a function that writes files into photos/ and returns a curation of them, by name and verdict."""

    def make(verdicts: dict[str, str], captions: dict[str, str] | None = None) -> Curation:
        folder = tmp_path / "photos"
        for name in verdicts:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(f"picture {name}".encode())
        for name, text in (captions or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        photos = tuple(SortedPhoto(make_facts(name), verdict, ".") for name, verdict in verdicts.items())
        return Curation(folder.resolve(), photos, None, (0.0, 1.0), {"version": "1"})

    return make
