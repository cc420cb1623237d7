"""Channel attention ("transposed attention block") and Swin stage of the quality transformer.

Both follow the released network number for number; its state dict loads into them after renaming
(`official.py`). Where the released code does something its authors may not have meant, the class
says so and `released_order` keeps it.

Shapes: B crops, C or D channels, G tokens a side, N = G² tokens, W windows of T = window² tokens, H heads.
"""

import numpy as np
import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional as F

RESIDUAL_SCALE = 0.13
"""Weight of a Swin layer beside its input, fixed in the released network."""


class ChannelAttention(nn.Module):
    """Attention between channels, each a vector over all tokens (MANIQA's transposed attention).

    The released code writes the (N, C) result back as (C, N) without transposing, which scrambles
    channels and tokens; its weights were trained that way. `released_order` reproduces it.
    """

    def __init__(self, tokens: int, *, dropout: float, released_order: bool) -> None:
        super().__init__()
        self.query = nn.Linear(tokens, tokens)
        self.key: nn.Module = nn.Linear(tokens, tokens)  # none at inference, see folding.py
        self.value = nn.Linear(tokens, tokens)
        self.dropout = nn.Dropout(dropout)
        self.released_order = released_order

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, N) to (B, C, N)."""
        # One head on an axis of its own: only four-dimensional input gets the kernel that never stores (C, C).
        q, k, v = self.query(x)[:, None], self.key(x)[:, None], self.value(x)[:, None]
        y = F.scaled_dot_product_attention(q, k, v)[:, 0]
        if self.released_order:
            y = y.transpose(1, 2).reshape(x.shape)
        residual: Tensor = self.dropout(y)
        return x + residual


class DropPath(nn.Module):
    """Drop a residual branch for whole samples while training (stochastic depth)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Map a branch (B, …) to the same shape; the kept samples are scaled up to keep the mean."""
        if not self.training or self.rate == 0.0:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


class WindowAttention(nn.Module):
    """Self-attention inside windows with a learned bias per relative position (Swin)."""

    relative_position_index: Tensor

    def __init__(self, dim: int, window: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", relative_positions(window))

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B·W, T, D) to the same; `mask` (W, T, T) is added to the logits of every sample's windows."""
        count = windows.shape[0]  # len() would fix the size of the batch where the network is exported
        q, k, v = rearrange(self.qkv(windows), "b t (three h d) -> three b h t d", three=3, h=self.heads)
        bias = rearrange(self.relative_position_bias_table[self.relative_position_index], "q k h -> 1 h q k")
        if mask is not None:
            bias = repeat(bias + mask[:, None], "w h q k -> (b w) h q k", b=count // len(mask))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(count, -1, -1, -1))
        projected: Tensor = self.proj(rearrange(y, "b h t d -> b t (h d)"))
        return projected


class SwinBlock(nn.Module):
    """Window attention, shifted by half a window in every second block, and an MLP."""

    attn_mask: Tensor | None

    def __init__(
        self, dim: int, grid: int, window: int, heads: int, mlp_dim: int, *, shifted: bool, drop_path: float
    ) -> None:
        super().__init__()
        self.grid, self.window = grid, window
        self.shift = window // 2 if shifted else 0
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_dim)
        self.drop_path = DropPath(drop_path)
        self.register_buffer("attn_mask", shift_mask(grid, window, self.shift) if shifted else None)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same."""
        grid = rearrange(self.norm1(tokens), "b (r c) d -> b r c d", r=self.grid)
        rolled = grid.roll((-self.shift, -self.shift), (1, 2))
        windows = self.attn(split_windows(rolled, self.window), self.attn_mask)
        merged = merge_windows(windows, self.window, self.grid).roll((self.shift, self.shift), (1, 2))
        tokens = tokens + self.drop_path(rearrange(merged, "b r c d -> b (r c) d"))
        result: Tensor = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return result


class Mlp(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class SwinLayer(nn.Module):
    """Two Swin blocks and a convolution, added to the input at `RESIDUAL_SCALE`."""

    def __init__(
        self, dim: int, grid: int, window: int, heads: int, mlp_dim: int, *, drop_paths: tuple[float, float]
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinBlock(dim, grid, window, heads, mlp_dim, shifted=index == 1, drop_path=rate)
            for index, rate in enumerate(drop_paths)
        )
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D, G, G) to the same."""
        tokens = rearrange(features, "b d r c -> b (r c) d")
        for block in self.blocks:
            tokens = block(tokens)
        mixed = F.relu(self.conv(rearrange(tokens, "b (r c) d -> b d r c", r=features.shape[2])))
        return RESIDUAL_SCALE * mixed + features


class SwinStage(nn.Module):
    """A sequence of Swin layers on one grid."""

    def __init__(
        self,
        dim: int,
        grid: int,
        *,
        layers: int,
        window: int,
        heads: int,
        mlp_dim: int,
        dropout: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        rates = np.linspace(0, drop_path, 2 * layers)
        self.layers = nn.ModuleList(
            SwinLayer(dim, grid, window, heads, mlp_dim, drop_paths=(rates[2 * i], rates[2 * i + 1]))
            for i in range(layers)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D, G, G) to the same."""
        features = self.dropout(features)
        for layer in self.layers:
            features = layer(features)
        return features


def relative_positions(window: int) -> Tensor:
    """Return (T, T) int64 rows of the bias table for each pair of positions in a window."""
    row, column = (
        rearrange(each, "r c -> (r c)")
        for each in torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    )
    rows = row[:, None] - row[None] + window - 1
    columns = column[:, None] - column[None] + window - 1
    return rows * (2 * window - 1) + columns


def shift_mask(grid: int, window: int, shift: int) -> Tensor:
    """Return (W, T, T) float32: -100 between tokens that meet in a window only because the map was rolled."""
    label = torch.zeros(grid, dtype=torch.long)
    label[grid - window : grid - shift] = 1
    label[grid - shift :] = 2
    regions = rearrange(3 * label[:, None] + label[None], "r c -> 1 r c 1")
    windows = rearrange(split_windows(regions, window), "w t 1 -> w t")
    return (windows[:, :, None] != windows[:, None]).float() * -100.0


def split_windows(grid: Tensor, window: int) -> Tensor:
    """Split (B, G, G, D) into (B·W, T, D), windows and their tokens row by row."""
    return rearrange(grid, "b (r i) (c j) d -> (b r c) (i j) d", i=window, j=window)


def merge_windows(windows: Tensor, window: int, side: int) -> Tensor:
    """Undo `split_windows`: (B·W, T, D) to (B, G, G, D)."""
    per_side = side // window
    return rearrange(windows, "(b r c) (i j) d -> b (r i) (c j) d", r=per_side, c=per_side, i=window)
