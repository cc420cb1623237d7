"""Which pairs to compare next."""

import numpy as np
import pytest
from scipy import stats

from annotate.statistics.comparisons import Comparisons
from annotate.statistics.pair_planning import (
    NO_PAIR,
    expected_information,
    order_certainty,
    plan_batch,
    plan_pairs,
    with_answers_to_come,
)
from annotate.statistics.paired_scale import PairedScale, fit_paired_scale
from annotate.statistics.ratings import Numbers
from tests.annotate.paired import JOD, simulate


@pytest.fixture
def scale() -> PairedScale:
    """Six stimuli, the last two next to each other."""
    return fit_paired_scale(simulate(np.array([-4.0, -2.0, 0.0, 1.0, 2.0, 2.1]), people=10))


def test_close_pairs_tell_more_than_far_ones(scale: PairedScale) -> None:
    information = expected_information(scale)
    assert information[4, 5] > information[2, 3] > information[0, 5] >= 0
    np.testing.assert_allclose(information, information.T, atol=1e-12)
    assert information.max() < 1


def test_the_information_is_what_integration_says(scale: PairedScale) -> None:
    contrast = np.array([0, 0, 1, -1, 0, 0])
    distance = stats.norm(contrast @ scale.jod, np.sqrt(contrast @ scale.covariance @ contrast))

    def entropy(better: float) -> float:
        return float(stats.entropy([better, 1 - better], base=2))

    mean = distance.expect(lambda d: stats.norm.cdf(JOD * d))
    noise = distance.expect(lambda d: entropy(stats.norm.cdf(JOD * d)))
    assert expected_information(scale)[2, 3] == pytest.approx(entropy(mean) - noise, abs=1e-6)


def test_every_batch_links_all_stimuli_and_no_pair_comes_twice(scale: PairedScale) -> None:
    pairs = plan_pairs(scale, 10)
    assert len({frozenset(pair[:2]) for pair in pairs}) == 10
    for batch in (pairs[:5], pairs[5:]):
        left, right = [pair.stimulus for pair in batch], [pair.other for pair in batch]
        linked = Comparisons.from_columns(left, right, "ppppp", ["left"] * 5)
        assert len(linked.stimulus_ids) == 6
        assert not linked.groups.any()


def test_no_more_pairs_are_planned_than_there_are(scale: PairedScale) -> None:
    assert len(plan_pairs(scale, 100)) == 15


def test_stimuli_that_nothing_links_are_linked_first() -> None:
    comparisons = Comparisons.from_columns("aaaacccc", "bbbbdddd", "pqrspqrs", ["left"] * 8)
    best = plan_pairs(fit_paired_scale(comparisons), 1)[0]
    assert {best.stimulus, best.other} not in ({"a", "b"}, {"c", "d"})


def test_a_batch_leaves_out_what_is_not_to_be_planned() -> None:
    information = np.array([[0, 0.5, 0.1], [0.5, 0, NO_PAIR], [0.1, NO_PAIR, 0]])
    assert plan_batch(information) == [(0, 1), (0, 2)]
    information[0, 1] = information[1, 0] = NO_PAIR
    assert plan_batch(information) == [(0, 2)]


def test_answers_to_come_make_a_scale_as_certain_as_they_would(scale: PairedScale) -> None:
    contrast = np.array([0, 0, 1, -1, 0, 0])
    expected = with_answers_to_come(scale, {(2, 3): 10})
    distance = stats.norm(0, 1).ppf(0.75) * (scale.jod[2] - scale.jod[3])
    known = (JOD * stats.norm.pdf(distance)) ** 2 / (stats.norm.cdf(distance) * stats.norm.sf(distance))
    before, after = (contrast @ each.covariance @ contrast for each in (scale, expected))
    assert 1 / after == pytest.approx(1 / before + 10 * known)
    assert expected.jod is scale.jod


def test_the_certainty_of_an_order_is_that_of_its_closest_neighbours(scale: PairedScale) -> None:
    contrast = np.array([0, 0, 0, 0, -1, 1])
    spread = np.sqrt(contrast @ scale.covariance @ contrast)
    assert order_certainty(scale) == pytest.approx(stats.norm.cdf(abs(contrast @ scale.jod) / spread))


def test_planned_pairs_find_the_order_of_close_stimuli_with_fewer_comparisons_than_all_pairs() -> None:
    truth = np.linspace(-4, 4, 12)  # 66 pairs
    found: dict[str, list[float]] = {"all": [], "planned": []}
    for seed in range(8):
        rounds = simulate(truth, people=3, seed=seed)  # 198 comparisons
        found["all"].append(_order(fit_paired_scale(rounds)))
        found["planned"].append(_order(_planned(truth, total=198, seed=seed)))
    assert np.mean(found["planned"]) > np.mean(found["all"])


def _planned(truth: Numbers, *, total: int, seed: int) -> PairedScale:
    """Compare each pair once, then only those that are planned."""
    generator = np.random.default_rng(1000 + seed)
    place = {f"{number:03}.png": number for number in range(truth.size)}
    rows = (
        simulate(truth, people=1, seed=seed).to_frame()[["left", "right", "participant", "preferred"]].values.tolist()
    )
    while len(rows) < total:
        for pair in plan_pairs(fit_paired_scale(Comparisons.from_columns(*zip(*rows, strict=True))), 11):
            felt = JOD * (truth[place[pair.stimulus]] - truth[place[pair.other]]) + generator.standard_normal()
            rows.append((pair.stimulus, pair.other, "p", "left" if felt > 0 else "right"))
    return fit_paired_scale(Comparisons.from_columns(*zip(*rows[:total], strict=True)))


def _order(scale: PairedScale) -> float:
    return float(stats.kendalltau(scale.jod, np.arange(scale.jod.size)).statistic)
