"""Backbones: from crops to one map of concatenated features on the token grid.

Four families stand behind one interface, `Backbone.forward(crops) -> (B, dim, G, G)`:

* column networks of timm (ViT and relatives): outputs of the tapped blocks, without prefix tokens
  and without the final norm; blocks after the last tap are not built;
* hierarchical networks of timm (ConvNeXt, EdgeNeXt, ResNet, Swin …): the tapped stages, described
  on the token grid by mean and standard deviation;
* `efficientnet_lite0`: EfficientNet-Lite0 without the import of timm (efficientnet_lite.py), described the same way;
* `plain`: strided 3x3 convolutions, described the same way. Without pretrained weights it learns
  degradations far faster than attention does.

Shapes: B crops, S crop side in pixels, G tokens a side, N = G² tokens.
"""

from abc import abstractmethod
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models.config import DslFiqaConfig
from fiqa.models.degradation_encoder import at_least_single, standard_deviation
from fiqa.models.efficientnet_lite import STAGES, TAPPED, EfficientNetLite
from fiqa.models.torchvision_shim import prepare_torchvision

EFFICIENTNET_LITE = "efficientnet_lite0"


class Backbone(nn.Module):
    """What the quality transformer asks of a backbone."""

    dim: int

    @abstractmethod
    def forward(self, crops: Tensor) -> Tensor:
        """Map normalised crops (B, 3, S, S) to features (B, dim, G, G)."""


class ColumnBackbone(Backbone):
    """Tapped blocks of a timm network whose tokens keep one resolution (ViT, DeiT, EVA …)."""

    network: Any

    def __init__(self, network: Any, taps: Sequence[int], grid: int) -> None:
        super().__init__()
        self.taps = sorted(taps)
        network.blocks = network.blocks[: self.taps[-1] + 1]
        network.norm = nn.Identity()
        self.network = network
        self.grid = grid
        self.dim = network.embed_dim * len(taps)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the tapped blocks' tokens (B, dim, G, G)."""
        taps = self.network.forward_intermediates(
            crops, indices=self.taps, norm=False, intermediates_only=True, output_fmt="NLC"
        )
        # Contiguous (B, dim, N): channel attention multiplies along the tokens, and strides would slow it down.
        return rearrange(torch.cat(taps, dim=-1), "b (r c) d -> b d r c", r=self.grid).contiguous()


class StageBackbone(Backbone):
    """Tapped stages of a network that shrinks its maps, brought to one grid by their local statistics."""

    def __init__(self, network: nn.Module, channels: Sequence[int], config: DslFiqaConfig) -> None:
        super().__init__()
        self.network = network
        self.channels = tuple(channels)
        self.grid = config.grid
        self.neck = _neck(2 * sum(channels), config.backbone_dim)
        self.dim = config.backbone_dim or 2 * sum(channels)

    def forward(self, crops: Tensor) -> Tensor:
        """Return local statistics of the tapped stages (B, dim, G, G)."""
        stages = self.network(crops)
        maps = [_channels_first(stage, count) for stage, count in zip(stages, self.channels, strict=True)]
        features: Tensor = self.neck(torch.cat([local_statistics(m, self.grid) for m in maps], dim=1))
        return features


class PlainNetwork(nn.Module):
    """Strided 3x3 convolutions with batch norm, one stage per width; returns the tapped stages."""

    def __init__(self, widths: Sequence[int], taps: Sequence[int]) -> None:
        super().__init__()
        self.taps = frozenset(taps)
        self.stages = nn.ModuleList()
        inputs = 3
        for index, width in enumerate(widths):
            depth = 1 if index == 0 else 2  # a second convolution at full width would be half the cost of all
            layers = [_convolution(inputs, width, stride=2)]
            layers += [_convolution(width, width, stride=1) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*layers))
            inputs = width

    def forward(self, crops: Tensor) -> list[Tensor]:
        """Map crops (B, 3, S, S) to the tapped maps, stage k being S / 2^(k+1) wide."""
        tapped, features = [], crops
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in self.taps:
                tapped.append(features)
        return tapped


def build_backbone(config: DslFiqaConfig) -> Backbone:
    """Build the backbone a config names, with random weights and without any download."""
    if config.backbone == "plain":
        if not config.plain_widths:
            raise ValueError("The backbone plain needs plain_widths, the channels of each stage, such as [16, 32, 64].")
        _check_taps(config, len(config.plain_widths), "stages, one for each of plain_widths")
        network = PlainNetwork(config.plain_widths, config.backbone_taps)
        return StageBackbone(network, [config.plain_widths[tap] for tap in config.backbone_taps], config)
    if config.backbone == EFFICIENTNET_LITE:
        _check_taps(config, len(TAPPED), "stages")
        lite = EfficientNetLite(config.backbone_taps)
        return StageBackbone(lite, [STAGES[TAPPED[tap]][-1] for tap in config.backbone_taps], config)
    return _timm_backbone(config, pretrained=False)


def build_pretrained_backbone(config: DslFiqaConfig) -> Backbone:
    """Build a timm backbone with its pretrained weights, fetching them when they are not cached."""
    return _timm_backbone(config, pretrained=True)


def _timm_backbone(config: DslFiqaConfig, *, pretrained: bool) -> Backbone:
    prepare_torchvision()
    import timm

    if _keeps_resolution(config):
        network = timm.create_model(config.backbone, pretrained=pretrained, num_classes=0, img_size=config.crop_px)
        return ColumnBackbone(network, config.backbone_taps, config.grid)
    taps = config.backbone_taps
    stages: Any = timm.create_model(config.backbone, pretrained=pretrained, features_only=True, out_indices=taps)
    return StageBackbone(stages, stages.feature_info.channels(), config)


def _keeps_resolution(config: DslFiqaConfig) -> bool:
    """Whether a timm network is a column of blocks on one grid of tokens; looked up without making weights.

    Raises ValueError when there is no such network, or its blocks or stages are not those that the config taps.
    """
    import timm

    if not timm.is_model(config.backbone):
        near = get_close_matches(config.backbone, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "timm.list_models() names all."
        raise ValueError(f"timm has no network {config.backbone!r}: {hint}")
    with torch.device("meta"):
        network: Any = timm.create_model(config.backbone, pretrained=False)
        if hasattr(network, "num_prefix_tokens"):
            _check_taps(config, len(network.blocks), "blocks")
            return True
        stages: Any = timm.create_model(config.backbone, pretrained=False, features_only=True)
    _check_taps(config, len(stages.feature_info.channels()), "stages")
    return False


def _check_taps(config: DslFiqaConfig, count: int, kind: str) -> None:
    taps = config.backbone_taps
    if not taps or min(taps) < 0 or max(taps) >= count or len(set(taps)) < len(taps):
        example = [*range(count)][-3:]
        raise ValueError(
            f"backbone_taps {list(taps)} do not suit {config.backbone}: it has {count} {kind}, counted from 0. "
            f"Choose some of them once each, for example {example}."
        )


def local_statistics(features: Tensor, grid: int) -> Tensor:
    """Describe maps (B, D, H, W) by mean and standard deviation on a grid: (B, 2D, grid, grid)."""
    features = at_least_single(features)  # E[x²] - E[x]² of bfloat16 would be rounding errors
    mean = F.adaptive_avg_pool2d(features, grid)
    squares = F.adaptive_avg_pool2d(features.square(), grid)
    return torch.cat([mean, standard_deviation(mean, squares)], dim=1)


def _neck(inputs: int, outputs: int | None) -> nn.Module:
    """Return a 1x1 projection to `outputs` channels, or the identity for None."""
    if outputs is None:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _channels_first(features: Tensor, channels: int) -> Tensor:
    """Return a stage as (B, D, H, W); some timm networks give (B, H, W, D)."""
    return features if features.shape[1] == channels else rearrange(features, "b h w d -> b d h w")


def _convolution(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
