"""A data folder and a checkpoint of one's own, as several tests need them."""

from pathlib import Path

import pytest

from fiqa.checkpoints import CheckpointSpec, Preprocessing, save_checkpoint
from fiqa.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with an empty data folder; the working folder is empty too."""
    monkeypatch.chdir(tmp_path)
    return Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of an untrained checkpoint called "mine"."""
    import torch  # late, as the next: most tests of this folder do without

    from fiqa.models import LITE, DslFiqa

    torch.manual_seed(0)
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4), (1.0, 5.0))
    save_checkpoint(DslFiqa(LITE), spec, tmp_path / "mine")
    return tmp_path / "mine"
