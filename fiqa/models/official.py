"""The authors' released state dicts, renamed to ours.

`DE.pt` and `IQA.pt` hold tensors under the names of the released code. `convert` renames them and
drops those that never influence the score. Everything else must be there, but for `spare_tensors`.
"""

import re
from collections.abc import Container, Iterable

from torch import Tensor

from fiqa.models.attention import relative_positions, shift_mask
from fiqa.models.config import DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder

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


def unknown_names(names: Iterable[str], known: Container[str]) -> list[str]:
    """Return the names, as in the files, that stand for no tensor of the network, used or dead."""
    bare = {name: name.removeprefix("module.") for name in names}
    return [name for name, each in bare.items() if not DEAD.match(each) and _renamed(each) not in known]


def spare_tensors(config: DslFiqaConfig) -> dict[str, Tensor]:
    """Return what the files may lack: no score depends on it, or it follows from the config.

    The contrastive projection and the counters of batch norms serve training alone; window masks and relative
    positions are computed.
    """
    encoder = DegradationEncoder(config).state_dict()
    unused = {name: encoder[name] for name in encoder if name.startswith("projection") or "num_batches" in name}
    spare = {f"encoder.{name}": tensor for name, tensor in unused.items()}
    mask = shift_mask(config.grid, config.window, config.window // 2)
    for stage in (1, 2):
        for layer in range(config.swin_layers):
            blocks = f"transformer.swin{stage}.layers.{layer}.blocks"
            spare[f"{blocks}.1.attn_mask"] = mask.clone()
            for block in (0, 1):
                spare[f"{blocks}.{block}.attn.relative_position_index"] = relative_positions(config.window)
    return spare


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop the "module." that DataParallel puts before every name."""
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _renamed(name: str) -> str:
    for pattern, replacement in RENAMES:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name
