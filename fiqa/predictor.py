"""From a photo to a quality score with torch: what `fiqa.photo_scorer` does, and the network.

Crops of all faces go through the network in batches.

Shapes: K crops a face, B crops a batch, S crop side in pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor, nn

from fiqa.checkpoints import CheckpointSpec, save_checkpoint
from fiqa.errors import CheckpointError
from fiqa.faces.finders import FaceFinder
from fiqa.models import DslFiqa, Prediction
from fiqa.models.folding import folded
from fiqa.models.landmark_encoding import landmark_input
from fiqa.models.overlapping_crops import can_share, shared_degradation
from fiqa.photo_scorer import FaceCrops, PhotoScorer, mean_interval
from fiqa.photos.crops import cut_crops
from fiqa.results import Interval

BATCH_PX = {"cpu": 2**17, "cuda": 2**22, "mps": 2**21}
"""Pixels of one batch of crops. On a CPU large batches are slower: their maps leave the caches."""
CACHED_LANDMARKS = 256


class QualityPredictor(PhotoScorer):
    """Scores photos with one checkpoint on one device; call it, or its `score`, with a photo.

    It can be pickled, so that the workers of a pool each get their own. `network` is the checkpoint's, whole: `save`
    writes it. `inference_network` is its copy that computes, see `fiqa.models.folding`.

    It computes in single precision everywhere, so that a photo has the same score on every device: bfloat16 on a GPU
    moved scores of `lite` by up to 0.005.
    """

    def __init__(self, network: DslFiqa, spec: CheckpointSpec, finder: FaceFinder, *, device: str = "cpu") -> None:
        kind, crop_px = torch.device(device).type, network.config.crop_px
        batch = max(1, BATCH_PX.get(kind, BATCH_PX["cpu"]) // crop_px**2)
        student_t = student_quantile(spec.preprocessing.crops)
        super().__init__(spec, finder, crop_px=crop_px, batch=batch, student_t=student_t)
        self.config, self.device = network.config, device
        self.network = network.eval().to(device)
        self.inference_network = folded(self.network)
        if kind == "cuda":
            self.inference_network = self.inference_network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean = torch.tensor(spec.preprocessing.mean, device=device).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(spec.preprocessing.std, device=device).view(1, 3, 1, 1) * 255
        self._landmark_weights = lru_cache(maxsize=CACHED_LANDMARKS)(self._encode_landmarks)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the predictor is made of; what it has cached or folded is made anew."""
        return partial(QualityPredictor, device=self.device), (self.network, self.spec, self.finder)

    def save(self, folder: str | Path) -> Path:
        """Write the checkpoint to a folder, from which `load_predictor` makes this predictor again; return its path."""
        return save_checkpoint(self.network, self.spec, folder)

    @property
    def scoring_device(self) -> str:
        """Where scores are computed; maps may be computed elsewhere."""
        return self.device

    @torch.inference_mode()
    def predict(self, faces: Sequence[FaceCrops]) -> Prediction:
        """Run the network on the crops of faces: fields of the prediction are (faces · K, …), on the CPU in fp32.

        `score` and `quality` are on the checkpoint's scale. The grids are as the network saw the crops, mirrored ones
        mirrored. Raises CheckpointError when a score is no finite number.
        """
        crops = self._crops(faces)
        batches = []
        while batch := list(islice(crops, self.batch)):
            batches.append(self._predict_batch(batch))
        score = _joined([batch.score for batch in batches])
        if not score.isfinite().all():
            raise CheckpointError(f"{self.spec.name} gives no finite score for this photo: choose another checkpoint.")
        return Prediction(
            score=self.spec.in_range(score),
            quality=self.spec.in_range(_joined([batch.quality for batch in batches])),
            confidence=_joined([batch.confidence for batch in batches]),
            degradation=_joined([batch.degradation for batch in batches]),
        )

    def _crops(self, faces: Sequence[FaceCrops]) -> Iterator["_Crop"]:
        """Yield every crop, cut when it is needed: a crowd's do not fit in memory."""
        for face in faces:
            yield from map(_Crop, self._cut(face), self._landmark_input(face), self._shared_degradation(face))

    def _shared_degradation(self, face: FaceCrops) -> Sequence[Tensor | None]:
        """Return the degradation features (1, R, C, D) of every crop; None for each where crops share nothing."""
        if not can_share(self.config):
            return [None] * len(face.offsets)
        view = self.normalise(np.stack([face.view.image]))
        return list(shared_degradation(self.inference_network.encoder, self.config, view, face.offsets).split(1))

    def network_inputs(self, face: FaceCrops) -> tuple[Tensor, Tensor | None]:
        """Return what the network takes of one face, `network(*network_inputs(face))`; gradients may go through it.

        Crops (K, 3, S, S), normalised, and landmarks: coordinates (K, 68, 2) or indices (K, slots) as the config says,
        None for a network without.
        """
        crops = self.normalise(self._cut(face))
        if self.config.landmarks == "none":
            return crops, None
        return crops, torch.from_numpy(np.stack(self._landmark_vectors(face))).to(self.device)

    @torch.inference_mode()
    def landmark_weights(self, face: FaceCrops) -> Tensor | None:
        """Return the landmark weights (K, N) of one face, None for a network without landmarks; they are kept."""
        return self._weights(self._landmark_input(face))

    def _cut(self, face: FaceCrops) -> NDArray[np.uint8]:
        return cut_crops(face.view.image, face.offsets, self.config.crop_px, mirror_right=self.config.mirror_right)

    def normalise(self, crops: NDArray[np.uint8]) -> Tensor:
        """Map crops (B, S, S, 3) uint8 to what the network takes: (B, 3, S, S) on the device."""
        tensor = rearrange(torch.from_numpy(crops).to(self.device), "b h w c -> b c h w")
        return (tensor.float() - self._mean) / self._std

    def crop_scores(self, faces: Sequence[FaceCrops]) -> NDArray[np.float64]:
        """Return the score of every crop: (faces, K)."""
        scores: NDArray[np.float64] = self.predict(faces).score.double().numpy()
        return rearrange(scores, "(f k) -> f k", f=len(faces))

    def _predict_batch(self, crops: Sequence["_Crop"]) -> Prediction:
        network = self.inference_network
        with torch.autocast(torch.device(self.device).type, enabled=False):
            normalised = self.normalise(np.stack([crop.pixels for crop in crops]))
            weights = self._weights([crop.landmarks for crop in crops])
            known = [crop.degradation for crop in crops if crop.degradation is not None]
            degradation = torch.cat(known) if known else network.encoder(normalised)
            prediction: Prediction = network.transformer(normalised, degradation, weights)
        return prediction

    def _weights(self, landmarks: Sequence[bytes]) -> Tensor | None:
        """Return the landmark weights (B, N) of crops; None for a network without landmarks."""
        if self.config.landmarks == "none":
            return None
        return torch.cat([self._landmark_weights(vector) for vector in landmarks])

    def _landmark_input(self, face: FaceCrops) -> list[bytes]:
        """Return what the landmark encoding takes for each crop, as bytes that serve as the cache's key."""
        return [vector.tobytes() for vector in self._landmark_vectors(face)]

    def _landmark_vectors(self, face: FaceCrops) -> list[NDArray[np.float32]]:
        width = face.view.image.shape[1]
        return [landmark_input(self.config, face.landmarks, offset, width) for offset in face.offsets]

    def _encode_landmarks(self, vector: bytes) -> Tensor:
        """Encode one crop's landmarks; kept, because released weights read half a gigabyte for each call."""
        values = torch.frombuffer(bytearray(vector), dtype=torch.float32).to(self.device)[None]
        encoding = cast("nn.Module", self.inference_network.landmarks)  # only called for networks that have one
        if self.config.landmarks != "index":
            values = rearrange(values, "1 (l xy) -> 1 l xy", xy=2)
        weights: Tensor = encoding(values)
        return weights


@dataclass(frozen=True)
class _Crop:
    """A crop (S, S, 3), what its landmark encoding takes, and its degradation features where crops share them."""

    pixels: NDArray[np.uint8]
    landmarks: bytes
    degradation: Tensor | None


def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors).float().cpu()


def confidence_interval(scores: NDArray[np.float64], score_range: Interval) -> Interval:
    """Return the 95 % interval of the mean of crop scores (K,) by Student's t, cut to the range of scores."""
    return mean_interval(scores, score_range, student_quantile(len(scores)))


def student_quantile(count: int) -> float:
    """Return Student's t for a 95 % interval of the mean of `count` values; infinite for one."""
    return float(stdtrit(count - 1, 0.975)) if count > 1 else float("inf")
