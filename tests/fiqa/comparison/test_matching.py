from pathlib import Path, PurePath

import pytest

from fiqa.comparison.matching import match_photos, method_names, name_photos, photo_name
from fiqa.errors import SettingError


def test_files_of_equal_name_belong_together_whatever_their_suffix() -> None:
    before = name_photos([(PurePath("a.png"), "in/a.png"), (PurePath("sub/b.png"), "in/sub/b.png")], "in")
    after = name_photos([(PurePath("a.jpg"), "out/a.jpg"), (PurePath("sub/b.webp"), "out/sub/b.webp")], "out")

    matched = match_photos({"in": before, "out": after})

    assert [photo.paths for photo in matched.photos] == [
        {"in": "in/a.png", "out": "out/a.jpg"},
        {"in": "in/sub/b.png", "out": "out/sub/b.webp"},
    ]
    assert matched.notices() == []


def test_photos_without_a_partner_are_named_and_counted() -> None:
    matched = match_photos({"in": {"a": "in/a.png", "b": "in/b.png", "c": "in/c.png"}, "out": {"a": "out/a.png"}})

    assert [photo.name for photo in matched.photos] == ["a"]
    assert matched.notices() == ["2 of in have no partner and are left out: b, c."]


def test_composed_and_decomposed_names_are_the_same_name() -> None:
    assert photo_name(PurePath("Mu\u0308ller.png")) == photo_name(PurePath("M\u00fcller.jpg"))


def test_a_dot_within_a_name_is_no_suffix_of_its_own() -> None:
    assert photo_name(PurePath("face.0001.png")) == "face.0001"


def test_two_files_that_differ_by_suffix_alone_are_refused() -> None:
    with pytest.raises(SettingError, match=r"out holds both a\.png and a\.jpg"):
        name_photos([(PurePath("a.png"), "out/a.png"), (PurePath("a.jpg"), "out/a.jpg")], "out")


def test_folders_without_a_common_name_are_refused() -> None:
    with pytest.raises(SettingError, match="no photo name in common"):
        match_photos({"in": {"a": "in/a.png"}, "out": {"b": "out/b.png"}})


def test_a_single_method_is_refused() -> None:
    with pytest.raises(SettingError, match="at least two methods"):
        match_photos({"in": {"a": "in/a.png"}})


def test_a_reference_and_a_source_are_found_by_name() -> None:
    methods = {"in": {"a": "in/a.png"}, "out": {"a": "out/a.png"}}

    (photo,) = match_photos(methods, references={"a": "clean/a.png"}, sources={"a": "anna"}).photos

    assert (photo.reference, photo.source) == ("clean/a.png", "anna")


def test_a_method_is_called_by_what_tells_its_folder_from_the_others() -> None:
    assert method_names([Path("/x/codeformer"), Path("/x/gfpgan")]) == ["codeformer", "gfpgan"]
    assert method_names([Path("/x/codeformer/out"), Path("/x/gfpgan/out")]) == ["codeformer/out", "gfpgan/out"]


def test_the_same_folder_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(SettingError, match="named twice"):
        method_names([tmp_path, tmp_path / "link"])
