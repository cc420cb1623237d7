"""Checkpoints: listed, found, saved, refused with a sentence."""

import json
from pathlib import Path
from unittest import mock

import pytest
import torch

from fiqa import checkpoints
from fiqa.checkpoints import (
    CheckpointSpec,
    Preprocessing,
    describe_checkpoints,
    find_checkpoint,
    list_checkpoints,
    save_checkpoint,
)
from fiqa.errors import CheckpointError
from fiqa.loading import load_network
from fiqa.models import LITE, OFFICIAL, DslFiqa
from fiqa.models.folding import folded
from fiqa.settings import Settings


def test_list_names_the_bundled_one_and_the_authors_and_says_which_are_present(settings: Settings) -> None:
    found = {spec["name"]: spec for spec in describe_checkpoints(settings)}
    assert list(found) == ["lite", "gfiqa", "cgfiqa", "custom"]
    assert [found[name]["present"] for name in found] == [True, False, False, False]
    assert json.loads(json.dumps(list(found.values())))


def test_lite_stays_within_its_budget_and_its_card_tells_the_truth() -> None:
    spec = find_checkpoint("lite")
    network = load_network(spec)
    assert spec.parameters == sum(parameter.numel() for parameter in network.parameters()) <= 1_500_000
    assert spec.gflops is not None
    assert spec.gflops <= 0.5  # a multiply-add counted once, as the limits of challenges count
    assert "not on ratings by people" in spec.note


def test_authors_figures_are_those_of_the_network_that_is_built() -> None:
    with torch.device("meta"):
        network = DslFiqa(OFFICIAL)
    spec = checkpoints.RELEASED["gfiqa"]
    assert spec.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_a_folder_in_the_data_folder_is_known_by_its_name(settings: Settings, own: Path) -> None:
    target = settings.data_dir / "checkpoints" / "study-7"
    target.parent.mkdir(parents=True)
    own.rename(target)
    assert "study-7" in [spec.name for spec in list_checkpoints(settings)]
    assert find_checkpoint("study-7", settings).score_range == (1.0, 5.0)


def test_saved_checkpoint_comes_back_whole(own: Path) -> None:
    spec = find_checkpoint(str(own))
    assert (spec.name, spec.preprocessing) == ("mine", Preprocessing(256, 1.7, 4))
    torch.manual_seed(0)
    expected = DslFiqa(LITE).state_dict()
    for name, tensor in load_network(spec).state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_an_unknown_name_is_answered_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(CheckpointError, match="lite, gfiqa, cgfiqa, custom"):
        find_checkpoint("nothing", settings)


def test_a_hub_repository_is_fetched_by_its_name(settings: Settings, own: Path) -> None:
    with mock.patch("huggingface_hub.snapshot_download", return_value=str(own)) as fetch:
        spec = find_checkpoint("someone/faces", settings)
    assert spec.name == "someone/faces"
    assert fetch.call_args.args == ("someone/faces",)


def test_a_hub_that_cannot_be_reached_is_one_sentence(settings: Settings) -> None:
    with (
        mock.patch("huggingface_hub.snapshot_download", side_effect=OSError("offline")),
        pytest.raises(CheckpointError, match=r"no folder someone/faces here, and no such repository .*offline"),
    ):
        find_checkpoint("someone/faces", settings)


@pytest.mark.slow
def test_a_checkpoint_is_saved_under_a_path_given_as_text(tmp_path: Path) -> None:
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4))
    folder = save_checkpoint(DslFiqa(LITE), spec, f"{tmp_path}/new/mine")
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.json", "config.json", "model.safetensors"]
    assert load_network(str(folder)).config == LITE


def test_a_hub_repository_holds_the_files_of_a_checkpoint_folder(settings: Settings, own: Path) -> None:
    with mock.patch("huggingface_hub.snapshot_download", return_value=str(own)) as fetch:
        find_checkpoint("someone/faces", settings)
    assert set(fetch.call_args.kwargs["allow_patterns"]) == {path.name for path in own.iterdir()}


def test_a_network_folded_for_inference_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4))
    with pytest.raises(CheckpointError, match=r"does not fit.*missing encoder\.layers\.1\.weight"):
        save_checkpoint(folded(DslFiqa(LITE).eval()), spec, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4))
    with pytest.raises(CheckpointError, match="file cannot be written"):
        save_checkpoint(DslFiqa(LITE), spec, tmp_path / "file")


def test_a_network_with_values_that_are_no_numbers_is_not_saved(tmp_path: Path) -> None:
    network = DslFiqa(LITE)
    torch.nn.init.constant_(network.transformer.reduce1.weight, float("nan"))
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4))
    with pytest.raises(CheckpointError, match=r"no finite numbers, in transformer\.reduce1\.weight"):
        save_checkpoint(network, spec, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
