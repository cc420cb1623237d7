"""Networks small enough to be made for a test."""

from dataclasses import replace

import torch

from fiqa.checkpoints import RELEASED, CheckpointSpec, Preprocessing
from fiqa.faces.finders import load_face_finder
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.predictor import QualityPredictor

SMALL_SPEC: CheckpointSpec = replace(
    RELEASED["gfiqa"], name="small", preprocessing=Preprocessing(view_px=96, margin=3.0, crops=4)
)


SMALL_OFFICIAL = replace(
    OFFICIAL, crop_px=64, backbone="vit_tiny_patch16_224", backbone_taps=(1, 2), window=2, stage_dims=(32, 16),
    swin_mlp_dim=32, decoder_dim=32, decoder_heads=4, encoder_widths=(8, 8), encoder_strides=(2, 2),
    encoder_grid=(2, 3), landmark_hidden=32,
)  # fmt: skip
"""The official kind: ViT, landmark indices, the released orders, crops that overlap."""

AUTHORS_NAMES = (
    ("encoder.layers.", "E."), ("encoder.projection.", "mlp."), ("transformer.backbone.network.", "vit."),
    (".query.", ".c_q."), (".key.", ".c_k."), (".value.", ".c_v."), ("transformer.attention", "tablock"),
    ("transformer.reduce3", "conv_decoder"), ("transformer.reduce", "conv"), ("transformer.swin", "swintransformer"),
    (".mlp.dwconv.", ".mlp.dwconv.dwconv."), ("transformer.decoder.", "decoder."), ("landmarks.mlp.", "embed_mlp."),
    ("transformer.head.quality.", "fc_score."), ("transformer.head.confidence.", "fc_weight."),
)  # fmt: skip


def authors_files(network: DslFiqa) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return what DE.pt and IQA.pt would hold of a network of the official kind."""
    state = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in AUTHORS_NAMES:
            name = name.replace(ours, theirs)  # noqa: PLW2901
        state[name] = tensor
    encoder = {name: tensor for name, tensor in state.items() if name.startswith(("E.", "mlp."))}
    return encoder, {name: tensor for name, tensor in state.items() if name not in encoder}


def small_vit_predictor() -> QualityPredictor:
    """Return a network of the official kind, small."""
    torch.manual_seed(0)
    return QualityPredictor(DslFiqa(SMALL_OFFICIAL), SMALL_SPEC, load_face_finder("bundled"))
