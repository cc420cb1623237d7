"""Layers that are one at inference: batch norms with the convolutions before them, keys with queries.

At inference a batch norm is a scale and a shift per channel, which the convolution can do itself. On a
CPU this saves a fifth of the degradation encoder's time, because its maps are large. The logits of channel
attention are products of two linear layers of the same input, which one layer can do.
"""

from copy import deepcopy
from itertools import chain, pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fiqa.models.attention import ChannelAttention

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy for inference with batch norms in the convolutions before them, and keys in queries.

    Outputs change by rounding only. The network, which must be in evaluation mode, stays as it is and shares all other
    weights with the copy. The copy can no longer be trained or saved: it has fewer tensors.
    """
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    copy = deepcopy(network, shared)
    for attention in [module for module in copy.modules() if isinstance(module, ChannelAttention)]:
        if isinstance(attention.key, nn.Linear):
            attention.query, attention.key = _merged(attention.query, attention.key), nn.Identity()
    for sequence in [module for module in copy.modules() if isinstance(module, nn.Sequential)]:
        for index, (first, second) in enumerate(pairwise(list(sequence))):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(first, second)
                sequence[index + 1] = nn.Identity()
    return copy


def _merged(query: nn.Linear, key: nn.Linear) -> nn.Linear:
    """Return the query that gives the same attention when keys are the input itself.

    (Q x + q) · (K y + k) = (Kᵀ Q x + Kᵀ q) · y + (Q x + q) · k, and the softmax over y does not see the last term.
    """
    merged, turned = deepcopy(query), key.weight.detach().cpu().double().T
    with torch.no_grad():
        merged.weight.copy_(turned @ query.weight.cpu().double())
        merged.bias.copy_(turned @ query.bias.cpu().double())
    return merged
