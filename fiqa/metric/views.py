"""From views to the scores of their crops, in tensors alone: what is compiled, exported and differentiated.

The same as `fiqa.predictor` does between the view of a face and its score, without a loop over photos and without a
value that Python looks at, so that `torch.compile`, `torch.export` and the ONNX exporter take it whole.

Shapes: N views, K crops of each, V side of a view and S side of a crop in pixels, L landmarks, G tokens a side.
"""

from collections.abc import Callable
from typing import Self

import torch
from einops import rearrange
from torch import Tensor, nn

from fiqa.checkpoints import CheckpointSpec
from fiqa.models import DslFiqa
from fiqa.models.folding import folded
from fiqa.models.landmark_network import MIRRORED
from fiqa.photos.crops import grid_offsets, is_right

HALVED = (torch.float16, torch.bfloat16)


class ViewQuality(nn.Module):
    """Scores of the crops of views, with the network of a checkpoint, whose parameters stay as they are.

    The network is kept in evaluation mode, whatever is asked of the module around it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: DslFiqa, spec: CheckpointSpec) -> None:
        super().__init__()
        prep, config = spec.preprocessing, network.config
        self.spec, self.config, self.view_px = spec, config, prep.view_px
        self.network = folded(network.eval()).requires_grad_(requires_grad=False)
        self.offsets = grid_offsets(prep.view_px, prep.view_px, config.crop_px, prep.crops)
        self.mirrored = [config.mirror_right and is_right(each, prep.view_px, config.crop_px) for each in self.offsets]
        self.register_buffer("mean", torch.tensor(prep.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(prep.std).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> "ViewQuality":
        """Stay in evaluation mode: a metric inside a model that trains must not change with it."""
        return super().train(mode=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move and convert the module, but keep it in single precision when a model around it is halved.

        In sixteen bits its scores would not be the predictor's; `torch.autocast` converts what is safe.
        """

        def apply(tensor: Tensor) -> Tensor:
            applied = fn(tensor)
            return tensor.to(applied.device) if applied.dtype in HALVED else applied

        super()._apply(apply, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, views: Tensor, landmarks: Tensor) -> Tensor:
        """Score the crops of views.

        Args:
            views: (N, 3, V, V) in 0..1.
            landmarks: (N, 68, 2), (x, y) pixels of the view; NaN where they are not known.

        Returns:
            (N, K) on the checkpoint's scale; the score of a view is their mean.
        """
        crops, seen = self._crops(views), self._landmarks(landmarks)
        score = self.network((crops - self.mean) / self.std, seen).score
        return self.spec.in_range(rearrange(score, "(n k) -> n k", k=len(self.offsets)))

    def _crops(self, views: Tensor) -> Tensor:
        """Cut views (N, 3, V, V) into crops (N·K, 3, S, S)."""
        side, crops = self.config.crop_px, []
        for (top, left), mirror in zip(self.offsets, self.mirrored, strict=True):
            crop = views[:, :, top : top + side, left : left + side]
            crops.append(crop.flip(3) if mirror else crop)
        return rearrange(torch.stack(crops, dim=1), "n k c h w -> (n k) c h w")

    def _landmarks(self, landmarks: Tensor) -> Tensor | None:
        """Return what the network's landmark encoding takes of each crop, see `fiqa.models.landmark_encoding`."""
        kind, side = self.config.landmarks, self.config.crop_px
        if kind == "none":
            return None
        inputs = []
        for (top, left), mirror in zip(self.offsets, self.mirrored, strict=True):
            if kind == "index":
                inputs.append(index_vectors(landmarks, top, left, side, self.config.landmark_slots))
                continue
            seen = (landmarks - landmarks.new_tensor([left, top])) * (2 / side) - 1
            inputs.append(seen[:, list(MIRRORED)] * seen.new_tensor([-1.0, 1.0]) if mirror else seen)
        return rearrange(torch.stack(inputs, dim=1), "n k ... -> (n k) ...")


def index_vectors(landmarks: Tensor, top: int, left: int, crop_px: int, slots: int) -> Tensor:
    """Return `fiqa.models.landmark_encoding.index_vector` of every view: (N, L, 2) to (N, slots)."""
    count = landmarks.shape[1]
    place = landmarks - landmarks.new_tensor([left, top])
    inside = ((place >= 0) & (place <= crop_px)).all(dim=-1)
    absent = torch.full_like(landmarks[..., 0], count + 1)
    indices = torch.where(inside, torch.arange(count, device=landmarks.device).to(landmarks), absent)
    visible = indices.sort(dim=1).values[:, :slots]
    padded = nn.functional.pad(visible, (0, slots - visible.shape[1]), value=count + 1)
    low, high = padded.amin(dim=1, keepdim=True), padded.amax(dim=1, keepdim=True)
    return 2 * (padded - low) / (high - low + 1e-6) - 1
