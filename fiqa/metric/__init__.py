"""The score as a function of tensors, for other people's code: a metric, a loss, a running mean over a data set.

    from fiqa.metric import FaceQuality

    quality = FaceQuality("lite")
    scores = quality(images)  # (N, 3, H, W) in 0..1 -> (N,)

`resampling` cuts views with gradients, `views` scores them, `face_quality` finds faces and puts both together,
`running_mean` is updated batch by batch and on many processes. Imports `loading` and what is below it.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["FaceQuality", "FaceQualityMetric", "ViewQuality"]

if TYPE_CHECKING:
    from fiqa.metric.face_quality import FaceQuality
    from fiqa.metric.running_mean import FaceQualityMetric
    from fiqa.metric.views import ViewQuality
else:  # each is imported when it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "face_quality": ["FaceQuality"],
            "running_mean": ["FaceQualityMetric"],
            "views": ["ViewQuality"],
        },
    )
