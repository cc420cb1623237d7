"""Commands on many photos that are killed (SIGKILL, as a machine short of memory does) go on where they were."""

import json
import shutil
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
ROOT = Path(__file__).parents[2]

PHOTOS = 5
COMPARE = ["compare", "a", "b", "--no-diagnosis"]
CURATE = ["curate", "a", "--keep-share", "0.4"]
PLACE = ["curate", "a", "--keep-share", "0.8", "--to", "kept", "--by"]
RUNS = {
    "compare": (COMPARE, "fiqa.comparison.journal", "Journal.add"),
    "curate": (CURATE, "fiqa.curation.journal", "ScoreJournal.add"),
    "copy": ([*PLACE, "copy"], "fiqa.curation.placing", "_PLACE['copy']"),
    "move": ([*PLACE, "move"], "fiqa.curation.placing", "_PLACE['move']"),
}
"""Commands, each with the function after whose second call its process is killed."""

KILLED = """
import os, signal, sys
import fiqa.loading
from fiqa import __main__
from tests.fiqa.test_killed_runs import RUNS

for folder in sys.argv[1:]:
    command, module, function = RUNS[os.path.basename(folder)]
    if os.fork():
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
        continue
    sys.stdout = open(os.devnull, "w")
    os.chdir(folder)
    os.environ["FIQA_DATA_DIR"] = os.path.join(folder, "data")
    names, calls = {}, []
    exec(f"import {module} as module; true = module.{function}", names)
    def killed(*given):
        done = names["true"](*given)
        calls.append(given)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    exec(f"module.{function} = killed", names | {"killed": killed})
    os._exit(__main__.main(command))
"""
"""Does each run in a process of its own, a fork of one that has imported torch and computed nothing."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of two methods of five photos and a data folder in which each run was killed."""
    photos, root = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("killed")
    for method, kind in (("a", "gaussian_noise"), ("b", "jpeg")):
        (photos / method).mkdir()
        for number in range(PHOTOS):
            pixels = degrade(astronaut()[20:240, 110:330], [(kind, 0.1 + 0.15 * number)], seed=number)
            Image.fromarray(pixels).save(photos / method / f"{number}.png")
    folders = {name: shutil.copytree(photos, root / name) for name in RUNS}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, folders.values())],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["-9"] * len(RUNS), done.stderr
    return folders


@pytest.fixture
def folder(
    killed: dict[str, Path], request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Go to where a run was killed."""
    folder = killed[request.param]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FIQA_DATA_DIR", str(folder / "data"))
    return folder


def scores(report: str) -> dict[str, float]:
    """Return the scores in a report, by photo and method."""
    photos = json.loads(Path(report).read_text())["photos"]
    return {
        f"{photo['name']} {method}": score
        for photo in photos
        for method, score in photo.get("scores", {"": photo.get("score")}).items()
    }


@pytest.mark.parametrize(
    ("folder", "command", "journal"),
    [("compare", COMPARE, Journal), ("curate", CURATE, ScoreJournal)],
    indirect=["folder"], ids=["compare", "curate"],
)  # fmt: skip
def test_photos_scored_before_are_not_scored_again(
    folder: Path, command: list[str], journal: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    added, true = [], journal.add

    def add(*given: Any) -> None:
        added.append(given)
        true(*given)

    monkeypatch.setattr(journal, "add", add)

    assert main([*command, "--output", "again.json"]) == 0

    assert len(added) == PHOTOS - 2
    monkeypatch.setenv("FIQA_DATA_DIR", str(folder / "other data"))
    main([*command, "--output", "undisturbed.json"])
    assert len(added) == 2 * PHOTOS - 2
    assert scores("again.json") == pytest.approx(scores("undisturbed.json"), abs=1e-5)


@pytest.mark.parametrize(("folder", "by"), [("copy", "copy"), ("move", "move")], indirect=["folder"], ids=str)
def test_a_placement_is_finished_as_it_was_planned_and_can_be_undone(
    folder: Path, by: str, killed: dict[str, Path]
) -> None:
    originals = {path.name: path.read_bytes() for path in (killed["compare"] / "a").iterdir()}
    assert len(list((folder / "kept").glob("*.png"))) == 2

    assert main([*PLACE, by]) == 0
    assert len(list((folder / "kept").glob("*.png"))) == 4
    found = {path.name: path.read_bytes() for place in ("a", "kept") for path in (folder / place).glob("*.png")}
    assert found == originals

    assert main(["curate", "--undo", "kept"]) == 0
    assert {path.name: path.read_bytes() for path in (folder / "a").iterdir()} == originals
    assert not (folder / "kept").exists()
