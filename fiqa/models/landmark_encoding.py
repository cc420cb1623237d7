"""Landmark encoding: where the face's landmarks are, as one weight per token.

The paper encodes landmark coordinates; the released code encodes which landmark *indices* lie in the
crop (all visible gives the same vector for every photo). Both pass a positional encoding and an MLP
that ends in a sigmoid. `IndexEncoding` is what the released weights need, `CoordinateEncoding` what
the paper says. `OutlineEncoding` learns nothing: it draws the face, softly, so that an error of a few
pixels changes little.

Shapes: B crops, L landmarks, K slots, F frequencies, N tokens.
"""

import numpy as np
import torch
from einops import rearrange, repeat
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.models.config import DslFiqaConfig
from fiqa.models.landmark_network import MIRRORED
from fiqa.photos.crops import Offset, is_right

JAW, BROWS = range(17), range(26, 16, -1)
NASION, CHIN = 27, 8
FOREHEAD = 0.35
"""How far the forehead reaches above the brows, as a share of the distance from the chin to the nasion."""


SOFTNESS = 0.1
"""Width of the soft edge of a drawn face, in half sides of a crop."""


def face_outline(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the outline (27, 2) of a face and its forehead, closed by itself, given landmarks (68, 2)."""
    forehead = landmarks[list(BROWS)] + FOREHEAD * (landmarks[NASION] - landmarks[CHIN])
    outline: NDArray[np.float32] = np.concatenate([landmarks[list(JAW)], forehead])
    return outline


def positional_encoding(values: Tensor, frequencies: int) -> Tensor:
    """Map (B, K) to (B, (2F + 1) K): the values, then sin(2^k v) and cos(2^k v) for k = 0 … F - 1."""
    waves = [wave(values * 2.0**k) for k in range(frequencies) for wave in (torch.sin, torch.cos)]
    return torch.cat([values, *waves], dim=-1)


class IndexEncoding(nn.Module):
    """Weights per token from a vector of normalised landmark indices (B, K)."""

    def __init__(self, config: DslFiqaConfig) -> None:
        super().__init__()
        self.frequencies = config.landmark_frequencies
        self.mlp = _mlp(config.landmark_slots, config)

    def forward(self, indices: Tensor) -> Tensor:
        """Map (B, K) in -1..1 to (B, N) in 0..1."""
        weights: Tensor = self.mlp(positional_encoding(indices, self.frequencies))
        return weights


class CoordinateEncoding(nn.Module):
    """Weights per token from landmark coordinates; NaN marks landmarks that are not known."""

    def __init__(self, config: DslFiqaConfig) -> None:
        super().__init__()
        self.frequencies = config.landmark_frequencies
        self.mlp = _mlp(2 * config.landmark_slots, config)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Map (B, L, 2), -1..1 across the crop and beyond it outside, to (B, N) in 0..1."""
        known = coordinates.isfinite()
        encoded = positional_encoding(rearrange(coordinates.nan_to_num(0.0), "b l xy -> b (l xy)"), self.frequencies)
        known = repeat(known, "b l xy -> b (f l xy)", f=2 * self.frequencies + 1)
        weights: Tensor = self.mlp(encoded * known)
        return weights


class OutlineEncoding(nn.Module):
    """Weights per token that say how far inside the face it lies; NaN where the landmarks are not known.

    They fall towards the border of the crop, so that what overlapping crops say adds up without steps. Without
    landmarks that is all they say.
    """

    cells: Tensor
    taper: Tensor

    def __init__(self, config: DslFiqaConfig) -> None:
        super().__init__()
        centres = (torch.arange(config.grid, device="cpu") + 0.5) / config.grid
        x, y = torch.meshgrid(2 * centres - 1, 2 * centres - 1, indexing="xy")
        fall = (torch.pi * centres).sin()
        self.register_buffer("cells", torch.stack([x, y], dim=-1).flatten(0, 1), persistent=False)
        self.register_buffer("taper", torch.outer(fall, fall).flatten(), persistent=False)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Map (B, 68, 2), -1..1 across the crop and beyond it outside, to (B, N) in 0..1."""
        known = coordinates.isfinite().all(dim=-1).all(dim=-1, keepdim=True)  # (B, 1)
        outlines = _outlines(coordinates.nan_to_num(0.0))
        inside = (_depth(self.cells, outlines) / SOFTNESS).sigmoid()
        return torch.where(known, inside, 1.0) * self.taper


def _outlines(landmarks: Tensor) -> Tensor:
    """Return `face_outline` of every face: (B, 68, 2) to (B, 27, 2)."""
    forehead = landmarks[:, list(BROWS)] + FOREHEAD * (landmarks[:, NASION] - landmarks[:, CHIN])[:, None]
    return torch.cat([landmarks[:, list(JAW)], forehead], dim=1)


def _depth(points: Tensor, outlines: Tensor) -> Tensor:
    """Return how far points (N, 2) lie inside closed outlines (B, P, 2), negative outside: (B, N)."""
    start, end = outlines[:, None], outlines.roll(-1, dims=1)[:, None]  # (B, 1, P, 2)
    along, to_point = end - start, points[:, None] - start  # (B, 1, P, 2) and (B, N, P, 2)
    share = ((to_point * along).sum(-1) / along.square().sum(-1).clamp_min(1e-9)).clamp(0, 1)
    distance = (to_point - share[..., None] * along).square().sum(-1).min(dim=-1).values.clamp_min(1e-12).sqrt()
    crosses = (start[..., 1] > points[:, None, 1]) != (end[..., 1] > points[:, None, 1])
    slope = along[..., 0] / torch.where(along[..., 1].abs() < 1e-9, 1e-9, along[..., 1])
    left = points[:, None, 0] < start[..., 0] + slope * to_point[..., 1]
    inside = (crosses & left).sum(-1) % 2 == 1  # a ray to the right leaves the outline an odd number of times
    return torch.where(inside, distance, -distance)


def _mlp(slots: int, config: DslFiqaConfig) -> nn.Sequential:
    inputs = slots * (2 * config.landmark_frequencies + 1)
    return nn.Sequential(
        nn.Linear(inputs, config.landmark_hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(config.dropout),
        nn.Linear(config.landmark_hidden, config.grid**2),
        nn.Sigmoid(),
    )


def index_vector(landmarks: NDArray[np.floating], top: int, left: int, crop_px: int, slots: int) -> NDArray[np.float32]:
    """Return the released code's input (K,) in -1..1 for one crop.

    `landmarks` is (L, 2), (x, y) pixels of the photo that the crop at (`top`, `left`) was cut from. The
    indices of landmarks inside the crop (both borders included) are padded with L + 1 to `slots` and
    scaled by their own extremes. Where more than `slots` are visible the first ones are kept; the
    released code draws them at random, so its score is not reproducible there.
    """
    x, y = landmarks[:, 0], landmarks[:, 1]
    inside = (top <= y) & (y <= top + crop_px) & (left <= x) & (x <= left + crop_px)
    visible = np.flatnonzero(inside)[:slots].astype(np.float64)
    vector = np.full(slots, len(landmarks) + 1, dtype=np.float64)
    vector[: len(visible)] = visible
    return normalise_indices(vector)


def normalise_indices(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scale indices (K,) to -1..1 by their own minimum and maximum; all equal gives -1."""
    low, high = vector.min(), vector.max()
    scaled: NDArray[np.float64] = 2 * (vector - low) / (high - low + 1e-6) - 1
    return scaled.astype(np.float32)


def crop_coordinates(landmarks: NDArray[np.floating], top: int, left: int, crop_px: int) -> NDArray[np.float32]:
    """Return landmarks (L, 2) relative to one crop: -1 at its left or top border, 1 at its right or bottom one."""
    return ((landmarks - (left, top)) * (2 / crop_px) - 1).astype(np.float32)


def mirrored_coordinates(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return crop coordinates (…, 68, 2) of the mirrored crop: left and right change places and names."""
    return coordinates[..., MIRRORED, :] * np.array([-1, 1], dtype=np.float32)


def landmark_input(
    config: DslFiqaConfig, landmarks: NDArray[np.floating] | None, offset: Offset, width_px: int
) -> NDArray[np.float32]:
    """Return what the config's encoding takes for the crop at `offset`: indices (K,) or coordinates (L, 2).

    `landmarks` is (L, 2), (x, y) pixels of the view of `width_px` that the crop was cut from; None or NaN where they
    are not known.
    """
    known = np.full((68, 2), np.nan, dtype=np.float32) if landmarks is None else landmarks
    if config.landmarks == "index":
        return index_vector(known, *offset, config.crop_px, config.landmark_slots)
    coordinates = crop_coordinates(known, *offset, config.crop_px)
    mirrored = config.mirror_right and is_right(offset, width_px, config.crop_px)
    return mirrored_coordinates(coordinates) if mirrored else coordinates
