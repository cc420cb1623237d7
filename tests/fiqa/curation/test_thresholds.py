from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fiqa.curation.curation import CurationOptions
from fiqa.curation.thresholds import (
    Agreement,
    given_threshold,
    good_threshold,
    telling_examples,
    threshold_for_share,
    threshold_from_examples,
    threshold_of_reference,
)
from fiqa.errors import SettingError


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.999, 1.0])
def test_a_share_keeps_as_many_photos_as_it_says_and_one_at_least(share: float) -> None:
    scores = np.random.default_rng(0).uniform(size=200)
    kept = int((scores >= threshold_for_share(scores, share).value).sum())
    assert kept == max(1, round(200 * share))


def test_equal_scores_stay_together() -> None:
    scores = np.array([0.2, 0.5, 0.5, 0.5, 0.9])
    assert (scores >= threshold_for_share(scores, 0.4).value).sum() == 4


def test_a_percentile_is_numpys() -> None:
    scores = np.random.default_rng(1).uniform(size=31)
    found = threshold_of_reference(scores, 20, "good/")
    assert found.value == np.percentile(scores, 20)
    assert found.origin == "percentile 20 of 31 photos in good/"


def test_examples_that_a_score_divides_are_divided_in_the_middle() -> None:
    found = threshold_from_examples([0.8, 0.7], [0.3, 0.1])
    assert found.value == pytest.approx(0.5)
    assert found.agreement == Agreement(right=4, left_out=4, examples=4)


def test_examples_that_no_score_divides_agree_as_far_as_any_threshold_can() -> None:
    good, bad = [0.9, 0.8, 0.35, 0.7], [0.1, 0.2, 0.4, 0.75]
    found = threshold_from_examples(good, bad)
    agreements = [
        sum(score >= place for score in good) + sum(score < place for score in bad) for place in np.linspace(0, 1, 401)
    ]
    assert found.agreement is not None
    assert found.agreement.right == max(agreements) == 6
    assert found.agreement.left_out < found.agreement.right


def test_many_examples_of_one_kind_weigh_no_more_than_few_of_the_other() -> None:
    """By the plain count, calling everything good would be right in 31 of 33 cases."""
    good, bad = [0.5] * 10 + [0.9] * 21, [0.5, 0.5]
    assert 0.5 < threshold_from_examples(good, bad).value <= 0.9


def test_examples_all_on_the_wrong_side_still_have_a_threshold() -> None:
    found = threshold_from_examples([0.2], [0.8])
    assert found.agreement is not None
    assert found.agreement.right == 1


def test_telling_examples_span_all_scores_each_once_in_a_mixed_order() -> None:
    scores = np.random.default_rng(2).permutation(1000) / 1000
    chosen = telling_examples(scores, 20)
    assert len(set(chosen)) == 20
    ranks = sorted(float(scores[index]) for index in chosen)
    assert ranks[0] == 0
    assert ranks[-1] == 0.999
    assert max(np.diff(ranks)) < 0.06
    assert [scores[index] for index in chosen] != ranks
    assert telling_examples(scores, 20) == chosen


def test_fewer_photos_than_examples_are_all_shown() -> None:
    assert sorted(telling_examples(np.array([0.3, 0.1, 0.2]), 20)) == [0, 1, 2]


def test_good_begins_at_the_fourth_of_five_words() -> None:
    assert good_threshold((1.0, 5.0)).value == pytest.approx(3.4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: given_threshold(1.5, (0, 1)), "expected a score from 0 to 1"),
        (lambda: given_threshold(float("nan"), (0, 1)), "expected a score from 0 to 1"),
        (lambda: threshold_for_share(np.ones(3), 0), "above 0"),
        (lambda: threshold_for_share(np.ones(3), 1.01), "up to 1"),
        (lambda: threshold_for_share(np.array([]), 0.5), "Not one photo has a score"),
        (lambda: threshold_of_reference(np.ones(3), 101, "r"), "from 0 to 100"),
        (lambda: threshold_of_reference(np.array([]), 50, "r"), "Not one photo has a score"),
        (lambda: threshold_from_examples([], [0.1]), "at least one of each"),
    ],
)
def test_what_makes_no_threshold_is_said_in_a_sentence(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(SettingError, match=message):
        call()


@pytest.mark.parametrize(
    "rule", [{"keep_share": 1.5}, {"keep_share": float("nan")}, {"percentile": 101, "reference": Path("good")}]
)
def test_a_rule_that_cannot_be_is_refused_before_anything_is_scored(rule: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="expected a number"):
        CurationOptions(**rule)
