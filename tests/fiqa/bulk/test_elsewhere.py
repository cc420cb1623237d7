"""Photos at URLs and in data sets are scored as those on the disk are; what is missing is named in one sentence."""

import io
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fiqa.__main__ import main
from fiqa.bulk import urls
from fiqa.bulk.sources import PhotoWords
from fiqa.bulk.urls import RemotePhoto
from fiqa.errors import PhotoError, SettingError
from fiqa.photos.images import decode_photo


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 20, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def bucket() -> Iterator[str]:
    """A bucket in memory: two photos, one in a folder, and lists of both."""
    files = fsspec.filesystem("memory")
    files.pipe(
        {
            "/shelf/a.png": png(50),
            "/shelf/more/b.png": png(100),
            "/shelf/more/notes.md": b"none",
            "/shelf/list.txt": b"a.png\nmemory://shelf/more/b.png\n",
            "/shelf/list.csv": b"path\n/a.png\nmore\\b.png\n",
        }
    )
    table = io.BytesIO()
    pd.DataFrame({"image": [{"bytes": png(50), "path": "a.png"}]}).to_parquet(table)
    files.pipe("/shelf/table.parquet", table.getvalue())
    yield "memory://shelf"
    files.rm("/shelf", recursive=True)


def levels(*words: str) -> list[int]:
    """Return the brightness of each photo that words stand for."""
    return [int(decode_photo(photo).pixels[0, 0, 0]) for _, photo in PhotoWords(words).photos()]


@pytest.mark.parametrize("word", ["", "/", "/list.txt", "/list.csv"])
def test_folders_and_lists_of_a_bucket_yield_its_photos(bucket: str, word: str) -> None:
    assert levels(bucket + word) == [50, 100]


def test_photos_patterns_and_tables_of_a_bucket_are_read(bucket: str) -> None:
    assert levels(f"{bucket}/more/b.png") == [100]
    assert levels(f"{bucket}/*/*.png") == [100]
    assert levels(f"{bucket}/table.parquet") == [50]


def test_how_many_photos_lists_at_urls_hold_is_known_before_the_run(bucket: str) -> None:
    photos, lists = (f"{bucket}/a.png", f"{bucket}/b.png?x"), [f"{bucket}/list.{kind}" for kind in ("txt", "csv")]
    assert [PhotoWords((word,)).count() for word in (*photos, *lists, f"{bucket}/table.parquet")] == [1, 1, 2, 2, 1]
    assert PhotoWords((*photos, *lists)).count() == 6
    for word in ("/", "", "/*.png", "/gone.txt"):  # listing a folder takes as long as scoring begins to
        assert PhotoWords((bucket + word, *photos)).count() is None


def test_names_of_photos_in_a_bucket_are_urls_that_lead_there(bucket: str) -> None:
    names = [name for name, _ in PhotoWords((bucket,)).photos()]
    assert [RemotePhoto(name).read() for name in names] == [png(50), png(100)]


@pytest.mark.slow
def test_photos_come_over_http(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(50))
    (tmp_path / "list.txt").write_text("a.png\ngone.png\n")
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        (_, first), (_, second) = PhotoWords((f"{address}/list.txt",)).photos()
        assert decode_photo(first).pixels[0, 0, 0] == 50
        with pytest.raises(PhotoError, match=r"gone\.png cannot be fetched"):
            decode_photo(second)
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_photo_is_asked_for_again_where_the_network_failed(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "FIRST_PAUSE_S", 0.0)
    failures = [ConnectionResetError("reset"), ConnectionResetError("reset")]
    files = fsspec.filesystem("memory")
    real = files.open

    def flaky(*args: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return real(*args, **options)

    monkeypatch.setattr(type(files), "open", lambda _, *args, **options: flaky(*args, **options))
    assert RemotePhoto(f"{bucket}/a.png").read() == png(50)
    failures += [ConnectionResetError("reset")] * 3
    with pytest.raises(PhotoError, match="cannot be fetched: reset"):
        RemotePhoto(f"{bucket}/a.png").read()


@pytest.mark.parametrize(
    ("word", "missing", "message"),
    [
        ("s3://shelf/a.png", "s3fs", "s3:// needs a package that is not installed.*s3fs"),
        ("https://example.org/a.png", "aiohttp", r"pip install 'fiqa\[urls\]'"),
        ("dataset:owner/faces", "datasets", r"pip install 'fiqa\[datasets\]'"),
        ("nowhere://shelf/a.png", None, "cannot be reached: Protocol not known"),
        ("memory://none/*.png", None, "matches nothing"),
        ("memory://none/list.txt", None, "cannot be read"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(
    word: str, missing: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
        monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
        for kind in ("http", "https"):
            monkeypatch.delitem(import_module("fsspec.registry")._registry, kind, raising=False)
    with pytest.raises(SettingError, match=message) as caught:
        [*PhotoWords((word,)).photos()]
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.slow
def test_the_pictures_of_a_data_set_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    for number, name in enumerate("ab", start=1):
        (tmp_path / "faces" / "test" / name).mkdir(parents=True)
        (tmp_path / "faces" / "test" / name / "same.png").write_bytes(png(50 * number))
    word = f"dataset:{tmp_path / 'faces'}:test"
    named = [*PhotoWords((word,)).photos()]
    assert [int(decode_photo(photo).pixels[0, 0, 0]) for _, photo in named] == [50, 100]
    assert len({name for name, _ in named}) == 2
    with pytest.raises(SettingError, match="cannot be read"):
        [*PhotoWords((f"dataset:{tmp_path / 'none'}",)).photos()]


def test_ray_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.png").write_bytes(png(50))
    arguments = ["score", str(tmp_path / "a.png"), "--engine", "ray", "--output", str(tmp_path / "scores.csv")]
    assert main(arguments) == 1
    assert capsys.readouterr().err == "fiqa: Scoring on Ray needs ray: run `pip install 'fiqa[ray]'`.\n"
