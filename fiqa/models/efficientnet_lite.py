"""EfficientNet-Lite0 with its batch norms folded into its convolutions: the backbone of the bundled `lite`.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the lite
variants (ReLU6, no squeeze and excitation) are Google's of 2020. Weights have the names of timm's
`tf_efficientnet_lite0` once its batch norms are folded, and give the same maps. It is built here, without timm, because
to import timm takes a second and 110 MB, which every score would wait for.

Shapes: B crops, S crop side in pixels, D channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEM_WIDTH = 32
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
"""Blocks, kernel side, stride of the first block, expansion of the channels inside a block, and channels."""
TAPPED = (0, 1, 2, 4, 6)
"""The last stages before each halving of the maps: tap k is S / 2^(k+1) wide."""


class EfficientNetLite(nn.Module):
    """Returns the tapped maps; stages after the last tap are not built."""

    def __init__(self, taps: Sequence[int]) -> None:
        super().__init__()
        self.tapped = frozenset(TAPPED[tap] for tap in taps)
        self.conv_stem = SameConvolution(3, STEM_WIDTH, 3, stride=2)
        self.blocks = nn.ModuleList()
        inputs = STEM_WIDTH
        for depth, kernel, stride, expansion, width in STAGES[: max(self.tapped) + 1]:
            first = InvertedResidual(inputs, width, kernel, stride, expansion)
            more = [InvertedResidual(width, width, kernel, 1, expansion) for _ in range(depth - 1)]
            self.blocks.append(nn.Sequential(first, *more))
            inputs = width

    def forward(self, crops: Tensor) -> list[Tensor]:
        """Map crops (B, 3, S, S), S a multiple of 32, to the tapped maps (B, D, S / 2^(k+1), S / 2^(k+1))."""
        crops = crops.to(memory_format=torch.channels_last)  # in which depthwise convolutions take half the time
        features, tapped = F.relu6(self.conv_stem(crops), inplace=True), []
        for index, stage in enumerate(self.blocks):
            features = stage(features)
            if index in self.tapped:
                tapped.append(features)
        return tapped


class InvertedResidual(nn.Module):
    """Widen, convolve every channel for itself, narrow; the input is added where it has the output's shape.

    Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018. Without expansion the
    first convolution is left out, and the last one has the name that timm gives it then. What a convolution gave is
    changed in place: to fill fresh memory would take a tenth of the time.
    """

    conv_pw: nn.Module
    conv_pwl: nn.Module

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs
        if self.expands:
            self.conv_pw = nn.Conv2d(inputs, inner, 1)
        self.conv_dw = SameConvolution(inner, inner, kernel, stride=stride, groups=inner)
        self.add_module("conv_pwl" if self.expands else "conv_pw", nn.Conv2d(inner, outputs, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D', H / stride, W / stride)."""
        inner = F.relu6(self.conv_pw(features), inplace=True) if self.expands else features
        inner = F.relu6(self.conv_dw(inner), inplace=True)
        narrowed: Tensor = self.conv_pwl(inner) if self.expands else self.conv_pw(inner)
        return narrowed.add_(features) if self.adds else narrowed


class SameConvolution(nn.Conv2d):
    """Convolution padded as TensorFlow does for maps of even sides: with stride 2 one pixel more after than before."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, groups=groups)
        self.halves = stride == 2

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D', H / stride, W / stride)."""
        # A kernel with zeros before it reads as far after as before; to pad the maps would mean to copy them.
        weight = F.pad(self.weight, (1, 0, 1, 0)) if self.halves else self.weight
        return F.conv2d(features, weight, self.bias, self.stride, self.padding, groups=self.groups)
