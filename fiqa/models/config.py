"""Sizes of one DSL-FIQA network, as a value: what `config.json` beside the weights holds."""

from dataclasses import Field, dataclass, fields
from typing import Any, Literal, get_args, get_origin


@dataclass(frozen=True)
class DslFiqaConfig:
    """Sizes and variants of the network. The defaults are the released network (ViT-B/16 at 384 px).

    The token grid has `crop_px / patch_px` positions a side; `window` must divide it.
    """

    crop_px: int = 384
    patch_px: int = 16

    mirror_right: bool = False
    """Show the network the crops right of a face's middle mirrored: it learns left halves only, and a mirrored photo
    gets the same score."""

    # Degradation encoder: 3x3 convolutions, then an average over a grid of (rows, columns).
    encoder_widths: tuple[int, ...] = (64, 64, 128, 128, 256, 256)
    encoder_strides: tuple[int, ...] = (1, 1, 2, 1, 2, 1)
    encoder_grid: tuple[int, int] = (8, 12)
    encoder_statistics: bool = False
    """Describe a cell by mean and standard deviation of its features instead of the mean alone."""

    # Backbone: a timm model name, "efficientnet_lite0", or "plain" for a plain convolutional network of `plain_widths`.
    backbone: str = "vit_base_patch16_384"
    backbone_taps: tuple[int, ...] = (6, 7, 8, 9)
    """Blocks of a ViT, or stages of another network, whose outputs are concatenated, counted from 0.

    The default suits a ViT of 12 blocks; any other backbone needs its own."""
    plain_widths: tuple[int, ...] = ()
    backbone_dim: int | None = None
    """Project the concatenated stages of a hierarchical or plain backbone to this many channels."""

    # Two stages of channel attention, 1x1 reduction and Swin.
    stage_dims: tuple[int, int] = (768, 384)
    channel_attention_depth: int = 2
    swin_layers: int = 2
    swin_heads: int = 4
    swin_mlp_dim: int = 768
    window: int = 4

    # Decoder: tokens attended by queries made of the degradation.
    decoder_dim: int = 256
    decoder_depth: int = 3
    decoder_heads: int = 8

    landmarks: Literal["index", "coordinates", "outline", "none"] = "index"
    """What the landmark weights come from. Those of "outline" say how far a token lies inside the face, and bound its
    confidence; the others are features beside the token's."""
    landmark_slots: int = 500
    """Length of the index vector, or number of (x, y) pairs."""
    landmark_frequencies: int = 10
    landmark_hidden: int = 10500

    smoothing: int = 0
    """How many times quality and confidence of a token are mixed with those of its neighbours."""
    score_activation: Literal["relu", "sigmoid"] = "relu"
    dropout: float = 0.1
    drop_path: float = 0.1
    released_order: bool = True
    """Keep two memory orders of the released code that its weights depend on (see attention.py, decoder.py)."""

    def __post_init__(self) -> None:
        for item in fields(self):  # JSON has lists where we have tuples
            value = getattr(self, item.name)
            if isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
            _check_value(item, value)
        if self.crop_px % self.patch_px or self.grid % self.window:
            raise ValueError(
                f"crop_px {self.crop_px} must be a multiple of patch_px {self.patch_px}, "
                f"and the grid of {self.grid} tokens a multiple of window {self.window}."
            )
        for name, dims, heads in (
            ("stage_dims", self.stage_dims, self.swin_heads),
            ("decoder_dim", (self.decoder_dim,), self.decoder_heads),
        ):
            if any(dim % heads for dim in dims):
                raise ValueError(f"{name} {', '.join(map(str, dims))} must be multiples of the {heads} heads.")
        if len(self.encoder_widths) != len(self.encoder_strides):
            raise ValueError("encoder_widths and encoder_strides must be equally many, one of each for every layer.")

    @property
    def grid(self) -> int:
        """Number of tokens along one side of the crop."""
        return self.crop_px // self.patch_px


def _check_value(item: "Field[Any]", value: object) -> None:
    """Raise ValueError for a word that is not among those of its field, or a size that is none."""
    if get_origin(item.type) is Literal and value not in get_args(item.type):
        raise ValueError(f"{item.name} is {value!r}: expected one of {', '.join(get_args(item.type))}.")
    least = 1 if item.name in ("crop_px", "patch_px", "window", "swin_heads", "decoder_heads") else 0
    if item.type is int and not (isinstance(value, int) and value >= least):
        raise ValueError(f"{item.name} is {value!r}: expected a whole number from {least}.")


OFFICIAL = DslFiqaConfig()
"""The network of the authors' released weights."""

LITE = DslFiqaConfig(
    crop_px=128,
    mirror_right=True,
    encoder_widths=(16, 32, 48, 48),
    encoder_strides=(2, 2, 2, 1),
    encoder_grid=(2, 2),
    encoder_statistics=True,
    backbone="efficientnet_lite0",
    backbone_taps=(0, 1, 2, 3),
    backbone_dim=64,
    stage_dims=(64, 48),
    channel_attention_depth=1,
    swin_layers=1,
    swin_mlp_dim=96,
    window=4,
    decoder_dim=48,
    decoder_depth=1,
    decoder_heads=4,
    landmarks="outline",
    landmark_slots=68,
    smoothing=1,
    score_activation="sigmoid",
    dropout=0.0,
    drop_path=0.0,
    released_order=False,
)
"""The network of the bundled `lite` checkpoint: small enough to be trained further on a CPU."""
