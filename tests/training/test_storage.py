"""Whatever stops the writing, what was there stays whole."""

import os
import resource
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from training.errors import RunError, StorageError
from training.storage import lock_folder, recover_folder, replace_file, replace_folder, replace_text


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for text in ("one", "zwölf"):
        replace_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zwölf"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_cannot_be_written_to_its_end_leaves_the_old_one_and_says_why(tmp_path: Path) -> None:
    replace_text(tmp_path / "state.pt", "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"state.pt cannot be written \(File too large\)"):
            replace_file(tmp_path / "state.pt", lambda file: torch.save(torch.zeros(100_000), file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "state.pt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_folder_is_exchanged_as_a_whole(tmp_path: Path) -> None:
    replace_folder(tmp_path / "checkpoint", lambda folder: (folder / "one").write_text("one"))
    replace_folder(tmp_path / "checkpoint", lambda folder: (folder / "two").write_text("two"))
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, os.strerror(28))

    replace_folder(tmp_path / "checkpoint", lambda folder: (folder / "one").write_text("one"))
    with pytest.raises(StorageError, match="No space left on device"):
        replace_folder(tmp_path / "checkpoint", fail)
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["one"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_kill_between_the_two_renames_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_folder(tmp_path / "checkpoint", lambda folder: (folder / "one").write_text("one"))
    rename = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            replace_folder(tmp_path / "checkpoint", lambda folder: (folder / "two").write_text("two"))
    assert not (tmp_path / "checkpoint").exists()
    recover_folder(tmp_path / "checkpoint")
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["one"]


def test_an_error_of_the_writer_itself_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    def write(_: BinaryIO) -> None:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        replace_file(tmp_path / "a", write)


def test_a_folder_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    with pytest.raises(RunError, match="Another process is training in"):
        lock_folder(tmp_path)
    lock.close()
    lock_folder(tmp_path).close()


def test_links_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "disk" / "run").mkdir(parents=True)
    (tmp_path / "disk" / "state.pt").write_text("old")
    (tmp_path / "run").symlink_to("disk/run")
    (tmp_path / "state.pt").symlink_to("disk/state.pt")
    replace_text(tmp_path / "state.pt", "new")
    replace_folder(tmp_path / "run", lambda folder: (folder / "a.txt").write_text("new"))
    assert (tmp_path / "state.pt").is_symlink()
    assert (tmp_path / "run").is_symlink()
    assert (tmp_path / "disk" / "state.pt").read_text() == (tmp_path / "disk" / "run" / "a.txt").read_text() == "new"
