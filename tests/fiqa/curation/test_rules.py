import pytest

from fiqa.curation.rules import Rules, read_degradations, sort_photos
from fiqa.errors import SettingError
from tests.fiqa.curation.conftest import MakeFacts

A, B = "0" * 64, "f" * 64
"""Hashes of pictures that do not look alike."""


def test_photos_are_kept_from_the_threshold_and_maybe_where_their_interval_reaches_it(facts: MakeFacts) -> None:
    photos = [facts(name, score) for name, score in (("a", 0.6), ("b", 0.59), ("c", 0.54), ("d", None))]
    found = sort_photos(photos, Rules(threshold=0.6))
    assert [photo.verdict for photo in found] == ["keep", "maybe", "drop", "unscored"]
    assert found[1].reason == "below 0.600, and its interval reaches it"
    assert found[3].reason == "d is damaged."


def test_without_a_rule_every_scored_photo_is_kept(facts: MakeFacts) -> None:
    assert [photo.verdict for photo in sort_photos([facts("a", 0.01), facts("b", None)], Rules())] == [
        "keep",
        "unscored",
    ]


def test_an_unwanted_degradation_drops_a_photo_whatever_its_score(facts: MakeFacts) -> None:
    photos = [facts("a", 0.9, degradation="motion_blur"), facts("b", 0.9, degradation="jpeg")]
    found = sort_photos(photos, Rules(threshold=0.5, without=frozenset({"motion_blur"})))
    assert [(photo.verdict, photo.reason) for photo in found] == [("drop", "diagnosed as motion_blur"), ("keep", None)]


def test_the_best_of_near_duplicates_stays(facts: MakeFacts) -> None:
    near = "1" + A[1:]
    photos = [facts("a", 0.7, hash=A), facts("b", 0.8, hash=near), facts("c", 0.1, hash=B), facts("d", 0.7, hash=A)]
    found = sort_photos(photos, Rules(near_duplicates=True))
    assert [(photo.verdict, photo.duplicate_of) for photo in found] == [
        ("drop", "b"), ("keep", None), ("keep", None), ("drop", "b"),
    ]  # fmt: skip


def test_a_photo_dropped_for_its_degradation_takes_no_duplicate_with_it(facts: MakeFacts) -> None:
    photos = [facts("a", 0.9, hash=A, degradation="jpeg"), facts("b", 0.8, hash=A, degradation="clean")]
    found = sort_photos(photos, Rules(near_duplicates=True, without=frozenset({"jpeg"})))
    assert [photo.verdict for photo in found] == ["drop", "keep"]


def test_the_best_of_each_folder_stay_by_score_then_by_name(facts: MakeFacts) -> None:
    photos = [facts("x/b", 0.7), facts("x/a", 0.7), facts("x/c", 0.9), facts("y/d", 0.1), facts("top", 0.2)]
    found = sort_photos(photos, Rules(best_of=2))
    assert [photo.verdict for photo in found] == ["drop", "keep", "keep", "keep", "keep"]
    assert found[0].reason == "not among the best 2 of x"


def test_persons_go_before_folders_and_a_threshold_before_the_best(facts: MakeFacts) -> None:
    persons = {"x/a": "Ann", "y/b": "Ann", "y/c": "Ben"}
    photos = [facts("x/a", 0.7), facts("y/b", 0.8), facts("y/c", 0.3)]
    found = sort_photos(photos, Rules(threshold=0.5, best_of=1, persons=persons))
    assert [(photo.group, photo.verdict) for photo in found] == [("Ann", "drop"), ("Ann", "keep"), ("Ben", "drop")]
    assert found[2].reason == "below 0.500"


def test_names_of_degradations_may_stand_for_several() -> None:
    types = ("gaussian_blur", "motion_blur", "jpeg")
    assert read_degradations(["blur", "jpeg"], types) == {"gaussian_blur", "motion_blur", "jpeg"}
    with pytest.raises(SettingError, match="no degradation 'ugly': choose of blur"):
        read_degradations(["ugly"], types)


def test_the_best_none_are_refused() -> None:
    with pytest.raises(SettingError, match="expected a whole number from 1"):
        Rules(best_of=0)
