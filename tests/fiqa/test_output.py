"""Results get where a path leads, and what was there before stays until they are whole."""

import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from fiqa.errors import SettingError
from fiqa.output import check_writable, chosen_format, make_folder, write_file


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "scores.csv").write_text("old")
    (tmp_path / "inner").symlink_to("deep/scores.csv")
    (tmp_path / "link").symlink_to("inner")
    check_writable(tmp_path / "link")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "inner").is_symlink()
    assert (tmp_path / "deep" / "scores.csv").read_text() == "new"
    assert not list((tmp_path / "deep").glob(".*"))


def test_a_link_to_what_is_not_there_yet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "scores.csv")
    check_writable(tmp_path / "link")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "scores.csv").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_a_device_is_written_to_and_stays_a_device() -> None:
    check_writable(Path("/dev/null"))
    write_file(Path("/dev/null"), b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_the_reader_of_a_pipe_gets_everything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    data, read = b"score\n" * 50_000, []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    check_writable(tmp_path / "pipe")
    write_file(tmp_path / "pipe", data)
    reader.join(10)
    assert read == [data]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_an_open_file_is_added_to_under_its_name_in_dev(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"before\n")
        log.flush()
        path = Path(f"/dev/fd/{log.fileno()}")
        check_writable(path)
        write_file(path, b"scores\n")
    assert (tmp_path / "log").read_bytes() == b"before\nscores\n"


def test_a_link_to_an_open_file_adds_to_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"before\n")
        log.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        write_file(tmp_path / "link", b"scores\n")
        log.seek(0)
        assert log.read() == b"before\nscores\n"


MEMORY_DISK = Path("/dev", "shm")


@pytest.mark.skipif(not os.access(MEMORY_DISK, os.W_OK), reason="the system has no disk in memory")
def test_a_disk_in_memory_is_a_disk_and_no_device() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as folder:
        scores = Path(folder, "scores.csv")
        for text in (b"old, and longer", b"new"):
            check_writable(scores)
            write_file(scores, text)
        assert scores.read_bytes() == b"new"


def test_the_mode_of_a_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("old")
    (tmp_path / "scores.csv").chmod(0o600)
    write_file(tmp_path / "scores.csv", b"new")
    assert stat.S_IMODE((tmp_path / "scores.csv").stat().st_mode) == 0o600


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path) -> None:
    write_file(tmp_path / ("n" * 250 + ".csv"), b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_full_disk_costs_a_sentence_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scores.csv").write_text("old")

    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SettingError, match=r"scores\.csv cannot be written: No space left on device\.$"):
        write_file(tmp_path / "scores.csv", b"new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device_costs_a_sentence() -> None:
    with pytest.raises(SettingError, match="/dev/full cannot be written: No space left"):
        write_file(Path("/dev/full"), b"new")


@pytest.mark.parametrize("name", [".", "no/such/scores.csv", "loop", "/proc/scores.csv"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SettingError, match="cannot be written"):
        check_writable(tmp_path / name)


@pytest.mark.parametrize("name", ["photo.png", "link.png", "./photo.png"])
def test_a_photo_is_not_overwritten_by_what_is_said_about_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "photo.png").write_bytes(b"photo")
    (tmp_path / "link.png").symlink_to("photo.png")
    with pytest.raises(SettingError, match="is one of the photos"):
        check_writable(tmp_path / name, [tmp_path / "other.png", str(tmp_path / "photo.png")])


def test_trying_a_place_leaves_nothing_there(tmp_path: Path) -> None:
    check_writable(tmp_path / "scores.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "name", "form"),
    [
        (None, None, "table"),
        (None, "a.JSON", "json"),
        (None, "a", "table"),
        (None, "a.txt", "table"),
        ("md", "a.x", "md"),
    ],
)
def test_the_format_is_the_one_asked_for_or_of_the_suffix(asked: str | None, name: str | None, form: str) -> None:
    assert chosen_format(asked, Path(name) if name else None, ("table", "json", "md")) == form


def test_a_suffix_of_no_format_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"a\.html would not hold .* end it in \.json, \.md or \.txt, or say --format"
    ):
        chosen_format(None, Path("a.html"), ("table", "json", "md"))


def test_a_folder_that_cannot_be_made_costs_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be made"):
        make_folder(tmp_path / "file" / "folder")
