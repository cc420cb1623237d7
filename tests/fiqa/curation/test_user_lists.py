from pathlib import Path

import pytest

from fiqa.curation.user_lists import match_persons, persons_in
from fiqa.errors import SettingError


@pytest.mark.parametrize(
    "table", ["path,person\na.png,Ann\n", "Path; Person\na.png;Ann\n", "PERSON\tPATH\nAnn\ta.png\n"]
)
def test_persons_are_read_with_any_delimiter_and_letter_case(tmp_path: Path, table: str) -> None:
    (tmp_path / "persons.csv").write_text(table)

    assert persons_in(tmp_path / "persons.csv") == [("a.png", "Ann")]


@pytest.mark.parametrize(
    ("photo", "path"),
    [
        ("a/1.png", "a/1.png"),
        ("a/1.png", "./a//1.png"),
        ("a/1.png", "1.png"),
        ("1.png", "a/1.png"),
        ("a/1.png", "/data/photos/a/1.png"),
        ("a/1.png", "C:\\photos\\a\\1.png"),
        ("Zoe\u0308.png", "Zo\u00eb.png"),
    ],
)
def test_a_path_names_a_photo_where_one_of_them_ends_with_the_other(photo: str, path: str) -> None:
    matched = match_persons([photo], [(path, "Ann")])
    assert (matched.by_photo, matched.notices) == ({photo: "Ann"}, ())


def test_a_photo_in_another_folder_of_the_same_name_is_another_photo() -> None:
    matched = match_persons(["a/1.png", "b/2.png"], [("a/1.png", "Ann"), ("c/1.png", "Tom"), ("c/2.png", "Tom")])
    assert matched.by_photo == {"a/1.png": "Ann"}


def test_rows_without_a_photo_and_photos_without_a_person_are_counted() -> None:
    photos = ["a/1.png", "b/1.png", "2.png", "3.png"]
    rows = [("2.png", "Ann"), ("1.png", "Tom"), ("", "Eve"), *((f"gone/{number}.jpg", "Eve") for number in range(2))]
    rows += [("3.png", "Ann"), ("3.png", "Tom")]

    matched = match_persons(photos, rows)

    assert matched.by_photo == {"2.png": "Ann"}
    strange = "1.png, an empty path, gone/0.jpg, …"
    assert matched.notices == (
        f"4 of 7 rows of the table of persons name none of the photos, or no single one: {strange}.",
        "1 of 4 photos have several persons in the table: 3.png.",
        "3 of 4 photos have no person in the table and are grouped by folder: a/1.png, b/1.png, 3.png.",
    )


def test_a_table_that_names_not_one_photo_is_refused() -> None:
    with pytest.raises(SettingError, match="names not one of these photos"):
        match_persons(["a.png"], [("b.png", "Ann")])
