"""Commands run in a folder with pictures and ratings."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotate.__main__ import main
from tests.annotate.studies import honest_ratings, picture

COUNT, PEOPLE, CLICKERS = 30, 12, 3
NAMES = [f"{number:03}.png" for number in range(COUNT)]
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures, ratings of them and a data folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("FIQA_DATABASE_URL", "FIQA_OWNER_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "faces").mkdir()
    for number, name in enumerate(NAMES):
        (tmp_path / "faces" / name).write_bytes(picture(number))
    write_ratings(tmp_path / "ratings.csv")
    return tmp_path


def write_ratings(path: Path) -> None:
    """Write ratings by 12 people and 3 who click at random."""
    chance = random.Random(4)  # noqa: S311
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("participant", "grade", "stimulus", "remark"))
        writer.writerows((each.participant, each.grade, each.stimulus, "") for each in honest_ratings(NAMES, PEOPLE))
        writer.writerows((f"x{who}", chance.randint(1, 5), name, "") for who in range(CLICKERS) for name in NAMES)


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must succeed and return what it says as JSON."""

    def run(*arguments: str) -> Any:
        status = main([*arguments, "--json"])
        said = capsys.readouterr()
        assert status == 0, said.err
        return json.loads(said.out)

    return run


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must fail and return the one line that it says."""

    def refused(*arguments: str) -> str:
        assert main(list(arguments)) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("annotate: ")
        assert said.err.count("\n") == 1
        return said.err

    return refused
