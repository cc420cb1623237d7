"""Fetching a data set, from archives of the same layout that stand in for the Hub and the authors' folder."""

import io
import json
import socket
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.training.data.test_arrangement import NAMES, authors_layout, table_layout
from training import fetch
from training.data.datasets import read_dataset
from training.errors import DataError, RunError, StorageError
from training.storage import lock_folder


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, whose `archives` hold both data sets as they are published."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archives").mkdir()
    table_layout(tmp_path / "gfiqa")
    with tarfile.open(tmp_path / "archives" / "gfiqa-20k.tgz", "w:gz") as archive:
        archive.add(tmp_path / "gfiqa" / "GFIQA-20k", "GFIQA-20k")
    authors_layout(tmp_path / "cgfiqa" / "CGFIQA")
    with zipfile.ZipFile(tmp_path / "archives" / "CGFIQA.zip", "w") as zipped:
        for path in (tmp_path / "cgfiqa").rglob("*"):
            zipped.write(path, path.relative_to(tmp_path / "cgfiqa"))
    return tmp_path


def run(*arguments: str) -> None:
    fetch.main([*arguments, "--accept-licence"])


@pytest.mark.parametrize(("name", "official"), [("gfiqa", False), ("cgfiqa", True)])
def test_archives_become_the_folder_that_training_reads(
    name: str, official: bool, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(name, "--from", "archives")
    dataset = read_dataset(work / "dataset" / name.upper())
    assert sum(len(dataset.photos(split)) for split in ("train", "val", "test")) == len(NAMES)
    about = json.loads((dataset.root / "fetched.json").read_text())
    assert about["official_split"] is official
    said = capsys.readouterr().out
    assert said.index("No licence is stated" if official else "no licence is stated") < said.index("to train on")
    assert ("published figures are of another split" in said) is not official
    assert not list(work.rglob("*.fetch"))


def test_a_folder_that_is_unpacked_already_is_copied_and_stays(work: Path) -> None:
    run("cgfiqa", "--from", "cgfiqa")
    assert len(read_dataset(work / "dataset" / "CGFIQA").photos("train")) == 40
    assert (work / "cgfiqa" / "CGFIQA" / "train" / "label.json").is_file()


def test_archives_of_one_split_each_are_put_side_by_side(work: Path) -> None:
    (work / "parts").mkdir()
    for split in ("train", "val", "test"):
        with zipfile.ZipFile(work / "parts" / f"{split}.zip", "w") as zipped:
            for path in (work / "cgfiqa" / "CGFIQA" / split).rglob("*"):
                zipped.write(path, path.relative_to(work / "cgfiqa" / "CGFIQA" / split))
    run("cgfiqa", "--from", "parts")
    assert len(read_dataset(work / "dataset" / "CGFIQA").photos("test")) == 10


def test_what_is_there_is_not_fetched_again(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("cgfiqa", "--from", "archives")
    (work / "archives" / "CGFIQA.zip").unlink()
    run("cgfiqa", "--from", "archives")
    assert "is there already: 40 to train on" in capsys.readouterr().out


def test_a_file_that_has_changed_since_it_was_first_seen_is_refused(work: Path) -> None:
    run("cgfiqa", "--from", "archives")
    assert list(json.loads((work / "dataset" / "checksums.json").read_text())) == ["cgfiqa/CGFIQA.zip"]
    with zipfile.ZipFile(work / "archives" / "CGFIQA.zip", "a") as zipped:
        zipped.writestr("more.txt", "more")
    with pytest.raises(DataError, match="is not the file that was seen before"):
        run("cgfiqa", "--from", "archives", "--output", "dataset/again")
    assert not (work / "dataset" / "again").exists()


def test_two_processes_do_not_fetch_into_one_folder(work: Path) -> None:
    folder = work / "dataset" / ".CGFIQA.fetch"
    folder.mkdir(parents=True)
    with lock_folder(folder), pytest.raises(RunError, match="Another process is fetching into dataset/CGFIQA"):
        run("cgfiqa", "--from", "archives")


def test_the_terms_are_said_and_have_to_be_accepted(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(DataError, match="run it again with --accept-licence"):
        fetch.main(["gfiqa", "--from", "archives"])
    assert "no licence is stated" in capsys.readouterr().out
    assert not (work / "dataset").exists()


@pytest.mark.parametrize(("answer", "fetched"), [("n", False), ("", False), ("yes", True)])
def test_a_person_at_a_terminal_is_asked(
    answer: str, fetched: bool, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _: answer)
    if fetched:
        fetch.main(["gfiqa", "--from", "archives"])
    else:
        with pytest.raises(DataError, match="Nothing was fetched"):
            fetch.main(["gfiqa", "--from", "archives"])
    assert (work / "dataset" / "GFIQA" / "train" / "label.json").exists() is fetched


@pytest.mark.parametrize(
    ("source", "message"),
    [("nowhere", "is none of hub, drive and a folder that exists"), ("empty", "is empty: put CGFIQA.zip into it")],
)
def test_a_source_that_is_none_is_refused(source: str, message: str, work: Path) -> None:
    (work / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        run("cgfiqa", "--from", source)


@pytest.mark.parametrize("source", ["hub", "drive"])
def test_without_a_network_one_line_says_what_to_do(source: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(
        DataError, match=r"cannot be fetched \(.+\): check the connection, or fetch it in a browser"
    ) as error:
        run("gfiqa", "--from", source)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 350


def hub(monkeypatch: pytest.MonkeyPatch, archive: Path, *, size: int | None = None, sha256: str | None = None) -> None:
    """Let the Hub be a folder: the archive is listed with its size and SHA-256, and fetched by copying."""
    import huggingface_hub

    def list_paths(_: Any, repository: str, paths: list[str], repo_type: str) -> list[Any]:
        assert (repository, repo_type) == (fetch.HUB, "dataset")
        known = fetch._sha256(archive) if sha256 is None else sha256
        make: Any = huggingface_hub.RepoFile
        file = make(path=paths[0], size=size or archive.stat().st_size, oid="0")
        file.lfs = SimpleNamespace(sha256=known)
        return [file]

    def copy(_: str, name: str, *, repo_type: str, local_dir: Path) -> str:
        assert repo_type == "dataset"
        (local_dir / name).write_bytes(archive.read_bytes())
        return str(local_dir / name)

    monkeypatch.setattr(huggingface_hub.HfApi, "get_paths_info", list_paths)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", copy)


def test_the_hubs_archive_is_fetched_and_arranged(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, work / "archives" / "gfiqa-20k.tgz")
    run("gfiqa")
    assert len(read_dataset(work / "dataset" / "GFIQA").photos("train")) > 30


def test_an_archive_that_is_not_what_the_hub_states_is_deleted(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, work / "archives" / "gfiqa-20k.tgz", sha256="00")
    with pytest.raises(DataError, match="did not arrive as it was sent"):
        run("gfiqa")
    assert not list((work / "dataset").rglob("*.tgz"))


def test_room_is_looked_for_before_anything_is_fetched(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, work / "archives" / "gfiqa-20k.tgz", size=10**15)
    with pytest.raises(StorageError, match=r"needs 2000000\.0 GB"):
        run("gfiqa")
    assert not list((work / "dataset").rglob("*.tgz"))


def drive(monkeypatch: pytest.MonkeyPatch, names: dict[str, Path]) -> list[str]:
    """Let the authors' folder list files by name, each fetched by copying; return the names that were fetched."""
    import gdown

    fetched: list[str] = []
    listed = [SimpleNamespace(id=name, path=name) for name in names]

    def copy(*, id: str, output: str, quiet: bool, resume: bool) -> str:
        assert resume
        assert not quiet
        fetched.append(id)
        Path(output).write_bytes(names[id].read_bytes())
        return output

    monkeypatch.setattr(gdown, "download_folder", lambda **_: listed)
    monkeypatch.setattr(gdown, "download", copy)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**12))
    return fetched


def test_the_authors_folder_is_fetched_and_what_came_before_is_not_fetched_again(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = work / "archives" / "CGFIQA.zip"
    fetched = drive(monkeypatch, {"CGFIQA.zip": archive, "readme.txt": archive})
    kept = work / "dataset" / ".CGFIQA.fetch" / "download" / "CGFIQA.zip"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(archive.read_bytes())
    run("cgfiqa", "--from", "drive")
    assert fetched == ["readme.txt"]
    assert len(read_dataset(work / "dataset" / "CGFIQA").photos("val")) == 10


def test_a_listed_path_that_leads_elsewhere_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive(monkeypatch, {"../../../evil.zip": work / "archives" / "CGFIQA.zip"})
    with pytest.raises(DataError, match="would lie outside"):
        run("cgfiqa", "--from", "drive")
    assert not list(work.rglob("evil.zip"))
