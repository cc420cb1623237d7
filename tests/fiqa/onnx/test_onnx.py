"""ONNX files give torch's scores and refusals, and whoever runs them needs no torch."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fiqa import load_predictor
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import CheckpointError, FiqaError
from fiqa.faces.landmarks import STEPS
from fiqa.onnx import OnnxPredictor, load_onnx
from fiqa.onnx.files import DETECTOR, OPSET, QUALITY, read_card
from fiqa.predictor import QualityPredictor
from fiqa.results import QualityResult
from tests.exported import export_lite
from tests.fiqa.faces.test_finders import ffhq_crop

pytestmark = pytest.mark.slow
ASTRONAUT = np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def folder() -> Path:
    return export_lite()


@pytest.fixture(scope="module")
def onnx(folder: Path) -> OnnxPredictor:
    return load_onnx(folder)


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


def pictures() -> list[Any]:
    """Faces, groups, turned ones, other things, and what is no picture."""
    group = np.full((300, 620, 3), 90, np.uint8)
    group[30:270, 20:260] = group[30:270, 340:580] = ASTRONAUT[20:260, 110:350]
    small = np.asarray(Image.fromarray(ASTRONAUT).resize((200, 200)))
    degraded = [degrade(small, severity) for degrade in DEGRADATIONS.values() for severity in (0.3, 0.7)]
    others = [
        np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("RGB").resize((160, 120)))
        for name in ("coffee", "brick", "chelsea")
    ]
    turned = [np.asarray(Image.fromarray(small).rotate(angle)) for angle in (30, 90, 180)]
    return [ASTRONAUT, ASTRONAUT[:, 215:], group, *turned, *degraded, *others, np.zeros((40, 40, 3), np.uint8), b"text"]


def test_scores_landmarks_notices_and_refusals_are_torchs(onnx: OnnxPredictor, predictor: QualityPredictor) -> None:
    expected, found = list(predictor.score_many(pictures())), list(onnx.score_many(pictures()))
    assert len(found) > 25
    for ours, theirs in zip(found, expected, strict=True):
        assert type(ours) is type(theirs)
        if not (isinstance(ours, QualityResult) and isinstance(theirs, QualityResult)):
            assert str(ours) == str(theirs)
            continue
        assert (ours.notices, ours.face, ours.checkpoint) == (theirs.notices, theirs.face, theirs.checkpoint)
        assert ours.interval == pytest.approx(theirs.interval, abs=1e-4)
        for face, other in zip(ours.faces, theirs.faces, strict=True):
            assert face.score == pytest.approx(other.score, abs=1e-4)
            assert face.landmarks is not None
            assert other.landmarks is not None
            apart = np.abs(face.landmarks - other.landmarks)
            assert apart.max() <= np.ptp(other.landmarks, axis=0).max() / STEPS  # rounded to the next step
            assert np.mean(apart > 0) < 0.05
    assert any(isinstance(each, FiqaError) for each in found)


def test_aligned_crops_and_chosen_faces_are_scored_as_with_torch(
    onnx: OnnxPredictor, predictor: QualityPredictor
) -> None:
    crop = ffhq_crop(ASTRONAUT, predictor.finder.find(ASTRONAUT)[0].landmarks)
    assert onnx.score(crop, aligned="ffhq").score == pytest.approx(
        predictor.score(crop, aligned="ffhq").score, abs=1e-4
    )
    group = pictures()[2]
    assert onnx.score(group, face=2).score == pytest.approx(predictor.score(group, face=2).score, abs=1e-4)


def test_int8_says_how_far_it_is_off(folder: Path, onnx: OnnxPredictor) -> None:
    card = read_card(folder)
    assert (card.opset, card.checkpoint) == (OPSET, "lite")
    assert card.int8 is not None
    assert card.int8["srcc"] > 0.9
    small = load_onnx(folder, int8=True).score(ASTRONAUT).score
    assert 0 < abs(small - onnx.score(ASTRONAUT).score) < 2 * card.int8["largest_difference"] + 0.01


def test_it_runs_with_nothing_but_numpy_pillow_and_onnxruntime(
    folder: Path, onnx: OnnxPredictor, tmp_path: Path
) -> None:
    Image.fromarray(ASTRONAUT).save(tmp_path / "a.png")
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"torch", "torchvision", "timm", "scipy", "pandas", "skimage", "einops", "captum"}}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from fiqa.onnx import load_onnx
print(load_onnx({str(folder)!r}).score({str(tmp_path / "a.png")!r}).score)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(onnx.score(ASTRONAUT).score, abs=1e-6)


def test_a_pickled_predictor_opens_its_files_again(onnx: OnnxPredictor) -> None:
    again: OnnxPredictor = pickle.loads(pickle.dumps(onnx))  # noqa: S301  our own
    assert again.score(ASTRONAUT).score == onnx.score(ASTRONAUT).score


def test_the_code_in_the_docs_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "onnx.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lite-onnx").symlink_to(folder)
    Image.fromarray(ASTRONAUT).save(tmp_path / "portrait.jpg")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(code, {})  # noqa: S102  the page's own example


def test_missing_and_damaged_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no folder of ONNX files: it has no onnx\.json"):
        load_onnx(tmp_path)
    for each in folder.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    (tmp_path / QUALITY).write_bytes(b"no network")
    with pytest.raises(CheckpointError, match=r"quality\.onnx is no sound ONNX file"):
        load_onnx(tmp_path)
    (tmp_path / DETECTOR).unlink()
    with pytest.raises(CheckpointError, match=r"detector\.onnx is missing"):
        load_onnx(tmp_path)
    (tmp_path / "onnx.json").write_text(json.dumps({"opset": 1}))
    with pytest.raises(CheckpointError, match=r"onnx\.json is damaged"):
        load_onnx(tmp_path)
