"""From photos to results, all but the network: decode, find faces, cut views, average, and many photos at a time.

Whoever computes the scores of crops, with torch or with ONNX Runtime, inherits this; nothing here needs either. The
same photo gets the same score whatever came before: crops lie on a fixed grid and nothing random is drawn.

Shapes: K crops a face.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.ahead import made_ahead
from fiqa.checkpoints import CheckpointSpec
from fiqa.errors import FiqaError, PhotoError
from fiqa.faces.face_choice import FaceChoice
from fiqa.faces.finders import Face, FaceFinder, Size
from fiqa.faces.found_faces import FoundFaces, find_faces
from fiqa.photos.alignment import View, align, whole_view
from fiqa.photos.crops import Offset, grid_offsets
from fiqa.photos.images import PhotoSource, decode_photo, source_name
from fiqa.results import FaceResult, Interval, QualityResult


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


class PhotoScorer(ABC):
    """Scores photos with one checkpoint; call it, or its `score`, with a photo.

    `batch` is how many crops the network takes at a time, `student_t` makes intervals of what the crops of a face say.
    """

    def __init__(self, spec: CheckpointSpec, finder: FaceFinder, *, crop_px: int, batch: int, student_t: float) -> None:
        self.spec, self.finder = spec, finder
        self.crop_px, self.batch, self.student_t = crop_px, batch, student_t

    @abstractmethod
    def crop_scores(self, faces: Sequence[FaceCrops]) -> NDArray[np.float64]:
        """Return the score of every crop: (faces, K). Raises CheckpointError when one is no finite number."""

    def __call__(self, source: PhotoSource) -> QualityResult:
        """Score one photo, as `score` does."""
        return self.score(source)

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
        threads = self.finding_threads(workers)
        per_batch = max(1, self.batch // self.spec.preprocessing.crops)
        prepared = made_ahead(prepare, several(sources), workers=threads, ahead=2 * threads + per_batch)
        return self._score_in_batches(prepared)

    def finding_threads(self, wanted: int | None = None) -> int:
        """Return how many threads may decode and find faces: those wanted, a quarter of the processors for None."""
        return (wanted or max(1, (os.cpu_count() or 1) // 4)) if self.finder.concurrent else 1

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
        wanted: Sequence[Face | None] = found.faces or [None]
        views = [self.face_crops(photo.pixels, each) for each in wanted]
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
        offsets = grid_offsets(prep.view_px, prep.view_px, self.crop_px, prep.crops)
        landmarks = None if face is None else view.landmarks_from_photo(face.landmarks)
        return FaceCrops(face, view, offsets, landmarks)

    def _face_result(self, size_px: Size, face: Face | None, scores: NDArray[np.float64]) -> FaceResult:
        width, height = size_px
        return FaceResult(
            box_xyxy=(0.0, 0.0, float(width), float(height)) if face is None else face.box_xyxy,
            landmarks=None if face is None else face.landmarks,
            score=float(scores.mean()),
            interval=mean_interval(scores, self.spec.score_range, self.student_t),
        )


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


def mean_interval(scores: NDArray[np.float64], score_range: Interval, student_t: float) -> Interval:
    """Return the 95 % interval of the mean of crop scores (K,), cut to the range of scores.

    It says how much the crops of one face disagree, not how far the score is from people's opinion.
    """
    count = len(scores)
    if count < 2:
        return score_range
    half = student_t * float(scores.std(ddof=1)) / float(np.sqrt(count))
    mean = float(scores.mean())
    return max(score_range[0], mean - half), min(max(score_range[1], mean), mean + half)
