"""Views cut out of photos as `fiqa.photos.alignment.cut_view` does, in tensors, so that gradients reach the pixels.

The same steps and filters as Pillow's: mirror beyond the border, turn by bicubic interpolation, resize by Lanczos
across and then down, clip after each, and round to 8 bits. Rounding has no gradient, so gradients pass it by ("straight
through"); without it values differ by up to 2.1 of 255, and scores of turned faces by up to 0.01.

Shapes: H, W sides of a photo, h, w those of the window that a view is cut from, S side of the view, all in pixels.
"""

import numpy as np
import torch
from einops import einsum
from numpy.typing import NDArray
from torch import Tensor

from fiqa.photos.alignment import Square

WHITE = 255
LANCZOS_REACH = 3
"""Samples on either side that a Lanczos filter weighs, where it does not reduce."""


def cut_view(photo: Tensor, square: Square, *, side_px: int, eight_bit: bool = True) -> Tensor:
    """Cut a square out of a photo (3, H, W) in 0..1: (3, S, S) in 0..1, rounded as Pillow does unless told not to."""
    finish = to_eight_bits if eight_bit else _clipped
    left, top, right, bottom = square.window()
    rows, columns = mirrored_indices(top, bottom, photo.shape[1]), mirrored_indices(left, right, photo.shape[2])
    window = finish(photo[:, rows.to(photo.device)][:, :, columns.to(photo.device)])
    x, y = square.centre - (left, top)
    if square.angle:
        turned = turn(window, square.angle, (x, y))
        window = finish(turned - 0.5 / WHITE) if eight_bit else turned  # Pillow cuts fractions off here
    half = square.extent_px / 2
    across = lanczos(x - half, x + half, window.shape[2], side_px)
    down = lanczos(y - half, y + half, window.shape[1], side_px)
    narrow = finish(einsum(window, torch.from_numpy(across).to(window), "c h w, s w -> c h s"))
    return finish(einsum(narrow, torch.from_numpy(down).to(window), "c h s, r h -> c r s"))


def to_eight_bits(values: Tensor) -> Tensor:
    """Clip to 0..1 and round to 255ths; the gradient is that of clipping."""
    clipped = _clipped(values)
    return clipped + ((WHITE * clipped.detach() + 0.5).floor() / WHITE - clipped.detach())


def _clipped(values: Tensor) -> Tensor:
    return values.clamp(0, 1)


def mirrored_indices(first: int, end: int, size: int) -> Tensor:
    """Return the index (end - first,) of what stands at each position of a row of `size`, mirrored beyond its ends."""
    places = torch.arange(first, end) % (2 * size)
    return torch.where(places < size, places, 2 * size - 1 - places)


def lanczos(low: float, high: float, size: int, side_px: int) -> NDArray[np.float64]:
    """Return the weight (S, size) of every sample in each of `side_px` samples between `low` and `high`.

    The filter is widened where it reduces, so that it does not alias, and cut at both ends; rows sum to one.
    """
    low, high = max(0.0, low), min(float(size), high)
    step = (high - low) / side_px
    centres = low + (np.arange(side_px) + 0.5) * step
    distance = (np.arange(size) + 0.5 - centres[:, None]) / max(step, 1.0)
    inside = np.abs(distance) < LANCZOS_REACH
    weights = np.where(inside, np.sinc(distance) * np.sinc(distance / LANCZOS_REACH), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def turn(window: Tensor, angle: float, centre: tuple[float, float]) -> Tensor:
    """Turn a window (3, h, w) anticlockwise by `angle` radians around `centre` (x, y); what comes from outside is 0."""
    height, width = window.shape[1:]
    down, across = np.mgrid[:height, :width] + 0.5
    cos, sin = np.cos(angle), np.sin(angle)
    x = cos * (across - centre[0]) - sin * (down - centre[1]) + centre[0]
    y = sin * (across - centre[0]) + cos * (down - centre[1]) + centre[1]
    inside = torch.from_numpy((x >= 0) & (x < width) & (y >= 0) & (y < height)).to(window.device)
    columns, column_weights = _cubic(x, width)
    rows, row_weights = _cubic(y, height)
    columns, rows = columns.to(window.device), rows.to(window.device)
    mixed = torch.zeros_like(window)
    for row, row_weight in zip(rows, row_weights.to(window), strict=True):
        for column, column_weight in zip(columns, column_weights.to(window), strict=True):
            mixed = mixed + row_weight * column_weight * window[:, row, column]
    return mixed.clamp(0, 1) * inside


def _cubic(places: NDArray[np.float64], size: int) -> tuple[Tensor, Tensor]:
    """Return indices and weights (4, h, w) of the samples around each place, with Pillow's parameter a = -1."""
    first = np.floor(places - 0.5)
    t = places - 0.5 - first
    weights = np.stack([-t + 2 * t**2 - t**3, 1 - 2 * t**2 + t**3, t + t**2 - t**3, t**3 - t**2])
    indices = np.clip(first + np.arange(-1, 3)[:, None, None], 0, size - 1)
    return torch.from_numpy(indices.astype(np.int64)), torch.from_numpy(weights)
