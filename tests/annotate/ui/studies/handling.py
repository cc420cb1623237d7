"""What the tests of the panels do over and over: upload, send, read the last answer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
import pytest

from annotate import queries
from annotate.ui.studies.ownership import Ownership, Visit
from annotate.ui.studies.pictures import FileValue
from annotate.ui.studies.protocol_form import FIELDS, shown_value
from annotate.ui.studies.tab import Studies
from annotate.ui.studies.users import StudyMembers, User
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate

MARKUP = "<img src=x onerror=alert(1)>"


QUICK = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


HOST = User("owner", is_host=True)
VISIT = Visit(gr.Request())
Labelling = Any
"""What stands for one: settings and a database that is open already."""


def rated_study(labelling: Labelling, *, images: int = 12, people: int = 6, name: str = "faces") -> int:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(images), name=name)
    rate(labelling.database, study_id, honest_ratings([f"{number:03}.png" for number in range(images)], people))
    return study_id


def page_of(labelling: Labelling) -> Studies:
    return Studies(labelling, Ownership(labelling.settings, lambda _scope: "", StudyMembers(labelling)))


def uploaded(folder: Path, count: int) -> list[FileValue]:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(picture(number))
    return [sent(path) for path in sorted(folder.iterdir())]


def sent(path: Path, name: str | None = None) -> FileValue:
    """Return what a page sends of a file."""
    return {"path": str(path), "orig_name": name or path.name}


def form(labelling: Labelling, study_id: int, **changed: Any) -> list[Any]:
    """Return what stands in the protocol's form, with fields that were changed and not saved."""
    with labelling.database.read() as db:
        protocol = queries.studies.get_study(db, study_id).protocol
    return [changed.get(field.name, shown_value(protocol, field)) for field in FIELDS]


def last(steps: Iterator[Any]) -> Any:
    return list(steps)[-1]


@contextmanager
def toasts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect what is said in passing; outside an event Gradio has nowhere to show it."""
    said: list[str] = []
    for kind in ("Info", "Warning"):
        monkeypatch.setattr(gr, kind, said.append)
    yield said


def packed(said: str) -> Path:
    """Return the file that a link on the page leads to."""
    name, address = re.findall(r'download="([^"]+)" href="gradio_api/file=([^"]+)"', said)[0]
    path = Path(unquote(unescape(address)))
    assert path.name == unescape(name)
    return path


def finish(steps: Any) -> Any:
    """Run a generator and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def now() -> datetime:
    return datetime.now(UTC)
