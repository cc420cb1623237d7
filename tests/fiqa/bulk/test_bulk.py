"""Lists of photos are scored row by row, and a run that was stopped goes on without scoring anything twice."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyarrow import parquet

from fiqa.__main__ import _parser, main
from fiqa.bulk import command
from fiqa.bulk.engines import Engine, in_order
from fiqa.bulk.lists import photos_in
from fiqa.bulk.sinks import ParquetSink, opened
from fiqa.bulk.sources import PhotoWords
from fiqa.errors import FiqaError, PhotoError, SettingError
from fiqa.photos.images import PhotoSource, decode_photo
from fiqa.reports import ScoredPhoto
from fiqa.results import FaceResult, QualityResult


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 20, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three photos in a folder, and in every kind of list beside it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / f"{name}.png" for name in "abc"]
    for number, path in enumerate(paths):
        path.write_bytes(png(50 * number + 50))
    names = [f"photos/{path.name}" for path in paths]
    (tmp_path / "list.txt").write_text("# mine\n" + "\n".join(names) + "\n\n", encoding="utf-8")
    pd.DataFrame({"other": 1, "path": names}).to_csv(tmp_path / "list.csv", index=False)
    pd.DataFrame({"path": names}).to_parquet(tmp_path / "paths.parquet")
    pd.DataFrame({"image": [{"bytes": path.read_bytes(), "path": path.name} for path in paths]}).to_parquet(
        tmp_path / "bytes.parquet"
    )
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for path in paths:
            archive.add(path, path.name)
            text = tarfile.TarInfo(path.stem + ".json")
            text.size = 2
            archive.addfile(text, io.BytesIO(b"{}"))
    return paths


@pytest.mark.parametrize("name", ["list.txt", "list.csv", "paths.parquet", "bytes.parquet", "shard.tar"])
def test_every_kind_of_list_yields_its_photos_in_order(photos: list[Path], name: str) -> None:
    listed = list(photos_in(photos[0].parents[1] / name))
    assert [Path(each).name for each, _ in listed] == [path.name for path in photos]
    for path, (_, photo) in zip(photos, listed, strict=True):
        assert (decode_photo(photo).pixels == decode_photo(path).pixels).all()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"x,y\n1,2\n", "no column of photos.*it has x, y"),
        ("a.csv", b"", "no column of photos.*it is empty"),
        ("a.tar", b"no archive at all", "cannot be read"),
        ("a.parquet", b"no parquet", "no parquet file"),
        ("a.txt", b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingError, match=message):
        list(photos_in(tmp_path / name))


def brightness(scored: list[str], *, patience: int = 99) -> Callable[[], Engine]:
    """Return what loads a stand-in that scores by brightness, and is interrupted after some photos."""

    def score_many(sources: Iterable[PhotoSource]) -> Iterator[QualityResult | FiqaError]:
        for number, source in enumerate(sources):
            if number == patience:
                raise KeyboardInterrupt
            scored.append(str(source))
            try:
                score = float(decode_photo(source).pixels.mean() / 255)
            except PhotoError as error:
                yield error
                continue
            face = FaceResult((0.0, 0.0, 9.0, 9.0), None, score, (score, score))
            yield QualityResult(score, face.interval, (face,), "lite", (0.0, 1.0), "bundled")

    return lambda: in_order(score_many)


def rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
        return found
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return [{**row, "error": row["error"] or None} for row in csv.DictReader(io.StringIO(text))]
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_run_that_is_stopped_and_cut_off_goes_on_and_scores_nothing_twice(
    photos: list[Path], suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = photos[0].parents[1]
    output = root / f"scores.{suffix}"
    (root / "list.txt").write_text("photos/a.png\nphotos/gone.png\nphotos/b.png\nphotos/c.png\n")
    options = _parser().parse_args(["score", str(root / "list.txt"), "--output", str(output)])
    first: list[str] = []
    assert command.write_rows(options, brightness(first, patience=2)) == 130
    assert "interrupted after 2 photos" in capsys.readouterr().err
    if suffix != "parquet":
        with output.open("ab") as file:
            file.write(b'{"path": "half')

    options.resume = True
    second: list[str] = []
    assert command.write_rows(options, brightness(second)) == 0
    assert [Path(each).name for each in first + second] == ["a.png", "gone.png", "b.png", "c.png"]
    written = rows(output)
    assert [Path(row["path"]).name for row in written] == ["a.png", "gone.png", "b.png", "c.png"]
    assert [bool(row["error"]) for row in written] == [False, True, False, False]
    third: list[str] = []
    assert command.write_rows(options, brightness(third)) == 0
    assert third == []


def test_rows_are_on_the_disk_while_the_run_goes_on(photos: list[Path]) -> None:
    output = photos[0].parents[1] / "scores.jsonl"
    options = _parser().parse_args(["score", str(photos[0].parent), "--output", str(output)])
    seen: list[int] = []

    def score_many(sources: Iterable[PhotoSource]) -> Iterator[FiqaError]:
        for _ in sources:
            seen.append(len(rows(output)))
            yield PhotoError("no")

    assert command.write_rows(options, lambda: in_order(score_many)) == 1
    assert seen == [0, 1, 2]


def test_what_is_there_is_neither_overwritten_nor_taken_for_results(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text("something else\n")
    with (
        pytest.raises(SettingError, match="there already: go on with it by --resume"),
        opened(tmp_path / "scores.jsonl", resume=False),
    ):
        pass
    with pytest.raises(SettingError, match="holds no results"), opened(tmp_path / "scores.jsonl", resume=True):
        pass
    assert (tmp_path / "scores.jsonl").read_text() == "something else\n"


@pytest.mark.parametrize("more", [[], ["--output", "scores.txt"], ["--output", "a.jsonl", "--face", "all"]])
def test_where_rows_cannot_go_is_said_before_anything_is_loaded(
    photos: list[Path], more: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos[0].parents[1])
    assert main(["score", "list.txt", *more]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert ".jsonl" in line


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_run_that_scored_nothing_leaves_nothing_in_the_way_of_the_next(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "list.csv").write_text("x\n1\n")
    output = tmp_path / f"scores.{suffix}"
    assert main(["score", str(tmp_path / "list.csv"), "--output", str(output)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("killed_after", [0, 1, 3])
def test_a_killed_run_keeps_every_row_that_was_written(tmp_path: Path, suffix: str, killed_after: int) -> None:
    """The process ends as by SIGKILL, in the middle of a row, so nothing of it can clean up."""
    output = tmp_path / f"scores.{suffix}"
    program = f"""
import os, pathlib
from fiqa.bulk.sinks import ParquetSink, opened
from fiqa.errors import PhotoError
from fiqa.reports import ScoredPhoto
with opened(pathlib.Path({str(output)!r}), resume=True) as sink:
    for name in "abcd"[:{killed_after}]:
        sink.write(ScoredPhoto(name, PhotoError("no")))
    sink._file.write(b'half a row'); sink._file.flush()
    os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 9
    with opened(output, resume=True) as sink:
        assert ["abcd".index(name) for name in "abcd" if name in sink.done] == [*range(killed_after)]
        for name in "abcd":
            if name not in sink.done:
                sink.write(ScoredPhoto(name, PhotoError("no")))
    assert [row["path"] for row in rows(output)] == [*"abcd"]


def test_a_parquet_file_holds_no_row_twice_where_a_run_was_killed_between_writing_and_cleaning_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scores.parquet"

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        killed_sink = ParquetSink(output)
        killed_sink.write(ScoredPhoto("a", PhotoError("no")))
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            killed_sink.close()
    with opened(output, resume=True) as sink:
        assert "a" in sink.done
        sink.write(ScoredPhoto("b", PhotoError("no")))
    assert [row["path"] for row in rows(output)] == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_names_that_are_no_text_are_found_again(tmp_path: Path, suffix: str) -> None:
    names = ["two\nlines.png", "latin\udce9.png", "größe.png", 'a "quote", a comma.png']
    output = tmp_path / f"scores.{suffix}"
    with opened(output, resume=False) as sink:
        for name in names:
            sink.write(ScoredPhoto(name, PhotoError(f"{name} is no photo")))
    with opened(output, resume=True) as sink:
        assert all(name in sink.done for name in names)
        assert len(sink.done) == len(names)


def test_a_run_in_folders_patterns_and_shards_knows_how_many_photos_there_are(photos: list[Path]) -> None:
    root = photos[0].parents[1]
    (root / "shard.tar").rename(root / "shard-007.tar")
    words = PhotoWords((f"{root}/shard-{{007..007}}.tar", str(root / "photos"), f"{root}/*.parquet", f"{root}/l*.csv"))
    assert words.count() == len([*words.photos()]) == 15


def test_a_column_of_tables_can_be_named(photos: list[Path]) -> None:
    table = photos[0].parents[1] / "mine.parquet"
    pd.DataFrame({"path": "?", "face": [path.read_bytes() for path in photos]}).to_parquet(table)
    assert [name for name, _ in PhotoWords((str(table),), "face").photos()] == [f"{table}/{row}" for row in range(3)]
    with pytest.raises(SettingError, match=r"--column; it has path, face"):
        [*PhotoWords((str(table),), "eyes").photos()]


def test_a_folder_without_photos_is_told_and_counts_as_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    options = _parser().parse_args(["score", str(tmp_path / "empty"), "--output", str(tmp_path / "a.jsonl")])
    assert command.write_rows(options, brightness([])) == 1
    assert "is a folder without photos" in capsys.readouterr().err


KILLED_RUN = """
import os, signal, sys
from fiqa.__main__ import _parser
from fiqa.bulk.command import write_rows
from fiqa.bulk.engines import in_order
from fiqa.errors import PhotoError

output, patience = sys.argv[1], int(sys.argv[2])
def score_many(sources):
    for number, source in enumerate(sources):
        if number == patience:
            os.kill(os.getpid(), signal.SIGKILL)
        print(source, flush=True)
        yield PhotoError("no")
options = _parser().parse_args(["score", "list.txt", "--output", output, "--resume"])
write_rows(options, lambda: in_order(score_many))
"""


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.slow
def test_a_list_whose_run_is_killed_again_and_again_has_every_photo_once(tmp_path: Path, suffix: str) -> None:
    """One photo at a time is in the making here, so none is ever scored twice."""
    names = [f"{number}.png" for number in range(7)]
    (tmp_path / "list.txt").write_text("\n".join(names))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    scored: list[str] = []
    for patience in (2, 3, 99):
        command_line = [sys.executable, "-c", KILLED_RUN, f"scores.{suffix}", str(patience)]
        done = subprocess.run(
            command_line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        assert done.returncode == (0 if patience == 99 else -signal.SIGKILL)
        scored += done.stdout.decode().split()
    assert scored == names
    assert [row["path"] for row in rows(tmp_path / f"scores.{suffix}")] == names


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Whether progress is shown: yes."""
        return True


def test_a_terminal_shows_how_many_of_how_many_are_done_those_of_an_earlier_run_among_them(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos[0].parents[1]
    with opened(root / "scores.jsonl", resume=False) as sink:
        sink.write(ScoredPhoto(str(photos[0]), PhotoError("no")))

    def score_many(sources: Iterable[PhotoSource]) -> Iterator[FiqaError]:
        for _ in sources:
            for thread in [each for each in threading.enumerate() if each.name == command.COUNTING]:
                thread.join()
            yield PhotoError("no")

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    arguments = ["score", str(root / "list.csv"), "--output", str(root / "scores.jsonl"), "--resume"]
    assert command.write_rows(_parser().parse_args(arguments), lambda: in_order(score_many)) == 1
    assert "| 3/3 [" in terminal.getvalue()
    assert "photo" in terminal.getvalue()
