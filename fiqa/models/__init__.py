"""Networks: tensors in, tensors out. `DslFiqa` is the one to build, load and save."""

from fiqa.models.config import LITE, OFFICIAL, DslFiqaConfig
from fiqa.models.dsl_fiqa import Attention, DslFiqa, Prediction

__all__ = ["LITE", "OFFICIAL", "Attention", "DslFiqa", "DslFiqaConfig", "Prediction"]
