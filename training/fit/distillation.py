"""Learning from other networks beside the labels, or where there are none (distillation, Hinton et al., 2015).

The mean of several networks errs less than each of them, and it has an opinion on photos that have no label.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from fiqa.models import DslFiqa
from training.errors import RunError
from training.fit.starting import Start, from_checkpoint

TAUGHT_SHARE = 0.5
"""What the teachers' opinion counts where there is a label too."""


class Teachers:
    """Trained networks, of any sizes, that take the same crops and landmarks as the network they teach."""

    def __init__(self, networks: Sequence[DslFiqa]) -> None:
        self.networks = [network.eval().requires_grad_(requires_grad=False) for network in networks]

    @torch.no_grad()
    def targets(self, crops: Tensor, landmarks: Tensor, labels: Tensor) -> Tensor:
        """Return what to learn of B views (B,) in 0..1, from normalised crops (B·C, 3, S, S) and labels (B,) or NaN."""
        scores = [network.to(crops.device)(crops, landmarks).score.float() for network in self.networks]
        taught = torch.stack(scores).mean(dim=0).view(len(labels), -1).mean(dim=1)
        return torch.where(labels.isnan(), taught, torch.lerp(labels, taught, TAUGHT_SHARE))


def load_teachers(names: Sequence[str], student: Start) -> Teachers:
    """Load checkpoints or runs by name or folder; raise RunError for one that sees other crops than the student."""
    starts = [from_checkpoint(name, None) for name in names]
    for name, start in zip(names, starts, strict=True):
        if _input(start) != _input(student):
            raise RunError(f"{name} cannot teach this network: it takes other crops of a face.")
    return Teachers([start.network for start in starts])


def _input(start: Start) -> tuple[object, ...]:
    config = start.network.config
    return start.preprocessing, config.crop_px, config.mirror_right, config.landmarks
