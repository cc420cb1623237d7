"""ONNX Runtime for browsers is what was published, or one sentence says what to do."""

import hashlib
import io
import shutil
import stat
import tarfile
from pathlib import Path

import platformdirs
import pytest

from fiqa.errors import CheckpointError, SettingError
from fiqa.in_browser import runtime_files
from fiqa.in_browser.runtime_files import ARCHIVE, FILES, add_runtime, fetch_archive


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the same layout, taken for the published one."""
    path = tmp_path / ARCHIVE
    with tarfile.open(path, "w:gz") as package:
        for name in FILES:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            package.addfile(member, io.BytesIO(name.encode()))
    monkeypatch.setattr(runtime_files, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda _: str(npm))


def test_three_files_and_their_licence_are_unpacked(archive: Path, tmp_path: Path) -> None:
    add_runtime(tmp_path / "runtime", archive)
    assert {path.name for path in (tmp_path / "runtime").iterdir()} == {*FILES, "LICENSE.txt"}
    assert (tmp_path / "runtime" / FILES[0]).read_text() == FILES[0]


def test_another_archive_is_refused_and_a_missing_one_named(tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(b"something else")
    with pytest.raises(CheckpointError, match=r"is not onnxruntime-web-.*\.tgz as it was published: delete it"):
        add_runtime(tmp_path / "runtime", tmp_path / ARCHIVE)
    assert not (tmp_path / "runtime").exists()
    with pytest.raises(CheckpointError, match=r"nothing\.tgz cannot be read: No such file or directory"):
        add_runtime(tmp_path / "runtime", tmp_path / "nothing.tgz")


def test_npm_fetches_it_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path, monkeypatch, f"echo package > {ARCHIVE}")
    assert fetch_archive() == cache / ARCHIVE
    fake_npm(tmp_path, monkeypatch, "exit 1")
    assert fetch_archive().read_text() == "package\n"
    assert [path.name for path in cache.iterdir()] == [ARCHIVE]


def test_what_npm_says_is_passed_on(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path, monkeypatch, "echo 'npm error network unreachable' >&2; exit 1")
    with pytest.raises(CheckpointError, match=r"cannot be fetched with npm \(npm error network unreachable\): check"):
        fetch_archive()
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("cache")
def test_without_npm_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SettingError, match=r"npm is not installed: install Node\.js, or name .* with --runtime"):
        fetch_archive()
