"""Reference data of the released network: weights by recipe, inputs, and what the released code gave for them.

`vectors.npz` was recorded with the released code on a CPU in fp32. Its weights are not the trained
ones: every tensor is drawn from its own name and shape, so that two implementations get the same
gigabyte without exchanging it. Uniform draws, because torch's CPU `rand` is exact on every machine.
"""

import json
import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
CROP_PX = 384
OFFSET = (64, 40)
"""(top, left) of the crop in the single-crop cases."""

GAINS = (
    (r"^E\.\d+\.weight$", 2.0),
    (r"^tablock[12]\.\d+\.c_[qk]\.weight$", 0.25),
    (r"^tablock[12]\.\d+\.c_v\.weight$", 0.5),
    (r"^conv_decoder\.weight$", 0.3),
    (r"^decoder\.\d+\.attn\.q\.weight$", 8.0),
    (r"^decoder\.\d+\.attn\.proj\.weight$", 0.5),
    (r"^embed_mlp\.0\.weight$", math.sqrt(2.0)),
    (r"^embed_mlp\.3\.weight$", 4.0),
    (r"^fc_score\.3\.weight$", 3.0),
    (r"^fc_weight\.3\.weight$", 1.5),
)
BIAS_SHIFTS = ((r"^fc_score\.3\.bias$", 4.0), (r"^fc_weight\.3\.bias$", 1.0))
LANDMARK_COLUMN_GAIN = (r"^fc_(score|weight)\.0\.weight$", 48.0)

# name, image, landmarks, image that the degradation encoder sees (None: the same)
CASES = (
    ("astro_all68", "astronaut", "all68", None),
    ("astro_vis30", "astronaut", "vis30", None),
    ("astro_vis0", "astronaut", "vis0", None),
    ("astro_all600", "astronaut", None, None),
    ("astro_all500", "astronaut", None, None),
    ("astro_all98", "astronaut", "all98", None),
    ("pixelated_all68", "pixelated", "all68", None),
    ("noisy_all68", "noisy", "all68", None),
    ("grad_vis30", "grad", "vis30", None),
    ("gray_all68", "gray", "all68", None),
    ("blocks_edge", "blocks", "edge", None),
    ("astro_all68_tokens_of_pixelated", "astronaut", "all68", "pixelated"),
)
"""Landmarks None: more points than slots, which the released code samples at random; only its vector is known."""


def vectors() -> dict[str, Any]:
    """Return every recorded array, by key."""
    with np.load(FOLDER / "vectors.npz") as data:
        return dict(data)


def released_shapes(which: str) -> dict[str, tuple[str, list[int]]]:
    """Return kind and shape of every tensor of "de" or "iqa", by the released code's names."""
    shapes: dict[str, tuple[str, list[int]]] = json.loads((FOLDER / f"keys_{which}.json").read_text())
    return shapes


def released_state(which: str) -> dict[str, torch.Tensor]:
    """Return the state dict of "de" or "iqa" as published: names, shapes and kinds of the released code."""
    return {name: _tensor(name, dtype, tuple(shape)) for name, (dtype, shape) in released_shapes(which).items()}


def _tensor(name: str, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "relative_position_index":
        a = torch.arange(16)
        rows = a[:, None] // 4 - a[None] // 4 + 3
        return rows * 7 + a[:, None] % 4 - a[None] % 4 + 3
    if leaf == "attn_mask":
        return _attn_mask()
    return torch.zeros(shape, dtype=torch.int64) if dtype == "int64" else _draw(name, leaf, shape)


def _attn_mask() -> torch.Tensor:
    """Build the (36, 16, 16) mask token by token, from its definition."""
    label = [0] * 20 + [1] * 2 + [2] * 2
    mask = torch.zeros(36, 16, 16)
    for window in range(36):
        places = [(window // 6 * 4 + t // 4, window % 6 * 4 + t % 4) for t in range(16)]
        regions = [3 * label[row] + label[column] for row, column in places]
        for i in range(16):
            for j in range(16):
                mask[window, i, j] = 0.0 if regions[i] == regions[j] else -100.0
    return mask


def unit(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return zero-mean unit-variance values that depend on name and shape alone."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    values = torch.rand(math.prod(shape), generator=generator)
    return values.sub_(0.5).mul_(math.sqrt(12.0)).reshape(shape)


def _draw(name: str, leaf: str, shape: tuple[int, ...]) -> torch.Tensor:
    values = unit(name, shape)
    if leaf == "running_mean":
        return values.mul_(0.05)
    if leaf == "running_var":
        return values.abs_().mul_(0.1).add_(1.0)
    if leaf in ("cls_token", "pos_embed"):
        return values.mul_(0.2)
    if leaf == "relative_position_bias_table":
        return values.mul_(0.5)
    if leaf == "task_query":
        return values
    if leaf == "bias":
        return values.mul_(0.02).add_(_first(BIAS_SHIFTS, name, 0.0))
    if len(shape) <= 1:
        return values.mul_(0.02).add_(1.0)
    values.mul_(_first(GAINS, name, 1.0) / math.sqrt(math.prod(shape[1:])))
    if re.search(LANDMARK_COLUMN_GAIN[0], name):
        values[:, -1].mul_(LANDMARK_COLUMN_GAIN[1])
    return values


def _first(table: tuple[tuple[str, float], ...], name: str, default: float) -> float:
    return next((value for pattern, value in table if re.search(pattern, name)), default)


def image(name: str) -> NDArray[np.uint8]:
    """Return a 512 x 512 RGB picture made of integers alone, the same on every machine."""
    y, x = np.mgrid[0:512, 0:512]
    if name == "grad":
        return np.stack([(x // 2) % 256, (y // 2) % 256, ((x + y) // 4) % 256], -1).astype(np.uint8)
    if name == "gray":
        return np.full((512, 512, 3), 128, np.uint8)
    if name == "blocks":
        generator = torch.Generator().manual_seed(77)
        small = torch.randint(0, 256, (16, 16, 3), generator=generator).numpy().astype(np.uint8)
        return _enlarged(small, 32)
    photo: NDArray[np.uint8] = np.asarray(skimage.data.astronaut())
    if name == "pixelated":
        means = photo.reshape(64, 8, 64, 8, 3).astype(np.int64).sum((1, 3)) // 64
        return _enlarged(means.astype(np.uint8), 8)
    if name == "noisy":
        generator = torch.Generator().manual_seed(1234)
        noise = torch.randint(-60, 61, (512, 512, 3), generator=generator).numpy()
        photo = np.clip(photo.astype(np.int64) + noise, 0, 255).astype(np.uint8)
    return photo


def _enlarged(small: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Repeat every pixel of a picture (H, W, 3)."""
    return small.repeat(factor, axis=0).repeat(factor, axis=1)


def landmarks(kind: str) -> NDArray[np.float32]:
    """Return made-up landmarks (L, 2); what is not visible sits at (5, 5), outside the crop at `OFFSET`."""
    top, left = OFFSET
    if kind == "all98":
        return _spread(98)
    points = _spread(68)
    if kind == "vis30":
        points[(np.arange(68) * 7) % 68 >= 30] = 5.0
    elif kind == "vis0":
        points[:] = 5.0
    elif kind == "edge":
        points[:] = 5.0
        points[3] = (left, top)
        points[10] = (left + CROP_PX, top + CROP_PX)
        points[20] = (left + CROP_PX + 0.5, top + 10)
        points[30] = (left + 10, top - 0.5)
        points[40] = (left - 0.5, top + 10)
        points[67] = (left + 10, top + CROP_PX)
    return points


def _spread(count: int) -> NDArray[np.float32]:
    i = np.arange(count)
    return np.stack([OFFSET[1] + 20 + (i * 37) % 340, OFFSET[0] + 20 + (i * 53) % 340], -1).astype(np.float32)


def crop(name: str, top: int = OFFSET[0], left: int = OFFSET[1]) -> torch.Tensor:
    """Return the normalised crop (1, 3, 384, 384) of a picture."""
    window = image(name)[top : top + CROP_PX, left : left + CROP_PX].astype(np.float32) / 255
    return torch.from_numpy((window - 0.5) / 0.5).permute(2, 0, 1)[None].contiguous()


def take16(tensor: torch.Tensor) -> NDArray[np.float32]:
    """Return 16 values spread evenly over the row-major tensor, as the vectors were recorded."""
    flat = tensor.detach().contiguous().flatten().numpy()
    return flat[[(2 * k + 1) * flat.size // 32 for k in range(16)]]
