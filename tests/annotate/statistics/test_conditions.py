"""What was done to pictures is compared with intervals that hold, and no more is found than there is."""

import numpy as np
import pytest
from scipy import stats

from annotate.statistics.conditions import MOST_COMPARED, Conditions, Origin, compare_conditions, holm
from annotate.statistics.ratings import Ratings

SOURCES, PEOPLE = 20, 24
METHODS = {"a": 0.0, "b": 0.0, "c": 0.6}


def compared(
    seed: int, *, sources: int = SOURCES, people: int = PEOPLE, methods: dict[str, float] = METHODS, alone: bool = False
) -> Conditions:
    """Return what is found where every photo got every method, or `alone` one, and each picture half of the people.

    Photos, people and pictures have effects of their own: a spread of 0.6, 0.4 and 0.2 grades.
    """
    rng = np.random.default_rng(seed)
    photo, person = rng.normal(3, 0.6, sources), rng.normal(0, 0.4, people)
    names = list(methods)
    made = [(s, m) for s in range(sources) for m in range(len(names)) if not alone or s % len(names) == m]
    own = rng.normal(0, 0.2, len(made))
    quality = own + [photo[s] + methods[names[m]] for s, m in made]
    stimulus = np.repeat(np.arange(len(made)), people // 2)
    participant = np.argsort(rng.random((len(made), people)))[:, : people // 2].ravel()
    grade = quality[stimulus] + person[participant] + rng.normal(0, 0.5, stimulus.size)
    ratings = Ratings.from_columns(stimulus, participant, grade, stimuli=range(len(made)))
    origins = {str(j): Origin(f"s{s}", names[m]) for j, (s, m) in enumerate(made)}
    return compare_conditions(ratings, np.ones(len(ratings), bool), origins)


def test_a_condition_is_the_mean_of_its_pictures_and_the_best_comes_first() -> None:
    ratings = Ratings.from_columns(list("aaabc"), list("pqrpq"), [1, 1, 4, 4, 5])
    found = compare_conditions(
        ratings, np.ones(5, bool), {"a": Origin("s", "x"), "b": Origin("t", "x"), "c": Origin("s", "y")}
    )
    assert [(each.condition, each.mos, each.pictures, each.ratings) for each in found.figures] == [
        ("y", 5.0, 1, 1),
        ("x", 3.0, 2, 4),
    ]
    assert np.isnan(found.figures[0].ci95)  # one photo says nothing of others
    assert found.pairs[0].row()["p"] is not None


def test_votes_of_one_person_a_photo_give_students_paired_test() -> None:
    """With as many people as photos, each in one of both, the two-way variance is that of the differences."""
    rng = np.random.default_rng(1)
    grades = rng.normal(3, 1, (2, 12))
    names = [f"{condition}{source}" for condition in "ab" for source in range(12)]
    ratings = Ratings.from_columns(names, [*range(12)] * 2, grades.ravel())
    (pair,) = compare_conditions(ratings, np.ones(24, bool), {name: Origin(name[1:], name[0]) for name in names}).pairs
    expected = stats.ttest_rel(*grades) if pair.a == "a" else stats.ttest_rel(*grades[::-1])
    assert (pair.p, pair.difference) == pytest.approx((expected.pvalue, np.ptp(grades.mean(1))))
    assert pair.shared


@pytest.mark.parametrize("alone", [False, True], ids=["shared photos", "photos of their own"])
@pytest.mark.slow
def test_intervals_hold_the_truth_and_equal_methods_are_told_apart_rarely(alone: bool) -> None:
    found = [compared(seed, sources=SOURCES * (3 if alone else 1), alone=alone) for seed in range(100)]
    truth = {name: 3 + effect for name, effect in METHODS.items()}
    held = np.mean([abs(each.mos - truth[each.condition]) <= each.ci95 for some in found for each in some.figures])
    assert 0.91 <= held <= 0.99
    wrong = np.mean([any(pair.is_certain for pair in some.pairs if {pair.a, pair.b} == {"a", "b"}) for some in found])
    assert wrong <= 0.06
    if not alone:
        right = np.mean([all(pair.is_certain for pair in some.pairs if pair.a == "c") for some in found])
        assert right >= 0.95


@pytest.mark.parametrize("count", [0, 1, 12])
def test_p_values_are_corrected_as_statsmodels_does_and_unknown_ones_stay_unknown(count: int) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(count).random(count) ** 3
    corrected = holm([np.nan, *p_values, *p_values[:2], np.nan])
    expected = multitest.multipletests([*p_values, *p_values[:2]], method="holm")[1] if count else []
    np.testing.assert_allclose(corrected, [np.nan, *expected, np.nan])


def test_a_column_that_is_no_condition_is_not_compared_in_pairs() -> None:
    many = compared(1, sources=3, people=6, methods={f"m{number}": 0.0 for number in range(MOST_COMPARED + 1)})
    assert (len(many.figures), many.pairs) == (MOST_COMPARED + 1, ())


def test_pictures_without_a_condition_and_votes_that_are_not_used_are_left_out() -> None:
    ratings = Ratings.from_columns(list("abab"), list("ppqq"), [1, 2, 5, 5])
    used = np.array([True, True, False, False])
    found = compare_conditions(ratings, used, {"a": Origin(None, "x"), "b": Origin(None, None)})
    assert [(each.condition, each.mos, each.ratings) for each in found.figures] == [("x", 1.0, 1)]
    assert compare_conditions(ratings, used, {}).figures == ()
