"""Whatever visitors name or send is shown as text, in every panel of the tabs that score."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import KEEP, SortedPhoto
from fiqa.curation.thresholds import Threshold
from fiqa.degradation.atlas import Diagnosis, Finding
from fiqa.degradation.diagnosis import DiagnosedPhoto, PhotoDiagnosis
from fiqa.errors import PhotoError
from fiqa.reports import ScoredPhoto
from fiqa.ui.attention import panels as attention
from fiqa.ui.attention.inspection import Subject
from fiqa.ui.compare import panels as compare
from fiqa.ui.curate import panels as curate
from fiqa.ui.curate.state import CurationState, ExaminedPhoto, SortedPage
from fiqa.ui.degradation import panels as degradation
from fiqa.ui.score import panels as score
from fiqa.ui.score.tables import BatchRow
from tests.fiqa.ui.conftest import result, spec
from tests.markup import MARKUP, times_shown_as_text

PIXELS = np.zeros((8, 8, 3), np.uint8)
NOTED = replace(result(0.5), notices=(MARKUP,), checkpoint=MARKUP)
REFUSED = PhotoError(MARKUP)
UNREAD: Any = None
"""Stands for a file, which this panel does not look at."""
FACTS = PhotoFacts(MARKUP, score=0.5, interval=(0.4, 0.6))


def _diagnosis() -> PhotoDiagnosis:
    found = Diagnosis((Finding("clean", 1.0, 0.0),), 0.5, (0.0, 0.0), ())
    face: Any = SimpleNamespace(score=0.5, embedding=np.zeros(2), view=PIXELS)
    return PhotoDiagnosis(face, found, (0.0, 0.0, 1.0, 1.0), "lite", (0.0, 1.0), "an atlas", (MARKUP,))


def _inspection() -> Any:
    return SimpleNamespace(subject=Subject(0, MARKUP, MARKUP), score=0.5, score_range=(0.0, 1.0), faces=1, number=1)


def _curation() -> str:
    page = SortedPage([SortedPhoto(FACTS, KEEP, ".", MARKUP)], Threshold(0.5, MARKUP), (MARKUP,))
    return curate.summary_panel(CurationState(), page, "share")


PANELS: dict[str, tuple[int, Callable[[], str]]] = {
    "why a photo has no score": (1, lambda: score.error_panel(MARKUP)),
    "a photo's score": (
        3,
        lambda: score.photo_panel(MARKUP, PIXELS, NOTED, replace(spec("first"), note=MARKUP)),
    ),
    "a batch": (
        6,
        lambda: score.batch_panel(
            [BatchRow(ScoredPhoto(MARKUP, NOTED)), BatchRow(ScoredPhoto(MARKUP, REFUSED))], spec("first")
        ),
    ),
    "why there is no map": (1, lambda: attention.failure_panel(MARKUP)),
    "whose map it is": (2, lambda: attention._heading(_inspection())),
    "why there is no diagnosis": (1, lambda: degradation.error_panel(MARKUP)),
    "a diagnosis": (1, lambda: degradation.diagnosis_panel(MARKUP, _diagnosis())),
    "diagnoses": (
        3,
        lambda: degradation.diagnosis_table(
            [DiagnosedPhoto(MARKUP, _diagnosis()), DiagnosedPhoto(MARKUP, REFUSED)], (0.0, 1.0)
        ),
    ),
    "why nothing was sorted": (1, lambda: curate.error_panel(MARKUP)),
    "photos by verdict": (2, _curation),
    "the sheet": (1, lambda: curate.sheet_panel([ExaminedPhoto(FACTS, UNREAD)])),
    "why there is no comparison": (1, lambda: compare.error_panel(MARKUP)),
}


@pytest.mark.parametrize("panel", PANELS)
def test_names_and_reasons_show_as_text(panel: str) -> None:
    least, draw = PANELS[panel]
    assert times_shown_as_text(draw()) >= least
