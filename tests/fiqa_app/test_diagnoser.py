"""What the app lends the Studies tab to diagnose pictures with."""

from types import SimpleNamespace
from typing import Any

import pytest

from annotate.errors import DiagnosisError
from annotate.statistics.complaint_agreement import Diagnosis
from fiqa.degradation.atlas import Finding
from fiqa.errors import CheckpointError, FiqaError, NoFaceError
from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa_app import main as app
from tests.fiqa.ui.conftest import load, spec


@pytest.fixture
def service() -> PredictorService:
    return PredictorService(load, [spec("first")], "first")


def answer(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    """Let every diagnosis come out like this."""

    def diagnose(*_: Any) -> Any:
        if isinstance(outcome, FiqaError):
            raise outcome
        return SimpleNamespace(diagnosis=SimpleNamespace(degradations=outcome))

    monkeypatch.setattr(app, "diagnose_photo", diagnose)


def test_what_is_found_is_what_a_study_takes(service: PredictorService, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, (Finding("jpeg", 0.7, 0.25), Finding("clean", 0.3, 0.0)))
    found = app.create_diagnoser(Settings.from_environment({}), service).find(b"picture")
    assert [Diagnosis(**each) for each in found] == [Diagnosis("jpeg", 0.7, 0.25), Diagnosis("clean", 0.3, 0.0)]


def test_a_picture_without_a_face_has_no_diagnosis_and_other_troubles_are_said(
    service: PredictorService, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagnoser = app.create_diagnoser(Settings.from_environment({}), service)
    answer(monkeypatch, NoFaceError("There is no face in this picture."))
    assert diagnoser.find(b"picture") == []
    answer(monkeypatch, CheckpointError("The checkpoint is damaged."))
    with pytest.raises(DiagnosisError, match="is damaged"):
        diagnoser.find(b"picture")
    with pytest.raises(DiagnosisError, match="weights of 'first' are not on this machine"):
        diagnoser.network()
