import zipfile
from pathlib import Path

import pytest

from fiqa.comparison.inputs import match_inputs, name_inputs, read_table
from fiqa.errors import SettingError

CSV = b"path,method,source\ngfpgan/001.png,gfpgan,anna\ncodeformer/001.jpg,codeformer,anna\nclean/001.png,reference,\n"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a photo")


def test_a_csv_names_methods_sources_and_the_reference(tmp_path: Path) -> None:
    (tmp_path / "methods.csv").write_bytes(CSV)
    touch(tmp_path / "gfpgan/001.png", tmp_path / "codeformer/001.jpg")

    inputs = name_inputs([tmp_path / "methods.csv"])
    matched = match_inputs(inputs)

    assert list(inputs) == ["gfpgan", "codeformer"]
    (photo,) = matched.photos
    assert (photo.name, photo.source) == ("001", "anna")
    assert photo.paths["codeformer"] == str(tmp_path / "codeformer/001.jpg")
    assert photo.reference == str(tmp_path / "clean/001.png")


def test_a_name_in_the_csv_joins_files_that_are_called_otherwise() -> None:
    table = read_table(b"path;method;name\n1_a.png;a;one\n1_b.png;b;one\n", "methods.csv", str)

    assert table.methods == {"a": {"one": "1_a.png"}, "b": {"one": "1_b.png"}}


def test_the_reference_is_known_in_any_letter_case() -> None:
    table = read_table(b"path,method,name\n1.png,a,one\n2.png,Reference,one\n", "methods.csv", str)

    assert (list(table.methods), table.references) == (["a"], {"one": "2.png"})


def test_names_are_paths_below_the_folder_that_a_methods_files_share() -> None:
    csv = b"path,method\nout\\a\\x\\1.png,a\nout\\a\\y\\1.png,a\nout/b/x/1.png,b\nout/b/y/1.png,b\n"
    table = read_table(csv, "methods.csv", str)

    assert [list(photos) for photos in table.methods.values()] == [["x/1", "y/1"]] * 2


def test_zips_folders_and_csvs_go_together(tmp_path: Path) -> None:
    touch(tmp_path / "gfpgan/001.png", tmp_path / "codeformer/001.jpg", tmp_path / "input/001.png")
    (tmp_path / "methods.csv").write_bytes(CSV)
    with zipfile.ZipFile(tmp_path / "swinir.zip", "w") as archive:
        archive.writestr("swinir/001.webp", b"a photo")

    inputs = name_inputs([tmp_path / "input", tmp_path / "swinir.zip", tmp_path / "methods.csv"])

    assert list(inputs) == ["input", "swinir", "gfpgan", "codeformer"]
    assert set(match_inputs(inputs).photos[0].paths) == set(inputs)


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        (b"", "cannot be read as a CSV"),
        (b"path,who\na.png,a\n", "lacks the column method"),
        (b"path,method\na.png,\n", "line 2, has no path or no method"),
        (b"path,method\na.png,a\ngone.png,a\n", "line 3, names gone.png, which is not among the photos"),
        (b"path,method\na.png,a\na.png,a\n", "under one name"),
        (b"\xff\xfe\x00", "cannot be read as a CSV"),
        (b'path,method\n"a.png,a\n', "cannot be read as a CSV"),
    ],
)
def test_a_csv_that_cannot_be_used_gets_one_sentence(csv: bytes, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read_table(csv, "methods.csv", lambda path: None if "gone" in path else path)


def test_one_folder_under_two_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_text("no photo")
    with pytest.raises(SettingError, match="a and b are both the photos of"):
        match_inputs({"a": str(tmp_path), "b": f"{tmp_path}/."})


def test_a_method_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "gfpgan/001.png")
    (tmp_path / "methods.csv").write_bytes(CSV)

    with pytest.raises(SettingError, match="gfpgan is named twice"):
        name_inputs([tmp_path / "gfpgan", tmp_path / "methods.csv"])


@pytest.mark.parametrize(("name", "message"), [("a.zip", "zip without photos"), ("gone.zip", "is no folder, zip")])
def test_a_zip_without_photos_or_that_is_not_there_is_refused(tmp_path: Path, name: str, message: str) -> None:
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    with pytest.raises(SettingError, match=message):
        match_inputs({"a": str(tmp_path / name), "b": str(tmp_path)})
