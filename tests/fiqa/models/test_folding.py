"""Folding changes nothing but rounding."""

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from fiqa.models import LITE, DslFiqa
from fiqa.models.attention import ChannelAttention
from fiqa.models.folding import folded


def test_folded_network_gives_the_same_scores_without_batch_norms() -> None:
    torch.manual_seed(0)
    network = DslFiqa(LITE)
    crops, landmarks = torch.randn(4, 3, 128, 128), torch.rand(4, 68, 2)
    network(crops * 3 + 1, landmarks)  # running statistics that are not those of a new network
    network.eval()
    with torch.inference_mode():
        expected = network(crops, landmarks)
        copy = folded(network)
        prediction = copy(crops, landmarks)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in copy.modules())
    assert_allclose(prediction.score, expected.score, atol=1e-5)
    assert_allclose(prediction.degradation, expected.degradation, atol=1e-4)


@pytest.mark.parametrize("released_order", [True, False])
def test_attention_without_keys_is_the_same(released_order: bool) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(ChannelAttention(16, dropout=0.0, released_order=released_order)).eval()
    features = 4 * torch.randn(2, 24, 16)
    with torch.inference_mode():
        copy, expected = folded(network), network(features)
        assert isinstance(copy[0].key, nn.Identity)
        assert_allclose(copy(features), expected, atol=1e-5)


def test_the_network_itself_stays_whole_and_shares_what_is_not_folded() -> None:
    network = DslFiqa(LITE).eval()
    names = list(network.state_dict())
    copy = folded(network)
    assert list(network.state_dict()) == names
    assert copy.transformer.head.quality[0].weight is network.transformer.head.quality[0].weight
    assert copy.encoder.layers[0].weight is not network.encoder.layers[0].weight
