"""Generic face image quality: a photo in, a score out.

    from fiqa import load_predictor

    predictor = load_predictor("lite")
    result = predictor.score("portrait.jpg")
    print(result.score, result.interval)

Names are imported on first use, so that `import fiqa` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from fiqa.version import __version__ as __version__

if TYPE_CHECKING:
    from fiqa.checkpoints import list_checkpoints, save_checkpoint
    from fiqa.comparison.comparison import compare
    from fiqa.curation.curation import curate
    from fiqa.errors import FiqaError
    from fiqa.loading import load_network, load_predictor
    from fiqa.maps.explain import explain
    from fiqa.models import DslFiqa
    from fiqa.photos.images import decode_photo
    from fiqa.predictor import QualityPredictor
    from fiqa.reports import to_frame
    from fiqa.results import FaceResult, QualityResult

__all__ = [
    "DslFiqa",
    "FaceResult",
    "FiqaError",
    "QualityPredictor",
    "QualityResult",
    "compare",
    "curate",
    "decode_photo",
    "explain",
    "list_checkpoints",
    "load_network",
    "load_predictor",
    "save_checkpoint",
    "to_frame",
]

_HOME = {
    "DslFiqa": "fiqa.models",
    "FaceResult": "fiqa.results",
    "FiqaError": "fiqa.errors",
    "QualityPredictor": "fiqa.predictor",
    "QualityResult": "fiqa.results",
    "compare": "fiqa.comparison.comparison",
    "curate": "fiqa.curation.curation",
    "decode_photo": "fiqa.photos.images",
    "explain": "fiqa.maps.explain",
    "list_checkpoints": "fiqa.checkpoints",
    "load_network": "fiqa.loading",
    "load_predictor": "fiqa.loading",
    "save_checkpoint": "fiqa.checkpoints",
    "to_frame": "fiqa.reports",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fiqa' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
