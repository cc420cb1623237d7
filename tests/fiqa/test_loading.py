"""Loading: verified, strict, in single precision, refused with a sentence."""

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file, save_file

from fiqa import loading
from fiqa.checkpoints import (
    CheckpointSpec,
    find_checkpoint,
    list_checkpoints,
    read_spec,
)
from fiqa.errors import CheckpointError, SettingError
from fiqa.loading import choose_device, fetch_checkpoint, load_network, load_predictor
from fiqa.models import LITE, DslFiqa, DslFiqaConfig
from fiqa.settings import Settings
from tests.fiqa.small_networks import SMALL_OFFICIAL, authors_files


def test_exchanged_weights_are_refused(own: Path) -> None:
    torch.manual_seed(1)
    save_file(DslFiqa(LITE).state_dict(), own / "model.safetensors")
    with pytest.raises(CheckpointError, match="not the file its card describes"):
        load_network(read_spec(own))


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the weights of a checkpoint folder, whose card then names no hash."""
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")
    card = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps(card | {"sha256": None}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_finite_numbers_are_refused_and_named(own: Path, value: float) -> None:
    rewrite(own, lambda state: state["transformer.reduce1.bias"].fill_(value))
    with pytest.raises(CheckpointError, match=r"no finite numbers, in transformer\.reduce1\.bias\."):
        load_network(own)


def in_precision(state: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    return {name: each.to(dtype) if each.is_floating_point() else each for name, each in state.items()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_weights_of_another_precision_are_kept_in_single(own: Path, dtype: torch.dtype) -> None:
    rewrite(
        own,
        lambda state: state.update({name: each.to(dtype) for name, each in state.items() if each.is_floating_point()}),
    )
    network = load_network(own)
    assert {each.dtype for each in network.parameters()} == {torch.float32}


@pytest.mark.slow
def test_a_network_is_found_by_name_text_and_path(own: Path) -> None:
    weights = [load_network(each).state_dict()["transformer.reduce1.weight"] for each in (str(own), own)]
    assert torch.equal(*weights)
    bundled = find_checkpoint("lite").folder
    assert bundled is not None
    assert load_network("lite").config == DslFiqaConfig(**json.loads((bundled / "config.json").read_text()))
    assert load_predictor(own, device="cpu", finder="bundled").spec.score_range == (1.0, 5.0)


def test_a_folder_without_a_card_is_refused_with_what_to_do(own: Path) -> None:
    (own / "checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no checkpoint\.json, which says.*save_checkpoint"):
        load_network(own)


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


@pytest.mark.parametrize(
    "values",
    [
        {"score_range": [5, 1]}, {"score_range": [1, 1]}, {"score_range": [0, float("nan")]}, {"score_range": "x"},
        {"score_range": [0, 1, 2]}, {"crops": 0}, {"crops": 2.5}, {"view_px": -1}, {"margin": 0},
        {"mean": [0.5, 0.5]}, {"std": [0, 1, 1]}, {"view_px": LITE.crop_px - 1},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.slow
def test_a_card_with_values_that_make_no_sense_is_refused(own: Path, values: dict[str, Any]) -> None:
    card = json.loads((own / "checkpoint.json").read_text())
    changed = card["preprocessing"] if values.keys() <= card["preprocessing"].keys() else card
    changed.update(values)
    (own / "checkpoint.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=rf"checkpoint\.json.*{next(iter(values))}"):
        load_network(own)


def test_weights_that_are_no_fractions_are_refused_and_named(own: Path) -> None:
    rewrite(own, lambda state: state.update({"transformer.reduce1.bias": state["transformer.reduce1.bias"].int()}))
    with pytest.raises(CheckpointError, match=r"transformer\.reduce1\.bias holds torch\.int32"):
        load_network(own)


def test_a_config_that_cannot_be_built_is_refused(own: Path) -> None:
    (own / "config.json").write_text(json.dumps({"window": 5}))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_network(read_spec(own))


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


@pytest.fixture(scope="module")
def small_network() -> DslFiqa:
    torch.manual_seed(0)
    return DslFiqa(SMALL_OFFICIAL).eval()


@pytest.fixture
def small(small_network: DslFiqa, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> DslFiqa:
    """A small network of the kind that the loader now takes for the released one."""
    monkeypatch.setattr(loading, "OFFICIAL", SMALL_OFFICIAL)
    return small_network


def score_of(network: DslFiqa) -> float:
    generator = torch.Generator().manual_seed(1)
    crops = torch.rand(1, 3, 64, 64, generator=generator)
    points = torch.rand(1, SMALL_OFFICIAL.landmark_slots, generator=generator)
    with torch.inference_mode():
        return float(network(crops, points).score)


@pytest.mark.slow
def test_the_authors_files_come_back_as_the_network_they_hold(small: DslFiqa) -> None:
    spec = released_files(Path("ckpt/CGFIQA"), *authors_files(small))
    assert score_of(load_network(spec)) == score_of(small)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.slow
def test_the_authors_files_in_another_precision_are_cast_as_the_released_code_does(
    small: DslFiqa, dtype: torch.dtype
) -> None:
    encoder, quality = (in_precision(state, dtype) for state in authors_files(small))
    loaded = load_network(released_files(Path("ckpt/CGFIQA"), encoder, quality))
    assert {each.dtype for each in loaded.parameters()} == {torch.float32}
    assert score_of(loaded) == pytest.approx(score_of(small), abs=1e-5 if dtype == torch.float64 else 5e-3)


def test_the_authors_files_with_nan_in_a_tensor_are_refused(small: DslFiqa) -> None:
    encoder, quality = authors_files(small)
    quality["conv1.bias"] = torch.full_like(quality["conv1.bias"], torch.nan)
    with pytest.raises(CheckpointError, match=r"no finite numbers, in transformer\.reduce1\.bias"):
        load_network(released_files(Path("ckpt/CGFIQA"), encoder, quality))


def test_what_a_profiler_or_a_training_left_in_the_files_is_named_in_one_line(
    small: DslFiqa, caplog: pytest.LogCaptureFixture
) -> None:
    encoder, quality = authors_files(small)
    encoder |= {"E.0.total_ops": torch.zeros(1, dtype=torch.float64), "epoch": 3}  # type: ignore[dict-item]
    spec = released_files(Path("ckpt/CGFIQA"), encoder, {"state_dict": quality, "best": 0.9})
    assert score_of(load_network(spec)) == score_of(small)
    (line,) = [record.message for record in caplog.records]
    assert line.endswith("left out what is no part of the network: epoch, best, E.0.total_ops.")


SPARE = re.compile(r"mlp\.[02]\.(weight|bias)$|.*\.(num_batches_tracked|attn_mask|relative_position_index)$")


def test_what_no_score_depends_on_and_what_is_computed_may_be_missing(small: DslFiqa) -> None:
    files = [{name: each for name, each in state.items() if not SPARE.match(name)} for state in authors_files(small)]
    assert sum(map(len, authors_files(small))) - sum(map(len, files)) == 4 + 2 + 2 * 2 * 3  # the rest is in the Swin
    loaded = load_network(released_files(Path("ckpt/CGFIQA"), *files))
    assert score_of(loaded) == score_of(small)
    assert not any(each.is_meta for each in loaded.state_dict().values())


@pytest.mark.parametrize("name", ["conv1.bias", "vit.pos_embed", "E.1.running_mean", "embed_mlp.0.weight"])
@pytest.mark.slow
def test_a_tensor_that_matters_must_be_there_whatever_else_is(small: DslFiqa, name: str) -> None:
    encoder, quality = authors_files(small)
    (encoder if name in encoder else quality).pop(name)
    with pytest.raises(CheckpointError, match=r"missing .*; unexpected stray"):
        load_network(released_files(Path("ckpt/CGFIQA"), {**encoder, "stray": torch.zeros(1)}, quality))


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
        mock.patch.object(loading, "_load_released"),
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


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="choose auto or cpu"):
            choose_device("cuda")
