"""EfficientNet-Lite0 without timm gives the maps of timm's."""

import pytest
import torch

from fiqa.models.efficientnet_lite import EfficientNetLite
from fiqa.models.torchvision_shim import prepare_torchvision
from training.fit.imagenet import folded_convolutions

CROP_PX = 96


def test_maps_are_those_of_timms_network_with_its_batch_norms_folded() -> None:
    prepare_torchvision()
    import timm

    torch.manual_seed(0)
    theirs = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    for name, buffer in theirs.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    ours = EfficientNetLite((0, 1, 2, 3, 4))
    state = ours.state_dict()
    names = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
    for name, (weight, bias) in zip(names, folded_convolutions(theirs.state_dict()), strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    ours.load_state_dict(state)
    crops = torch.rand(2, 3, CROP_PX, CROP_PX)
    with torch.inference_mode():
        wanted, found = theirs(crops), ours(crops)
    assert [each.shape[-1] for each in found] == [CROP_PX // 2 ** (tap + 1) for tap in range(5)]
    for mine, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize(("taps", "stages", "width"), [((0, 1), 2, 24), ((3,), 5, 112), ((0, 4), 7, 320)])
def test_stages_after_the_last_tap_are_not_built(taps: tuple[int, ...], stages: int, width: int) -> None:
    with torch.device("meta"):
        network = EfficientNetLite(taps)
        maps = network(torch.empty(1, 3, 64, 64))
    assert len(network.blocks) == stages
    assert len(maps) == len(taps)
    assert maps[-1].shape[1] == width
