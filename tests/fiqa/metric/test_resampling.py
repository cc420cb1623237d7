"""Views of tensors are those that Pillow cuts."""

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from fiqa.metric.resampling import cut_view, lanczos, mirrored_indices, to_eight_bits
from fiqa.photos import alignment
from fiqa.photos.alignment import Square


def astronaut() -> Tensor:
    return torch.from_numpy(np.array(skimage.data.astronaut())).permute(2, 0, 1).float() / 255


SQUARES = [
    Square(np.array([225.3, 120.7]), 301.4),
    Square(np.array([60.3, 20.7]), 190.0),  # beyond the border
    Square(np.array([225.3, 120.7]), 90.5),  # enlarged
    Square(np.array([225.3, 120.7]), 301.4, 0.5),
    Square(np.array([425.3, 420.7]), 301.4, -2.5),
]


@pytest.mark.parametrize("square", SQUARES)
def test_a_view_differs_from_pillows_in_a_few_values_by_a_level_or_two(square: Square) -> None:
    expected = alignment.cut_view(skimage.data.astronaut(), square, side_px=128).image.astype(float)
    ours = 255 * cut_view(astronaut(), square, side_px=128).permute(1, 2, 0).numpy()
    difference = np.abs(expected - ours)
    assert difference.max() < 2.01
    assert (difference > 0.01).mean() < 0.005


@pytest.mark.parametrize("square", SQUARES)
def test_a_smooth_view_differs_from_pillows_by_what_rounding_takes_away(square: Square) -> None:
    expected = alignment.cut_view(skimage.data.astronaut(), square, side_px=128).image.astype(float)
    ours = 255 * cut_view(astronaut(), square, side_px=128, eight_bit=False).permute(1, 2, 0).numpy()
    assert np.abs(expected - ours).max() < 2.5


def test_rounding_lets_gradients_pass_inside_the_range_alone() -> None:
    values = torch.tensor([-0.2, 0.1, 0.5017, 1.3], requires_grad=True)
    rounded = to_eight_bits(values)
    rounded.sum().backward()
    torch.testing.assert_close(255 * rounded.detach(), torch.tensor([0.0, 26.0, 128.0, 255.0]))
    assert values.grad is not None
    assert values.grad.tolist() == [0, 1, 1, 0]


def test_what_lies_beyond_the_border_is_mirrored_as_often_as_needed() -> None:
    expected = np.pad(np.arange(3), (5, 7), mode="symmetric")
    assert mirrored_indices(-5, 10, 3).tolist() == expected.tolist()


def test_weights_of_each_sample_sum_to_one() -> None:
    for low, high in ((0.0, 40.0), (-3.0, 17.2), (10.0, 12.5)):
        np.testing.assert_allclose(lanczos(low, high, 40, 16).sum(axis=1), 1)
