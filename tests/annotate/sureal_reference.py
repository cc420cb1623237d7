"""What Netflix' `sureal` finds in complete designs, run in a process of its own.

Importing it sets the start method of multiprocessing for the whole process, and it prints every iteration.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.statistics.ratings import Ratings

_SCRIPT = """
import contextlib, json, sys
from sureal import BT500Model, P910AnnexEModel, P913124Model
from sureal.dataset_reader import RawDatasetReader

def dataset(matrix):
    videos = [{"content_id": 0, "asset_id": row, "path": "", "os": grades} for row, grades in enumerate(matrix)]
    references = [{"content_id": 0, "content_name": "", "path": ""}]
    return type("", (), {"dataset_name": "", "ref_videos": references, "dis_videos": videos, "ref_score": None})

def run(model, matrix):
    found = model(RawDatasetReader(dataset(matrix))).run_modeling()
    wanted = [key for key in found if key.startswith(("quality_scores", "observer_"))]
    return {key: [float(value) for value in found[key]] for key in wanted if not key.endswith("ci95")}

models = {"p910": P910AnnexEModel, "bt500": BT500Model, "p913": P913124Model}
matrices = json.load(sys.stdin)
with contextlib.redirect_stdout(sys.stderr):
    answer = [{name: run(model, matrix) for name, model in models.items()} for matrix in matrices]
json.dump(answer, sys.stdout)
"""


@dataclass(frozen=True, eq=False)
class CompleteDesign:
    """Grades (J, I) of a study in which everyone rated everything, and what each of sureal's models says of it."""

    matrix: NDArray[np.float64]
    found: dict[str, dict[str, Any]]

    def ratings(self) -> Ratings:
        """Return the grades in long format."""
        stimulus, participant = np.indices(self.matrix.shape)
        return Ratings.from_columns(stimulus.ravel(), participant.ravel(), self.matrix.ravel())


@cache
def complete_designs() -> tuple[CompleteDesign, ...]:
    """Return five studies of several sizes, on ACR 5 and on a scale without steps, one person in six clicking."""
    matrices = [_matrix(seed, stimuli, people) for seed, (stimuli, people) in enumerate(SIZES)]
    answer = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps([matrix.tolist() for matrix in matrices]),
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(CompleteDesign(*pair) for pair in zip(matrices, json.loads(answer.stdout), strict=True))


SIZES = ((30, 24), (60, 18), (120, 20), (40, 40), (24, 12))


def _matrix(seed: int, stimuli: int, people: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    grades = rng.uniform(1.3, 4.7, (stimuli, 1)) + rng.normal(0, 0.3, people)
    grades += rng.uniform(0.3, 1.0, people) * rng.normal(size=grades.shape)
    clicker = np.arange(people) % 6 == 0
    grades[:, clicker] = rng.uniform(1, 5, (stimuli, clicker.sum()))
    return np.clip(grades if seed % 2 else np.round(grades), 1, 5)
