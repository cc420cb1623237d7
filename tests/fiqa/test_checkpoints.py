"""Checkpoints: listed, found, verified, refused with a sentence."""

import json
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from fiqa import checkpoints
from fiqa.checkpoints import (
    CheckpointSpec,
    Preprocessing,
    choose_device,
    describe_checkpoints,
    fetch_checkpoint,
    find_checkpoint,
    list_checkpoints,
    load_network,
    read_spec,
    save_checkpoint,
)
from fiqa.errors import CheckpointError, SettingError
from fiqa.models import LITE, OFFICIAL, DslFiqa
from fiqa.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    spec = CheckpointSpec("mine", "Mine", "MIT", "A test.", "here", Preprocessing(256, 1.7, 4), (1.0, 5.0))
    save_checkpoint(DslFiqa(LITE), spec, tmp_path / "mine")
    return tmp_path / "mine"


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
    assert spec.gflops / 2 <= 0.5  # a multiply-add counted once, as the limits of challenges count
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


def test_exchanged_weights_are_refused(own: Path) -> None:
    torch.manual_seed(1)
    DslFiqa(LITE).save_pretrained(own)
    with pytest.raises(CheckpointError, match="not the file its card describes"):
        load_network(read_spec(own))


def test_truncated_weights_are_refused(own: Path) -> None:
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    card = json.loads((own / "checkpoint.json").read_text())
    (own / "checkpoint.json").write_text(json.dumps(card | {"sha256": None}))
    with pytest.raises(CheckpointError, match="damaged"):
        load_network(read_spec(own))


@pytest.mark.parametrize(
    ("name", "content"), [("checkpoint.json", "{"), ("checkpoint.json", "[]"), ("config.json", "{}x")]
)
def test_damaged_cards_are_refused(own: Path, name: str, content: str) -> None:
    (own / name).write_text(content)
    with pytest.raises(CheckpointError, match=name):
        load_network(read_spec(own))


def test_a_config_that_cannot_be_built_is_refused(own: Path) -> None:
    (own / "config.json").write_text(json.dumps({"window": 5}))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_network(read_spec(own))


def test_an_unknown_name_is_answered_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(CheckpointError, match="lite, gfiqa, cgfiqa, custom"):
        find_checkpoint("nothing", settings)


def test_an_absent_checkpoint_says_how_to_get_it(settings: Settings) -> None:
    with pytest.raises(CheckpointError, match=r"fiqa checkpoints fetch gfiqa.*ckpt/GFIQA/DE\.pt"):
        load_network(find_checkpoint("gfiqa", settings))


def released_files(folder: Path, encoder: Any, quality: Any) -> CheckpointSpec:
    folder.mkdir(parents=True)
    torch.save(encoder, folder / "DE.pt")
    torch.save(quality, folder / "IQA.pt")
    return next(spec for spec in list_checkpoints() if spec.name == "cgfiqa")


def test_released_files_are_found_where_the_authors_put_them(settings: Settings) -> None:
    spec = released_files(Path("ckpt/CGFIQA"), {"E.0.bias": torch.zeros(64)}, {"surprise": torch.zeros(1)})
    assert spec.present
    with pytest.raises(CheckpointError, match=r"missing transformer\.reduce1\.weight.*unexpected surprise"):
        load_network(spec)


class _Malice:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("pwned"),))


def test_a_checkpoint_that_would_run_code_is_refused_and_does_not_run_it(settings: Settings) -> None:
    spec = released_files(Path("ckpt/CGFIQA"), {}, {})
    Path("ckpt/CGFIQA/DE.pt").write_bytes(pickle.dumps(_Malice()))
    with pytest.raises(CheckpointError, match="refused"):
        load_network(spec)
    torch.save({"E.0.bias": _Malice()}, "ckpt/CGFIQA/DE.pt")
    with pytest.raises(CheckpointError, match="refused"):
        load_network(spec)
    assert not Path("pwned").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"<html>Quota exceeded</html>"])
def test_truncated_or_wrong_files_are_refused(settings: Settings, content: bytes) -> None:
    spec = released_files(Path("ckpt/CGFIQA"), {}, {})
    Path("ckpt/CGFIQA/DE.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"DE\.pt is (damaged|refused)"):
        load_network(spec)


def test_a_file_that_is_no_state_dict_is_refused(settings: Settings) -> None:
    spec = released_files(Path("ckpt/CGFIQA"), [torch.zeros(1)], {})
    with pytest.raises(CheckpointError, match="no state dict"):
        load_network(spec)


def drive_file(path: str) -> mock.Mock:
    return mock.Mock(id=f"id of {path}", path=path)


def test_fetching_takes_the_two_files_of_one_checkpoint_and_leaves_nothing_half_done(settings: Settings) -> None:
    listing = [drive_file(f"DSL/{folder}/{name}") for folder in ("GFIQA", "CGFIQA") for name in ("DE.pt", "IQA.pt")]
    fetched = []

    def download(*, id: str, output: str, quiet: bool) -> None:
        fetched.append(id)
        Path(output).write_bytes(b"tensors")

    with (
        mock.patch("gdown.download_folder", return_value=listing),
        mock.patch("gdown.download", side_effect=download),
        mock.patch.object(checkpoints, "_load_released"),
    ):
        folder = fetch_checkpoint("gfiqa", settings)
    assert fetched == ["id of DSL/GFIQA/DE.pt", "id of DSL/GFIQA/IQA.pt"]
    assert sorted(path.name for path in folder.iterdir()) == ["DE.pt", "IQA.pt"]
    assert [path.name for path in folder.parent.iterdir()] == ["GFIQA"]


def test_fetching_a_damaged_file_leaves_no_checkpoint_behind(settings: Settings) -> None:
    listing = [drive_file(f"GFIQA/{name}") for name in ("DE.pt", "IQA.pt")]

    def download(*, id: str, output: str, quiet: bool) -> None:
        Path(output).write_bytes(b"<html>Quota exceeded</html>")

    with (
        mock.patch("gdown.download_folder", return_value=listing),
        mock.patch("gdown.download", side_effect=download),
        pytest.raises(CheckpointError, match=r"DE\.pt"),
    ):
        fetch_checkpoint("gfiqa", settings)
    assert list((settings.data_dir / "ckpt").iterdir()) == []


def test_fetching_without_a_network_says_what_to_do(settings: Settings) -> None:
    with (
        mock.patch("gdown.download_folder", side_effect=ConnectionError("no route to host")),
        pytest.raises(CheckpointError, match=r"no route to host.*by hand"),
    ):
        fetch_checkpoint("cgfiqa", settings)


def test_a_hub_repository_is_fetched_by_its_name(settings: Settings, own: Path) -> None:
    with mock.patch("huggingface_hub.snapshot_download", return_value=str(own)) as fetch:
        spec = find_checkpoint("someone/faces", settings)
    assert spec.name == "someone/faces"
    assert fetch.call_args.args == ("someone/faces",)


def test_a_hub_that_cannot_be_reached_is_one_sentence(settings: Settings) -> None:
    with (
        mock.patch("huggingface_hub.snapshot_download", side_effect=OSError("offline")),
        pytest.raises(CheckpointError, match=r"someone/faces cannot be fetched.*offline"),
    ):
        find_checkpoint("someone/faces", settings)


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="choose auto or cpu"):
            choose_device("cuda")
