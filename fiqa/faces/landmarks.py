"""68 landmarks of each face in a photo, from the bundled network, given a box around each.

The network looks twice: first at the detector's box, then at the face turned upright and centred by what
it saw, together with its mirror image. On the CPU this takes a few milliseconds a face.

torch loads when `TorchLandmarkNetworks` are made, not with this module.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.errors import CheckpointError
from fiqa.faces.boxes import rounded
from fiqa.photos.alignment import Square, View, cut_view

if TYPE_CHECKING:
    from torch import Tensor

    from fiqa.models.landmark_network import CropReading, FirstLook, LandmarkNetwork, SecondLook

Pictures = NDArray[np.uint8]
Readings = tuple[NDArray[np.float32], NDArray[np.float32]]

VIEW_PX = 160
VIEW_MARGIN = 2.2
"""Side of a view in longer sides of the face's box: room for the box to be off and for the face to be turned."""
BATCH = 32
"""Views at once, which bounds memory for crowds."""
STEPS = 512
"""To how many steps a face's longer side landmarks are rounded, see `rounded`."""
MIN_FACE_LOGIT = -4.0
"""Logit of a face at the first look below which a second one is not worth its time."""


def bundled_file(name: str) -> Path:
    """Return the path of a bundled network's file; raise CheckpointError when the installation lacks it."""
    return bundled(f"{CHECKPOINT}/{name}")


def read_bundled(name: str) -> "tuple[dict[str, Any], dict[str, Tensor]]":
    """Return the network config and weights bundled as `name`.json and `name`.safetensors."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads(bundled_file(f"{name}.json").read_text(encoding="utf-8"))["config"]
        weights = load_file(bundled_file(f"{name}.safetensors"))
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise CheckpointError(f"The bundled {name} weights are damaged ({error}): install fiqa again.") from error
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}, weights


def load_landmark_network() -> "LandmarkNetwork":
    """Return the bundled landmark network on the CPU, in evaluation mode."""
    from fiqa.models.landmark_network import LandmarkNetwork, LandmarkNetworkConfig

    config, weights = read_bundled("landmarks")
    network = LandmarkNetwork(LandmarkNetworkConfig(**config))
    network.load_state_dict(weights)
    return network.eval()


def to_tensor(pictures: NDArray[np.uint8]) -> "Tensor":
    """Turn pictures (B, H, W, 3) uint8 into a tensor (B, 3, H, W) in 0..1."""
    import torch
    from einops import rearrange

    return rearrange(torch.from_numpy(np.array(pictures, order="C")), "b h w c -> b c h w").float() / 255


class LandmarkNetworks(Protocol):
    """What looks at views (B, V, V, 3) uint8, whatever it is computed with.

    Both looks return landmarks (B, 68, 2), (x, y) in 0..1 of the view, and logits (B,), above 0 for a face.
    """

    def first_look(self, views: Pictures) -> Readings:
        """Look at the middle of views."""
        ...

    def second_look(self, views: Pictures, landmarks: NDArray[np.float32]) -> Readings:
        """Look again where rough landmarks (B, 68, 2) are, in 0..1 of the view."""
        ...


class TorchLandmarkNetworks:
    """The bundled network, computed with torch on the CPU."""

    def __init__(self) -> None:
        from fiqa.models.folding import folded
        from fiqa.models.landmark_network import CROP_MARGIN, FirstLook, SecondLook

        network = folded(load_landmark_network())
        self._first, self._second = FirstLook(network, CROP_MARGIN / VIEW_MARGIN), SecondLook(network)

    def first_look(self, views: Pictures) -> Readings:
        """Look at the middle of views."""
        return self._read(self._first, to_tensor(views))

    def second_look(self, views: Pictures, landmarks: NDArray[np.float32]) -> Readings:
        """Look again where rough landmarks are."""
        import torch

        return self._read(self._second, to_tensor(views), torch.from_numpy(landmarks))

    def _read(self, look: "FirstLook | SecondLook", *inputs: "Tensor") -> Readings:
        import torch

        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            seen: CropReading = look(*inputs)
            return seen.landmarks.numpy(), seen.face_logits.numpy()


class LandmarkPredictor:
    """Boxes in, landmarks out."""

    def __init__(self, networks: LandmarkNetworks | None = None) -> None:
        self._networks = networks or TorchLandmarkNetworks()

    def predict(
        self, photo: NDArray[np.uint8], boxes: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return landmarks (N, 68, 2) in photo pixels, and (N,) how likely each box (N, 4) shows a face, in 0..1."""
        landmarks, likely = [np.empty((0, 68, 2), np.float32)], [np.empty(0, np.float32)]
        for start in range(0, len(boxes), BATCH):
            views = [face_view(photo, box) for box in boxes[start : start + BATCH]]
            found, probabilities = self._look(np.stack([view.image for view in views]))
            landmarks += [
                view.landmarks_to_photo(VIEW_PX * each)[None] for view, each in zip(views, found, strict=True)
            ]
            likely.append(probabilities)
        places = np.concatenate(landmarks)
        return rounded(places, np.ptp(places, axis=1).max(axis=1), STEPS), np.concatenate(likely)

    def _look(self, views: Pictures) -> Readings:
        """Return landmarks (B, 68, 2) in shares of the views (B, V, V, 3), and probabilities (B,)."""
        landmarks, logits = self._networks.first_look(views)
        again = logits > MIN_FACE_LOGIT
        if again.any():
            landmarks[again], logits[again] = self._networks.second_look(views[again], landmarks[again])
        return landmarks, sigmoid(logits)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities, in the precision of the logits and without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits), dtype=logits.dtype)


def face_view(photo: NDArray[np.uint8], box: NDArray[np.floating[Any]]) -> View:
    """Cut the upright view around a box (x0, y0, x1, y1) whose centre lies in the photo.

    A large face is reduced by a whole number first, to no fewer than four pixels for each of the view: cutting from
    all of its pixels would take time and memory, and show the same.
    """
    low, high = np.asarray(box, dtype=np.float64).reshape(2, 2)
    centre, extent = (low + high) / 2, VIEW_MARGIN * max(float((high - low).max()), 1.0)
    factor = int(extent / (4 * VIEW_PX))
    if factor < 2:
        return cut_view(photo, Square(centre, extent), side_px=VIEW_PX)
    left, top = np.clip(np.floor(centre - extent / 2), 0, None).astype(int)
    right, bottom = np.ceil(centre + extent / 2).astype(int)
    small = np.asarray(Image.fromarray(photo[top:bottom, left:right]).reduce(factor))
    view = cut_view(small, Square((centre - (left, top)) / factor, extent / factor), side_px=VIEW_PX)
    return View(view.image, factor * view.to_photo + [[0, 0, left], [0, 0, top]])
