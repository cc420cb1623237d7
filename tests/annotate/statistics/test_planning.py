"""The next batch is what a rating says most about."""

import json
import math
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotate.errors import SettingError
from annotate.exchange.scores import read_scores, scores_of
from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.planning import expected_ci95, missing_ratings, next_batch, ratings_for_ci95
from annotate.statistics.ratings import Ratings
from tests.annotate.simulated import Design, simulate

HONEST = Design(stimuli=100, participants=20, seen=50, golds=0, traps=0, repeats=0, clickers=0)


def table(kept: dict[int, int] | None = None, stimuli: int = 100) -> MosTable:
    """Return a study of ten ratings a stimulus, of which some stimuli keep only so many."""
    ratings = simulate(HONEST, seed=0).ratings
    rows = np.ones(len(ratings), bool)
    for stimulus, count in (kept or {}).items():
        rows[np.flatnonzero(ratings.stimulus == stimulus)[count:]] = False
    chosen = ratings.where(rows)
    return estimate_mos(Ratings.from_columns(chosen.stimulus, chosen.participant, chosen.grade, stimuli=range(stimuli)))


def test_stimuli_with_fewest_ratings_come_first() -> None:
    batch = next_batch(table({7: 0, 30: 1, 60: 3}), 3)
    assert [candidate.stimulus for candidate in batch] == ["7", "30", "60"]
    assert [candidate.ratings for candidate in batch] == [0, 1, 3]


def test_of_stimuli_with_as_many_ratings_the_disputed_come_first() -> None:
    study = table()
    gains = [candidate.stimulus for candidate in next_batch(study, 100)]
    ranks = [study.sos[study.stimulus_ids.index(name)] for name in gains]
    assert np.mean(ranks[:20]) > np.mean(ranks[-20:])


def test_every_further_rating_gains_less() -> None:
    widths = [next(each for each in next_batch(table({7: kept}), 100) if each.stimulus == "7") for kept in range(6)]
    gains = [each.uncertainty**2 - each.after_one**2 for each in widths]
    assert gains == sorted(gains, reverse=True)
    assert all(gain > 0 for gain in gains)


def test_uncertainty_holds_the_truth_about_as_often_as_it_says() -> None:
    study = simulate(HONEST, seed=4)
    found = estimate_mos(study.ratings)
    width = {each.stimulus: each.uncertainty for each in next_batch(found, 100)}
    error = found.mos - study.truth
    inside = np.abs(error - error.mean()) <= [width[name] for name in found.stimulus_ids]
    assert 0.88 <= inside.mean() <= 1


def test_done_stimuli_are_left_out() -> None:
    study = table({7: 4})
    assert [each.stimulus for each in next_batch(study, 100, wanted_ratings=10)] == ["7"]
    assert not next_batch(study, 100, wanted_ratings=4)
    wide = next_batch(study, 100, wanted_ci95=0.45)
    assert "7" in {each.stimulus for each in wide}
    assert all(each.uncertainty > 0.45 for each in wide)
    assert len(wide) < 100


def test_people_who_disagree_by_the_whole_scale_leave_every_mos_open() -> None:
    grades = [1.0, 5.0, 5.0, 1.0]
    study = estimate_mos(Ratings.from_columns(["a", "a", "b", "b"], ["p", "q", "p", "q"], grades))
    assert all(each.uncertainty > 1 for each in next_batch(study, 2))


@pytest.mark.parametrize("ci95", [1e-300, 0.05, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("constant", [True, False], ids=["all grades alike", "as simulated"])
def test_ratings_are_missing_exactly_of_the_stimuli_that_are_listed(ci95: float, *, constant: bool) -> None:
    study = simulate(HONEST, seed=0).ratings
    ratings = replace(study, grade=np.full_like(study.grade, 3.0)) if constant else study
    found = estimate_mos(ratings.where(np.arange(len(ratings)) % 3 == 0))
    missing = missing_ratings(found, wanted_ci95=ci95)
    listed = {each.stimulus: each for each in next_batch(found, 1000, wanted_ci95=ci95)}
    assert set(listed) == {name for name, count in zip(found.stimulus_ids, missing, strict=True) if count}
    assert all(each.uncertainty > ci95 for each in listed.values())
    assert all(
        each.after_one <= ci95 for each in listed.values() if missing[found.stimulus_ids.index(each.stimulus)] == 1
    )


@pytest.mark.parametrize("ci95", [0.0, -1.0, np.nan, np.inf])
def test_interval_that_cannot_be_reached_is_refused(ci95: float) -> None:
    with pytest.raises(SettingError, match="above 0"):
        next_batch(table(), 5, wanted_ci95=ci95)


def model_scores() -> dict[str, float]:
    """Return a good model's scores of the study's stimuli, on a scale of its own."""
    truth = simulate(HONEST, seed=0).truth
    noise = np.random.default_rng(0).normal(0, 0.3, truth.size)
    return {str(stimulus): float(score) for stimulus, score in enumerate(3 * (truth + noise) - 40)}


def test_pictures_a_model_knows_something_about_come_after_those_nothing_is_known_of() -> None:
    study = table(dict.fromkeys(range(10), 0))
    scores = {name: score for name, score in model_scores().items() if int(name) not in (4, 6)}
    batch = next_batch(study, 10, model_scores=scores)
    assert {each.stimulus for each in batch[:2]} == {"4", "6"}
    assert batch[2].uncertainty < 0.5 * batch[0].uncertainty


def test_scale_of_the_model_scores_does_not_matter() -> None:
    study = table(dict.fromkeys(range(10), 0))
    scores = model_scores()
    turned = {name: 7 - 0.01 * score for name, score in scores.items()}
    first, second = (next_batch(study, 100, model_scores=each) for each in (scores, turned))
    np.testing.assert_allclose([each.uncertainty for each in first], [each.uncertainty for each in second])


@pytest.mark.parametrize("scores", [{}, {"1": 0.5}, {str(index): 0.5 for index in range(100)}])
def test_scores_that_say_nothing_change_nothing(scores: dict[str, float]) -> None:
    assert next_batch(table({7: 0}), 5, model_scores=scores) == next_batch(table({7: 0}), 5)


def test_study_without_ratings_can_be_planned() -> None:
    study = estimate_mos(Ratings.from_columns([], [], [], stimuli=["a", "b", "c"]))
    batch = next_batch(study, 2)
    assert [each.stimulus for each in batch] == ["a", "b"]
    assert "0 ratings" in batch[0].reason
    json.dumps([each.row() for each in batch], allow_nan=False)


def test_scores_may_come_by_path_as_they_are_written_for_files(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    file.write_text("path,score,error\nphotos/a/1.png,2.5,\nphotos/b/1.png,4,\nphotos/2.png,,No face was found.\n")
    scores = read_scores(file)
    assert scores_of(["a/1.png", "b/1.png", "2.png"], scores) == {"a/1.png": 2.5, "b/1.png": 4}
    assert scores_of(["1.png", "photos/b/1.png"], scores) == {"photos/b/1.png": 4}, "1.png could be either"
    with pytest.raises(SettingError, match=r"None of the rows is of a picture of this study; the first is called"):
        scores_of(["x.png"], scores)
    file.write_text("name,score\na,1\n")
    with pytest.raises(SettingError, match="needs a column stimulus or path"):
        read_scores(file)


def test_scores_are_found_by_the_names_of_another_system() -> None:
    mac = unicodedata.normalize("NFD", "Müller.png")
    assert scores_of(["a/Müller.png"], {f"photos\\a\\{mac}": 2.5}) == {"a/Müller.png": 2.5}
    assert scores_of([f"a/{mac}"], {"photos/a/Müller.png": 2.5}) == {f"a/{mac}": 2.5}
    assert scores_of(["a\\b.png"], {"a\\b.png": 1.0}) == {"a\\b.png": 1.0}


def test_people_needed_for_a_certainty_are_those_that_give_it() -> None:
    needed = ratings_for_ci95(0.25, 4.0)
    assert expected_ci95(needed, 4.0) <= 0.25 < expected_ci95(needed - 1, 4.0)
    assert expected_ci95(20, 4.0) == pytest.approx(2.093 * 4 / 6 / 20**0.5, rel=1e-3)
    assert ratings_for_ci95(1e-9, 4.0) == 1000
    assert math.isnan(expected_ci95(1, 4.0))
