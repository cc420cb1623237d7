"""Scoring with a GPU that a ZeroGPU Space lends for each photo.

The package `spaces`, which is there on such a Space, runs a decorated function in a process forked for it that has the
GPU, and pickles what goes in and out. So crops go in, scores come out, and everything around them happens here. Maps
and what-ifs stay on the CPU: every step of a slider would take a GPU out of the visitor's share of the day.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec, find_checkpoint
from fiqa.errors import FiqaError
from fiqa.faces.finders import FaceFinder, load_face_finder
from fiqa.loading import load_network
from fiqa.models import DslFiqa
from fiqa.photo_scorer import FaceCrops
from fiqa.predictor import QualityPredictor

SHORTEST_S, LONGEST_S = 5, 60
CROPS_PER_S = 20
"""What even the largest network does; whoever asks for less time waits less."""


class ZeroGpuPredictor(QualityPredictor):
    """A predictor on the CPU whose scores are computed on `gpu`, lent for each photo."""

    def __init__(self, network: DslFiqa, spec: CheckpointSpec, finder: FaceFinder, *, gpu: str = "cuda") -> None:
        spaces = import_module("spaces")
        on_gpu = QualityPredictor(deepcopy(network), spec, finder, device=gpu)
        super().__init__(network, spec, finder, device="cpu")
        self._lent = spaces.GPU(duration=gpu_seconds)(on_gpu.crop_scores)

    @property
    def scoring_device(self) -> str:
        """What computes scores, for people to read."""
        return "a GPU lent for each photo"

    def crop_scores(self, faces: Sequence[FaceCrops]) -> NDArray[np.float64]:
        """Return the score of every crop: (faces, K)."""
        try:
            scores: NDArray[np.float64] = self._lent(faces)
        except Exception as error:
            # Gradio's own kind of error, which says what it wants visitors to know: that their share is used up, say.
            if message := getattr(error, "message", None):
                raise FiqaError(f"No GPU could be lent: {message}") from error
            raise
        return scores


def gpu_seconds(faces: Sequence[FaceCrops]) -> int:
    """Return how long a GPU is asked for, in seconds."""
    crops = sum(len(face.offsets) for face in faces)
    return min(SHORTEST_S + math.ceil(crops / CROPS_PER_S), LONGEST_S)


def load_on_zero_gpu(checkpoint: str, *, finder: str) -> ZeroGpuPredictor:
    """Build the predictor of a checkpoint's name; raises CheckpointError."""
    spec = find_checkpoint(checkpoint)
    return ZeroGpuPredictor(load_network(spec), spec, load_face_finder(finder, made_with=spec.made_with))
