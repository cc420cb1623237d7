import codecs
from pathlib import Path

import pytest

from fiqa.audit.groups import join_groups, read_groups
from fiqa.errors import SettingError


def table(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = tmp_path / "groups.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_photos_are_joined_by_path_or_by_name(tmp_path: Path) -> None:
    read = read_groups(table(tmp_path, "image,person,sex\nsub/a.png,p1,female\nb.png,p2,male\n"))
    photos = [str(tmp_path / "sub" / "a.png"), str(tmp_path / "deep" / "b.png")]
    joined, notices = join_groups(read, tmp_path, photos)
    assert [(each.person, dict(each.groups)) for each in joined] == [("p1", {"sex": "female"}), ("p2", {"sex": "male"})]
    assert not notices
    assert (read.columns, read.has_people) == (("sex",), True)


def test_what_table_and_folder_do_not_share_is_said(tmp_path: Path) -> None:
    read = read_groups(table(tmp_path, "image,sex\na.png,female\ngone.png,male\n"))
    joined, notices = join_groups(read, tmp_path, [str(tmp_path / "a.png"), str(tmp_path / "extra.png")])
    assert [each.person for each in joined] == [str(tmp_path / "a.png")]
    assert notices == [
        "1 photos are not in groups.csv and were left out.",
        f"1 photos of groups.csv are not in {tmp_path}, such as gone.png.",
    ]


def test_without_a_table_every_photo_is_a_person_of_its_own(tmp_path: Path) -> None:
    joined, notices = join_groups(None, tmp_path, ["a.png", "b.png"])
    assert [each.person for each in joined] == ["a.png", "b.png"]
    assert not notices


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_may_come_from_excel(tmp_path: Path, encoding: str) -> None:
    text = "Image;Person;Größe\r\nsub\\a.png;p1;groß\r\n"
    data = text.encode(encoding)
    assert encoding != "utf-16" or data.startswith(codecs.BOM_UTF16)
    read = read_groups(table(tmp_path, text, encoding=encoding))
    assert read.rows == {"sub/a.png": {"person": "p1", "größe": "groß"}}


def test_values_that_say_nothing_are_no_group(tmp_path: Path) -> None:
    read = read_groups(table(tmp_path, "image,sex,age\na,NA,\nb,unknown,33\nc,male,NaN\n"))
    assert [{k: v for k, v in row.items() if k != "person"} for row in read.rows.values()] == [
        {}, {"age": "30 to 44"}, {"sex": "male"},
    ]  # fmt: skip


def test_ages_become_ranges(tmp_path: Path) -> None:
    ages = {"3": "00 to 12", "13": "13 to 17", "18": "18 to 29", "29.5": "18 to 29", "60": "60 and older"}
    text = "image,age\n" + "".join(f"{index},{age}\n" for index, age in enumerate(ages))
    assert [row["age"] for row in read_groups(table(tmp_path, text)).rows.values()] == list(ages.values())


def test_numbers_with_many_values_become_quarters(tmp_path: Path) -> None:
    text = "image,weight\n" + "".join(f"{index},{index}\n" for index in range(20))
    groups = [row["weight"] for row in read_groups(table(tmp_path, text)).rows.values()]
    assert [groups.count(name) for name in dict.fromkeys(groups)] == [5, 5, 5, 5]
    assert (groups[0], groups[-1]) == ("0 to 4", "15 to 19")


def test_columns_may_be_chosen(tmp_path: Path) -> None:
    path = table(tmp_path, "image,sex,city\n" + "".join(f"{index},male,city{index}\n" for index in range(30)))
    assert read_groups(path, columns=["sex"]).columns == ("sex",)
    with pytest.raises(SettingError, match="column city has 30 different values: put them into at most 20 groups"):
        read_groups(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photograph,sex\na,male\n", "has no column of photos: name it image"),
        ("", "has no column of photos"),
        ("image,sex\na,male\na,female\n", "names a twice"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as error:
        read_groups(table(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="has no column 'age': it has sex"):
        read_groups(table(tmp_path, "image,sex\na,male\n"), columns=["age"])


def test_a_table_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_bytes(b"\xff\xfe\x00\xd8\x00")
    with pytest.raises(SettingError, match="is no text"):
        read_groups(tmp_path / "groups.csv")
    with pytest.raises(SettingError, match="cannot be read"):
        read_groups(tmp_path / "none.csv")


def test_a_table_of_other_photos_is_refused(tmp_path: Path) -> None:
    read = read_groups(table(tmp_path, "image,sex\na.png,male\n"))
    with pytest.raises(SettingError, match="names none of the 1 photos"):
        join_groups(read, tmp_path, [str(tmp_path / "b.png")])
