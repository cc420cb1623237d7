"""The example of docs/studies.md that goes from votes to a better model, run as it is written."""

import csv
import json
import re
import shlex
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.degradation.synthetic import degrade
from tests.training.resampling_less import resampling_less

ROOT = Path(__file__).parents[1]
SECTION = "## From votes to a better model"
TYPES = ("gaussian_noise", "gaussian_blur", "jpeg", "low_light")
PHOTOS, RATED, PEOPLE = 16, 12, 5


def example() -> str:
    """Return the commands of the section."""
    text = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8").split(SECTION)[1]
    found = re.search(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Damaged copies of the astronaut in photos/, and votes.csv by people who see the damage with some noise."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    votes = [("stimulus", "participant", "grade")]
    for number in range(PHOTOS):
        severity = 0.1 + 0.8 * (number % RATED) / RATED + 0.03 * (number >= RATED)
        pixels = degrade(astronaut()[:320, 60:380], [(TYPES[number % 4], severity)], seed=number)
        Image.fromarray(pixels).save(folder / "photos" / f"{number:02}.png")
        grades = np.clip(np.rint(5 - 4 * severity + rng.normal(0, 0.5, PEOPLE)), 1, 5).astype(int)
        votes += [(f"{number:02}.png", f"person {who}", str(grade)) for who, grade in enumerate(grades)][
            : PEOPLE * (number < RATED)
        ]
    with (folder / "votes.csv").open("w", newline="") as file:
        csv.writer(file).writerows(votes)
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the commands print. All are run in this process, which imports torch once."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), resampling_less():
        patch.chdir(folder)
        patch.setenv("FIQA_DATA_DIR", str(folder / "data"))
        for line in example().splitlines():
            run(shlex.split(line, comments=True))
    return said.getvalue()


def run(command: list[str]) -> None:
    """Run `python -m MODULE …` or `fiqa …`, which must succeed."""
    if command[:2] == ["python", "-m"]:
        command = command[2:]
    module, *arguments = command
    script = import_module(module if "." in module else f"{module}.__main__")
    assert not script.main(arguments), command


def test_the_commands_make_a_checkpoint_and_say_how_far_it_agrees_with_people(folder: Path, printed: str) -> None:
    result = json.loads((folder / "runs" / "portraits" / "result.json").read_text())
    assert (result["photos"], result["data"]["mos_range"]) == (RATED, [1.0, 5.0])
    assert result["sentence"] in printed
    assert (folder / "data" / "checkpoints" / "portraits" / "model.safetensors").exists()


def test_the_new_checkpoint_scores_every_photo_on_the_scale_of_the_votes(folder: Path, printed: str) -> None:
    with (folder / "scores.csv").open(newline="") as file:
        scores = {Path(row["path"]).name: float(row["score"]) for row in csv.DictReader(file)}
    assert printed
    assert len(scores) == PHOTOS
    assert all(1 <= score <= 5 for score in scores.values())
    assert scores["00.png"] > 3 > scores["11.png"]


def test_the_photos_without_votes_are_those_to_have_rated_next(printed: str) -> None:
    proposed = re.findall(
        r"^(\d\d\.png)  0 ratings; one more should make its MOS more certain by ", printed, re.MULTILINE
    )
    assert sorted(proposed) == ["12.png", "13.png", "14.png", "15.png"]
