"""Degradation features of crops that overlap: what they share is computed once.

The degradation encoder is convolutional, so away from a crop's border its maps are those of the view. Crops that begin
in the same row lie in one strip of the view, whose upper and lower border are theirs. At its left and right border a
crop has zeros where the strip goes on; the maps next to them are computed anew from a frame a few pixels wide. Features
are those of each crop alone but for rounding.

The 20 crops of 384 pixels of a view of 512 pixels need a third of the operations of 20 encoders.

Shapes: K crops, S crop side in pixels, V side of a view, W width of a strip, D channels, (R, C) cells of the grid.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil, prod

import torch
from torch import Tensor

from fiqa.models.config import DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder
from fiqa.photos.crops import Offset


def can_share(config: DslFiqaConfig) -> bool:
    """Whether crops of a network share what its encoder computes: none are mirrored, and frames fit into them."""
    step = _step(config)
    return not config.mirror_right and config.crop_px % step == 0 and 2 * _reach(config) * step < config.crop_px


def shared_degradation(
    encoder: DegradationEncoder, config: DslFiqaConfig, view: Tensor, offsets: Sequence[Offset]
) -> Tensor:
    """Return degradation features (K, R, C, D) of the crops at `offsets` of a normalised view (1, 3, V, V)."""
    side, step = config.crop_px, _step(config)
    lefts: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for top, left in offsets:
        lefts[top, left % step].add(left)  # strides count from the strip's left border
    found: dict[Offset, Tensor] = {}
    for (top, _), group in lefts.items():
        begins = sorted(group)
        strip = view[:, :, top : top + side, begins[0] : begins[-1] + side]
        maps = _maps_of_strip(encoder, config, strip, [left - begins[0] for left in begins])
        found |= {(top, left): encoder.describe(each) for left, each in zip(begins, maps, strict=True)}
    return torch.cat([found[offset] for offset in offsets])


def _maps_of_strip(
    encoder: DegradationEncoder, config: DslFiqaConfig, strip: Tensor, lefts: Sequence[int]
) -> Iterator[Tensor]:
    """Yield the last layer's maps (1, D, S/step, S/step) of the crops of a strip (1, 3, S, W) that begin at `lefts`."""
    side, step, reach = config.crop_px, _step(config), _reach(config)
    frame = 2 * reach * step  # the frame's own inner border is no border of the crop: what it reaches is left out
    shared = encoder.layers(strip)
    for left in lefts:
        right = left + side
        maps = shared[..., left // step : right // step].clone()
        if left > 0:
            maps[..., :reach] = encoder.layers(strip[..., left : left + frame])[..., :reach]
        if right < strip.shape[-1]:
            maps[..., -reach:] = encoder.layers(strip[..., right - frame : right])[..., -reach:]
        yield maps


def _step(config: DslFiqaConfig) -> int:
    """Return how many pixels one column of the last layer's maps is wide."""
    return prod(config.encoder_strides)


def _reach(config: DslFiqaConfig) -> int:
    """Return how many columns of the last layer's maps the zeros around a crop reach."""
    reach = 0
    for stride in config.encoder_strides:
        reach = ceil((reach + 1) / stride)
    return reach
