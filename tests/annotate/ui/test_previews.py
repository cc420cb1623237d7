"""A test run is the rater's whole path on the draft as it stands in the form, and leaves nothing behind."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from annotate import queries
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import AccessError, StudyStateError
from annotate.ui.labelling import Labelling
from annotate.ui.previews import MOST_PREVIEWS, StudyPreviews, as_tried
from annotate.ui.studies.protocol_form import FIELDS, shown_value
from annotate.ui.studies.setup import Setup
from tests.annotate.studies import candidates, make_study, picture
from tests.annotate.ui.conftest import BRIEF, Rater

IMAGES = 3


@pytest.fixture
def draft(labelling: Labelling) -> int:
    return make_study(labelling.database, labelling.settings.data_dir, candidates(IMAGES))


def form(**changed: Any) -> list[Any]:
    protocol = StudyProtocol(**BRIEF)
    return [changed.get(field.name, shown_value(protocol, field)) for field in FIELDS]


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file, but for SQLite's index of its log, in which readers are noted too."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite3-shm")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rater_of(shown: str, site: TestClient) -> tuple[Rater, str]:
    """Return a rater at the link of a test run, and what they join by."""
    code, study = shown.partition("?preview=")[2].partition('"')[0].split("&amp;study=")
    return Rater(site, routes=f"/rating/preview/{code}"), study


def test_a_test_run_goes_from_consent_to_the_code_and_writes_nothing(
    labelling: Labelling, draft: int, site: TestClient, tmp_path: Path
) -> None:
    labelling._ended.set()
    labelling._thread.join()  # it makes the demo and keeps house meanwhile
    before = contents(tmp_path)
    shown = Setup(labelling).try_out(draft, *form(ready_questions=["device"], sitting_items=2))
    rater, study = rater_of(shown, site)
    assert rater.go("join", study=study)["kind"] == "questions"
    rater.go("questions", start_answers={"device": 0})
    step = rater.go("screen", device="desk", passed=True)
    assert rater.picture(step["picture"]["number"]).content in [picture(number) for number in range(IMAGES)]
    for done in range(2):
        assert (step["kind"], step["done"], step["total"]) == ("rate", done, 2)
        step = rater.go("rate", answer=rater.answer())
    assert rater.go("finish")["completion_code"]
    assert contents(tmp_path) == before
    with labelling.database.read() as db:
        assert queries.studies.get_study(db, draft).state is State.DRAFT
        assert queries.studies.get_study(db, draft).protocol.sitting_items == 100
        assert queries.participants.count_participants(db, draft) == 0


def test_a_test_run_opens_nothing_of_the_studies_that_are_kept(
    labelling: Labelling, draft: int, site: TestClient
) -> None:
    rater, study = rater_of(Setup(labelling).try_out(draft, *form()), site)
    with labelling.database.read() as db:
        kept = queries.studies.get_study(db, draft).join_code
    assert rater.post("join", study=kept).status_code == 403
    assert Rater(site).post("join", study=study).status_code == 403
    rater.start(study)
    assert Rater(site, rater.token).post("look").status_code == 403
    assert rater.post("withdraw").status_code == 200


def test_the_oldest_test_run_ends_for_a_new_one_and_all_end_with_the_app(labelling: Labelling, draft: int) -> None:
    previews = StudyPreviews()
    with labelling.database.read() as db:
        stimuli = queries.stimuli.copy_stimuli(db, draft)
    made = [previews.start("faces", StudyProtocol(), stimuli) for _ in range(MOST_PREVIEWS + 1)]
    with pytest.raises(AccessError, match="test run is over"):
        previews.database(made[0].code)
    previews.database(made[-1].code)
    previews.close()
    with pytest.raises(AccessError, match="test run is over"):
        previews.database(made[-1].code)


def test_a_draft_without_pictures_cannot_be_tried(labelling: Labelling) -> None:
    with labelling.database.write() as db:
        empty = queries.studies.create_study(db, "empty", StudyProtocol(), datetime.now(UTC)).id
    with pytest.raises(StudyStateError, match="no pictures to rate"):
        Setup(labelling).try_out(empty, *form())


def test_a_test_run_does_not_wait_for_long_breaks_nor_end_at_a_deadline() -> None:
    protocol = StudyProtocol(closes_at=datetime.now(UTC) - timedelta(days=1), max_people=1, break_s=60)
    tried = as_tried(protocol)
    assert (tried.closes_at, tried.max_people, tried.break_s) == (None, 0, 5)
