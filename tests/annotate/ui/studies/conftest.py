"""An app that labels, for the panels of the Studies tab."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from annotate.database.engine import Database
from annotate.settings import Settings
from tests.annotate.ui.studies.handling import Labelling


@pytest.fixture
def labelling(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labelling:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "data")})
    return SimpleNamespace(database=database, settings=settings)
