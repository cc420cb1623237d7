from pathlib import Path

import pytest

from fiqa import QualityPredictor
from fiqa.comparison.comparison import compare, score_with_journal
from fiqa.comparison.inputs import match_inputs
from fiqa.comparison.scoring import ScoredVersions
from fiqa.errors import SettingError

pytestmark = pytest.mark.slow

Folders = dict[str, Path]


def test_damaged_versions_score_below_the_clean_one(predictor: QualityPredictor, folders: Folders) -> None:
    comparison = compare(folders, predictor=predictor)

    assert [method.name for method in comparison.methods] == ["clean", "noisy", "blurred"]
    assert {(pair.a, pair.b): (pair.difference or 0) < -0.1 for pair in comparison.pairs[:2]} == {
        ("clean", "noisy"): True,
        ("clean", "blurred"): True,
    }
    assert all(method.photos == 2 and method.unscored == 0 for method in comparison.methods)


def test_the_stamp_says_what_it_was_computed_with(predictor: QualityPredictor, folders: Folders) -> None:
    stamp = compare({name: folders[name] for name in ("clean", "noisy")}, predictor=predictor).stamp

    assert (stamp.checkpoint, stamp.sha256, stamp.finder) == ("lite", predictor.spec.sha256, "bundled")
    assert stamp.inputs["noisy"].folder == str(folders["noisy"])
    assert stamp.inputs["noisy"].sha256 != stamp.inputs["clean"].sha256


def test_a_killed_run_goes_on_where_it_was(predictor: QualityPredictor, folders: Folders, tmp_path: Path) -> None:
    matched = match_inputs({name: str(folders[name]) for name in ("clean", "noisy")})
    first: ScoredVersions = next(score_with_journal(predictor, matched, tmp_path))
    (journal,) = (tmp_path / "comparisons").iterdir()
    journal.write_text(journal.read_text().replace('"clean": 0.', '"clean": 7.') + '{"name": "cut o')

    again = list(score_with_journal(predictor, matched, tmp_path))

    assert again[0].name == first.name
    assert (again[0].scores["clean"] or 0) > 7  # read, not computed again
    assert 0 < (again[1].scores["clean"] or 0) < 1
    assert list((tmp_path / "comparisons").iterdir()) == []


def test_a_folder_that_changed_meanwhile_is_scored_anew(
    predictor: QualityPredictor, folders: Folders, tmp_path: Path
) -> None:
    names = {"clean": str(folders["clean"]), "noisy": str(folders["noisy"])}
    next(score_with_journal(predictor, match_inputs(names), tmp_path))
    names["noisy"] = str(folders["blurred"])

    list(score_with_journal(predictor, match_inputs(names), tmp_path))

    assert len(list((tmp_path / "comparisons").iterdir())) == 1  # that of the first comparison, unfinished


def test_a_comparison_in_which_nothing_scores_is_refused(predictor: QualityPredictor, tmp_path: Path) -> None:
    for method in ("a", "b"):
        (tmp_path / method).mkdir()
        (tmp_path / method / "one.png").write_text("no photo")

    with pytest.raises(SettingError, match="Not one photo could be scored"):
        compare({method: tmp_path / method for method in ("a", "b")}, predictor=predictor)
    with pytest.raises(SettingError, match="Not one photo could be scored"):
        compare([tmp_path / "a", str(tmp_path / "b")], predictor=predictor)


@pytest.mark.parametrize(("content", "message"), [(None, "is no folder, zip"), ("", "is a folder without photos")])
def test_a_folder_that_is_none_or_empty_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    folder = tmp_path / "out"
    if content is not None:
        folder.mkdir()

    with pytest.raises(SettingError, match=message):
        match_inputs({"a": str(folder), "b": str(folder)})
