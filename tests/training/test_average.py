"""Means of weights, as a run leaves its network, with figures of their own, of networks that are alike."""

import json
from pathlib import Path

import pytest
import torch

from fiqa.checkpoints import load_network, read_spec
from fiqa.models import DslFiqa
from training import average, release, train_quality
from training.errors import RunError
from training.publishing import checkpoint_of
from training.release import take_last


@pytest.fixture
def runs(labelled: Path, tiny: str, tmp_path: Path) -> list[Path]:
    """Two runs on labels, from one start."""
    made = []
    for seed in ("1", "2"):
        made.append(tmp_path / f"run{seed}")
        options = ["--data", str(labelled), "--mos-range", "1", "5", "--config", tiny, "--scratch", "--seed", seed]
        train_quality.main(
            [*options, "--steps", "3", "--batch", "4", "--validate-every", "1", "--output", str(made[-1])]
        )
    return made


def averaged(labelled: Path, *members: object, last: bool = False) -> Path:
    output = labelled.parent / "mean"
    options = ["--data", str(labelled), "--output", str(output), *["--last"] * last]
    average.main([*map(str, members), *options])
    return output


@pytest.mark.parametrize("last", [False, True])
def test_every_weight_is_the_mean_of_the_members(runs: list[Path], labelled: Path, last: bool) -> None:
    members = [load_network(read_spec(run / "checkpoint")) for run in runs]
    if last:
        for network, run in zip(members, runs, strict=True):
            take_last(network, run)
    first, second = (network.state_dict() for network in members)
    mean = load_network(read_spec(averaged(labelled, *runs, last=last) / "checkpoint")).state_dict()
    for name, tensor in mean.items():
        wanted = (first[name] + second[name]) / 2 if tensor.is_floating_point() else first[name]
        torch.testing.assert_close(tensor, wanted)


def test_the_mean_is_validated_on_the_scale_of_its_members_and_can_be_released(
    runs: list[Path], labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mean = averaged(labelled, *runs)
    spec = read_spec(mean / "checkpoint")
    assert spec.score_range == (1.0, 5.0)
    shown = capsys.readouterr().out
    assert f"{runs[0]}" in shown
    assert f"| {spec.metrics['srcc']:.4f} " in shown.splitlines()[-1]
    release.main([str(mean), "--output", str(mean / "out"), "--name", "mine", "--licence", "MIT"])
    card = (mean / "out" / "README.md").read_text()
    assert f"mean of the weights of {runs[0]}, {runs[1]}" in card
    assert json.loads((mean / "training.json").read_text())["metrics"] == pytest.approx(spec.metrics, abs=1e-4)


def test_a_network_alone_has_no_mean(runs: list[Path], labelled: Path) -> None:
    with pytest.raises(RunError, match="two networks or more"):
        averaged(labelled, runs[0])


def test_different_networks_have_no_mean(runs: list[Path], labelled: Path) -> None:
    with pytest.raises(RunError, match="are different networks"):
        averaged(labelled, runs[0], "lite")


def test_networks_with_scores_on_different_scales_have_no_mean(runs: list[Path], labelled: Path) -> None:
    spec = read_spec(runs[1] / "checkpoint")
    keeper = checkpoint_of(
        runs[1], DslFiqa(load_network(spec).config), name="other", note="", score_range=(0.0, 100.0),
        preprocessing=spec.preprocessing,
    )  # fmt: skip
    keeper.keep(load_network(spec), {})
    with pytest.raises(RunError, match="different scales"):
        averaged(labelled, *runs)
