"""A small network that places 68 landmarks on the crop of one face, and says whether it is one.

Each landmark is the expected position under its own heatmap ("Integral human pose regression", Sun et al.,
2018, arXiv:1711.08229): as exact as regression, as local as heatmaps, and differentiable.

Shapes: B crops of `CROP_PX` pixels a side, 68 landmarks in iBUG order.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fiqa.models.face_detector import Residual, conv, enlarge, standardise

CROP_PX = 96
LANDMARKS = 68


@dataclass(frozen=True)
class LandmarkNetworkConfig:
    """Channels at strides 2, 4, 8 and 16, and of the features that the heatmaps are read from."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 80)
    heatmap_features: int = 64


class CropReading(NamedTuple):
    """`landmarks` (B, 68, 2) as (x, y) in 0..1 of the crop; `face_logits` (B,), above 0 for a face."""

    landmarks: Tensor
    face_logits: Tensor


class LandmarkNetwork(nn.Module):
    """Face crops to landmarks."""

    def __init__(self, config: LandmarkNetworkConfig = LandmarkNetworkConfig()) -> None:
        super().__init__()
        self.config = config
        two, four, eight, sixteen = config.widths
        features = config.heatmap_features
        self.to_four = nn.Sequential(conv(3, two, stride=2), conv(two, four, stride=2), Residual(four))
        self.to_eight = nn.Sequential(conv(four, eight, stride=2), Residual(eight))
        self.to_sixteen = nn.Sequential(conv(eight, sixteen, stride=2), Residual(sixteen), Residual(sixteen))
        self.lateral_sixteen = nn.Conv2d(sixteen, features, 1)
        self.lateral_eight = nn.Conv2d(eight, features, 1)
        self.lateral_four = nn.Conv2d(four, features, 1)
        self.mix_eight = conv(features, features)
        self.heatmaps = nn.Sequential(conv(features, features), nn.Conv2d(features, LANDMARKS, 1))
        self.is_face = nn.Linear(sixteen, 1)

    def forward(self, crops: Tensor) -> CropReading:
        """Take crops (B, 3, 96, 96) in 0..1."""
        four = self.to_four(standardise(crops))
        eight = self.to_eight(four)
        sixteen = self.to_sixteen(eight)
        context = self.mix_eight(enlarge(self.lateral_sixteen(sixteen)) + self.lateral_eight(eight))
        heatmaps = self.heatmaps(enlarge(context) + self.lateral_four(four))
        return CropReading(expected_positions(heatmaps), self.is_face(sixteen.mean(dim=(2, 3))).squeeze(1))


def expected_positions(heatmaps: Tensor) -> Tensor:
    """Return the mean (x, y) in 0..1 under the softmax of each heatmap: (B, L, h, w) -> (B, L, 2)."""
    height, width = heatmaps.shape[-2:]
    weights = heatmaps.flatten(2).softmax(dim=-1).unflatten(2, (height, width))
    x = (torch.arange(width, device=heatmaps.device) + 0.5) / width
    y = (torch.arange(height, device=heatmaps.device) + 0.5) / height
    return torch.stack([(weights.sum(dim=2) * x).sum(dim=-1), (weights.sum(dim=3) * y).sum(dim=-1)], dim=-1)
