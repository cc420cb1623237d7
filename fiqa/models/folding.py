"""Batch norms folded into the convolutions before them, for inference.

At inference a batch norm is a scale and a shift per channel, which the convolution can do itself. On a
CPU this saves a fifth of the degradation encoder's time, because its maps are large.
"""

from copy import deepcopy
from itertools import chain, pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy for inference in which batch norms that follow a convolution are folded into it.

    Outputs change by rounding only. The network, which must be in evaluation mode, stays as it is and shares all other
    weights with the copy. The copy can no longer be trained or saved: it has fewer tensors.
    """
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    copy = deepcopy(network, shared)
    for sequence in [module for module in copy.modules() if isinstance(module, nn.Sequential)]:
        for index, (first, second) in enumerate(pairwise(list(sequence))):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(first, second)
                sequence[index + 1] = nn.Identity()
    return copy
