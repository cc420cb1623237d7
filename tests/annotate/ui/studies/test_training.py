"""The Train panel: what it says in every state, and what it proposes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from annotate import queries, training_runs
from annotate.design.protocol import StudyProtocol
from annotate.errors import StudyError, TrainingRunError
from annotate.methods import make_protocol
from annotate.training_runs import Training, TrainingRuns, study_key
from annotate.ui.labelling import Labelling
from annotate.ui.studies.training import Trainer, TrainPanel
from annotate.ui.studies.training_panels import agreement_figure, result_panel, training_panel
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate
from tests.annotate.test_training_runs import wait_for_state

PICTURES, RATED = 12, 8
FIGURE = {"value": 0.9, "low": 0.7, "high": 0.97}
RESULT: dict[str, Any] = {
    "name": "mine", "start": "lite", "photos": RATED, "sources": RATED, "verdict": "worse",
    "sentence": "mine agrees LESS with these people than lite.", "data": {"mos_range": [1, 5]},
    "gain": {"value": -0.05, "low": -0.1, "high": -0.01}, "before": dict.fromkeys(("SRCC", "PLCC", "RMSE"), FIGURE),
    "after": {"SRCC": FIGURE, "PLCC": FIGURE, "RMSE": {"value": None, "low": None, "high": None}},
    "predictions": [
        {"stimulus": f"{number:03}.png", "mos": 3.0, "before": 3.0, "after": 3 + number / 10} for number in range(RATED)
    ],
}  # fmt: skip


@pytest.fixture
def study_id(labelling: Labelling) -> int:
    """Twelve pictures, of which five people have rated eight."""
    database = labelling.database
    study_id = make_study(database, labelling.settings.data_dir, candidates(PICTURES), name="<b>faces</b>")
    rate(database, study_id, honest_ratings([f"{number:03}.png" for number in range(RATED)], people=5))
    return study_id


@pytest.fixture
def key(labelling: Labelling, study_id: int) -> str:
    with labelling.database.read() as db:
        return study_key(queries.studies.get_study(db, study_id))


@pytest.fixture
def panel(labelling: Labelling, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainPanel]:
    """A panel whose trainings only pretend, and whose checkpoints give every picture but one its size as a score."""
    monkeypatch.setattr(training_runs, "SCRIPT", "tests.annotate.fake_training")
    runs = TrainingRuns(labelling.settings.data_dir)
    faceless = picture(PICTURES - 1)
    yield TrainPanel(labelling, Trainer(runs, lambda _, data: None if data == faceless else float(len(data))))
    runs.stop(key)


def training(state: str, **values: Any) -> Training:
    given: dict[str, Any] = {"status": {}, "history": [], "result": None, "log": "", **values}
    return Training(name="mine", state=state, **given)


def test_a_study_without_trainings_says_what_training_does(panel: TrainPanel, study_id: int) -> None:
    said, result, train, stop, name, command, _, scale = panel.enter(study_id)
    assert scale["visible"] is False  # there is one
    assert "Not trained yet" in said
    assert (result, train["interactive"], stop["visible"]) == ("", True, False)
    assert name == "b-faces-b"
    assert "python -m annotate export &#x27;&lt;b&gt;faces&lt;/b&gt;&#x27; b-faces-b-export" in command
    assert "-m tests.annotate.fake_training b-faces-b-export --name b-faces-b" in command


def test_training_starts_stops_and_is_found_by_another_page(
    panel: TrainPanel, labelling: Labelling, study_id: int, key: str
) -> None:
    *_, last = panel.start(study_id, "mine")
    assert "data-live" in last[0]
    wait_for_state(panel.trainer.runs, key, "training")
    other = TrainPanel(labelling, Trainer(TrainingRuns(labelling.settings.data_dir), panel.trainer.score))
    said, _, train, stop = other.show(study_id)
    assert "data-live" in said
    assert (train["visible"], stop["visible"]) == (False, True)
    other.stop(study_id)
    wait_for_state(panel.trainer.runs, key, "stopped")
    said, _, train, stop = panel.show(study_id)
    assert "was stopped. Train it again and it goes on where it was" in said
    assert (train["visible"], stop["visible"]) == (True, False)


def test_of_several_scales_the_chosen_one_is_learnt(
    panel: TrainPanel, labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    offered = candidates(PICTURES)
    study_id = make_study(labelling.database, labelling.settings.data_dir, offered, name="portraits", protocol=protocol)
    given = honest_ratings([each.name for each in offered], people=5)
    rate(labelling.database, study_id, [each._replace(more_grades={"details": 2.0}) for each in given])
    *_, scale = panel.enter(study_id)
    assert (scale["value"], scale["visible"]) == ("overall", True)
    assert "--name portraits --scale details" in panel.command(study_id, "details")
    assert "--scale" not in panel.command(study_id, "no scale of this study")
    with pytest.raises(TrainingRunError, match="0 pictures have ratings"):
        list(panel.start(study_id, "mine", "exposure"))
    monkeypatch.setattr(panel.trainer.runs, "find", lambda _: training("finished", result=RESULT, scale="details"))
    assert "agree with people on “Details”?" in panel.show(study_id).result
    *_, proposed = panel.propose(study_id, 30)
    assert "5 ratings" in proposed


def test_what_cannot_be_trained_is_said_before_anything_starts(
    panel: TrainPanel, labelling: Labelling, study_id: int
) -> None:
    for name in ("", "../x", "a b", ".hidden"):
        with pytest.raises(TrainingRunError, match="Name the checkpoint with letters"):
            list(panel.start(study_id, name))
    (labelling.settings.data_dir / "checkpoints" / "taken").mkdir(parents=True)
    with pytest.raises(TrainingRunError, match="There is a checkpoint taken already"):
        list(panel.start(study_id, "taken"))
    unrated = make_study(labelling.database, labelling.settings.data_dir, candidates(PICTURES), name="unrated")
    with pytest.raises(TrainingRunError, match="0 pictures have ratings; training needs 6 or more"):
        list(panel.start(unrated, "mine"))
    with pytest.raises(StudyError):
        panel.show(None)


def test_missing_packages_are_said_with_the_command(
    panel: TrainPanel, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_runs, "NEEDED", ("nothing_of_this_name",))
    said, _, train, _ = panel.show(study_id)
    assert "-m pip install --group train" in said
    assert train["interactive"] is False


def test_the_next_batch_is_of_pictures_without_votes_and_the_unknown_come_first(
    panel: TrainPanel, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = make_protocol({"method": "pairs", "pair_design": "chain", "pair_partners": 2})
    scored = [replace(each, score=float(number)) for number, each in enumerate(candidates(4))]
    compared = make_study(panel.labelling.database, panel.labelling.settings.data_dir, scored, name="p", protocol=pairs)
    (links,) = panel.propose(compared, 3)
    assert "The next 3 to compare" in links
    assert "001.png<br>002.png" in links
    *_, without = panel.propose(study_id, 4)
    assert all(f"{number:03}.png" in without for number in range(RATED, PICTURES))
    monkeypatch.setattr(panel.trainer.runs, "find", lambda _: training("finished", result=RESULT))
    *working, proposed = panel.propose(study_id, 30)
    assert "Scoring pictures without votes, 0 of 4" in working[0]
    assert 'download="next-batch.csv"' in proposed
    assert f"The next {PICTURES} to have rated" in proposed


def test_a_worse_checkpoint_is_shown_as_such_with_the_largest_differences_first() -> None:
    shown = result_panel(RESULT, {})
    assert '<p class="note warning">mine agrees LESS with these people than lite.</p>' in shown
    assert "<b>-0.050</b> <small>-0.100 to -0.010</small>" in shown
    surprises = shown[shown.index("The largest differences first") :]
    assert surprises.index("007.png") < surprises.index("001.png")
    assert agreement_figure(RESULT).count("<circle") == RATED


def test_agreement_with_preferences_is_shown_without_a_mos_to_draw() -> None:
    of_pairs = {"before": {"PAIRS": FIGURE}, "after": {"PAIRS": FIGURE}, "measure": "PAIRS", "data": {"pairs": 9}}
    shown = result_panel({**RESULT, **of_pairs}, {})
    assert "Share of people&#x27;s preferences" in shown
    assert "Gain in PAIRS" in shown
    assert "<svg" not in shown
    history = [{"step": 2, "surprise": 0.9, "pairs": 0.6}, {"step": 4, "surprise": 0.7, "pairs": 0.8}]
    curves = training_panel(training("finished", history=history))
    assert "Preferences in order, photos held out: 0.600 at first, 0.800 now" in curves


def test_names_are_text_wherever_they_come_from() -> None:
    evil = "<img src=x onerror=alert(1)>"
    result = {**RESULT, "name": evil, "start": evil, "sentence": evil}
    result["predictions"] = [{**each, "stimulus": evil} for each in RESULT["predictions"]]
    failed = training("failed", status={"message": evil}, log=evil)
    running = training("training", status={"message": evil, "steps": 10})
    for shown in (result_panel(result, {}), training_panel(failed), training_panel(running)):
        assert "<img src=x" not in shown


def test_progress_and_curves_follow_the_history() -> None:
    history = [
        {"step": 2, "error": 0.5},
        {"step": 4, "srcc": 0.6},
        {"step": 4, "error": 0.3},
        {"step": 6, "srcc": None},
    ]
    shown = training_panel(training("training", status={"message": "Fitting", "steps": 12}, history=history))
    assert "width:50.0%" in shown
    assert "Squared error, fitting: 0.500 at first, 0.300 now" in shown
    assert "SRCC" not in shown, "one point makes no curve"
    assert "<svg" not in training_panel(training("preparing", history=history)), "of the training before"


def test_a_finished_training_is_shown_with_its_pictures(
    panel: TrainPanel, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel.trainer.runs, "find", lambda _: training("finished", result=RESULT))
    said, result, *_ = panel.show(study_id)
    assert "choose it in the Score tab" in said
    assert result.count("data:image/jpeg") == RATED
