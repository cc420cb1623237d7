"""Commands on many photos that are killed (SIGKILL, as a machine short of memory does) go on where they were."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main
from fiqa.comparison.journal import Journal
from fiqa.curation.journal import ScoreJournal
from fiqa.degradation.synthetic import degrade

pytestmark = pytest.mark.slow

KILLED = """
import os, signal, sys
from fiqa import __main__
from {module} import {owner}
true, calls = {owner}.{name}, []
def killed(*given):
    done = true(*given)
    calls.append(given)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
{owner}.{name} = killed
sys.exit(__main__.main(sys.argv[1:]))
"""
"""Runs a command whose process is killed after the second call of a function."""
PHOTOS = 5


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with two methods of five photos, and an empty data folder."""
    for method, kind in (("a", "gaussian_noise"), ("b", "jpeg")):
        (tmp_path / method).mkdir()
        for number in range(PHOTOS):
            pixels = degrade(astronaut()[20:240, 110:330], [(kind, 0.1 + 0.15 * number)], seed=number)
            Image.fromarray(pixels).save(tmp_path / method / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    return tmp_path


def kill(arguments: list[str], *, module: str, owner: str, name: str) -> None:
    code = KILLED.format(module=module, owner=owner, name=name)
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr


def scores(report: str) -> dict[str, float]:
    """Return the scores in a report, by photo and method."""
    photos = json.loads(Path(report).read_text())["photos"]
    return {
        f"{photo['name']} {method}": score
        for photo in photos
        for method, score in photo.get("scores", {"": photo.get("score")}).items()
    }


@pytest.mark.parametrize(
    ("command", "journal", "kept"),
    [
        (["compare", "a", "b", "--no-diagnosis"], Journal, "comparisons"),
        (["curate", "a", "--keep-share", "0.4"], ScoreJournal, "curations"),
    ],
    ids=["compare", "curate"],
)
def test_photos_scored_before_are_not_scored_again(
    command: list[str], journal: type[Any], kept: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main([*command, "--output", "undisturbed.json"])
    for file in (folder / "data" / kept).glob("*"):
        file.unlink()
    kill(command, module=journal.__module__, owner=journal.__name__, name="add")
    added, true = [], journal.add

    def add(*given: Any) -> None:
        added.append(given)
        true(*given)

    monkeypatch.setattr(journal, "add", add)

    assert main([*command, "--output", "again.json"]) == 0

    assert len(added) == PHOTOS - 2
    assert scores("again.json") == pytest.approx(scores("undisturbed.json"), abs=1e-5)


@pytest.mark.parametrize("by", ["copy", "move"])
def test_a_placement_is_finished_as_it_was_planned_and_can_be_undone(by: str, folder: Path) -> None:
    originals = {path.name: path.read_bytes() for path in (folder / "a").iterdir()}
    command = ["curate", "a", "--keep-share", "0.8", "--to", "kept", "--by", by]
    kill(command, module="fiqa.curation", owner="placing", name=f"_PLACE['{by}']")
    assert len(list((folder / "kept").glob("*.png"))) == 2

    assert main(command) == 0
    assert len(list((folder / "kept").glob("*.png"))) == 4
    found = {path.name: path.read_bytes() for place in ("a", "kept") for path in (folder / place).glob("*.png")}
    assert found == originals

    assert main(["curate", "--undo", "kept"]) == 0
    assert {path.name: path.read_bytes() for path in (folder / "a").iterdir()} == originals
    assert not (folder / "kept").exists()
