"""From a photo to a quality score: decode, find faces, cut views and crops, run the network, average.

The same photo gets the same score whatever came before: crops lie on a fixed grid and nothing random
is drawn. Crops of all faces of a photo go through the network in batches.

Shapes: K crops a face, B crops a batch, S crop side in pixels.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image
from scipy.special import stdtrit
from torch import Tensor, nn

from fiqa.ahead import made_ahead
from fiqa.checkpoints import CheckpointSpec, save_checkpoint
from fiqa.errors import CheckpointError, FiqaError, PhotoError
from fiqa.faces.face_choice import FaceChoice
from fiqa.faces.finders import Face, FaceFinder, Size
from fiqa.faces.found_faces import FoundFaces, find_faces
from fiqa.models import DslFiqa, Prediction
from fiqa.models.folding import folded
from fiqa.models.landmark_encoding import landmark_input
from fiqa.photos.alignment import View, align, whole_view
from fiqa.photos.crops import Offset, cut_crops, grid_offsets
from fiqa.photos.images import PhotoSource, decode_photo, source_name
from fiqa.results import FaceResult, Interval, QualityResult

BATCH_PX = {"cpu": 2**17, "cuda": 2**22, "mps": 2**21}
"""Pixels of one batch of crops. On a CPU large batches are slower: their maps leave the caches."""
CACHED_LANDMARKS = 256


@dataclass(frozen=True)
class FaceCrops:
    """One face as the network sees it: its view, where its crops lie, and its landmarks in pixels of the view."""

    face: Face | None
    view: View
    offsets: Sequence[Offset]
    landmarks: NDArray[np.floating] | None


@dataclass(frozen=True)
class PreparedPhoto:
    """A photo for which only the network's word is missing: its `crops` are those of every face, or of the whole.

    `source` names it, `size_px` is (width, height), `notices` are those of decoding, `seconds` what each step took.
    """

    source: str | None
    size_px: Size
    found: FoundFaces
    crops: Sequence[FaceCrops]
    notices: tuple[str, ...]
    seconds: dict[str, float]


class QualityPredictor:
    """Scores photos with one checkpoint on one device; call it, or its `score`, with a photo.

    It can be pickled, so that the workers of a pool each get their own. `network` is the checkpoint's, whole: `save`
    writes it. `inference_network` is its copy that computes, see `fiqa.models.folding`.

    It computes in single precision everywhere, so that a photo has the same score on every device: bfloat16 on a GPU
    moved scores of `lite` by up to 0.005.
    """

    def __init__(self, network: DslFiqa, spec: CheckpointSpec, finder: FaceFinder, *, device: str = "cpu") -> None:
        self.spec, self.finder, self.device = spec, finder, device
        self.config = network.config
        kind = torch.device(device).type
        self.batch = max(1, BATCH_PX.get(kind, BATCH_PX["cpu"]) // self.config.crop_px**2)
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

    def __call__(self, source: PhotoSource) -> QualityResult:
        """Score one photo, as `score` does."""
        return self.score(source)

    def save(self, folder: str | Path) -> Path:
        """Write the checkpoint to a folder, from which `load_predictor` makes this predictor again; return its path."""
        return save_checkpoint(self.network, self.spec, folder)

    @property
    def scoring_device(self) -> str:
        """Where scores are computed; maps may be computed elsewhere."""
        return self.device

    def score(self, source: PhotoSource, *, face: FaceChoice = "main", aligned: str | None = None) -> QualityResult:
        """Score one photo.

        Args:
            source: A path, the bytes of a file, a Pillow image, what `decode_photo` returned, or an array (H, W),
                (H, W, 3) or (H, W, 4) of uint8, of uint16 with 65535 as white, or of floats in 0..1.
            face: Whose score the photo gets: "main" (the most prominent), "largest", "central" or a number counted
                from 1 in the order of `faces`.
            aligned: Skips finding faces, for square crops that have one at a known place: "ffhq" or "gfiqa", a name
                of `fiqa.faces.face_choice.ALIGNED_LAYOUTS`.

        Raises:
            PhotoError: It cannot be read.
            NoFaceError: There is nothing face-like in it.
            SettingError: There is no such face or layout.
            CheckpointError: The network gives no finite number for it.
        """
        (result,) = self._score_together([self._prepare(source, face, aligned)])
        return result

    def score_many(
        self,
        sources: Iterable[PhotoSource],
        *,
        face: FaceChoice = "main",
        aligned: str | None = None,
        workers: int | None = None,
    ) -> Iterator[QualityResult | FiqaError]:
        """Score photos in order, as `score` does; a photo that cannot be scored yields its error.

        Photos are decoded and faces found in threads while the network is at work, on the faces of several photos at
        a time. What it says of a photo is what `score` says, to 1e-5.

        Args:
            sources: Photos as `score` takes them, in a list or another iterable, which is read a little ahead.
            face: As for `score`.
            aligned: As for `score`.
            workers: How many threads decode and find, a quarter of the processors unless given; one for the finder
                face-alignment, which does not allow for more.

        Raises:
            PhotoError: At once, for a single photo or folder.
        """
        prepare = partial(self._prepared_or_error, face=face, aligned=aligned)
        threads = workers or max(1, (os.cpu_count() or 1) // 4)
        threads = threads if self.finder.concurrent else 1
        per_batch = max(1, self.batch // self.spec.preprocessing.crops)
        prepared = made_ahead(prepare, several(sources), workers=threads, ahead=2 * threads + per_batch)
        return self._score_in_batches(prepared)

    def _score_in_batches(self, prepared: Iterable[PreparedPhoto | FiqaError]) -> Iterator[QualityResult | FiqaError]:
        """Score prepared photos in order, as many at a time as their crops fill one batch of the network."""
        for group in self._grouped(prepared):
            photos = [each for each in group if isinstance(each, PreparedPhoto)]
            scored = iter(self._scored_or_errors(photos))
            yield from (next(scored) if isinstance(each, PreparedPhoto) else each for each in group)

    def _grouped(self, prepared: Iterable[PreparedPhoto | FiqaError]) -> Iterator[list[PreparedPhoto | FiqaError]]:
        group: list[PreparedPhoto | FiqaError] = []
        crops = 0
        for each in prepared:
            group.append(each)
            crops += sum(len(face.offsets) for face in each.crops) if isinstance(each, PreparedPhoto) else 0
            if crops >= self.batch or not crops:
                yield group
                group, crops = [], 0
        if group:
            yield group

    def _scored_or_errors(self, photos: Sequence[PreparedPhoto]) -> list[QualityResult | FiqaError]:
        """Score photos together; where that fails, one by one, so that each has its own error."""
        try:
            return [*self._score_together(photos)] if photos else []
        except FiqaError as error:
            if len(photos) == 1:
                return [_named(error, photos[0].source)]
        return [outcome for photo in photos for outcome in self._scored_or_errors([photo])]

    def _prepared_or_error(
        self, source: PhotoSource, face: FaceChoice, aligned: str | None
    ) -> PreparedPhoto | FiqaError:
        try:
            return self._prepare(source, face, aligned)
        except FiqaError as error:
            return _named(error, source_name(source))

    def _prepare(self, source: PhotoSource, face: FaceChoice, aligned: str | None) -> PreparedPhoto:
        """Decode a photo, find its faces and cut their views: all but the network."""
        photo = decode_photo(source)
        started = time.perf_counter()
        found = self.find_faces(photo.pixels, face, aligned=aligned)
        views = [self.face_crops(photo.pixels, each) for each in found.faces or [None]]
        seconds = {"decode": photo.decode_ms / 1000, "faces": time.perf_counter() - started}
        height, width = photo.pixels.shape[:2]
        return PreparedPhoto(source_name(source), (width, height), found, views, photo.notices, seconds)

    def _score_together(self, photos: Sequence[PreparedPhoto]) -> Iterator[QualityResult]:
        """Score the faces of all photos at once; the time that takes is divided among them."""
        started = time.perf_counter()
        rows = iter(self.crop_scores([face for photo in photos for face in photo.crops]))
        seconds = time.perf_counter() - started
        total = sum(len(photo.crops) for photo in photos)
        for photo in photos:
            share = len(photo.crops) / total
            yield self._result(photo, [*islice(rows, len(photo.crops))], seconds * share)

    def _result(self, photo: PreparedPhoto, scores: Sequence[NDArray[np.float64]], network_s: float) -> QualityResult:
        faces = tuple(
            self._face_result(photo.size_px, crops.face, row) for crops, row in zip(photo.crops, scores, strict=True)
        )
        seconds = {**photo.seconds, "network": network_s}
        timings_s = {**seconds, "total": sum(seconds.values())}
        chosen = photo.found.chosen
        return QualityResult(
            score=faces[chosen].score,
            interval=faces[chosen].interval,
            faces=faces,
            face=chosen + 1,
            checkpoint=self.spec.name,
            score_range=self.spec.score_range,
            finder=self.finder.name,
            notices=(*photo.notices, *photo.found.notices),
            timings_ms={name: 1000 * value for name, value in timings_s.items()},
            source=photo.source,
        )

    def find_faces(
        self, pixels: NDArray[np.uint8], choice: FaceChoice = "main", *, aligned: str | None = None
    ) -> FoundFaces:
        """Find the faces of a photo (H, W, 3), or place the one of an aligned crop; choices as `score` takes them.

        Raises NoFaceError when the picture holds nothing like a face, SettingError when there is no such face.
        """
        return find_faces(self.finder, pixels, choice, aligned=aligned)

    def face_crops(self, pixels: NDArray[np.uint8], face: Face | None) -> FaceCrops:
        """Cut the view and place the crops of one face, or of the whole photo for None."""
        prep = self.spec.preprocessing
        view = (
            whole_view(pixels, side_px=prep.view_px)
            if face is None
            else align(pixels, face.landmarks, side_px=prep.view_px, margin=prep.margin)
        )
        offsets = grid_offsets(prep.view_px, prep.view_px, self.config.crop_px, prep.crops)
        landmarks = None if face is None else view.landmarks_from_photo(face.landmarks)
        return FaceCrops(face, view, offsets, landmarks)

    @torch.inference_mode()
    def predict(self, faces: Sequence[FaceCrops]) -> Prediction:
        """Run the network on the crops of faces: fields of the prediction are (faces · K, …), on the CPU in fp32.

        `score` and `quality` are on the checkpoint's scale. The grids are as the network saw the crops, mirrored ones
        mirrored. Raises CheckpointError when a score is no finite number.
        """
        crops = self._crops(faces)
        batches = []
        while batch := list(islice(crops, self.batch)):
            batches.append(self._predict_batch([crop for crop, _ in batch], [landmarks for _, landmarks in batch]))
        score = _joined([batch.score for batch in batches])
        if not score.isfinite().all():
            raise CheckpointError(f"{self.spec.name} gives no finite score for this photo: choose another checkpoint.")
        return Prediction(
            score=self.spec.in_range(score),
            quality=self.spec.in_range(_joined([batch.quality for batch in batches])),
            confidence=_joined([batch.confidence for batch in batches]),
            degradation=_joined([batch.degradation for batch in batches]),
        )

    def _crops(self, faces: Sequence[FaceCrops]) -> Iterator[tuple[NDArray[np.uint8], bytes]]:
        """Yield every crop (S, S, 3) with its landmarks, cut when it is needed: a crowd's do not fit in memory."""
        for face in faces:
            crops = self._cut(face)
            yield from zip(crops, self._landmark_input(face), strict=True)

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

    def _face_result(self, size_px: Size, face: Face | None, scores: NDArray[np.float64]) -> FaceResult:
        width, height = size_px
        return FaceResult(
            box_xyxy=(0.0, 0.0, float(width), float(height)) if face is None else face.box_xyxy,
            landmarks=None if face is None else face.landmarks,
            score=float(scores.mean()),
            interval=confidence_interval(scores, self.spec.score_range),
        )

    def _predict_batch(self, crops: Sequence[NDArray[np.uint8]], landmarks: Sequence[bytes]) -> Prediction:
        normalised = self.normalise(np.stack(crops))
        weights = self._weights(landmarks)
        network = self.inference_network
        prediction: Prediction = network.transformer(normalised, network.encoder(normalised), weights)
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


def several(sources: Any) -> Iterable[PhotoSource]:
    """Return photos as they came; raise PhotoError for a single one, whose characters or rows would pass for photos."""
    if isinstance(sources, str | Path | bytes):
        what = "one path" if not isinstance(sources, bytes) else "the bytes of one file"
    elif isinstance(sources, Image.Image) or (isinstance(sources, np.ndarray) and sources.ndim <= 3):
        what = "one picture"
    elif not isinstance(sources, Iterable):
        what = type(sources).__name__
    else:
        return sources
    raise PhotoError(
        f"Many photos are given as a list or another iterable, not as {what}: "
        f"score one with score(photo), a folder's with score_many(Path(folder).iterdir())."
    )


def _named(error: FiqaError, source: str | None) -> FiqaError:
    """Note on an error which photo it is about."""
    error.source = source
    return error


def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors).float().cpu()


def confidence_interval(scores: NDArray[np.float64], score_range: Interval) -> Interval:
    """Return the 95 % interval of the mean of crop scores (K,) by Student's t, cut to the range of scores.

    It says how much the crops of one face disagree, not how far the score is from people's opinion.
    """
    count = len(scores)
    if count < 2:
        return score_range
    half = float(stdtrit(count - 1, 0.975) * scores.std(ddof=1) / np.sqrt(count))
    mean = float(scores.mean())
    return max(score_range[0], mean - half), min(max(score_range[1], mean), mean + half)
