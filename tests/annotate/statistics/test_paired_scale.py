"""The scale behind comparisons of pairs."""

import math
from typing import get_args

import choix
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from annotate.statistics.comparisons import Comparisons
from annotate.statistics.paired_scale import (
    Model,
    bootstrap_paired_scale,
    count_pairs,
    fit_paired_scale,
    participant_pulls,
    resampled_scales,
)
from tests.annotate.paired import simulate

NO_PRIOR = 1e4
MODELS = get_args(Model)


def answers(better: int, none: int, worse: int) -> Comparisons:
    """Return comparisons of "a" with "b"; every second time "a" is on the right."""
    preferred = ["left"] * better + ["none"] * none + ["right"] * worse
    rows = [("a", "b", each) for each in preferred]
    swap = {"left": "right", "right": "left", "none": "none"}
    rows = [
        (right, left, swap[each]) if number % 2 else (left, right, each)
        for number, (left, right, each) in enumerate(rows)
    ]
    left, right, words = zip(*rows, strict=True)
    return Comparisons.from_columns(left, right, ["p"] * len(rows), words)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ties", [0, 20])
def test_three_in_four_with_ties_shared_out_is_one_jod(ties: int, model: Model) -> None:
    scale = fit_paired_scale(answers(75 - ties // 2, ties, 25 - ties // 2), model=model, prior_jod=NO_PRIOR)
    assert scale.jod == pytest.approx([0.5, -0.5], abs=1e-6)
    assert (scale.tie_share > 0) == (ties > 0)


def test_ties_of_two_stimuli_have_the_closed_form_of_davidson() -> None:
    scale = fit_paired_scale(answers(50, 30, 20), model="bradley-terry", prior_jod=NO_PRIOR)
    tie = 30 / math.sqrt(50 * 20)
    unit = 2 * math.log((tie + math.sqrt(tie**2 + 12)) / 2)
    assert scale.jod[0] - scale.jod[1] == pytest.approx(math.log(50 / 20) / unit, abs=1e-6)
    assert scale.tie_share == pytest.approx(tie / (2 + tie), abs=1e-6)


def test_ties_of_two_stimuli_have_the_closed_form_of_glenn_and_david() -> None:
    scale = fit_paired_scale(answers(50, 30, 20), prior_jod=NO_PRIOR)
    better, worse = stats.norm.ppf([0.5, 0.2])
    distance, tie = (better - worse) / 2, -(better + worse) / 2
    assert scale.tie_share == pytest.approx(2 * stats.norm.cdf(tie) - 1, abs=1e-6)
    unit = distance / (scale.jod[0] - scale.jod[1])
    assert (stats.norm.cdf(unit - tie) + stats.norm.cdf(unit + tie)) / 2 == pytest.approx(0.75, abs=1e-6)


def test_two_stimuli_have_the_interval_of_a_binomial_proportion() -> None:
    scale = fit_paired_scale(answers(75, 0, 25), model="bradley-terry", prior_jod=NO_PRIOR)
    difference = 2 * scale.ci95[0]  # each is half the difference away from the mean
    assert difference == pytest.approx(1.959964 / math.sqrt(100 * 0.75 * 0.25) / math.log(3), rel=1e-4)


def test_bradley_terry_without_ties_equals_choix() -> None:
    comparisons = simulate(np.array([-2.0, -0.5, 0.0, 0.3, 2.2]), people=6, seed=3)
    prior_jod = 2.0
    scale = fit_paired_scale(comparisons, model="bradley-terry", prior_jod=prior_jod)
    won = np.where(comparisons.preferred > 0, comparisons.left, comparisons.right)
    lost = np.where(comparisons.preferred > 0, comparisons.right, comparisons.left)
    weight = 1 / (prior_jod * math.log(3)) ** 2
    reference = choix.opt_pairwise(5, list(zip(won, lost, strict=True)), alpha=weight / 2, tol=1e-10)
    assert scale.jod == pytest.approx((reference - reference.mean()) / math.log(3), abs=1e-4)


def test_simulated_positions_are_found() -> None:
    truth = np.array([-3.0, -1.0, 0.0, 0.5, 1.5, 2.0])
    scale = fit_paired_scale(simulate(truth, people=200, tie=0.3))
    assert scale.jod == pytest.approx(truth, abs=0.2)
    assert scale.tie_share == pytest.approx(2 * stats.norm.cdf(0.3) - 1, abs=0.03)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth = np.array([-1.0, -0.3, 0.4, 0.9])
    scales = [fit_paired_scale(simulate(truth, people=30, tie=0.2, seed=seed)) for seed in range(60)]
    held = np.mean([np.abs(scale.jod - truth) <= scale.ci95 for scale in scales])
    assert 0.91 <= held <= 0.985


def test_resampled_people_of_one_taste_give_much_the_same_intervals() -> None:
    comparisons = simulate(np.array([-1.0, 0.0, 1.0]), people=40)
    assert bootstrap_paired_scale(comparisons, samples=200) == pytest.approx(
        fit_paired_scale(comparisons).ci95, rel=0.35
    )


@pytest.mark.parametrize("model", MODELS)
def test_how_far_people_pull_the_scale_is_how_far_it_moves_when_they_are_resampled(model: Model) -> None:
    frames = [simulate(np.array([0.0, taste, -taste]), people=6, tie=0.2, seed=6).to_frame() for taste in (0.2, 1.8)]
    frames[1]["participant"] += " of another taste"
    comparisons = Comparisons.from_frame(pd.concat(frames))
    scale = fit_paired_scale(comparisons, model=model)
    spread = np.sqrt((participant_pulls(comparisons, scale, model=model) ** 2).sum(axis=0))
    drawn = np.array([each.jod for each in resampled_scales(comparisons, model=model, samples=60)])
    assert spread == pytest.approx(drawn.std(axis=0), rel=0.25)
    assert spread[1] > 1.05 * scale.ci95[1] / 1.96  # people differ by more than their answers do


@pytest.mark.parametrize("model", MODELS)
def test_a_stimulus_that_always_wins_stands_somewhere(model: Model) -> None:
    scale = fit_paired_scale(answers(1000, 0, 0), model=model)
    assert 3 < scale.jod[0] - scale.jod[1] < 15
    assert np.isfinite(scale.ci95).all()


@pytest.mark.parametrize("model", MODELS)
def test_only_ties_mean_no_difference(model: Model) -> None:
    scale = fit_paired_scale(answers(0, 20, 0), model=model)
    assert scale.jod == pytest.approx([0, 0], abs=1e-6)
    assert scale.tie_share > 0.9


def test_groups_that_nothing_links_have_a_scale_each() -> None:
    comparisons = Comparisons.from_columns("aaaccc", "bbbddd", "pqrpqr", ["left"] * 3 + ["right"] * 3)
    scale = fit_paired_scale(comparisons)
    assert scale.group.tolist() == [0, 0, 1, 1]
    assert scale.jod[:2].mean() == pytest.approx(0)
    assert scale.jod == pytest.approx([scale.jod[0], -scale.jod[0], -scale.jod[0], scale.jod[0]])


def test_data_of_the_model_fit_it_and_a_circle_does_not() -> None:
    fits = fit_paired_scale(simulate(np.array([-1.0, 0.0, 1.0]), people=60)).misfit
    circle = Comparisons.from_columns("abc" * 20, "bca" * 20, "p" * 60, ["left"] * 60)
    assert fits > 0.01
    assert fit_paired_scale(circle).misfit < 1e-6


def test_which_one_was_on_the_left_makes_no_difference() -> None:
    pairs = count_pairs(Comparisons.from_columns("aabb", "bbaa", "pqrs", ["left", "none", "left", "right"]))
    assert pairs.answers.tolist() == [[2, 1, 1]]


def test_rows_are_a_table_of_numbers() -> None:
    table = fit_paired_scale(answers(3, 1, 1)).to_frame()
    assert list(table) == ["stimulus", "jod", "ci95", "comparisons", "group"]
    assert table["comparisons"].tolist() == [5, 5]
