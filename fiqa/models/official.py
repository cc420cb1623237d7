"""The authors' released state dicts, renamed to ours.

`DE.pt` and `IQA.pt` hold tensors under the names of the released code. `convert` renames them and
drops those that never influence the score. Everything else must be there: an unknown name is kept,
so that strict loading reports it.
"""

import re

from torch import Tensor

DEAD = re.compile(
    r"vit\.blocks\.1[01]\.|vit\.norm\.|vit\.head\.|swintransformer[12]\.downsample\.|testmlp\.|decoder\.\d+\.attn\.task_query$"
)
"""Computed and thrown away, or never called, by the released forward pass."""

RENAMES = (
    (r"^E\.", "encoder.layers."),
    (r"^mlp\.", "encoder.projection."),
    (r"^vit\.", "transformer.backbone.network."),
    (r"^tablock([12])\.(\d+)\.c_q\.", r"transformer.attention\1.\2.query."),
    (r"^tablock([12])\.(\d+)\.c_k\.", r"transformer.attention\1.\2.key."),
    (r"^tablock([12])\.(\d+)\.c_v\.", r"transformer.attention\1.\2.value."),
    (r"^conv([12])\.", r"transformer.reduce\1."),
    (r"^swintransformer([12])\.", r"transformer.swin\1."),
    (r"^conv_decoder\.", "transformer.reduce3."),
    (r"^decoder\.(\d+)\.mlp\.dwconv\.dwconv\.", r"transformer.decoder.\1.mlp.dwconv."),
    (r"^decoder\.", "transformer.decoder."),
    (r"^embed_mlp\.", "landmarks.mlp."),
    (r"^fc_score\.", "transformer.head.quality."),
    (r"^fc_weight\.", "transformer.head.confidence."),
)


def convert(encoder: dict[str, Tensor], quality: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of `DslFiqa(OFFICIAL)` from those of `DE.pt` and `IQA.pt`."""
    tensors = {**_without_prefix(encoder), **_without_prefix(quality)}
    return {_renamed(name): tensor for name, tensor in tensors.items() if not DEAD.match(name)}


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop the "module." that DataParallel puts before every name."""
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _renamed(name: str) -> str:
    for pattern, replacement in RENAMES:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name
