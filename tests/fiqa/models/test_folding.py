"""Folding changes nothing but rounding."""

import torch
from numpy.testing import assert_allclose
from torch import nn

from fiqa.models import LITE, DslFiqa
from fiqa.models.folding import fold_batch_norms


def test_folded_network_gives_the_same_scores_without_batch_norms() -> None:
    torch.manual_seed(0)
    network = DslFiqa(LITE)
    crops, landmarks = torch.randn(4, 3, 128, 128), torch.rand(4, 68, 2)
    network(crops * 3 + 1, landmarks)  # running statistics that are not those of a new network
    network.eval()
    with torch.inference_mode():
        expected = network(crops, landmarks)
        fold_batch_norms(network)
        folded = network(crops, landmarks)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert_allclose(folded.score, expected.score, atol=1e-5)
    assert_allclose(folded.degradation, expected.degradation, atol=1e-4)
