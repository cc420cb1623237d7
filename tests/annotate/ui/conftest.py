"""A study that can be rated through the routes of the rating page, without a server or a browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from annotate import queries
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.ui.labelling import Labelling
from annotate.ui.rating.routes import RatingRoutes
from tests.annotate.studies import candidates, make_study
from tests.served import make_labelling

IMAGES = 4
BRIEF: dict[str, Any] = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


@contextmanager
def started(folder: Path, **variables: str) -> Iterator[Labelling]:
    labelling = make_labelling(folder, **variables)
    labelling.start()
    yield labelling
    labelling.close()


@pytest.fixture
def labelling(tmp_path: Path, sqlite_template: Path) -> Iterator[Labelling]:
    shutil.copy(sqlite_template, tmp_path / "ratings.sqlite3")  # to make its tables takes longer
    with started(tmp_path) as labelling:
        yield labelling


@pytest.fixture
def site(labelling: Labelling) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=RatingRoutes(labelling).routes())) as client:
        yield client


@pytest.fixture
def join_code(labelling: Labelling) -> str:
    """Open a study; return what lets newcomers in."""
    return open_study(labelling, **BRIEF)


def open_study(labelling: Labelling, *, name: str = "faces", **protocol: Any) -> str:
    """Open a study of IMAGES pictures; return what lets newcomers in."""
    study_id = make_study(
        labelling.database,
        labelling.settings.data_dir,
        candidates(IMAGES),
        name=name,
        protocol=make_protocol(protocol) if "method" in protocol else StudyProtocol(**protocol),
    )
    with labelling.database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
        return queries.studies.get_study(db, study_id).join_code


@dataclass
class Rater:
    """A page that asks without its manners."""

    site: TestClient
    token: str = ""
    step: dict[str, Any] = field(default_factory=dict)
    keys: int = 0
    routes: str = "/rating"

    def post(self, action: str, **body: Any) -> Any:  # of httpx, or of its successor
        return self.site.post(f"{self.routes}/{action}", json={"token": self.token, **body})

    def go(self, action: str, **body: Any) -> dict[str, Any]:
        """Take a step that must succeed."""
        said = self.post(action, **body).raise_for_status().json()
        self.token = said.get("token", self.token)
        self.step = said["step"]
        return self.step

    def start(self, join_code: str) -> dict[str, Any]:
        self.go("join", study=join_code)
        return self.go("screen", device="desk", passed=True)

    def picture(self, number: int, role: str = "picture") -> Any:  # of httpx, or of its successor
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.site.get(f"{self.routes}/picture/{number}/{role}", headers=headers)

    def answer(self, grade: float | None = 3) -> dict[str, Any]:
        """Return an answer to what is shown, under a new key."""
        self.keys += 1
        return {
            "key": f"{self.token[:20]}-{self.keys}",
            "assignment_id": self.step["picture"]["number"],
            "grade": grade,
        }
