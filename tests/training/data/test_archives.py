"""Archives from elsewhere: what is whole gets unpacked, what would leave the folder does not."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from training.data import archives
from training.data.archives import Archive, Member, check_path, unpack
from training.errors import DataError, StorageError

FILES = {"set/img/1.png": b"one", "set/label.json": b"{}"}


def make_zip(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes] = FILES, *, link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        if link:
            entry = tarfile.TarInfo("link")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            archive.addfile(entry)
    return path


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tgz"), (make_tar, "a.tar.gz")])
def test_every_file_is_unpacked_to_its_place(make: object, name: str, tmp_path: Path) -> None:
    assert unpack(make(tmp_path / name), tmp_path / "out") == 2  # type: ignore[operator]
    assert {path: (tmp_path / "out" / path).read_bytes() for path in FILES} == FILES


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:\\evil", "..\\evil", "\\evil"])
@pytest.mark.parametrize(("make", "file"), [(make_zip, "a.zip"), (make_tar, "a.tgz")])
def test_a_path_that_leads_out_of_the_folder_is_refused_before_anything_is_written(
    make: object, file: str, name: str, tmp_path: Path
) -> None:
    archive = make(tmp_path / file, {**FILES, name: b"evil"})  # type: ignore[operator]
    with pytest.raises(DataError, match="would lie outside the folder: nothing was unpacked"):
        unpack(archive, tmp_path / "deep" / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'link', a link or a device"):
        unpack(make_tar(tmp_path / "a.tgz", link="/etc/passwd"), tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="it holds the link 'link'"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unpacking_that_was_stopped_goes_on_with_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, written = make_zip(tmp_path / "a.zip"), list[str]()
    (tmp_path / "out" / "set" / "img").mkdir(parents=True)
    (tmp_path / "out" / "set" / "img" / "1.png").write_bytes(b"one")
    (tmp_path / "out" / "set" / "label.json.part").write_bytes(b"{")
    real = archives._write

    def write(opened: Archive, member: Member, target: Path, archive: Path) -> None:
        written.append(member.path)
        real(opened, member, target, archive)

    monkeypatch.setattr(archives, "_write", write)
    unpack(archive, tmp_path / "out")
    assert written == ["set/label.json"]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_a_damaged_archive_is_said_to_be_one(name: str, tmp_path: Path) -> None:
    whole = (make_zip if name == "a.zip" else make_tar)(tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cannot be unpacked .* delete it and fetch it again"):
        unpack(tmp_path / name, tmp_path / "out")


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 3})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match=r"needs 0\.0 GB and its disk has 0\.0 GB free"):
        unpack(make_zip(tmp_path / "a.zip"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_with_two_dots_inside_are_no_traversal() -> None:
    check_path("set/a..b.png", Path("a.zip"))
