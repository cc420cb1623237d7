"""Photos are found where people keep them, and nothing is passed over in silence but what is hidden."""

import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from PIL import Image

from fiqa.errors import SettingError
from fiqa.photos.sources import FoundPhotos, find_photos, is_passed_over, read_photos, read_standard_input


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(folder / name, "PNG")


def names(found: FoundPhotos) -> list[str]:
    return [Path(path).as_posix() for path in found.paths]


def test_every_suffix_that_can_be_read_is_taken(here: Path) -> None:
    wanted = [f"photos/{number}{suffix}" for number, suffix in enumerate((".jfif", ".jpe", ".pgm", ".PPM", ".heic"))]
    make(here, *wanted, "photos/5", "photos/6.jpg_large", "photos/7.jxl")
    assert names(find_photos(["photos"])) == [*wanted, "photos/5", "photos/6.jpg_large", "photos/7.jxl"]


def test_what_is_no_photo_is_counted_by_suffix(here: Path) -> None:
    make(here, "photos/a.png")
    for name in ("a.txt", "b.TXT", "notes", "c.xml"):
        (here / "photos" / name).write_text("text")
    found = find_photos(["photos"])
    assert names(found) == ["photos/a.png"]
    assert found.remark() == "4 files that are no photos were passed over: 2 .txt, 1 without suffix, 1 .xml"
    assert find_photos(["photos/a.png"]).remark() is None


HIDDEN = [
    "@eaDir/a.jpg",
    "__MACOSX/._a.jpg",
    ".thumbnails/a.png",
    "._a.jpg",
    "Thumbs.db",
    ".hidden.png",
    "#recycle/a.png",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_and_system_folders_are_passed_over_without_a_word(here: Path, name: str) -> None:
    make(here, "photos/a.png", f"photos/{name}", f"photos/deep/{name}")
    found = find_photos(["photos"])
    assert (names(found), found.remark()) == (["photos/a.png"], None)
    assert names(find_photos(["photos/**/*"])) == ["photos/a.png"]


def test_a_hidden_folder_that_is_named_is_searched(here: Path) -> None:
    make(here, ".private/a.png")
    assert names(find_photos([".private"])) == [".private/a.png"]
    assert is_passed_over(".private")


def test_links_to_folders_are_followed_and_circles_end(here: Path) -> None:
    make(here, "elsewhere/b.png", "photos/a.png")
    (here / "photos" / "more").symlink_to(here / "elsewhere")
    (here / "photos" / "again").symlink_to(here / "photos")
    assert names(find_photos(["photos"])) == ["photos/a.png", "photos/more/b.png"]


def test_a_link_that_leads_out_or_to_what_was_searched_is_passed_over_and_told(here: Path) -> None:
    make(here, "all/photos/z/a.png", "all/other/b.png")
    (here / "all" / "photos" / "above").symlink_to(here / "all")
    (here / "all" / "photos" / "earlier").symlink_to(here / "all" / "photos" / "z")

    found = find_photos(["all/photos"])

    assert names(found) == ["all/photos/z/a.png"]
    assert found.remark() == (
        "2 links to folders were passed over, as folders above a link and those searched already are not searched "
        "again: all/photos/above"
    )


def test_a_folder_that_cannot_be_read_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(_folder: Path, *, onerror: object) -> list[object]:
        assert callable(onerror)
        onerror(PermissionError(13, "Permission denied", "photos/private"))
        return []

    make(here, "photos/a.png")
    monkeypatch.setattr("os.walk", walk)
    assert "photos/private cannot be read: Permission denied" in find_photos(["photos"]).troubles


def test_the_folders_of_a_pattern_are_taken_literally_where_they_are_there(here: Path) -> None:
    make(here, "b[1]/a.jpg", "b[1]/b.png", "b1/c.jpg", "b2/[x].png")
    assert names(find_photos(["b[1]/*.jpg"])) == ["b[1]/a.jpg"]
    assert names(find_photos(["b?/*.jpg"])) == ["b1/c.jpg"]
    assert names(find_photos(["b2/[x].png", str(here / "b[1]" / "*.png")])) == [
        "b2/[x].png",
        (here / "b[1]" / "b.png").as_posix(),
    ]


def test_each_photo_is_found_once_in_the_order_of_the_words(here: Path) -> None:
    make(here, "photos/a.png", "photos/b.png")
    assert names(find_photos(["photos/b.png", "photos", "photos/*.png"])) == ["photos/b.png", "photos/a.png"]


@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_word_is_not_the_working_folder(here: Path, word: str) -> None:
    make(here, "a.png")
    with pytest.raises(SettingError, match="empty path"):
        find_photos([word])


def test_a_path_to_nothing_is_kept_and_an_empty_folder_told(here: Path) -> None:
    (here / "empty").mkdir()
    found = find_photos(["gone.png", "*.gif", "empty"])
    assert names(found) == ["gone.png", "*.gif"]
    assert found.troubles == ["empty is a folder without photos"]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"bytes of a photo")))
    assert find_photos(["-", "-"]).paths == ["-"]
    assert list(read_photos(["a.png", "-"])) == ["a.png", b"bytes of a photo"]


class Terminal(TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stdin", [None, Terminal(BytesIO())])
def test_a_terminal_or_a_closed_input_is_not_waited_for(
    stdin: TextIOWrapper | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SettingError, match="pipe a photo"):
        read_standard_input()
