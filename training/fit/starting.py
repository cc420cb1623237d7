"""What a training of the quality network starts from: a checkpoint, a pretrained backbone, or random weights."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from safetensors.torch import load_file

from fiqa.checkpoints import RELEASED_PREPROCESSING, Preprocessing, find_checkpoint
from fiqa.loading import load_network
from fiqa.models import LITE, OFFICIAL, DslFiqa, DslFiqaConfig
from fiqa.models.backbone import EFFICIENTNET_LITE, build_pretrained_backbone
from fiqa.models.dsl_fiqa import load_strictly
from fiqa.models.efficientnet_lite import EfficientNetLite
from training.data.rendering import MARGIN, VIEW_PX
from training.errors import RunError
from training.fit.imagenet import load_imagenet
from training.fit.loop import BEST

CROPS = 4
LITE_PREPROCESSING = Preprocessing(view_px=VIEW_PX, margin=MARGIN, crops=CROPS)
VIEW_OVER_CROP = 4 / 3
"""Side of a view in crops for networks of one's own; the released one has 512 over 384."""
OWN_MARGIN = 1.7
"""Side of their views over the longer side of the landmarks' box: the face with its hair and neck."""


@dataclass(frozen=True)
class Start:
    """A network to train, how faces are cut for it, and where its weights come from."""

    network: DslFiqa
    preprocessing: Preprocessing
    origin: str

    @property
    def is_official(self) -> bool:
        """Whether it is the network of the paper, for which the paper has a recipe."""
        return self.network.config == OFFICIAL

    @property
    def is_trained(self) -> bool:
        """Whether it can score photos already."""
        return self.origin.startswith("checkpoint")


def choose_start(config: str | None, *, start: str | None, pretrained: bool, scratch: bool, labelled: bool) -> Start:
    """Return what the options ask for.

    By default labels train `lite` further, and the official network starts from its backbone's ImageNet weights
    where these can be had. Raises RunError or CheckpointError.
    """
    if start:
        return from_checkpoint(start, config)
    if labelled and config in (None, "lite") and not pretrained and not scratch:
        return from_checkpoint("lite", None)
    network_config, preprocessing = read_config(config or "lite")
    try:
        network = DslFiqa(network_config)
    except (ValueError, RuntimeError) as error:
        raise RunError(f"--config {config} describes a network that cannot be built: {error}") from error
    if pretrained:
        return Start(_with_pretrained_backbone(network), preprocessing, f"ImageNet's {network_config.backbone}")
    if network_config == OFFICIAL and not scratch:
        try:
            return Start(_with_pretrained_backbone(network), preprocessing, f"timm {network_config.backbone}")
        except RunError as error:
            print(f"note: {error}", file=sys.stderr)
    return Start(network, preprocessing, "random weights")


def from_checkpoint(name: str, config: str | None) -> Start:
    """Return a checkpoint by name or folder, or the best one of a run's folder."""
    run = Path(name)
    spec = find_checkpoint(str(run / "checkpoint") if (run / "checkpoint").is_dir() else name)
    network = load_network(spec)
    if config and read_config(config)[0] != network.config:
        raise RunError(f"{name} is another network than --config {config}: leave one of the two options out.")
    return Start(network, spec.preprocessing, f"checkpoint {name}")


def read_config(name: str) -> tuple[DslFiqaConfig, Preprocessing]:
    """Return the network called lite or official, or the one that a JSON file describes.

    The file holds fields of DslFiqaConfig, and may hold those of Preprocessing under "preprocessing".
    """
    if name in ("lite", "official"):
        return (LITE, LITE_PREPROCESSING) if name == "lite" else (OFFICIAL, RELEASED_PREPROCESSING)
    try:
        values: dict[str, Any] = json.loads(Path(name).read_text(encoding="utf-8"))
        cutting = values.pop("preprocessing", {})
        config = DslFiqaConfig(**values)
        view_px = round(VIEW_OVER_CROP * config.crop_px)
        return config, Preprocessing(**{"view_px": view_px, "margin": OWN_MARGIN, "crops": CROPS, **cutting})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"--config {name} is neither lite, official nor a file that describes a network: {error}."
        ) from error


def _with_pretrained_backbone(network: DslFiqa) -> DslFiqa:
    config = network.config
    if config.backbone == "plain":
        raise RunError("A plain backbone has no pretrained weights: leave --pretrained out.")
    if config.backbone == EFFICIENTNET_LITE:
        load_imagenet(cast("EfficientNetLite", network.transformer.backbone.network))
        return network
    try:
        network.transformer.backbone = build_pretrained_backbone(config)
    except Exception as error:  # timm, the Hub and the network raise whatever they like
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RunError(
            f"The pretrained weights of {config.backbone} cannot be had ({reason}): connect to the internet once, "
            f"or start from a checkpoint with --start."
        ) from error
    return network


def load_encoder(network: DslFiqa, run: Path) -> None:
    """Take the encoder of a finished `training.train_degradation` run; raise RunError or CheckpointError."""
    path = run / BEST
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{run} holds no finished run of training.train_degradation ({error}).") from error
    prefix = "encoder."
    encoder = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    load_strictly(network.encoder, encoder, str(path))
