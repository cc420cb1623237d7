"""A small network that places 68 landmarks on the crop of one face, and says whether it is one.

Each landmark is the expected position under its own heatmap ("Integral human pose regression", Sun et al.,
2018, arXiv:1711.08229): as exact as regression, as local as heatmaps, and differentiable.

Crops are cut out of views, larger squares around the face, so that a second look, turned upright and centred
by the first one's landmarks, does not have to go back to the photo. Where a crop lies in its view is its
frame (x, y, extent, roll): centre and side as shares of the view's side, and a clockwise turn in radians.

Shapes: B crops of `CROP_PX` pixels a side, 68 landmarks in iBUG order, V pixels a side of a view.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from einops import rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional

from fiqa.models.face_detector import Residual, conv, enlarge, standardise

CROP_PX = 96
LANDMARKS = 68
CROP_MARGIN = 1.5
"""Side of a crop in longer sides of the landmarks' box."""
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
    39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip
"""Which landmark each one becomes when the photo is mirrored left to right."""


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
        context = self.mix_eight(enlarge(self.lateral_sixteen(sixteen)).add_(self.lateral_eight(eight)))
        heatmaps = self.heatmaps(enlarge(context).add_(self.lateral_four(four)))
        return CropReading(expected_positions(heatmaps), self.is_face(reduce(sixteen, "b d h w -> b d", "mean"))[:, 0])


class FirstLook(nn.Module):
    """Reads the middle of views: `extent` is the crop's side as a share of a view's."""

    def __init__(self, network: LandmarkNetwork, extent: float) -> None:
        super().__init__()
        self.network, self.extent = network, extent

    def forward(self, views: Tensor) -> CropReading:
        """Take views (B, 3, V, V) in 0..1; landmarks are (x, y) in 0..1 of the view."""
        frames = views.new_tensor([0.5, 0.5, self.extent, 0.0]).repeat(views.shape[0], 1)
        seen: CropReading = self.network(cut_crops(views, frames))
        return CropReading(crop_to_view(seen.landmarks, frames), seen.face_logits)


class SecondLook(nn.Module):
    """Reads faces turned upright and centred by rough landmarks, as they are and mirrored."""

    def __init__(self, network: LandmarkNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, views: Tensor, landmarks: Tensor) -> CropReading:
        """Take views (B, 3, V, V) in 0..1 and landmarks (B, 68, 2) in 0..1 of the view; return better ones."""
        frames = frames_around(landmarks, rolls_of(landmarks))
        crops = cut_crops(views, frames)
        seen, mirrored = self.network(crops), self.network(crops.flip(3))
        back = mirrored.landmarks[:, list(MIRRORED)] * views.new_tensor([-1.0, 1.0]) + views.new_tensor([1.0, 0.0])
        landmarks = crop_to_view((seen.landmarks + back) / 2, frames)
        return CropReading(landmarks, (seen.face_logits + mirrored.face_logits) / 2)


def expected_positions(heatmaps: Tensor) -> Tensor:
    """Return the mean (x, y) in 0..1 under the softmax of each heatmap: (B, L, h, w) -> (B, L, 2)."""
    height, width = heatmaps.shape[-2:]
    weights = rearrange(heatmaps.float(), "b l h w -> b l (h w)").softmax(dim=-1)
    across, down = (reduce(weights, f"b l (h w) -> b l {side}", "sum", h=height) for side in "wh")
    x = (torch.arange(width, device=heatmaps.device) + 0.5) / width
    y = (torch.arange(height, device=heatmaps.device) + 0.5) / height
    return torch.stack([(across * x).sum(dim=-1), (down * y).sum(dim=-1)], dim=-1)


def frames_around(landmarks: Tensor, rolls: Tensor) -> Tensor:
    """Return frames (B, 4) turned by `rolls` (B,) around landmarks (B, 68, 2), all in shares of the view."""
    turns = _rotations(rolls)
    upright = landmarks @ turns
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    centres = (turns @ ((low + high) / 2).unsqueeze(-1)).squeeze(-1)
    extents = CROP_MARGIN * (high - low).amax(dim=1)
    return torch.cat([centres, extents[:, None], rolls[:, None]], dim=1)


def rolls_of(landmarks: Tensor) -> Tensor:
    """Return the clockwise tilt (B,) of faces (B, 68, 2) in radians, as `fiqa.photos.alignment.roll_deg` does."""
    left, right, mouth = (landmarks[:, start:end].mean(dim=1) for start, end in ((36, 42), (42, 48), (48, 68)))
    across, down = right - left, mouth - (left + right) / 2
    return torch.atan2(across[:, 1] - down[:, 0], across[:, 0] + down[:, 1])


def cut_crops(views: Tensor, frames: Tensor) -> Tensor:
    """Cut the framed crops (B, 3, 96, 96) out of views (B, 3, V, V); beyond the border the view is mirrored."""
    linear = frames[:, 2, None, None] * _rotations(frames[:, 3])
    theta = torch.cat([linear, 2 * frames[:, :2, None] - 1], dim=2)
    grid = functional.affine_grid(theta, [views.shape[0], 3, CROP_PX, CROP_PX], align_corners=False)
    return functional.grid_sample(views, grid, padding_mode="reflection", align_corners=False)


def crop_to_view(landmarks: Tensor, frames: Tensor) -> Tensor:
    """Take landmarks (B, 68, 2) from shares of their crops to shares of their views."""
    turned = (landmarks - 0.5) * frames[:, 2, None, None] @ _rotations(frames[:, 3]).mT
    return turned + frames[:, None, :2]


def view_to_crop(landmarks: Tensor, frames: Tensor) -> Tensor:
    """Take landmarks (B, 68, 2) from shares of their views to shares of their crops."""
    return (landmarks - frames[:, None, :2]) @ _rotations(frames[:, 3]) / frames[:, 2, None, None] + 0.5


def _rotations(rolls: Tensor) -> Tensor:
    """Return (B, 2, 2) matrices that turn column vectors (x, y) clockwise on the screen."""
    cos, sin = rolls.cos(), rolls.sin()
    return torch.stack([torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)], dim=-2)
