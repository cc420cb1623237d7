"""Swin parts against their definitions, and the two orders of the released network."""

import pytest
import torch
from numpy.testing import assert_allclose

from fiqa.models.attention import (
    ChannelAttention,
    merge_windows,
    relative_positions,
    shift_mask,
    split_windows,
)
from fiqa.models.decoder import query_positions


def test_windows_are_cut_row_by_row_and_merged_back() -> None:
    grid = torch.arange(2 * 8 * 8 * 3).view(2, 8, 8, 3)
    windows = split_windows(grid, 4)
    assert windows.shape == (8, 16, 3)
    assert torch.equal(windows[1, 0], grid[0, 0, 4])
    assert torch.equal(windows[4, 5], grid[1, 1, 1])
    assert torch.equal(merge_windows(windows, 4, 8), grid)


def test_relative_positions_count_offsets_from_the_far_corner() -> None:
    index = relative_positions(4)
    for a in range(16):
        for b in range(16):
            assert index[a, b] == (a // 4 - b // 4 + 3) * 7 + (a % 4 - b % 4 + 3)


def test_shifted_windows_mask_exactly_the_pairs_that_only_rolling_brought_together() -> None:
    grid, window, shift = 8, 4, 2
    places = torch.stack(torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij"), -1)[None]
    rolled = split_windows(places.roll((-shift, -shift), (1, 2)), window)
    apart = (rolled[:, :, None] - rolled[:, None]).abs().amax(-1) >= window
    assert torch.equal(shift_mask(grid, window, shift) != 0, apart)


@pytest.mark.parametrize("released_order", [True, False])
def test_channel_attention_follows_its_formula(released_order: bool) -> None:
    torch.manual_seed(0)
    layer = ChannelAttention(6, dropout=0.0, released_order=released_order).eval()
    x = torch.randn(2, 4, 6)
    with torch.inference_mode():
        q, k, v = layer.query(x), layer.key(x), layer.value(x)
        y = torch.softmax(q @ k.transpose(1, 2) / 6**0.5, -1) @ v
        expected = x.clone()
        for c in range(4):
            for n in range(6):
                flat = c * 6 + n
                expected[:, c, n] += y[:, flat % 4, flat // 4] if released_order else y[:, c, n]
        assert_allclose(layer(x), expected, atol=1e-6)


def test_queries_come_from_the_cell_that_covers_a_token() -> None:
    positions = query_positions((2, 2), 4, released_order=False).view(4, 4)
    assert positions.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


def test_released_queries_are_stretched_along_the_list_of_tokens() -> None:
    positions = query_positions((8, 12), 24, released_order=True)
    assert positions.tolist() == [token // 6 for token in range(576)]
