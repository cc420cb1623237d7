"""The network as a whole: shapes, invariants, backbones, attention, saving and loading."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from numpy.testing import assert_allclose

from fiqa.errors import CheckpointError
from fiqa.models import LITE, DslFiqa, DslFiqaConfig
from fiqa.models.dsl_fiqa import load_strictly

TINY_VIT = replace(
    LITE,
    crop_px=64,
    backbone="vit_tiny_patch16_224",
    backbone_taps=(1, 2),
    backbone_dim=None,
    plain_widths=(),
    window=2,
)


@pytest.fixture(scope="module")
def lite() -> DslFiqa:
    torch.manual_seed(0)
    return DslFiqa(LITE).eval()


def blocks_of(network: DslFiqa) -> Any:
    return cast("Any", network.transformer.backbone).network.blocks


def inputs(config: DslFiqaConfig, count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    crops = torch.randn(count, 3, config.crop_px, config.crop_px, generator=generator)
    return crops, torch.rand(count, config.landmark_slots, 2, generator=generator) * 2 - 1


@torch.inference_mode()
def test_score_is_the_mean_of_regional_quality_weighted_by_confidence(lite: DslFiqa) -> None:
    prediction = lite(*inputs(LITE))
    weighted = (prediction.quality * prediction.confidence).sum((1, 2)) / prediction.confidence.sum((1, 2))
    assert prediction.quality.shape == prediction.confidence.shape == (3, LITE.grid, LITE.grid)
    assert_allclose(prediction.score, weighted, rtol=1e-6)
    assert prediction.score.min() >= 0
    assert prediction.score.max() <= 1


@torch.inference_mode()
def test_crops_of_a_batch_do_not_influence_each_other(lite: DslFiqa) -> None:
    crops, landmarks = inputs(LITE)
    together = lite(crops, landmarks).score
    alone = torch.cat([lite(crops[i : i + 1], landmarks[i : i + 1]).score for i in range(3)])
    assert_allclose(together, alone, atol=1e-6)


@torch.inference_mode()
def test_unknown_landmarks_are_allowed_and_known_ones_matter(lite: DslFiqa) -> None:
    landmarks = inputs(LITE)[1]
    unknown = lite.landmark_weights(torch.full_like(landmarks, torch.nan))
    known = lite.landmark_weights(landmarks)
    assert unknown is not None
    assert known is not None
    assert unknown.isfinite().all()
    assert_allclose(unknown[0], unknown[1])
    assert (known[0] - known[1]).abs().max() > 1e-3


def test_a_network_with_landmarks_says_when_they_are_missing(lite: DslFiqa) -> None:
    with pytest.raises(ValueError, match="needs landmarks"):
        lite(inputs(LITE)[0])


@pytest.mark.parametrize(
    ("backbone", "taps", "crop_px"),
    [
        ("vit_tiny_patch16_224", (1, 2), 64),
        ("edgenext_xx_small", (1, 2), 128),
        ("swin_tiny_patch4_window7_224", (1, 2), 224),
    ],
)
@torch.inference_mode()
@pytest.mark.slow
def test_timm_backbones_stand_in_for_the_vit(backbone: str, taps: tuple[int, ...], crop_px: int) -> None:
    config = replace(
        LITE, backbone=backbone, backbone_taps=taps, backbone_dim=None, plain_widths=(), crop_px=crop_px,
        patch_px=16 if crop_px < 224 else 28, window=2,
    )  # fmt: skip
    prediction = DslFiqa(config).eval()(*inputs(config, 2))
    assert prediction.score.isfinite().all()
    assert prediction.quality.shape == (2, config.grid, config.grid)


def test_blocks_after_the_last_tap_are_not_built() -> None:
    network = DslFiqa(TINY_VIT)
    assert len(blocks_of(network)) == 3


@torch.inference_mode()
def test_attention_is_a_distribution_and_leaves_the_prediction_and_the_network_as_they_were() -> None:
    network = DslFiqa(TINY_VIT).eval()
    crops, landmarks = inputs(TINY_VIT)
    plain = network(crops, landmarks)
    prediction = network.forward_with_attention(crops, landmarks)
    assert prediction.attention is not None
    assert_allclose(prediction.score, plain.score, atol=1e-6)
    assert len(prediction.attention.backbone) == 3
    for weights in (*prediction.attention.backbone, *prediction.attention.decoder):
        assert_allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), rtol=1e-5)
    assert all(block.attn.fused_attn for block in blocks_of(network))


@pytest.mark.parametrize("shape", [(3, 96, 96), (3, 128, 160)])
def test_a_crop_of_another_size_is_refused(lite: DslFiqa, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"takes crops of \(3, 128, 128\), not"):
        lite(torch.zeros(2, *shape), inputs(LITE, 2)[1])


def test_loading_names_every_missing_and_unexpected_tensor(lite: DslFiqa) -> None:
    state = lite.state_dict()
    del state["transformer.reduce1.bias"]
    state["stray"] = torch.zeros(1)
    state["transformer.reduce2.bias"] = torch.zeros(3)
    with pytest.raises(CheckpointError) as caught:
        load_strictly(DslFiqa(LITE), state, "the file")
    for part in ("missing transformer.reduce1.bias", "unexpected stray", "transformer.reduce2.bias is (3,)"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbone": "resnet18"}, r"\[6, 7, 8, 9\] do not suit resnet18: it has 5 stages.* example \[2, 3, 4\]"),
        ({"backbone": "vit_tiny_patch16_224", "backbone_taps": (11, 12)}, r"it has 12 blocks.* example \[9, 10, 11\]"),
        ({"backbone": "resnet18", "backbone_taps": ()}, "it has 5 stages"),
        ({"backbone": "resnet_18"}, r"timm has no network 'resnet_18': did you mean resnet18"),
        ({"backbone": "plain"}, "plain needs plain_widths"),
        ({"backbone": "plain", "plain_widths": (8, 8), "backbone_taps": (2,)}, "it has 2 stages, one for each"),
        ({"swin_heads": 5}, "stage_dims 768, 384 must be multiples of the 5 heads"),
        ({"decoder_heads": 3}, "decoder_dim 256 must be multiples of the 3 heads"),
        ({"encoder_strides": (1, 2)}, "equally many"),
        ({"window": 0}, "window is 0: expected a whole number from 1"),
        ({"crop_px": "128"}, "crop_px is '128': expected a whole number from 1"),
        ({"decoder_depth": -1}, "decoder_depth is -1: expected a whole number from 0"),
        ({"score_activation": "tanh"}, "score_activation is 'tanh': expected one of relu, sigmoid"),
    ],
)
def test_a_network_that_cannot_be_built_says_what_would_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DslFiqa(DslFiqaConfig(**changes))


def test_config_refuses_a_window_that_does_not_fit_the_grid() -> None:
    with pytest.raises(ValueError, match="multiple"):
        replace(LITE, window=3)


def test_training_reaches_every_parameter_but_the_contrastive_projection() -> None:
    network = DslFiqa(LITE).train()
    network(*inputs(LITE)).score.sum().backward()
    idle = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert idle == {name for name, _ in network.named_parameters() if name.startswith("encoder.projection")}
