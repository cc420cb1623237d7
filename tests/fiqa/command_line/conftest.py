"""Photos, and a command line whose predictor scores brightness."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fiqa import checkpoints
from fiqa.errors import CheckpointError, FiqaError, SettingError
from fiqa.faces.face_choice import FaceChoice
from fiqa.photos.images import decode_photo
from fiqa.results import FaceResult, QualityResult
from tests.fiqa.command_line.test_main import LITE

LANDMARKS = np.zeros((68, 2), np.float32)


class BrightnessPredictor:
    """Scores a photo by its brightness; stops as Ctrl-C does after `patience` photos."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.patience, self.faces = record.pop("patience", 99), record.pop("faces", 1)
        self.signal, self.goes_on = record.pop("signal", None), record.pop("goes_on", False)

    def stop(self) -> None:
        """End as a person or the system ends a run."""
        if self.signal is None:
            raise KeyboardInterrupt
        os.kill(os.getpid(), self.signal)
        assert self.goes_on, "the signal had no effect"

    def score_many(
        self, sources: Iterable[str], *, face: FaceChoice = "main", aligned: str | None = None
    ) -> Iterator[QualityResult | FiqaError]:
        if (face, aligned) != ("main", None):
            self.record["which"] = {"face": face, "aligned": aligned}
        for number, source in enumerate(sources):
            if number == self.patience:
                self.stop()
            try:
                pixels = decode_photo(source).pixels
            except FiqaError as error:
                yield error
                continue
            scores = [float(pixels.mean()) / 255 - 0.1 * number for number in range(self.faces)]
            found = [FaceResult((1.0, 2.0, 30.0, 40.0), LANDMARKS, each, (each - 0.01, each + 0.01)) for each in scores]
            yield QualityResult(
                scores[0], found[0].interval, tuple(found), "lite", (0.0, 1.0), "bundled", notices=("A notice.",)
            )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the networks with stand-ins; return what they were asked for."""
    record: dict[str, Any] = {}

    def load_predictor(checkpoint: str, *, device: str, finder: str) -> BrightnessPredictor:
        if checkpoint not in ("lite", "other"):
            raise CheckpointError(f"Unknown checkpoint {checkpoint!r}; known are lite, other.")
        if device == "cuda:7":
            raise SettingError("There is no device cuda:7 here.")
        record.update(checkpoint=checkpoint, device=device, finder=finder)
        return BrightnessPredictor(record)

    def run_official_protocol(checkpoint: str, data: Path, **options: Any) -> dict[str, float]:
        record.update(checkpoint=checkpoint, data=data, **options)
        return {"PLCC": 0.98731, "SRCC": 0.98804, "KRCC": float("nan")}

    listed = [LITE, {**LITE, "name": "cgfiqa", "present": False, "gflops": None}]
    monkeypatch.setattr(checkpoints, "describe_checkpoints", lambda: listed)
    loading = ModuleType("fiqa.loading")
    vars(loading).update(load_predictor=load_predictor, fetch_checkpoint=lambda name: Path("ckpt") / name)
    protocol = ModuleType("fiqa.evaluation.official_protocol")
    vars(protocol).update(run_official_protocol=run_official_protocol)
    monkeypatch.setitem(sys.modules, "fiqa.loading", loading)
    monkeypatch.setitem(sys.modules, "fiqa.evaluation.official_protocol", protocol)
    for name in ("FIQA_CHECKPOINT", "FIQA_DEVICE", "FIQA_FINDER"):
        monkeypatch.delenv(name, raising=False)
    return record


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two photos, one broken one, a text and hidden leftovers."""
    monkeypatch.chdir(tmp_path)
    for name, level in (("photos/bright.png", 200), ("photos/deep/dark.JPG", 50), ("photos/.thumbs/small.png", 0)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (level, level, level)).save(path)
    (tmp_path / "photos/broken.png").write_bytes(b"")
    (tmp_path / "photos/notes.txt").write_text("no photo")
    (tmp_path / "photos/._bright.png").write_bytes(b"leftover")
    (tmp_path / "nothing").mkdir()
    return tmp_path
