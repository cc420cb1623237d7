"""Degradation encoder: a plain convolutional network whose features say how a crop was degraded.

It is trained without labels by contrasting synthetic and real degradations (`training/fit/losses.py`);
the quality transformer is queried by its features.

Shapes: B crops, S crop side in pixels, (R, C) cells of the grid, D feature channels.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models.config import DslFiqaConfig


class DegradationEncoder(nn.Module):
    """Convolution, batch norm and leaky ReLU per layer, then one vector for each cell of a grid."""

    def __init__(self, config: DslFiqaConfig) -> None:
        super().__init__()
        self.grid = config.encoder_grid
        self.statistics = config.encoder_statistics
        layers: list[nn.Module] = []
        inputs = 3
        for width, stride in zip(config.encoder_widths, config.encoder_strides, strict=True):
            layers += [nn.Conv2d(inputs, width, 3, stride, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.1, inplace=True)]
            inputs = width
        self.layers = nn.Sequential(*layers)
        self.dim = inputs * (2 if self.statistics else 1)
        self.projection = nn.Sequential(nn.Linear(self.dim, self.dim), nn.LeakyReLU(0.1), nn.Linear(self.dim, self.dim))

    def forward(self, crops: Tensor) -> Tensor:
        """Map normalised crops (B, 3, S, S) to degradation features (B, R, C, D)."""
        return self.describe(self.layers(crops))

    def describe(self, maps: Tensor) -> Tensor:
        """Describe the last layer's maps of crops (B, D, h, w) by one vector for each cell: (B, R, C, D)."""
        features = at_least_single(maps)  # E[x²] - E[x]² of bfloat16 would be rounding errors
        cells = F.adaptive_avg_pool2d(features, self.grid)
        if self.statistics:
            squares = F.adaptive_avg_pool2d(features.square(), self.grid)
            cells = torch.cat([cells, standard_deviation(cells, squares)], dim=1)
        return rearrange(cells, "b d r c -> b r c d")

    def project(self, features: Tensor) -> Tensor:
        """Map features (B, R, C, D) to the space of the contrastive loss; not used for scoring."""
        projected: Tensor = self.projection(features)
        return projected


def at_least_single(values: Tensor) -> Tensor:
    """Return half precision as single precision, and leave double precision, in which gradients are checked."""
    return values if values.dtype == torch.float64 else values.float()


def standard_deviation(mean: Tensor, mean_of_squares: Tensor) -> Tensor:
    """Return sqrt(E[x²] - E[x]²), kept away from 0 where its gradient would be infinite."""
    return (mean_of_squares - mean.square()).clamp_min(1e-5).sqrt()
