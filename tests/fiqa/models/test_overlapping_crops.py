"""What overlapping crops share gives each the features that it has alone."""

from dataclasses import replace

import pytest
import torch
from numpy.testing import assert_allclose

from fiqa.models import LITE, OFFICIAL
from fiqa.models.config import DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder
from fiqa.models.overlapping_crops import can_share, shared_degradation
from fiqa.photos.crops import Offset, grid_offsets

SIDE, VIEW = 64, 105
NARROW = replace(OFFICIAL, crop_px=SIDE, encoder_widths=(4, 4, 6, 6, 8, 8))
"""The authors' encoder, narrow, for small crops."""


@pytest.mark.parametrize(
    "config",
    [NARROW, replace(NARROW, encoder_strides=(2, 1, 1, 2, 2, 1)), replace(NARROW, encoder_statistics=True)],
    ids=["official", "other strides", "statistics"],
)
@pytest.mark.parametrize(
    "offsets",
    [grid_offsets(VIEW, VIEW, SIDE, 20), [(5, 3), (0, 7), (5, 37), (5, 3), (5, 11), (5, 8)], [(41, 41)]],
    ids=["grid", "anywhere", "one"],
)
def test_features_are_those_of_every_crop_alone(config: DslFiqaConfig, offsets: list[Offset]) -> None:
    torch.manual_seed(0)
    encoder, view = DegradationEncoder(config), 3 * torch.randn(1, 3, VIEW, VIEW) + 1
    with torch.inference_mode():
        encoder(view)  # running statistics that are not those of a new network
        encoder.eval()
        crops = torch.cat([view[:, :, top : top + SIDE, left : left + SIDE] for top, left in offsets])
        expected = encoder(crops)
        assert can_share(config)
        found = shared_degradation(encoder, config, view, offsets)
    assert found.shape == expected.shape
    assert_allclose(found, expected, atol=1e-5)


def test_mirrored_crops_and_those_no_wider_than_their_frames_share_nothing() -> None:
    assert not can_share(LITE)
    assert not can_share(replace(NARROW, crop_px=16, window=1))
    assert not can_share(replace(NARROW, crop_px=90, patch_px=15, window=2))


def test_the_authors_crops_need_a_third_of_the_pixels_of_twenty_encoders() -> None:
    seen: list[int] = []
    encoder = DegradationEncoder(replace(OFFICIAL, encoder_widths=(1,) * 6)).eval()
    encoder.layers.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0][0, 0].numel()))
    with torch.inference_mode():
        shared_degradation(encoder, OFFICIAL, torch.zeros(1, 3, 512, 512), grid_offsets(512, 512, 384, 20))
    assert 0.3 < sum(seen) / (20 * 384**2) < 0.37
