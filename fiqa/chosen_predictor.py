"""The predictor that a command's options and the settings name together."""

from typing import TYPE_CHECKING

from fiqa.settings import Settings

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor


def load_chosen(settings: Settings, *, checkpoint: str | None = None, device: str | None = None) -> "QualityPredictor":
    """Load what the settings name, unless another checkpoint or device is asked for; raises as `load_predictor`."""
    from fiqa.loading import load_predictor  # torch, which takes seconds

    return load_predictor(checkpoint or settings.checkpoint, device=device or settings.device, finder=settings.finder)
