"""A checkpoint is a file from somewhere: reading it must run nothing that it carries."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from fiqa.errors import CheckpointError
from fiqa.loading import load_predictor


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("how", ["pickle", "torch"])
@pytest.mark.parametrize("name", ["model.safetensors", "DE.pt"])
def test_a_pickle_in_a_checkpoint_is_never_run(
    name: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trace = tmp_path / "it-ran"
    folder = tmp_path / "ckpt" / "GFIQA" if name == "DE.pt" else tmp_path / "checkpoint"
    folder.mkdir(parents=True)
    for file in (name, "IQA.pt", "config.json", "checkpoint.json"):
        if how == "torch":
            torch.save({"weight": Touch(trace)}, folder / file)
        else:
            (folder / file).write_bytes(pickle.dumps(Touch(trace)))
    with pytest.raises(CheckpointError):
        load_predictor("gfiqa" if name == "DE.pt" else str(folder), device="cpu")
    assert not trace.exists()
