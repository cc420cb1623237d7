"""What a network sees in the photos of a study: everything its head needs, computed once and kept.

Every photo is looked at as a user's is when it is scored: its main face is found, cut and put through the network in
the same crops. Photos in which no face is found are left out and named, as they would get no score either.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fiqa.errors import FiqaError, PhotoError
from fiqa.models import OFFICIAL
from fiqa.photos.images import decode_photo
from fiqa.predictor import QualityPredictor
from training.data.datasets import LabelledPhoto
from training.errors import DataError, RunError
from training.storage import replace_file

FEWEST = 6
"""Photos: with fewer, no fold leaves enough to fit anything to."""


@dataclass(frozen=True)
class SeenPhotos:
    """Photos with a face: tokens (V, K, N, D) before the head, and the score (V,) of the network as it is, in 0..1."""

    photos: tuple[LabelledPhoto, ...]
    tokens: Tensor
    score: NDArray[np.float64]

    @property
    def mos(self) -> NDArray[np.float64]:
        """The MOS (V,) on the people's scale; NaN where a photo was only compared with others."""
        return np.array([photo.mos for photo in self.photos])

    @property
    def sources(self) -> list[str]:
        """Who or what each photo is of, or its own path where nobody said so: what is held out together."""
        return [photo.groups.get("source") or str(photo.path) for photo in self.photos]


def look_at(
    photos: Sequence[LabelledPhoto], predictor: QualityPredictor, kept: Path, *, tell: Callable[[int, int], object]
) -> SeenPhotos:
    """Return what the network sees in photos; what was computed before is read from `kept`.

    `tell` is called with the number of photos done and to do. Raises DataError when too few photos show a face,
    RunError when the network's tokens are too many to keep.
    """
    if predictor.config == OFFICIAL:
        raise RunError("The paper's network is too large for this: train it with training.train_quality --data.")
    seen = []
    for number, photo in enumerate(photos):
        tell(number, len(photos))
        try:
            seen.append((photo, *_see(predictor, photo.path, kept)))
        except FiqaError as error:
            print(f"left out: {photo.path.name}: {error}", file=sys.stderr)
    if len(seen) < FEWEST:
        raise DataError(f"Only {len(seen)} rated photos show a face: have {FEWEST} or more rated.")
    chosen, tokens, scores = zip(*seen, strict=True)
    return SeenPhotos(chosen, torch.stack(tokens), np.array(scores))


def _see(predictor: QualityPredictor, path: Path, kept: Path) -> tuple[Tensor, float]:
    """Return tokens (K, N, D) in half precision and the score in 0..1 of the main face in a photo."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path.name} cannot be read: {error.strerror}.") from error
    key = f"{predictor.spec.sha256} main face".encode()  # other weights and another face have tokens of their own
    file = kept / f"{hashlib.sha256(key + data).hexdigest()[:32]}.npz"
    if not file.exists():
        tokens, score = _tokens_and_score(predictor, data)
        replace_file(file, lambda out: np.savez(out, tokens=tokens.half().numpy(), score=score))
    with np.load(file) as known:
        return torch.from_numpy(known["tokens"]), float(known["score"])


def _tokens_and_score(predictor: QualityPredictor, data: bytes) -> tuple[Tensor, float]:
    pixels = decode_photo(data).pixels
    face = predictor.find_faces(pixels).face
    tokens: list[Tensor] = []
    head = predictor.inference_network.transformer.head
    watching = head.register_forward_pre_hook(lambda _, inputs: tokens.append(inputs[0].float().cpu()))
    try:
        predicted = predictor.predict([predictor.face_crops(pixels, face)])
    finally:
        watching.remove()
    low, high = predictor.spec.score_range
    return torch.cat(tokens), (float(predicted.score.mean()) - low) / (high - low)
