import stat
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from fiqa.errors import PhotoError, SettingError
from fiqa.photos import archives
from fiqa.photos.archives import list_zipped_photos, photo_source


def pack(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_photos_are_listed_by_their_place_and_read_without_unpacking(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", **{"x/one.png": b"1", "x/sub/two.JPG": b"2", "x/notes.txt": b"3"})
    pack(path, **{"x/one.png": b"1", "x/sub/two.JPG": b"2", "x/notes.txt": b"3", "__MACOSX/x/._one.png": b"4"})

    photos = list_zipped_photos(path)

    assert {str(place): photo.read() for place, photo in photos.items()} == {"one.png": b"1", "sub/two.JPG": b"2"}
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]
    assert photo_source("a.png") == "a.png"
    assert photo_source(photos[PurePosixPath("one.png")]) == b"1"


def test_a_single_folder_around_all_photos_is_no_part_of_their_names(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", **{"top/one.png": b"1", "two.png": b"2"})

    assert sorted(map(str, list_zipped_photos(path))) == ["top/one.png", "two.png"]


def test_a_name_in_decomposed_letters_is_listed_in_composed_ones(tmp_path: Path) -> None:
    (place,) = list_zipped_photos(pack(tmp_path / "a.zip", **{"Mu\u0308ller.png": b"1"}))
    assert str(place) == "M\u00fcller.png"


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "C:/out.png", "..\\out.png"])
def test_a_name_that_leads_out_of_the_zip_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match="leads out of it"):
        list_zipped_photos(pack(tmp_path / "a.zip", **{name: b"1"}))


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")

    with pytest.raises(SettingError, match="has a link"):
        list_zipped_photos(tmp_path / "a.zip")


def test_a_zip_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="another archive"):
        list_zipped_photos(pack(tmp_path / "a.zip", **{"inner.zip": b"1"}))


def test_a_zip_that_would_unpack_to_far_more_than_photos_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "SMALL_ZIP_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.png", bytes(1_000_000))

    with pytest.raises(SettingError, match="too much for photos"):
        list_zipped_photos(tmp_path / "a.zip")


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    with pytest.raises(SettingError, match="1 at most"):
        list_zipped_photos(pack(tmp_path / "a.zip", **{"1.png": b"1", "2.png": b"2"}))


def test_what_is_no_zip_is_refused_under_the_name_its_owner_knows(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no zip")
    with pytest.raises(SettingError, match=r"mine\.zip is no zip"):
        list_zipped_photos(tmp_path / "a.zip", name="mine.zip")


def test_a_photo_that_is_too_large_or_damaged_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", **{"one.png": b"1234567890"})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"1234567890", b"1234567891"))
    (photo,) = list_zipped_photos(path).values()
    with pytest.raises(PhotoError, match=r"one\.png cannot be unpacked"):
        photo.read()

    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 5)
    with pytest.raises(PhotoError, match=r"one\.png is larger"):
        photo.read()
