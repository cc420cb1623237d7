"""Views of labelled photos, as inference would cut them, and the random crops of them that a network is trained on.

A photo is decoded and aligned when its view is first asked for. Landmarks come with the data set or from the bundled
finder; what was found is kept in `.landmarks` beside the data, or in the run folder where that cannot be written.
A photo that cannot be read is replaced by another one and named; it does not stop a run that has been going for hours.

A batch depends on its number and the seed alone, whoever draws it: a resumed run sees what the uninterrupted one
would have seen, and so do worker processes.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from fiqa.checkpoints import Preprocessing
from fiqa.errors import PhotoError
from fiqa.faces.finders import FaceFinder, load_face_finder
from fiqa.models import DslFiqaConfig
from fiqa.models.landmark_encoding import landmark_input
from fiqa.models.landmark_network import MIRRORED
from fiqa.photos.alignment import View, align, whole_view
from fiqa.photos.crops import cut_crops
from fiqa.photos.images import decode_photo
from training.data.datasets import Dataset, LabelledPhoto
from training.data.photos import Split
from training.data.views import CropSample
from training.errors import DataError, StorageError
from training.storage import replace_file

KEPT_BYTES = 2**30
"""Views kept in memory, per process; the others are made again every time."""
JITTER = 0.02
"""Standard deviation of the noise on landmarks, in half crops: users' landmarks are predicted."""
UNKNOWN_SHARE = 0.1
"""Share of crops trained without landmarks, as photos are scored in which no face was found."""
MOST_REPLACED = 20

Pixels = NDArray[np.uint8]
Landmarks = NDArray[np.float32]
Sample_co = TypeVar("Sample_co", covariant=True)


class LandmarkStore:
    """Landmarks (68, 2) in pixels of each photo, NaN where no face was found."""

    def __init__(self, root: Path, fallback: Path) -> None:
        self.root = root
        self.folders = (root / ".landmarks", fallback / "landmarks")

    def of(self, photo: LabelledPhoto, pixels: Pixels) -> Landmarks:
        """Return what came with the photo or was found before, or find it now; raise PhotoError when it is damaged."""
        if photo.landmarks:
            return _load_landmarks(photo.landmarks)
        name = f"{photo.path.relative_to(self.root)}.npy"
        for kept in (folder / name for folder in self.folders):
            if kept.exists() and kept.stat().st_mtime >= photo.path.stat().st_mtime:
                return _load_landmarks(kept)
        face = next(iter(self._finder.find(pixels)), None) or self._finder.find_low_confidence(pixels)
        landmarks = np.full((68, 2), np.nan, dtype=np.float32) if face is None else face.landmarks
        self._keep(name, landmarks)
        return landmarks

    @cached_property
    def _finder(self) -> FaceFinder:
        return load_face_finder("bundled")

    def _keep(self, name: str, landmarks: Landmarks) -> None:
        beside, fallback = (folder / name for folder in self.folders)
        try:
            _save_landmarks(beside, landmarks)
        except StorageError:
            _save_landmarks(fallback, landmarks)


def _save_landmarks(path: Path, landmarks: Landmarks) -> None:
    # Several processes may find the same face at once: each writes a file of its own.
    own = path.with_name(f"{path.name}.{os.getpid()}")
    replace_file(own, lambda file: np.save(file, landmarks))
    own.replace(path)


def _load_landmarks(path: Path) -> Landmarks:
    try:
        landmarks = np.asarray(np.load(path), dtype=np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise PhotoError(f"{path} cannot be read: {error}.") from error
    if landmarks.shape != (68, 2):
        raise PhotoError(f"{path} holds landmarks of shape {landmarks.shape}, expected (68, 2).")
    return landmarks


class LabelledViews:
    """Views of one split; `target` (N,) is the MOS as a share of its range.

    `whole` takes the pictures as they are, as the paper does with pictures of aligned faces; otherwise every face is
    cut out as it is from a user's photo.
    """

    def __init__(
        self, dataset: Dataset, split: Split, preprocessing: Preprocessing, *, whole: bool, store: LandmarkStore
    ) -> None:
        self.photos = dataset.photos(split)
        self.target = np.array([dataset.share(photo.mos) for photo in self.photos], dtype=np.float32)
        self.preprocessing, self.whole, self.store = preprocessing, whole, store
        self._kept: dict[int, tuple[Pixels, Landmarks]] = {}

    def __len__(self) -> int:
        return len(self.photos)

    def view(self, index: int) -> tuple[Pixels, Landmarks]:
        """Return the pixels (V, V, 3) of one view and its landmarks (68, 2); raise PhotoError if it cannot be read."""
        if index in self._kept:
            return self._kept[index]
        photo = self.photos[index]
        pixels = decode_photo(photo.path).pixels
        landmarks = self.store.of(photo, pixels)
        view = self._cut(pixels, landmarks)
        made = view.image, view.landmarks_from_photo(landmarks)
        if (len(self._kept) + 1) * view.image.nbytes <= KEPT_BYTES:
            self._kept[index] = made
        return made

    def _cut(self, pixels: Pixels, landmarks: Landmarks) -> View:
        side = self.preprocessing.view_px
        if self.whole or not np.isfinite(landmarks).all():
            return whole_view(pixels, side_px=side)
        return align(pixels, landmarks, side_px=side, margin=self.preprocessing.margin)

    def readable(self, indices: Sequence[int]) -> tuple[list[int], list[str]]:
        """Return those of the indices whose photos can be read, and a sentence for each of the others."""
        good, problems = [], []
        for index in indices:
            try:
                self.view(index)
                good.append(index)
            except PhotoError as error:
                problems.append(str(error))
        return good, problems


class LabelledCrops:
    """Random crops, half of them mirrored, of all views of a split in a new order every epoch.

    Nothing else is changed about them: whatever changes the picture might change what people think of it.
    `counts` (N,) says how much the MOS of each view counts, 1 on average; None for all alike.
    """

    def __init__(
        self, views: LabelledViews, config: DslFiqaConfig, *, seed: int, counts: NDArray[np.float32] | None = None
    ) -> None:
        self.views, self.config, self.seed, self.counts = views, config, seed, counts
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def batch(self, draw: int, size: int) -> CropSample:
        """Return batch number `draw`; equal numbers give equal batches."""
        rng = np.random.default_rng((self.seed, 1, draw))
        unreadable: list[str] = []
        drawn = [self._draw(position, rng, unreadable) for position in range(draw * size, (draw + 1) * size)]
        chosen, crops, landmarks = zip(*drawn, strict=True)
        target = torch.from_numpy(self.views.target[list(chosen)])
        counts = None if self.counts is None else torch.from_numpy(self.counts[list(chosen)])
        return CropSample(np.stack(crops), torch.from_numpy(np.stack(landmarks)), target, tuple(unreadable), counts)

    def _draw(self, position: int, rng: np.random.Generator, unreadable: list[str]) -> tuple[int, Pixels, Landmarks]:
        """Return a crop of the photo whose turn it is, or of another one in case it cannot be read."""
        index = self._turn(position)
        for _ in range(MOST_REPLACED):
            try:
                return index, *self._crop(*self.views.view(index), rng)
            except PhotoError as error:
                unreadable.append(str(error))
            index = int(rng.integers(len(self.views)))
        raise DataError(f"{MOST_REPLACED} photos in a row cannot be read, the last one because {unreadable[-1]}")

    def _turn(self, position: int) -> int:
        epoch, place = divmod(position, len(self.views))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng((self.seed, 2, epoch)).permutation(len(self.views))
        return int(self._order[place])

    def _crop(self, view: Pixels, landmarks: Landmarks, rng: np.random.Generator) -> tuple[Pixels, Landmarks]:
        side, crop_px = view.shape[0], self.config.crop_px
        if rng.random() < 0.5:
            view, landmarks = view[:, ::-1], mirrored_landmarks(landmarks, side)
        top, left = (int(offset) for offset in rng.integers(0, side - crop_px + 1, size=2))
        if self.config.landmarks in ("coordinates", "outline"):
            landmarks = landmarks + rng.normal(0, JITTER * crop_px / 2, landmarks.shape).astype(np.float32)
            landmarks = np.full_like(landmarks, np.nan) if rng.random() < UNKNOWN_SHARE else landmarks
        crop = cut_crops(view, [(top, left)], crop_px, mirror_right=self.config.mirror_right)[0]
        return crop, landmark_input(self.config, landmarks, (top, left), side)


def mirrored_landmarks(landmarks: Landmarks, side_px: int) -> Landmarks:
    """Return the landmarks (68, 2) of the mirrored picture: left and right change places and names."""
    mirrored: Landmarks = landmarks[list(MIRRORED)].copy()
    mirrored[:, 0] = side_px - mirrored[:, 0]
    return mirrored


class BatchSource(Protocol[Sample_co]):
    """What draws batches; equal numbers give equal batches."""

    def batch(self, draw: int, size: int) -> Sample_co:
        """Return batch number `draw` of `size` samples."""
        ...


class BatchLoader(Generic[Sample_co]):
    """Draws batches by number, ahead of time in `workers` processes; 0 draws them when they are asked for."""

    def __init__(self, source: BatchSource[Sample_co], size: int, *, workers: int) -> None:
        self.source, self.size, self.workers = source, size, workers
        self._next = -1
        self._batches: Iterator[Sample_co] = iter(())

    def __getitem__(self, draw: int) -> Sample_co:
        """Return batch number `draw`."""
        return self.source.batch(draw, self.size)

    def batch(self, draw: int) -> Sample_co:
        """Return batch number `draw`, from the workers if there are any."""
        if not self.workers:
            return self[draw]
        stride = PartialState().num_processes
        if draw != self._next:
            numbers: Any = count(draw, stride)
            loader: Any = DataLoader(self, batch_size=None, sampler=numbers, num_workers=self.workers)  # type: ignore[arg-type]
            self._batches = iter(loader)
        self._next = draw + stride
        return next(self._batches)
