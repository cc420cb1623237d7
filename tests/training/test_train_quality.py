"""Training on labels: from a folder to a checkpoint that scores on the labels' scale."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from fiqa import load_predictor
from fiqa.checkpoints import find_checkpoint, list_checkpoints
from fiqa.errors import CheckpointError
from fiqa.models import LITE, OFFICIAL, DslFiqa, DslFiqaConfig
from tests.training.face_shape import face_landmarks
from training import train_quality
from training.data.face_crops import FaceCropSample
from training.errors import DataError, RunError
from training.fit import starting
from training.fit.loop import StoppedError
from training.fit.recipes import labels_recipe, ranking_weight
from training.fit.script import run_script
from training.fit.starting import LITE_PREPROCESSING, Start, choose_start, load_encoder, read_config
from training.train_quality import QualityTask, averaged, freeze_blocks, in_words, main

TINY = {
    "crop_px": 32, "patch_px": 8, "encoder_widths": [4, 4], "encoder_strides": [2, 2], "encoder_grid": [1, 1],
    "backbone": "plain", "backbone_taps": [1], "plain_widths": [4, 8], "backbone_dim": 8, "stage_dims": [8, 8],
    "channel_attention_depth": 1, "swin_layers": 1, "swin_heads": 2, "swin_mlp_dim": 8, "decoder_dim": 8,
    "decoder_depth": 1, "decoder_heads": 2, "landmarks": "coordinates", "landmark_slots": 68,
    "landmark_frequencies": 1, "landmark_hidden": 8, "score_activation": "sigmoid", "dropout": 0.1, "drop_path": 0.0,
    "released_order": False, "preprocessing": {"view_px": 40, "crops": 1},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIQA_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Thirty faces of the astronaut, the darker the worse, rated 1 to 5."""
    folder = tmp_path / "faces"
    folder.mkdir()
    face = np.asarray(Image.fromarray(skimage.data.astronaut()[60:240, 130:310]).resize((64, 64)))
    np.save(folder / "face.npy", face_landmarks((32, 30), 30))
    rows = ["image,mos,landmarks"]
    for index in range(30):
        Image.fromarray((face * (0.1 + 0.03 * index)).astype(np.uint8)).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{1 + 4 * index / 29:.3f},face.npy")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return str(path)


def options(labelled: Path, tiny: str, run: Path, *more: str) -> list[str]:
    data = ["--data", str(labelled), "--mos-range", "1", "5", "--config", tiny, "--scratch"]
    return [*data, "--output", str(run), "--batch", "4", "--validate-every", "4", *more]


def test_labels_become_a_checkpoint_by_name_that_scores_on_their_scale(
    labelled: Path, tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    main(options(labelled, tiny, run, "--steps", "4", "--name", "mine"))
    assert "training starts from random weights" in capsys.readouterr().err
    spec = {spec.name: spec for spec in list_checkpoints()}["mine"]
    assert (spec.score_range, spec.preprocessing.view_px) == ((1.0, 5.0), 40)
    assert "the raters of faces on their scale of 1 to 5, learnt from 23 photos" in spec.note
    record = json.loads((spec.folder / "training.json").read_text()) if spec.folder else {}
    assert record["data"]["mos_range"] == [1.0, 5.0]
    assert record["metrics"]["srcc"] == spec.metrics["srcc"]
    score = load_predictor("mine", device="cpu", finder="bundled").score(skimage.data.astronaut()).score
    assert 1 <= score <= 5


def test_the_score_of_a_view_is_the_mean_over_its_crops() -> None:
    empty = torch.zeros(0)
    sample = FaceCropSample(np.zeros((4, 1, 1, 3), np.uint8), empty, empty, empty, crops_a_view=2)
    assert averaged(torch.tensor([0.0, 1.0, 0.25, 0.25]), sample).tolist() == [0.5, 0.25]


def test_a_correlation_that_is_undefined_is_no_number() -> None:
    assert in_words({"srcc": float("nan"), "plcc": 0.51234, "step": 200.0}) == "srcc undefined, plcc 0.5123, step 200"


def test_a_stopped_training_on_labels_repeats_the_uninterrupted_one(
    labelled: Path, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(options(labelled, tiny, tmp_path / "whole", "--steps", "6"))
    loss = QualityTask.loss

    def interrupted(self: QualityTask, network: nn.Module, draw: int) -> dict[str, Tensor]:
        if draw == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss(self, network, draw)

    with monkeypatch.context() as stopping:
        stopping.setattr(QualityTask, "loss", interrupted)
        with pytest.raises(StoppedError, match="Stopped at step 3"):
            main(options(labelled, tiny, tmp_path / "halves", "--steps", "6"))
    main(options(labelled, tiny, tmp_path / "halves", "--steps", "6"))
    whole, halves = (load_file(tmp_path / run / "best.safetensors") for run in ("whole", "halves"))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_a_name_that_another_training_has_is_refused_before_anything_starts(
    labelled: Path, tiny: str, tmp_path: Path
) -> None:
    main(options(labelled, tiny, tmp_path / "first", "--steps", "1", "--name", "mine"))
    main(options(labelled, tiny, tmp_path / "first", "--steps", "2", "--name", "mine"))
    for name in ("mine", "lite"):
        with pytest.raises(RunError, match=f"There is a checkpoint '{name}' already"):
            main(options(labelled, tiny, tmp_path / "second", "--steps", "1", "--name", name))
    with pytest.raises(RunError, match="no name for a checkpoint"):
        main(options(labelled, tiny, tmp_path / "second", "--name", "../mine"))
    assert not (tmp_path / "second").exists()


def test_unreadable_photos_are_named_once_and_too_many_stop_the_run(
    labelled: Path, tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(3):
        (labelled / f"{index}.png").write_bytes((labelled / f"{index}.png").read_bytes()[:80])
    main(options(labelled, tiny, tmp_path / "run", "--steps", "9"))
    named = [line for line in capsys.readouterr().err.splitlines() if line.strip().startswith("left out:")]
    assert 1 <= len(named) <= 3
    for index in range(30):
        (labelled / f"{index}.png").write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be read"):
        main(options(labelled, tiny, tmp_path / "other", "--steps", "9"))


def test_trouble_is_one_line_and_a_status(
    labelled: Path, tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run_script(lambda: main(["--data", str(labelled), "--config", tiny, "--scratch"]))
    assert str(left.value.code).startswith("error: labels.csv: ")
    assert str(left.value.code).endswith("say on which scale people rated, for example --mos-range 1 5.")
    assert len(str(left.value.code).splitlines()) == 1
    with pytest.raises(SystemExit) as left:
        run_script(lambda: main(["--data", str(tmp_path / "nowhere")]))
    assert "nowhere does not exist" in str(left.value.code)
    assert "Traceback" not in capsys.readouterr().err


def test_labels_train_lite_further_unless_asked_otherwise(tiny: str) -> None:
    start = choose_start(None, start=None, pretrained=False, scratch=False, labelled=True)
    assert (start.origin, start.preprocessing) == ("checkpoint lite", find_checkpoint("lite").preprocessing)
    assert start.is_trained
    fresh = choose_start(None, start=None, pretrained=False, scratch=True, labelled=True)
    assert (fresh.origin, fresh.network.config) == ("random weights", LITE)
    rendered = choose_start(None, start=None, pretrained=False, scratch=False, labelled=False)
    assert not rendered.is_trained
    own = choose_start(tiny, start=None, pretrained=False, scratch=False, labelled=True)
    assert (own.network.config.crop_px, own.preprocessing.view_px, own.preprocessing.margin) == (32, 40, 1.7)


def test_a_start_that_does_not_fit_says_so(tiny: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="another network than --config"):
        choose_start(tiny, start="lite", pretrained=False, scratch=False, labelled=True)
    with pytest.raises(CheckpointError, match="There is no checkpoint 'nothing'"):
        choose_start(None, start="nothing", pretrained=False, scratch=False, labelled=True)
    with pytest.raises(RunError, match="plain backbone has no pretrained weights"):
        choose_start(tiny, start=None, pretrained=True, scratch=False, labelled=True)
    with pytest.raises(RunError, match="--freeze-blocks is for efficientnet_lite0, not for plain"):
        freeze_blocks(DslFiqa(read_config(tiny)[0]), 2)
    (tmp_path / "bad.json").write_text('{"crop_px": 33}')
    with pytest.raises(RunError, match="neither lite, official nor a file that describes a network"):
        read_config(str(tmp_path / "bad.json"))
    (tmp_path / "taps.json").write_text('{"backbone": "resnet18"}')
    with pytest.raises(RunError, match=r"taps\.json describes a network that cannot be built: .*example \[2, 3, 4\]"):
        choose_start(str(tmp_path / "taps.json"), start=None, pretrained=False, scratch=True, labelled=True)
    with pytest.raises(RunError, match=r"no finished run of training\.train_degradation"):
        load_encoder(DslFiqa(LITE), tmp_path)


def test_without_a_network_pretrained_weights_fail_with_a_way_out_or_are_done_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(_: DslFiqaConfig) -> None:
        raise OSError("no route to host\nand much more")

    monkeypatch.setattr(starting, "build_pretrained_backbone", offline)
    monkeypatch.setattr(starting, "DslFiqa", lambda config: SimpleNamespace(config=config, transformer=None))
    with pytest.raises(RunError, match=r"cannot be had \(no route to host\): connect to the internet once, or start"):
        choose_start("official", start=None, pretrained=True, scratch=False, labelled=True)
    start = choose_start("official", start=None, pretrained=False, scratch=False, labelled=True)
    assert start.origin == "random weights"
    assert "note: The pretrained weights of vit_base_patch16_384 cannot be had" in capsys.readouterr().err


def test_the_papers_recipe_is_the_default_of_its_network() -> None:
    given = train_quality.parser().parse_args([])
    network = cast("DslFiqa", SimpleNamespace(config=OFFICIAL))
    official = Start(network, read_config("official")[1], "timm vit_base_patch16_384")
    loop = labels_recipe(given, official, photos=16_000)
    assert (loop.batch, loop.learning_rate, loop.weight_decay) == (16, 1e-5, 1e-5)
    assert (loop.steps, loop.validate_every) == (500_000, 1000)
    assert ranking_weight(given, official) == 0
    assert (official.network.config.crop_px, official.preprocessing.view_px) == (384, 512)


def test_few_labels_get_enough_steps_and_many_get_whole_epochs() -> None:
    start = Start(cast("DslFiqa", SimpleNamespace(config=LITE)), LITE_PREPROCESSING, "checkpoint lite")
    given = train_quality.parser().parse_args([])
    assert labels_recipe(given, start, photos=300).steps == 1500
    assert labels_recipe(given, start, photos=16_000).steps == 20_000
    asked = train_quality.parser().parse_args(["--epochs", "2", "--batch", "10"])
    assert labels_recipe(asked, start, photos=300).steps == 60


def test_the_command_line_refuses_numbers_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--steps", "0"], ["--learning-rate", "-1"], ["--ema-decay", "1"], ["--data", "a", "--views", "b"]):
        with pytest.raises(SystemExit):
            main(wrong)
    assert "expected a whole number from 1" in capsys.readouterr().err
