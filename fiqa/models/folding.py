"""Batch norms folded into the convolutions before them, for inference.

At inference a batch norm is a scale and a shift per channel, which the convolution can do itself. On a
CPU this saves a fifth of the degradation encoder's time, because its maps are large.
"""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> None:
    """Fold, in place, every batch norm that follows a convolution in a Sequential; outputs change by rounding only.

    The network must be in evaluation mode. It can no longer be trained, and its state dict has fewer names.
    """
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for index, (first, second) in enumerate(pairwise(list(sequence))):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(first, second)
                sequence[index + 1] = nn.Identity()
