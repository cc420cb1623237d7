"""The whole way, small: photos, labels, encoder, quality, release, and a score with the result."""

import json
from pathlib import Path

import pytest
import skimage.data

from fiqa import load_predictor
from training import pseudo_mos, release, train_degradation, train_quality
from training.errors import DataError

SHORT = ["--steps", "2", "--validate-every", "2", "--batch", "4"]


@pytest.fixture(scope="module")
def views(photo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    pseudo_mos.main(["--photos", str(photo_folder), "--output", str(folder), "--views", "6", "--stacks", "1"])
    return folder


def test_labels_encoder_quality_and_release_make_a_checkpoint_that_scores(
    views: Path, photo_folder: Path, tmp_path: Path
) -> None:
    encoder, quality, checkpoint = tmp_path / "encoder", tmp_path / "quality", tmp_path / "checkpoint"
    inputs = ["--views", str(views)]
    train_degradation.main([*inputs, "--photos", str(photo_folder), "--output", str(encoder), *SHORT])
    train_quality.main([*inputs, "--encoder", str(encoder), "--output", str(quality), *SHORT])
    release.main([str(quality), "--output", str(checkpoint), "--name", "mine"])
    card = json.loads((checkpoint / "checkpoint.json").read_text())
    assert {"srcc", "plcc", "step"} == set(card["metrics"])
    result = load_predictor(str(checkpoint), device="cpu", finder="bundled").score(skimage.data.astronaut())
    assert result.checkpoint == "checkpoint"
    assert 0 <= result.score <= 1


def test_releasing_a_run_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished validation"):
        release.main([str(tmp_path), "--output", str(tmp_path / "out"), "--name", "mine"])
