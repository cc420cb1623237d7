"""The Progress panel tells who rates, and when it will be done."""

import re
from datetime import timedelta

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.errors import (
    StudyError,
)
from annotate.rating import sitting
from annotate.rating.links import make_links, open_link
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.participants import Participants
from annotate.ui.studies.progress import Progress
from annotate.ui.studies.setup import Setup, SetupShown
from tests.annotate.rated import NOW, Person, new_study
from tests.annotate.ui.studies.handling import HOST, MARKUP, QUICK, Labelling, form, last, now, rated_study, toasts


def test_progress_tells_who_rates_and_when_it_will_be_done(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=4, ratings_wanted=2, **QUICK)
    person = Person(database, study_id)
    panel = Progress(labelling)
    assert "nobody is rating" in panel.show(study_id)
    assert "1 invited, not begun" in panel.show(study_id)
    person.now = now()
    step = person.start()
    assert "too early to say" in panel.show(study_id)
    for _ in range(3):
        step = person.rate(step)
    shown = panel.show(study_id)
    assert "<b>3</b> of 8 wanted" in shown
    assert "3 of 4" in shown
    assert "<b>1</b> 1 rating now" in shown
    assert "at 0.3 ratings a minute" in shown
    assert "data-live" in shown


def test_who_has_just_finished_is_not_rating_and_no_time_is_told(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=2, ratings_wanted=3, **QUICK)
    finished, left = (Person(database, study_id) for _ in range(2))
    finished.now = now()
    finished.rate_all(finished.start())
    finished.finish()
    left.now = now() - timedelta(hours=2)
    left.rate(left.start())
    with database.write() as db:
        make_links(db, queries.studies.get_study(db, study_id), 3, now())
    shown = Progress(labelling).show(study_id)
    assert "<b>2</b> 1 finished, 1 left before the end, 3 invited, not begun" in shown
    assert "<b>3</b> ratings missing; nobody is rating now" in shown
    assert re.search(r"Nobody is rating now; last seen \d+ s ago\.", shown)
    assert "min" not in shown.partition("Pictures by")[0]


def test_those_who_are_rating_are_told_what_the_owner_says(
    database: Database, labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = new_study(database, images=3, **QUICK)
    person, panel = Person(database, study_id), Progress(labelling)
    step = person.start()
    assert step.message == ""
    with toasts(monkeypatch):
        panel.tell(study_id, f"  The server restarts at noon. {MARKUP} ")
        step = person.rate(step)
        assert step.message == f"The server restarts at noon. {MARKUP}"
        assert panel.enter(HOST, study_id)[1] == step.message
        panel.tell(study_id, "")
    assert person.rate(step).message == ""
    with pytest.raises(StudyError, match="shorten it to 500"):
        panel.tell(study_id, "x" * 501)


def test_who_has_not_taken_their_code_is_listed(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=1, ratings_wanted=9, **QUICK)
    taken, waiting, _unfinished, _invited = people = [Person(database, study_id) for _ in range(4)]
    for person in people[:3]:
        person.rate_all(person.start())
    for person in (taken, waiting):
        person.finish()
    database.transact(lambda db: sitting.take_code(db, taken.token, NOW))
    with database.read() as db:
        names = [open_link(db, person.token)[0].pseudonym for person in people]
    panel = Participants(labelling, Analyses(labelling))
    listed, _ = last(panel.show(study_id, "without code", ""))
    assert [name in listed for name in names] == [False, True, True, False]
    assert "code not taken" in listed
    assert "all rated, Finish not pressed" in listed
    invited, _ = last(panel.show(study_id, "invited", ""))
    assert [name in invited for name in names] == [False, False, False, True]
    assert "invited</td>" in invited
    assert ">used<" not in invited


def test_what_a_state_does_not_allow_is_not_offered(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)

    def offered() -> tuple[bool, ...]:
        """Return whether one may open, take a test run, pause, add, save and close."""
        shown = dict(zip(SetupShown._fields, setup.show(study_id), strict=False))
        return tuple(shown[name]["visible"] for name in ("start", "attempt", "pause", "adding", "save", "end"))

    assert offered() == (True, True, False, True, True, False)
    setup.open(study_id, *form(labelling, study_id))
    assert offered() == (False, False, True, False, False, True)
    setup.end(study_id, "faces")
    assert offered() == (False,) * 6


def test_a_closed_study_is_not_watched(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    setup.end(study_id, "faces")
    assert "data-live" not in Progress(labelling).show(study_id)
