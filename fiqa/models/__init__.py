"""Networks: tensors in, tensors out. `DslFiqa` is the one to build, load and save.

`config` and `detector_scale` need no torch; it loads with the first network.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["LITE", "OFFICIAL", "Attention", "DslFiqa", "DslFiqaConfig", "Prediction"]

if TYPE_CHECKING:
    from fiqa.models.config import LITE, OFFICIAL, DslFiqaConfig
    from fiqa.models.dsl_fiqa import Attention, DslFiqa, Prediction
else:  # each is imported when it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "config": ["LITE", "OFFICIAL", "DslFiqaConfig"],
            "dsl_fiqa": ["Attention", "DslFiqa", "Prediction"],
        },
    )
