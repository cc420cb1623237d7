"""Random clickers are caught, honest people are not, and every check says why."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from annotate.design.items import ItemKind
from annotate.statistics.findings import Check, Finding, ScreeningRules
from annotate.statistics.mos import estimate_mos
from annotate.statistics.participant_checks import agreement, bt500, remove_bias
from annotate.statistics.ratings import Ratings
from annotate.statistics.screening import Screening, screen
from annotate.statistics.sitting_checks import check_sittings
from tests.annotate.simulated import Design, SimulatedStudy, simulate
from tests.annotate.sureal_reference import SIZES, complete_designs

SEEDS = range(4)
PLANTED = {
    "random": Design(),
    "dodging traps": Design(dodging=True),
    "dodging traps, middle grades": Design(dodging=True, cautious=True),
    "no gold, trap or repeated items": Design(golds=0, traps=0, repeats=0),
    "short sittings": Design(stimuli=125, seen=25, golds=3, traps=3, repeats=3),
}


def caught_and_wronged(study: SimulatedStudy, screening: Screening) -> tuple[float, float]:
    left_out = ~screening.participant_used
    return float(left_out[study.clicker].mean()), float(left_out[~study.clicker].mean())


@pytest.mark.parametrize("design", PLANTED.values(), ids=PLANTED)
def test_planted_clickers_are_caught_and_honest_people_are_not(design: Design) -> None:
    studies = [simulate(design, seed) for seed in SEEDS]
    shares = [caught_and_wronged(study, screen(study.ratings)) for study in studies]
    caught, wronged = np.mean(shares, axis=0)
    assert caught >= 0.9
    assert wronged <= 0.03


def test_error_of_the_final_mos_is_at_most_half_that_of_the_plain_mean() -> None:
    """As studies run: people who were rejected are replaced, so that 20 accepted ratings remain."""
    ratios = []
    for seed in SEEDS:
        study = simulate(Design(participants=125), seed)
        final = estimate_mos(study.ratings, screen(study.ratings).used)
        plain = estimate_mos(study.ratings, study.ratings.participant < 100)
        errors = [mos[: study.truth.size] - study.truth for mos in (final.mos_p910, plain.mos)]
        ratios.append(np.linalg.norm(errors[0]) / np.linalg.norm(errors[1]))
    assert np.mean(ratios) <= 0.5


def test_many_clickers_are_caught_in_turn() -> None:
    study = simulate(Design(clickers=0.4, golds=0, traps=0, repeats=0), seed=0)
    caught, wronged = caught_and_wronged(study, screen(study.ratings))
    assert caught >= 0.9
    assert wronged <= 0.03


def test_what_is_usual_is_told_by_those_whose_sittings_were_accepted() -> None:
    """Even most people may click at random, if gold items find most of them."""
    study = simulate(Design(clickers=0.6, dodging=True, golds=4), seed=0)
    screening = screen(study.ratings)
    by_gold = {finding.participant for finding in screening.findings if finding.check is Check.GOLD}
    assert len(by_gold) < 0.9 * study.clicker.sum()
    caught, wronged = caught_and_wronged(study, screening)
    assert caught >= 0.98
    assert wronged <= 0.03


def test_honest_study_is_left_alone() -> None:
    screening = screen(simulate(Design(clickers=0), seed=2).ratings)
    assert screening.sitting_accepted.mean() >= 0.98
    assert screening.used.mean() >= 0.98


def sitting(
    grade: ArrayLike, *, kind: ArrayLike | None = None, expected: ArrayLike | None = None, **columns: Any
) -> Ratings:
    """Return the answers of one sitting, every one to another stimulus unless `stimulus` says otherwise."""
    stimulus = columns.pop("stimulus", np.arange(np.size(grade)))
    return Ratings.from_columns(stimulus, ["p"] * np.size(grade), grade, kind=kind, expected=expected, **columns)


def found(ratings: Ratings, check: Check, rules: ScreeningRules | None = None) -> Finding | None:
    findings = [each for each in check_sittings(ratings, rules or ScreeningRules()) if each.check is check]
    return findings[0] if findings else None


def varied(count: int) -> list[float]:
    return [float(1 + place * 7 % 5) for place in range(count)]


@pytest.mark.parametrize(("kind", "check"), [(ItemKind.GOLD, Check.GOLD), (ItemKind.TRAP, Check.TRAP)])
def test_wrong_answers_to_gold_and_trap_items_reject_a_sitting(kind: ItemKind, check: Check) -> None:
    finding = found(sitting([1, 1, 5, 5], kind=[int(kind)] * 4, expected=[5, 5, 5, 5]), check)
    assert finding is not None
    assert finding.rejects_sitting
    assert finding.excludes_votes
    assert finding.value == 0.5
    assert "2 of 4" in finding.reason


def test_one_slip_is_no_evidence() -> None:
    assert found(sitting([1, 5], kind=[int(ItemKind.TRAP)] * 2, expected=[5, 5]), Check.TRAP) is None


def test_gold_item_may_be_one_grade_off_and_a_trap_may_not() -> None:
    off_by_one = {"grade": [4, 4, 4], "expected": [5, 5, 5]}
    assert found(sitting(kind=[int(ItemKind.GOLD)] * 3, **off_by_one), Check.GOLD) is None
    assert found(sitting(kind=[int(ItemKind.TRAP)] * 3, **off_by_one), Check.TRAP) is not None


def test_unusable_content_is_no_wrong_answer() -> None:
    ratings = sitting([np.nan, np.nan], kind=[int(ItemKind.GOLD)] * 2, expected=[5, 5])
    assert found(ratings, Check.GOLD) is None


def test_one_grade_all_along_is_straight_lining() -> None:
    finding = found(sitting([3.0] * 20), Check.STRAIGHT_LINER)
    assert finding is not None
    assert finding.rejects_sitting
    assert "20 grades" in finding.reason
    assert found(sitting(varied(20)), Check.STRAIGHT_LINER) is None


def test_long_run_of_one_grade_is_straight_lining_in_the_order_of_the_answers() -> None:
    grades = varied(30) + [2.0] * 25
    finding = found(sitting(grades), Check.STRAIGHT_LINER)
    assert finding is not None
    assert finding.value >= 25
    assert found(sitting(grades, sequence=[n * 11 % 55 * 7 % 55 for n in range(55)]), Check.STRAIGHT_LINER) is None


def test_runs_do_not_go_on_from_sitting_to_sitting() -> None:
    grades = varied(10) + [2.0] * 26 + varied(10)
    assert found(sitting(grades, sitting=[0] * 23 + [1] * 23), Check.STRAIGHT_LINER) is None


def test_answers_faster_than_anyone_can_look_reject_a_sitting() -> None:
    finding = found(sitting(varied(20), response_ms=[150] * 6 + [2000] * 14), Check.RESPONSE_TIME)
    assert finding is not None
    assert finding.rejects_sitting
    assert "6 of 20 answers came within 400 ms" in finding.reason
    assert found(sitting(varied(20), response_ms=[150] * 4 + [2000] * 16), Check.RESPONSE_TIME) is None


def test_unknown_response_times_tell_nothing() -> None:
    assert found(sitting(varied(20)), Check.RESPONSE_TIME) is None


def repeated(second: list[float]) -> Ratings:
    first = varied(20)
    kind = [int(ItemKind.RATED)] * 20 + [int(ItemKind.REPEAT)] * len(second)
    return sitting(first + second, kind=kind, stimulus=np.r_[np.arange(20), np.arange(len(second))])


def test_repeats_graded_like_any_two_pictures_are_reported_without_consequence() -> None:
    finding = found(repeated([6 - grade for grade in varied(6)]), Check.REPEATS)
    assert finding is not None
    assert not finding.excludes_votes
    assert found(repeated(varied(6)), Check.REPEATS) is None


def test_distance_of_repeats_is_measured_against_any_two_answers() -> None:
    second = [6 - grade for grade in varied(6)]
    grades = np.array(varied(20) + second)
    any_two = np.abs(np.subtract.outer(grades, grades)).sum() / (26 * 25)
    apart = np.mean(np.abs(np.array(varied(6)) - second))
    finding = found(repeated(second), Check.REPEATS)
    assert finding is not None
    assert finding.value == pytest.approx(apart / any_two)


def test_repeat_whose_first_showing_was_never_graded_is_passed_over() -> None:
    kind = [int(ItemKind.REPEAT)] * 6
    assert found(sitting(varied(6), kind=kind), Check.REPEATS) is None


def test_rules_may_give_a_check_consequence_or_take_it() -> None:
    strict = ScreeningRules(reported_only=())
    finding = found(repeated([6 - grade for grade in varied(6)]), Check.REPEATS, strict)
    assert finding is not None
    assert (finding.excludes_votes, finding.rejects_sitting) == (True, False)
    lenient = ScreeningRules(reported_only=(Check.STRAIGHT_LINER,))
    finding = found(sitting([3.0] * 20), Check.STRAIGHT_LINER, lenient)
    assert finding is not None
    assert (finding.excludes_votes, finding.rejects_sitting) == (False, False)


def test_sitting_is_judged_alike_alone_and_among_others() -> None:
    ratings = simulate(Design(), seed=0).ratings
    among = [each for each in check_sittings(ratings) if each.participant == "5"]
    alone = list(check_sittings(ratings.where(ratings.participant == 5)))
    assert among == alone != []


@pytest.mark.parametrize("number", range(len(SIZES)))
@pytest.mark.slow
def test_bt500_agrees_with_sureal_on_complete_designs(number: int) -> None:
    design = complete_designs()[number]
    ratings, theirs = design.ratings(), design.found["bt500"]
    counts = bt500(ratings, ratings.grade)
    np.testing.assert_allclose(counts.share, theirs["observer_rejected_1st_stats"], rtol=0, atol=1e-9)
    outside = counts.share > 0  # sureal divides by zero where no vote is outside
    balance = np.array(theirs["observer_rejected_2nd_stats"])
    np.testing.assert_allclose(counts.balance[outside], balance[outside], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(counts.rejected(), np.array(theirs["observer_rejected"], bool))


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_p913_bias_removal_agrees_with_sureal_on_complete_designs(number: int) -> None:
    design = complete_designs()[number]
    ratings, theirs = design.ratings(), design.found["p913"]
    bias = ratings.grade - remove_bias(ratings)
    np.testing.assert_allclose(bias[: design.matrix.shape[1]], theirs["observer_bias"], rtol=0, atol=1e-9)
    counts = bt500(ratings, remove_bias(ratings))
    np.testing.assert_allclose(counts.share, theirs["observer_rejected_1st_stats"], rtol=0, atol=1e-9)


def test_reference_rejects_somebody_and_not_everybody() -> None:
    """Else the comparisons above would say nothing."""
    rejected = np.concatenate([design.found["bt500"]["observer_rejected"] for design in complete_designs()])
    assert 0 < rejected.mean() < 0.5


def test_bt500_counts_a_share_of_the_participants_own_votes() -> None:
    study = simulate(Design(golds=0, traps=0, repeats=0), seed=0)
    counts = bt500(study.ratings, study.ratings.grade)
    own = counts.rejected()[study.clicker].mean()
    of_all_stimuli = ((counts.above + counts.below) / study.truth.size > 0.05)[study.clicker].mean()
    assert own > 0.5
    assert of_all_stimuli < 0.1


def test_bt500_counts_nothing_where_all_agree() -> None:
    stimulus, participant = np.indices((10, 8)).reshape(2, -1)
    counts = bt500(agreed := Ratings.from_columns(stimulus, participant, np.full(80, 4.1)), agreed.grade)
    assert not counts.above.any()
    assert not counts.below.any()


def test_bt500_is_reported_without_consequence_unless_the_rules_say_so() -> None:
    ratings = simulate(Design(clickers=0), seed=0).ratings
    reported = screen(ratings)
    assert any(each.check is Check.BT500 for each in reported.findings)
    strict = screen(ratings, ScreeningRules(reported_only=()))
    assert strict.used.sum() < reported.used.sum()


def test_agreement_is_the_correlation_with_the_others_alone() -> None:
    study = simulate(Design(stimuli=50, participants=10, seen=50, clickers=0), seed=0).ratings
    votes = study.where(study.counted)
    mine, others = votes.where(votes.participant == 3), votes.where(votes.participant != 3)
    mean = np.array([others.grade[others.stimulus == each].mean() for each in mine.stimulus])
    compared = agreement(study)
    assert compared.correlation[3] == pytest.approx(np.corrcoef(mine.grade, mean)[0, 1])
    assert compared.votes[3] == 50


def test_disagreement_excludes_votes_and_still_accepts_the_sitting() -> None:
    study = simulate(Design(golds=0, traps=0, repeats=0), seed=0)
    screening = screen(study.ratings)
    finding = next(each for each in screening.findings if each.check is Check.AGREEMENT)
    person = study.ratings.participant_ids.index(finding.participant)
    assert screening.sitting_accepted.all()
    assert not screening.participant_used[person]
    assert not screening.used[study.ratings.participant == person].any()
    assert "correlation" in finding.reason


def test_sitting_without_fault_is_accepted_from_somebody_whose_votes_are_not_used() -> None:
    first = sitting(varied(20) + [1, 1], kind=[0] * 20 + [int(ItemKind.TRAP)] * 2, expected=[np.nan] * 20 + [5, 5])
    ratings = Ratings.from_columns(
        np.r_[first.stimulus, np.arange(30, 50)], ["p"] * 42, np.r_[first.grade, varied(20)],
        sitting=["a"] * 22 + ["b"] * 20, kind=np.r_[first.kind, np.zeros(20)],
        expected=np.r_[first.expected, np.full(20, np.nan)],
    )  # fmt: skip
    screening = screen(ratings)
    assert screening.sitting_accepted.tolist() == [False, True]
    assert not screening.used.any()
    assert screening.participant_used.tolist() == [False]


def test_study_without_ratings_is_screened_to_nothing() -> None:
    screening = screen(Ratings.from_columns([], [], [], stimuli=["a"]))
    assert screening.findings == ()


def test_too_few_votes_are_not_compared() -> None:
    few = simulate(replace(PLANTED["short sittings"], seen=5, stimuli=25, golds=0, traps=0, repeats=0), seed=0)
    assert screen(few.ratings).used.all()


def test_screening_does_not_depend_on_the_scale() -> None:
    study = simulate(Design(), seed=1).ratings
    wide = replace(study, grade=25 * (study.grade - 1), expected=25 * (study.expected - 1), scale_low=0, scale_high=100)
    assert [each.participant for each in screen(wide).findings] == [each.participant for each in screen(study).findings]


def test_findings_are_json() -> None:
    findings = screen(simulate(Design(), seed=0).ratings).findings
    rows = json.loads(json.dumps([finding.row() for finding in findings], allow_nan=False))
    assert {row["check"] for row in rows} >= {"gold", "trap", "agreement"}
    assert all(row["reason"] for row in rows)
