"""The pictures of a study are diagnosed by the network that the app lends, each once, and put beside complaints."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from annotate import queries
from annotate.design.states import State
from annotate.errors import DiagnosisError, StudyError
from annotate.methods import make_protocol
from annotate.ui.studies import diagnoses
from annotate.ui.studies.diagnoses import DiagnosesPanel, build_diagnoses
from annotate.ui.studies.diagnosing import Diagnoser, Network
from annotate.ui.studies.html import WORKING, working
from annotate.ui.studies.ownership import Guard
from tests.annotate.rated import Person
from tests.annotate.studies import candidates, make_study, picture
from tests.annotate.ui.studies.handling import QUICK, Labelling, last, page_of, sent

PICTURES = 4
FACELESS = picture(PICTURES - 1)
FOUND = [
    {"type": "jpeg", "probability": 0.2, "severity": 0.5},
    {"type": "gaussian_noise", "probability": 0.8, "severity": 0.4},
]
CSV = "path,type,probability,severity\n" + "".join(
    f"{number:03}.png,{each['type']},{each['probability']},{each['severity']}\n"
    for number in range(PICTURES - 1)
    for each in FOUND
)


class Lent:
    """What the app lends: a network that finds the same in every picture, and nothing in the last one."""

    def __init__(self, broken_at: int = 1000) -> None:
        self.version, self.seen, self.broken_at = "1", list[bytes](), broken_at

    def network(self) -> Network:
        return Network("lite", self.version)

    def find(self, data: bytes) -> Sequence[dict[str, Any]]:
        if len(self.seen) >= self.broken_at:
            raise DiagnosisError("The checkpoint is damaged; fetch it again.")
        self.seen.append(data)
        return [] if data == FACELESS else FOUND


@pytest.fixture
def study_id(labelling: Labelling) -> int:
    """Somebody complains of noise, whatever they see."""
    protocol = make_protocol({**QUICK, "method": "acr", "reasons": ["blur", "noise"]})
    made = make_study(labelling.database, labelling.settings.data_dir, candidates(PICTURES), protocol=protocol)
    with labelling.database.write() as db:
        queries.lifecycle.change_state(db, made, State.OPEN, datetime.now(UTC))
    person = Person(labelling.database, made)
    step = person.start()
    while step.picture:
        step = person.send(person.answer(step, 2.0, reasons=("noise",))).step
    return made


Panel = Callable[[Lent], DiagnosesPanel]


@pytest.fixture
def panel(labelling: Labelling) -> Panel:
    return lambda lent: DiagnosesPanel(labelling, Diagnoser(lent.network, lent.find))


def test_pictures_are_diagnosed_and_stand_beside_complaints_as_from_a_csv(
    panel: Panel, study_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnoses, "TOLD_EVERY_S", 0)
    lent = Lent()
    *told, shown = panel(lent).diagnose(study_id)
    for done, each in enumerate(told[: PICTURES + 1]):
        assert f"lite is looking at the pictures, {done} of {PICTURES}" in each
    said, beside = shown.split("</p>", 1)
    assert said.endswith(
        "lite looked at 4 pictures. 1 picture has no diagnosis: no face was found, or the file is missing."
    )
    (tmp_path / "diagnoses.csv").write_text(CSV)
    assert beside == last(panel(lent).compare(study_id, sent(tmp_path / "diagnoses.csv")))
    assert "Noise 1</td><td>gaussian noise (80%)</td><td>yes</td>" in beside


def test_what_was_diagnosed_is_kept_until_the_weights_change(panel: Panel, study_id: int) -> None:
    lent = Lent()
    works = panel(lent)
    steps = works.pictures.find_all(study_id)
    assert [next(steps)[:2] for _ in range(3)] == [(0, PICTURES), (1, PICTURES), (2, PICTURES)]
    steps.close()  # as when somebody stops it
    assert "Stopped after 2 of 4 pictures" in works.stopped(study_id)
    last(works.diagnose(study_id))
    last(works.diagnose(study_id))
    assert sorted(lent.seen) == sorted(picture(number) for number in range(PICTURES))  # each once
    lent.version = "2"
    assert "Stopped after 0 of 4 pictures" in works.stopped(study_id)
    last(works.diagnose(study_id))
    assert len(lent.seen) == 2 * PICTURES


def test_a_network_that_cannot_be_used_is_named_and_what_it_did_is_kept(panel: Panel, study_id: int) -> None:
    works = panel(lent := Lent(broken_at=2))
    assert "The checkpoint is damaged; fetch it again." in last(works.diagnose(study_id))
    lent.broken_at = 1000
    assert "lite looked at 4 pictures" in last(works.diagnose(study_id))
    assert len(lent.seen) == PICTURES


def test_a_study_that_asks_for_no_reasons_is_not_diagnosed(panel: Panel, labelling: Labelling) -> None:
    lent = Lent()
    without = make_study(labelling.database, labelling.settings.data_dir, candidates(2), name="silent")
    with pytest.raises(StudyError, match="asks for no reasons"):
        last(panel(lent).diagnose(without))
    assert lent.seen == []


def test_no_more_is_kept_than_there_is_room_for(panel: Panel, study_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotate.ui.studies.diagnosing.MOST_KEPT", 3)
    works = panel(Lent())
    last(works.diagnose(study_id))
    assert works.pictures.count_done(study_id) == (3, PICTURES)


def test_a_picture_whose_file_is_missing_has_no_diagnosis_until_it_is_back(
    panel: Panel, labelling: Labelling, study_id: int
) -> None:
    works = panel(Lent())
    folder = labelling.settings.data_dir / "stimuli"
    away = folder.rename(folder.with_name("away"))
    assert "4 pictures have no diagnosis" in last(works.diagnose(study_id))
    away.rename(folder)
    assert "1 picture has no diagnosis" in last(works.diagnose(study_id))


def test_after_an_error_the_page_takes_away_how_far_it_was_and_offers_to_start(labelling: Labelling) -> None:
    lent = Lent()
    with gr.Blocks() as page:
        study = gr.State()
        guard = Guard(page_of(labelling).ownership, gr.BrowserState(), study)
        build_diagnoses(labelling, guard, study, Diagnoser(lent.network, lent.find))
    events = [*page.fns.values()]
    (diagnose,) = (each for each in events if each.name == "diagnose")
    (reset,) = (each for each in events if each.trigger_after == diagnose._id and each.trigger_only_on_failure)
    found, *_ = diagnose.outputs
    assert reset.outputs[0] is found
    assert [getattr(each, "elem_id", "") for each in reset.outputs[1:]] == ["diagnose-pictures", "stop-diagnosing"]
    assert working("anything").startswith(WORKING)
