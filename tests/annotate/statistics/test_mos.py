"""MOS, SOS and CI95 are the textbook's, and the P.910 estimate is sureal's wherever sureal can be run."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from annotate.design.items import ItemKind
from annotate.errors import RatingsError
from annotate.statistics.mos import (
    FEWEST_VOTES_OF_PARTICIPANT,
    LEAST_INCONSISTENCY,
    MosTable,
    estimate_mos,
    expected_sos,
    fit_subjects,
    half_width,
    sos_parameter,
    student_t,
)
from annotate.statistics.ratings import Ratings
from tests.annotate.simulated import Design, simulate
from tests.annotate.sureal_reference import SIZES, complete_designs

HONEST = Design(stimuli=100, participants=60, seen=50, golds=0, traps=0, repeats=0, clickers=0)


def table_of(*rows: tuple[str, str, float]) -> MosTable:
    stimulus, participant, grade = zip(*rows, strict=True)
    return estimate_mos(Ratings.from_columns(stimulus, participant, grade))


def test_mos_sos_and_interval_of_one_stimulus() -> None:
    grades = [1.0, 2.0, 4.0, 4.0, 5.0]
    table = table_of(*(("a", str(person), grade) for person, grade in enumerate(grades)))
    assert table.mos[0] == pytest.approx(np.mean(grades))
    assert table.sos[0] == pytest.approx(np.std(grades, ddof=1))
    interval = stats.ttest_1samp(grades, 0).confidence_interval(0.95)
    assert table.ci95[0] == pytest.approx((interval.high - interval.low) / 2)


def test_interval_of_twenty_ratings_uses_student_t() -> None:
    assert student_t(np.array([20]))[0] == pytest.approx(2.093, abs=5e-4)
    assert half_width(np.array([0.8]), np.array([20]))[0] == pytest.approx(2.093 * 0.8 / math.sqrt(20), rel=1e-3)


def test_one_rating_has_a_mos_but_no_spread() -> None:
    table = table_of(("a", "p", 3.0), ("b", "p", 2.0), ("b", "q", 4.0))
    assert table.mos.tolist() == [3.0, 3.0]
    assert np.isnan(table.sos).tolist() == np.isnan(table.ci95).tolist() == [True, False]


def test_stimulus_without_ratings_keeps_its_row() -> None:
    table = estimate_mos(Ratings.from_columns(["b"], ["p"], [3.0], stimuli=["a", "b"]))
    assert table.stimulus_ids == ("a", "b")
    assert table.ratings.tolist() == [0, 1]
    assert math.isnan(table.mos[0])


def test_study_without_ratings_has_an_empty_table() -> None:
    table = estimate_mos(Ratings.from_columns([], [], [], stimuli=["a"]))
    assert [row["mos"] for row in table.rows()] == [None]
    assert math.isnan(sos_parameter(table))


@pytest.mark.parametrize("kind", [ItemKind.GOLD, ItemKind.TRAP, ItemKind.REPEAT, ItemKind.TRAINING])
def test_only_first_showings_of_pictures_to_be_rated_count(kind: ItemKind) -> None:
    ratings = Ratings.from_columns(["a"] * 3, ["p", "q", "p"], [2.0, 4.0, 5.0], kind=[0, 0, int(kind)])
    table = estimate_mos(ratings)
    assert (table.mos[0], table.ratings[0]) == (3.0, 2)


def test_unusable_content_is_counted_and_is_no_grade() -> None:
    table = table_of(("a", "p", math.nan), ("a", "q", 4.0))
    assert (table.mos[0], table.ratings[0], table.unusable[0]) == (4.0, 1, 1)


def test_unused_votes_do_not_count() -> None:
    ratings = Ratings.from_columns(["a"] * 3, ["p", "q", "r"], [2.0, 4.0, 5.0])
    table = estimate_mos(ratings, np.array([True, True, False]))
    assert (table.mos[0], table.ratings[0]) == (3.0, 2)
    assert table.participant_ratings.tolist() == [1, 1, 0]


def test_rows_are_json_without_nan() -> None:
    table = table_of(("a", "p", 3.0), ("b", "p", 2.0), ("b", "q", 4.0))
    rows = json.loads(json.dumps([*table.rows(), *table.participant_rows()], allow_nan=False))
    assert rows[0] == {
        "stimulus": "a", "mos": 3.0, "sos": None, "ci95": None, "ratings": 1, "mos_p910": None, "ci95_p910": None,
        "unusable": 0,
    }  # fmt: skip
    assert rows[2] == {"participant": "p", "ratings": 2, "bias": None, "inconsistency": None}


@pytest.mark.parametrize("number", range(len(SIZES)))
@pytest.mark.slow
def test_p910_agrees_with_sureal_on_complete_designs(number: int) -> None:
    design = complete_designs()[number]
    table, theirs = estimate_mos(design.ratings()), design.found["p910"]
    np.testing.assert_allclose(table.mos_p910, theirs["quality_scores"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(table.bias, theirs["observer_bias"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(table.inconsistency, theirs["observer_inconsistency"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_mos_and_its_standard_error_agree_with_sureal(number: int) -> None:
    design = complete_designs()[number]
    everyone = [not rejected for rejected in design.found["bt500"]["observer_rejected"]]
    ratings = design.ratings()
    table = estimate_mos(ratings, np.array(everyone)[ratings.participant])
    np.testing.assert_allclose(table.mos, design.found["bt500"]["quality_scores"], rtol=0, atol=1e-9)
    error = table.sos / np.sqrt(table.ratings)
    np.testing.assert_allclose(error, design.found["bt500"]["quality_scores_std"], rtol=0, atol=1e-9)


def test_p910_finds_who_is_strict_and_who_is_careless() -> None:
    rng = np.random.default_rng(0)
    stimulus, person = np.indices((200, 12)).reshape(2, -1)
    bias, noise = np.linspace(-0.5, 0.5, 12), np.linspace(0.2, 1.2, 12)[::-1]
    grade = rng.uniform(0, 10, 200)[stimulus] + bias[person] + noise[person] * rng.normal(size=person.size)
    table = estimate_mos(Ratings.from_columns(stimulus, person, grade, scale=(-5, 15)))
    np.testing.assert_allclose(table.bias, bias, atol=0.2)
    np.testing.assert_allclose(table.inconsistency, noise, rtol=0.15)
    assert table.bias.mean() == pytest.approx(0, abs=1e-12)


def test_p910_lets_random_clickers_do_less_harm_than_the_mean_does() -> None:
    study = simulate(Design(golds=0, traps=0, repeats=0), seed=1)
    table = estimate_mos(study.ratings)
    error = [np.sqrt(np.mean((mos - study.truth) ** 2)) for mos in (table.mos, table.mos_p910)]
    assert error[1] < 0.6 * error[0]


def test_participant_with_a_handful_of_votes_shifts_nobodys_score() -> None:
    ratings = simulate(HONEST, seed=0).ratings
    more = Ratings.from_columns(
        np.r_[ratings.stimulus, 0], np.r_[ratings.participant, 60], np.r_[ratings.grade, 5.0], scale=(1, 5)
    )
    before, after = estimate_mos(ratings), estimate_mos(more)
    np.testing.assert_array_equal(before.mos_p910, after.mos_p910)
    assert after.ratings[0] == before.ratings[0] + 1
    assert math.isnan(after.bias[60])


def test_thin_stimulus_is_scored_with_what_the_others_gave() -> None:
    ratings = simulate(HONEST, seed=0).ratings
    kept = ratings.where((ratings.stimulus != 7) | (np.cumsum(ratings.stimulus == 7) <= 2))
    table = estimate_mos(kept)
    rows = np.flatnonzero(kept.stimulus == 7)
    people = kept.participant[rows]
    weight = 1 / table.inconsistency[people] ** 2
    expected = np.average(kept.grade[rows] - table.bias[people], weights=weight)
    assert table.mos_p910[7] == pytest.approx(expected, abs=1e-6)
    assert table.ci95_p910[7] == pytest.approx(12.706 / math.sqrt(weight.sum()), rel=1e-3)


def test_study_too_thin_for_the_model_has_no_estimate_rather_than_a_wrong_one() -> None:
    thin = Design(stimuli=100, participants=20, seen=25, golds=0, traps=0, repeats=0, clickers=0)
    assert np.isnan(estimate_mos(simulate(thin, seed=0).ratings).mos_p910).all()


def test_nobody_gets_all_the_weight_by_chance() -> None:
    thin = Design(stimuli=60, participants=24, seen=FEWEST_VOTES_OF_PARTICIPANT, golds=0, traps=0, repeats=0)
    for seed in range(5):
        fit = fit_subjects(simulate(thin, seed).ratings)
        assert fit.inconsistency.min() >= LEAST_INCONSISTENCY * np.median(fit.inconsistency) * (1 - 1e-9)


def test_interval_of_p910_holds_the_truth_about_as_often_as_it_says() -> None:
    inside = []
    for seed in range(4):
        study = simulate(Design(golds=0, traps=0, repeats=0), seed)
        table = estimate_mos(study.ratings)
        error = table.mos_p910 - study.truth
        inside.append(np.mean(np.abs(error - error.mean()) <= table.ci95_p910))
    assert 0.92 <= np.mean(inside) <= 0.97


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.sampled_from([-2.0, 0.5, 10.0]))
def test_order_of_rows_does_not_matter_and_a_shift_of_all_grades_shifts_every_score(seed: int, shift: float) -> None:
    ratings = simulate(HONEST, seed=3).ratings
    order = np.random.default_rng(seed).permutation(len(ratings))
    shuffled = ratings.where(order)
    moved = Ratings.from_columns(shuffled.stimulus, shuffled.participant, shuffled.grade + shift)
    before, after = estimate_mos(ratings), estimate_mos(moved)
    np.testing.assert_allclose(after.mos, before.mos + shift, atol=1e-9)
    np.testing.assert_allclose(after.mos_p910, before.mos_p910 + shift, atol=1e-6)
    np.testing.assert_allclose(after.ci95_p910, before.ci95_p910, atol=1e-6)


def test_sos_parameter_is_found_again() -> None:
    rng = np.random.default_rng(0)
    mos = rng.uniform(1.5, 4.5, 400)
    spread = np.sqrt(0.15 * (mos - 1) * (5 - mos))
    stimulus = np.repeat(np.arange(400), 30)
    grade = mos[stimulus] + spread[stimulus] * rng.normal(size=stimulus.size)
    table = estimate_mos(Ratings.from_columns(stimulus, np.tile(np.arange(30), 400), grade))
    assert sos_parameter(table) == pytest.approx(0.15, rel=0.05)


@settings(deadline=None)  # the machine may be busy
@given(grades=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=6), min_size=1, max_size=6))
def test_sos_parameter_is_at_most_as_much_disagreement_as_is_possible(grades: list[list[int]]) -> None:
    rows = [
        (str(stimulus), str(person), float(grade))
        for stimulus, each in enumerate(grades)
        for person, grade in enumerate(each)
    ]
    parameter = sos_parameter(table_of(*rows))
    assert math.isnan(parameter) or 0 <= parameter <= 1


def test_two_people_at_both_ends_of_the_scale_disagree_as_far_as_is_possible() -> None:
    assert sos_parameter(table_of(("a", "p", 1.0), ("a", "q", 5.0))) == pytest.approx(1)


def test_few_ratings_that_agree_by_chance_do_not_promise_that_all_will() -> None:
    study = simulate(HONEST, seed=0).ratings
    twice = study.where((study.stimulus != 4) | ((study.stimulus == 4) & (study.grade == 3)))
    table = estimate_mos(twice)
    assert table.sos[4] == 0
    assert expected_sos(table)[4] > 0.3


def test_one_rating_at_the_end_of_the_scale_does_not_promise_that_all_will_be() -> None:
    study = simulate(HONEST, seed=0).ratings
    rows = study.stimulus != 4
    rows[np.flatnonzero(study.stimulus == 4)[0]] = True
    best = replace(study, grade=np.where(study.stimulus == 4, 5.0, study.grade)).where(rows)
    assert expected_sos(estimate_mos(best))[4] > 0.4


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(RatingsError, match="2 grades"):
        Ratings.from_columns(["a"], ["p", "q"], [1.0, 2.0])


def test_rating_of_an_unknown_stimulus_is_refused() -> None:
    with pytest.raises(RatingsError, match="'b'"):
        Ratings.from_columns(["b"], ["p"], [1.0], stimuli=["a"])
