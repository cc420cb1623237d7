"""Lets timm and piq be imported when torchvision's compiled operators do not match torch.

A CPU wheel of torch beside a CUDA build of torchvision (what a package index without CPU builds of
torchvision gives) fails at `import torchvision` with "operator torchvision::nms does not exist":
its library could not be loaded, yet fake kernels are registered for the operators it should define.
Nothing here uses those operators, so declaring their schemas is enough. With matching builds this
does nothing.
"""

import importlib.util
from functools import cache
from pathlib import Path

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def prepare_torchvision() -> object:
    """Make `import torchvision` work; call before the first import of timm or piq.

    Returns the library that holds the declared schemas (they live as long as it does), or None.
    """
    import torch

    if _operators_load():
        return None
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    return library


def _operators_load() -> bool:
    """Whether torchvision's compiled operators can be loaded, or there is no torchvision at all."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True
    try:
        for binary in Path(spec.origin).parent.glob("_C*"):
            torch.ops.load_library(binary)
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")
