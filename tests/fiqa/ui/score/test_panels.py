import numpy as np
from numpy.typing import NDArray

from fiqa.errors import PhotoError
from fiqa.reports import ScoredPhoto
from fiqa.ui import progress
from fiqa.ui.score import panels
from fiqa.ui.score.tables import BatchRow
from tests.fiqa.ui.conftest import result, spec


def test_a_result_tells_score_word_interval_meaning_and_notices(grey: NDArray[np.uint8]) -> None:
    panel = panels.photo_panel("a.png", grey, result(0.7), spec("first"))
    for part in ("<b>0.70</b>", "<span>Good</span>", "95 % interval", "Trained on nothing at all.", "Taken on trust."):
        assert part in panel


def test_no_panel_calls_a_score_a_mean_opinion(grey: NDArray[np.uint8]) -> None:
    shown = panels.photo_panel("a.png", grey, result(0.7), spec("first"))
    shown += panels.batch_panel([BatchRow(ScoredPhoto("a.png", result(0.7)))], spec("first"))
    assert "MOS" not in shown
    assert "opinion" not in shown


def test_marks_can_only_be_hidden_where_there_are_some(grey: NDArray[np.uint8]) -> None:
    assert "checkbox" in panels.photo_panel("a.png", grey, result(0.7), spec("first"))
    whole = result(0.7, faces=0)
    assert "checkbox" not in panels.photo_panel("a.png", grey, whole, spec("first"))


def test_a_batch_tells_its_median_and_how_many_were_scored() -> None:
    rows = [BatchRow(ScoredPhoto(f"{score}.png", result(score))) for score in (0.2, 0.5, 0.9)]
    panel = panels.batch_panel([*rows, BatchRow(ScoredPhoto("x", PhotoError("No.")))], spec("first"))
    assert "3 of 4 photos scored" in panel
    assert "<b>0.50</b><span>median</span>" in panel


def test_a_batch_without_any_score_is_still_a_table() -> None:
    panel = panels.batch_panel([BatchRow(ScoredPhoto("x", PhotoError("This is text.")))], spec("first"))
    assert "0 of 1 photos scored" in panel
    assert "This is text." in panel
    assert "median" not in panel


def test_the_first_score_says_why_it_takes_longer() -> None:
    assert "few seconds longer" in progress.busy_panel(1, is_loaded=False)
    assert "few seconds longer" not in progress.busy_panel(1, is_loaded=True)


def test_an_error_is_announced() -> None:
    assert '<p role="alert">It is &lt;text&gt;.</p>' in panels.error_panel("It is <text>.")
