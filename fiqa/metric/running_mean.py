"""The mean score of a data set that comes in batches, on one process or many, in the form of torchmetrics.

`update` takes a batch, `compute` says what is known so far over all processes, `reset` begins again. What is kept are
three numbers, so a data set of any size fits. torchmetrics itself is not needed: `torch.distributed` adds them up.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, distributed, nn

from fiqa.metric.face_quality import FaceQuality, Pictures

SUMS = ("total", "counted", "missing")


class FaceQualityMetric(nn.Module):
    """Mean face quality, updated batch by batch.

        metric = FaceQualityMetric("lite")
        for images in batches:
            metric.update(images)
        print(metric.compute())

    Options are those of `FaceQuality`; a picture without a face is left out of the mean and counted in `left_out`.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False

    total: Tensor
    counted: Tensor
    missing: Tensor

    def __init__(self, checkpoint: str = "lite", **options: Any) -> None:
        super().__init__()
        self.quality = FaceQuality(checkpoint, **{"no_face": "nan", **options})
        for name in SUMS:
            self.register_buffer(name, torch.zeros((), dtype=torch.float64), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move and convert the module, but keep its sums in double precision: halves stop counting at 2048."""
        sums = {name: getattr(self, name) for name in SUMS}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, kept in sums.items():
            setattr(self, name, kept.to(getattr(self, name).device))
        return self

    def update(self, images: Pictures, **places: Any) -> None:
        """Take a batch; `images`, `boxes` and `landmarks` as `FaceQuality` takes them."""
        self._add(self._scores(images, **places))

    def forward(self, images: Pictures, **places: Any) -> Tensor:
        """Take a batch and return its own mean, NaN where it has no face."""
        scores = self._scores(images, **places)
        self._add(scores)
        mean: Tensor = scores.nanmean()
        return mean

    def compute(self) -> Tensor:
        """Return the mean over everything that all processes took, NaN where that is nothing."""
        total, counted, _ = self._everywhere()
        mean: Tensor = (total / counted).float()
        return mean

    def left_out(self) -> int:
        """Return how many pictures had no face, over all processes."""
        return int(self._everywhere()[2])

    def reset(self) -> None:
        """Forget what was taken."""
        for kept in (self.total, self.counted, self.missing):
            kept.zero_()

    @torch.no_grad()
    def _scores(self, images: Pictures, **places: Any) -> Tensor:
        scores: Tensor = self.quality(images, **places)
        return scores

    def _add(self, scores: Tensor) -> None:
        found = scores.isfinite()
        self.total += scores[found].double().sum()
        self.counted += found.sum()
        self.missing += (~found).sum()

    def _everywhere(self) -> Tensor:
        """Return total, counted and missing, added up over all processes of `torch.distributed`."""
        kept = torch.stack([self.total, self.counted, self.missing])
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(kept)
        return kept
