"""DSL-FIQA: face image quality from regions, guided by the degradation and by landmarks.

Source: Chen et al., "DSL-FIQA: Assessing Facial Image Quality via Dual-Set Degradation Learning and
Landmark-Guided Transformer", CVPR 2024. One class serves the authors' released weights, the bundled
`lite` network and whatever a config describes:

    crops ──> degradation encoder ──────────────────────────┐ queries
      └────> backbone ─> (channel attention, 1x1, Swin) × 2 ─> decoder ─┬─> regional quality    ─┐
                                              landmarks ─> encoding ────┴─> regional confidence ─┴─> score

What the released network computes and then throws away (ViT blocks after the last tap, the final
norm, down-sampling, an unused MLP and query) is not built.

Shapes: B crops, S crop side in pixels, G tokens a side, N = G² tokens, (R, C) cells of the degradation
grid, D channels, H heads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from einops import rearrange
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fiqa.errors import CheckpointError
from fiqa.models.attention import ChannelAttention, SwinStage
from fiqa.models.backbone import ColumnBackbone, build_backbone
from fiqa.models.config import DslFiqaConfig
from fiqa.models.decoder import DecoderBlock, initialise_decoder, query_positions
from fiqa.models.degradation_encoder import DegradationEncoder
from fiqa.models.head import RegionalHead
from fiqa.models.landmark_encoding import CoordinateEncoding, IndexEncoding, OutlineEncoding

DECODER_DROP_PATH_STEPS = 16
"""The released network takes the first rates of a schedule meant for this many decoder blocks."""


@dataclass
class Attention:
    """Attention weights of one forward pass; every row sums to one.

    `backbone` has one (B, H, tokens, tokens) tensor per block of a column backbone (prefix tokens
    first), none for others; `decoder` one (B, H, R·C, N) tensor per decoder block.
    """

    backbone: list[Tensor]
    decoder: list[Tensor]


@dataclass
class Prediction:
    """What the network says about B crops.

    score (B,): Σ quality · confidence / Σ confidence. quality and confidence (B, G, G): per region,
    confidence in 0..1. degradation (B, R, C, D): features of the degradation encoder. attention: on request.
    """

    score: Tensor
    quality: Tensor
    confidence: Tensor
    degradation: Tensor
    attention: Attention | None = None


class QualityTransformer(nn.Module):
    """Quality of crops, given features of their degradation and encoded landmarks."""

    positions: Tensor

    def __init__(self, config: DslFiqaConfig, degradation_dim: int) -> None:
        super().__init__()
        self.grid = config.grid
        self.crop_shape = (3, config.crop_px, config.crop_px)
        first, second = config.stage_dims
        self.backbone = build_backbone(config)
        self.attention1 = _channel_attention(config)
        self.reduce1 = nn.Conv2d(self.backbone.dim, first, 1)
        self.swin1 = _swin(first, config)
        self.attention2 = _channel_attention(config)
        self.reduce2 = nn.Conv2d(first, second, 1)
        self.swin2 = _swin(second, config)
        self.reduce3 = nn.Conv2d(second, config.decoder_dim, 1)
        rates = np.linspace(0, config.drop_path, DECODER_DROP_PATH_STEPS)
        self.decoder = nn.ModuleList(
            DecoderBlock(config.decoder_dim, degradation_dim, config.decoder_heads, config.grid, drop_path=rates[depth])
            for depth in range(config.decoder_depth)
        )
        self.decoder.apply(initialise_decoder)
        self.head = RegionalHead(config.decoder_dim + (config.landmarks != "none"), config)
        positions = query_positions(config.encoder_grid, config.grid, released_order=config.released_order)
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, crops: Tensor, degradation: Tensor, landmark_weights: Tensor | None) -> Prediction:
        """Predict from crops (B, 3, S, S), degradation (B, R, C, D) and landmark weights (B, N).

        Raises ValueError for crops of another size: what pools would give them a score without a word.
        """
        if crops.shape[1:] != self.crop_shape:
            raise ValueError(f"The network takes crops of {self.crop_shape}, not {tuple(crops.shape[1:])}.")
        tokens = self.decode(self.encode(crops), degradation)
        if landmark_weights is not None:
            tokens = torch.cat([tokens, landmark_weights[..., None]], dim=-1)
        score, quality, confidence = self.head(tokens)
        quality, confidence = (rearrange(each, "b (r c) -> b r c", r=self.grid) for each in (quality, confidence))
        return Prediction(score, quality, confidence, degradation)

    def encode(self, crops: Tensor) -> Tensor:
        """Map crops (B, 3, S, S) to image tokens (B, N, D) before the decoder."""
        features = self.backbone(crops)
        features = self.swin1(self.reduce1(_on_channels(self.attention1, features)))
        features = self.swin2(self.reduce2(_on_channels(self.attention2, features)))
        tokens: Tensor = rearrange(self.reduce3(features), "b d r c -> b (r c) d")
        return tokens

    def decode(self, tokens: Tensor, degradation: Tensor) -> Tensor:
        """Let degradation (B, R, C, D) query image tokens (B, N, D)."""
        cells = rearrange(degradation, "b r c d -> b (r c) d")
        for block in self.decoder:
            tokens = block(cells, tokens, self.positions)
        return tokens

    def decoder_attention(self, tokens: Tensor, degradation: Tensor) -> list[Tensor]:
        """Return the attention (B, H, R·C, N) of every decoder block."""
        cells, weights = rearrange(degradation, "b r c d -> b (r c) d"), []
        for block in cast("Iterable[DecoderBlock]", self.decoder):
            weights.append(block.attn.weights(cells, block.norm1(tokens)))
            tokens = block(cells, tokens, self.positions)
        return weights


class DslFiqa(nn.Module):
    """Degradation encoder and quality transformer.

    `fiqa.save_checkpoint` saves one with all that a score depends on, `fiqa.load_network` loads it again.
    """

    def __init__(self, config: DslFiqaConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = DegradationEncoder(config)
        self.transformer = QualityTransformer(config, self.encoder.dim)
        encodings: dict[str, Any] = {
            "index": IndexEncoding,
            "coordinates": CoordinateEncoding,
            "outline": OutlineEncoding,
        }
        self.landmarks = encodings[config.landmarks](config) if config.landmarks != "none" else None

    def forward(self, crops: Tensor, landmarks: Tensor | None = None) -> Prediction:
        """Predict the quality of crops.

        crops: (B, 3, S, S), normalised as the checkpoint says. landmarks: (B, K) index vectors or
        (B, L, 2) coordinates relative to the crop, as the config says; None for a network without them.
        """
        prediction: Prediction = self.transformer(crops, self.encoder(crops), self.landmark_weights(landmarks))
        return prediction

    def landmark_weights(self, landmarks: Tensor | None) -> Tensor | None:
        """Encode landmarks as weights (B, N); constant for equal input, so callers may keep them."""
        if self.landmarks is None:
            return None
        if landmarks is None:
            raise ValueError(f"This network needs landmarks ({self.config.landmarks}).")
        weights: Tensor = self.landmarks(landmarks)
        return weights

    def forward_with_attention(self, crops: Tensor, landmarks: Tensor | None = None) -> Prediction:
        """Predict as `forward` does and return the attention weights too (slower, and large for a ViT)."""
        with recorded_attention(self.transformer.backbone) as backbone:
            prediction = self.forward(crops, landmarks)
        tokens = self.transformer.encode(crops)
        prediction.attention = Attention(backbone, self.transformer.decoder_attention(tokens, prediction.degradation))
        return prediction


@contextmanager
def recorded_attention(
    backbone: nn.Module, *, keep: Callable[[Tensor], Tensor] = lambda weights: weights
) -> Iterator[list[Tensor]]:
    """Collect the attention of a column backbone's blocks; fused attention is switched back on afterwards.

    Of every block's weights (B, H, tokens, tokens) what `keep` returns is kept; all of them are large.
    """
    recorded: list[Tensor] = []
    attentions = [block.attn for block in backbone.network.blocks] if isinstance(backbone, ColumnBackbone) else []
    fused = [attention.fused_attn for attention in attentions]
    hooks = []
    try:
        for attention in attentions:
            attention.fused_attn = False  # fused kernels never make the matrix that the hook reads
            hooks.append(attention.attn_drop.register_forward_hook(lambda _m, _i, each: recorded.append(keep(each))))
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()
        for attention, was_fused in zip(attentions, fused, strict=True):
            attention.fused_attn = was_fused


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a safetensors file that must fit exactly; raise CheckpointError when it is damaged or does not."""
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is damaged or no safetensors file: {error}.") from error
    load_strictly(model, state, path.name)


def load_strictly(model: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Load a state dict that must fit exactly, in the model's precision.

    Raises CheckpointError naming every tensor that is missing, unexpected, of another shape, or not finite.
    """
    expected = model.state_dict()
    _check_fit(expected, state, name)
    state = {key: tensor.to(expected[key].dtype) for key, tensor in state.items()}
    _check_finite(state, name)
    model.load_state_dict(state, assign=True)


def check_weights(config: DslFiqaConfig, state: dict[str, Tensor], name: str) -> None:
    """Raise CheckpointError when a state dict could not be loaded into the network of a config."""
    with torch.device("meta"):
        expected = DslFiqa(config).state_dict()
    _check_fit(expected, state, name)
    _check_finite(state, name)


def _check_fit(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], name: str) -> None:
    problems = [f"missing {key}" for key in expected if key not in state]
    problems += [f"unexpected {key}" for key in state if key not in expected]
    problems += [
        f"{key} is {tuple(tensor.shape)}, expected {tuple(expected[key].shape)}"
        for key, tensor in state.items()
        if key in expected and tensor.shape != expected[key].shape
    ]
    problems += [
        f"{key} holds {tensor.dtype}, expected {expected[key].dtype}"
        for key, tensor in state.items()
        if key in expected and tensor.is_floating_point() != expected[key].is_floating_point()
    ]
    if problems:
        raise CheckpointError(f"{name} does not fit the network: {'; '.join(problems)}.")


def _check_finite(state: Mapping[str, Tensor], name: str) -> None:
    broken = [key for key, tensor in state.items() if not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(f"{name} holds values that are no finite numbers, in {', '.join(broken)}.")


def _channel_attention(config: DslFiqaConfig) -> nn.Sequential:
    return nn.Sequential(
        *(
            ChannelAttention(config.grid**2, dropout=config.dropout, released_order=config.released_order)
            for _ in range(config.channel_attention_depth)
        )
    )


def _swin(dim: int, config: DslFiqaConfig) -> SwinStage:
    return SwinStage(
        dim,
        config.grid,
        layers=config.swin_layers,
        window=config.window,
        heads=config.swin_heads,
        mlp_dim=config.swin_mlp_dim,
        dropout=config.dropout,
        drop_path=config.drop_path,
    )


def _on_channels(attention: nn.Module, features: Tensor) -> Tensor:
    """Apply channel attention, which sees (B, C, N), to maps (B, C, G, G)."""
    y: Tensor = attention(rearrange(features, "b c i j -> b c (i j)"))
    return rearrange(y, "b c (i j) -> b c i j", i=features.shape[2])
