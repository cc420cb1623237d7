"""Networks small enough to be made for a test."""

from dataclasses import replace

import torch

from fiqa.checkpoints import RELEASED, CheckpointSpec, Preprocessing
from fiqa.faces import load_face_finder
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.predictor import QualityPredictor

SMALL_SPEC: CheckpointSpec = replace(
    RELEASED["gfiqa"], name="small", preprocessing=Preprocessing(view_px=96, margin=3.0, crops=4)
)


def small_vit_predictor() -> QualityPredictor:
    """Return a network of the official kind: ViT, landmark indices, the released orders, crops that overlap."""
    torch.manual_seed(0)
    config = replace(
        OFFICIAL, crop_px=64, backbone="vit_tiny_patch16_224", backbone_taps=(1, 2), window=2, stage_dims=(32, 16),
        swin_mlp_dim=32, decoder_dim=32, decoder_heads=4, encoder_widths=(8, 8), encoder_strides=(2, 2),
        encoder_grid=(2, 3), landmark_hidden=32,
    )  # fmt: skip
    return QualityPredictor(DslFiqa(config), SMALL_SPEC, load_face_finder("bundled"))
