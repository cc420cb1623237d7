import numpy as np
import pytest

from fiqa.comparison.figures import distributions, gain_against_input, slopes, win_matrix
from fiqa.comparison.statistics import compare_pairs

BEFORE = np.array([0.5, 0.6, np.nan, 0.7])
AFTER = np.array([0.6, 0.55, 0.4, 0.7])
(PAIR,) = compare_pairs({"a$b": BEFORE, "b<c": AFTER}, np.arange(4))


def figures() -> dict[str, str]:
    return {
        "distributions": distributions({"a$b": BEFORE, "b<c": AFTER}, (0, 1)),
        "slopes": slopes(PAIR, BEFORE, AFTER),
        "gains": gain_against_input(PAIR, BEFORE, AFTER),
        "matrix": win_matrix(["a$b", "b<c"], [PAIR]),
    }


@pytest.mark.parametrize("name", list(figures()))
@pytest.mark.slow
def test_a_figure_takes_the_colour_of_the_text_around_it(name: str) -> None:
    drawn = figures()[name]

    assert drawn.startswith("<svg")
    assert "currentColor" in drawn
    assert "#010203" not in drawn
    assert name == "matrix" or "#000000" not in drawn  # which nobody sees on a dark page


@pytest.mark.parametrize("values", [np.array([np.nan]), np.array([0.5]), np.full(3, 0.5)])
def test_a_method_with_no_one_or_equal_scores_is_drawn(values: np.ndarray) -> None:
    assert distributions({"a": values}, (0, 1)).startswith("<svg")


def test_photos_without_a_score_are_left_out_of_the_slopes() -> None:
    assert slopes(PAIR, np.full(4, np.nan), AFTER).startswith("<svg")
