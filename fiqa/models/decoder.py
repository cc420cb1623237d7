"""Degradation-guided decoder: image tokens attended by queries that the degradation encoder made.

Each block replaces plain self-attention by cross-attention whose queries are degradation features,
one per token, and whose keys and values are the image tokens; the image tokens carry the residual.

Shapes: B crops, G tokens a side, N = G² tokens, D channels, H heads, (R, C) cells of the degradation grid.
"""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models.attention import DropPath

NORM_EPS = 1e-6


class DegradationCrossAttention(nn.Module):
    """Attention with queries from the degradation and keys and values from the image tokens."""

    def __init__(self, dim: int, query_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(query_dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, degradation: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
        """Map degradation (B, R·C, Dq) and tokens (B, N, D) to (B, N, D).

        `positions` (N,) names the degradation cell that queries for each token.
        """
        q, k, v = self._heads(degradation, tokens)
        y = F.scaled_dot_product_attention(q[:, :, positions], k, v)
        projected: Tensor = self.proj(rearrange(y, "b h n d -> b n (h d)"))
        return projected

    def weights(self, degradation: Tensor, tokens: Tensor) -> Tensor:
        """Return the attention (B, H, R·C, N) of each degradation cell to the image tokens; rows sum to one."""
        q, k, _ = self._heads(degradation, tokens)
        return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1)

    def _heads(self, degradation: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries (B, H, R·C, D/H) and keys and values (B, H, N, D/H)."""
        q = rearrange(self.q(degradation), "b n (h d) -> b h n d", h=self.heads)
        k, v = rearrange(self.kv(tokens), "b n (two h d) -> two b h n d", two=2, h=self.heads)
        return q, k, v


class ConvolutionalMlp(nn.Module):
    """MLP with a depth-wise 3x3 convolution on the token grid before its GELU (PVT v2)."""

    def __init__(self, dim: int, hidden: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.fc1 = nn.Linear(dim, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, N, D) to the same."""
        hidden = rearrange(self.fc1(tokens), "b (r c) d -> b d r c", r=self.grid)
        mixed = rearrange(self.dwconv(hidden), "b d r c -> b (r c) d")
        y: Tensor = self.fc2(F.gelu(mixed))
        return y


class DecoderBlock(nn.Module):
    """Degradation-guided attention and a convolutional MLP, each with a residual."""

    def __init__(self, dim: int, query_dim: int, heads: int, grid: int, *, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = DegradationCrossAttention(dim, query_dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = ConvolutionalMlp(dim, 4 * dim, grid)
        self.drop_path = DropPath(drop_path)

    def forward(self, degradation: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same, guided by degradation (B, R·C, Dq)."""
        tokens = tokens + self.drop_path(self.attn(degradation, self.norm1(tokens), positions))
        result: Tensor = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return result


def query_positions(cells: tuple[int, int], grid: int, *, released_order: bool) -> Tensor:
    """Return (N,) int64: which degradation cell queries for each token of the grid.

    In place, a token is served by the cell that covers it. The released network stretches the list
    of cells along the list of tokens instead (nearest neighbour in one dimension), so below the
    level of rows the pairing is not spatial; its weights were trained that way.
    """
    rows, columns = cells  # made on the CPU even while a network is built without memory ("meta"): it is not loaded
    if released_order:
        return torch.arange(grid * grid, device="cpu") * (rows * columns) // (grid * grid)
    place = torch.arange(grid, device="cpu")
    return rearrange((place * rows // grid)[:, None] * columns + (place * columns // grid)[None], "r c -> (r c)")


def initialise_decoder(module: Any) -> None:
    """Initialise as the released training does: linear 0.02, depth-wise convolutions by fan-out, zero biases."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=(2.0 / 9) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
