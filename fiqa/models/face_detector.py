"""A small fully convolutional network that marks the faces of a photo.

Anchor-free, in the manner of "Objects as Points" (Zhou et al., 2019, arXiv:1904.07850): one map says where
face centres are, four more say where the box around a centre lies. Faces of `SMALLEST_PX` to `LARGEST_PX`
are answered for; larger ones are found in a smaller copy of the photo, so one network serves every size.

Shapes: B photos, H and W their sides, h = ceil(H / 8) and w = ceil(W / 8) cells.
"""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from fiqa.models.detector_scale import STRIDE

_PAD_TO = 32


@dataclass(frozen=True)
class FaceDetectorConfig:
    """Channels at strides 2, 4, 8, 16 and 32."""

    widths: tuple[int, int, int, int, int] = (16, 24, 48, 64, 64)


class FaceMaps(NamedTuple):
    """What the network says: `centre_logits` (B, h, w) and `boxes` (B, 4, h, w).

    `boxes` holds for each cell the face centre's offset from the cell's centre (x, y, in cells) and the
    logarithms of box width and height over `BOX_UNIT_PX`.
    """

    centre_logits: Tensor
    boxes: Tensor


class FaceDetectorNetwork(nn.Module):
    """Photos to maps of face centres and boxes."""

    def __init__(self, config: FaceDetectorConfig = FaceDetectorConfig()) -> None:
        super().__init__()
        self.config = config
        two, four, eight, sixteen, thirtytwo = config.widths
        self.to_four = nn.Sequential(conv(3, two, stride=2), conv(two, four, stride=2))
        self.to_eight = nn.Sequential(conv(four, eight, stride=2), Residual(eight))
        self.to_sixteen = nn.Sequential(conv(eight, sixteen, stride=2), Residual(sixteen), Residual(sixteen))
        self.to_thirtytwo = nn.Sequential(conv(sixteen, thirtytwo, stride=2), Residual(thirtytwo))
        self.lateral_sixteen = nn.Conv2d(sixteen, thirtytwo, 1)
        self.down_to_eight = nn.Conv2d(thirtytwo, eight, 1)
        answers = nn.Conv2d(eight, 5, 1)
        nn.init.constant_(answers.get_parameter("bias")[:1], -4.0)  # faces are rare: start by expecting none
        self.head = nn.Sequential(conv(eight, eight), answers)

    def forward(self, photos: Tensor) -> FaceMaps:
        """Take photos (B, 3, H, W) in 0..1."""
        height, width = photos.shape[-2:]
        photos = functional.pad(standardise(photos), (0, -width % _PAD_TO, 0, -height % _PAD_TO))
        eight = self.to_eight(self.to_four(photos))
        sixteen = self.to_sixteen(eight)
        context = enlarge(self.to_thirtytwo(sixteen)).add_(self.lateral_sixteen(sixteen))
        maps = self.head(enlarge(self.down_to_eight(context)).add_(eight))
        maps = maps[..., : (height + STRIDE - 1) // STRIDE, : (width + STRIDE - 1) // STRIDE]  # ONNX divides towards 0
        return FaceMaps(maps[:, 0], maps[:, 1:])


class Residual(nn.Module):
    """Two 3×3 convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels), nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Keep the shape (B, C, H, W)."""
        return functional.relu_(self.body(features).add_(features))


def conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """Return a 3×3 convolution with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def enlarge(features: Tensor) -> Tensor:
    """Double height and width."""
    return functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def standardise(photos: Tensor) -> Tensor:
    """Give each photo (B, 3, H, W) mean 0 and deviation 1 over pixels and channels: exposure is not the question."""
    centred = photos - _mean(photos)
    return centred.div_(_mean(centred.square()).sqrt() + 0.01)


def _mean(photos: Tensor) -> Tensor:
    """Return the mean (B, 1, 1, 1) of each photo.

    Row by row, because ONNX Runtime adds up in single precision one value after the other: over all of a photo at once
    that is wrong by a thousandth of its contrast.
    """
    return photos.mean(dim=3, keepdim=True).mean(dim=(1, 2), keepdim=True)
