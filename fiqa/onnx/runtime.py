"""Scores photos with ONNX Runtime alone: the same finder, views, notices and refusals, and no torch.

Shapes: N faces, K crops of each, V side of a view in pixels.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiqa.checkpoints import read_spec
from fiqa.errors import CheckpointError, SettingError
from fiqa.faces.finders import BundledFaceFinder, FaceDetector
from fiqa.faces.landmarks import LandmarkPredictor
from fiqa.onnx.files import DETECTOR, FIRST_LOOK, QUALITY, QUALITY_INT8, SECOND_LOOK, read_card
from fiqa.photo_scorer import FaceCrops, PhotoScorer

BATCH_PX = 2**17
"""Pixels of the crops of one batch."""

Readings = tuple[NDArray[np.float32], NDArray[np.float32]]


def load_onnx(folder: str | Path, *, int8: bool = False, threads: int | None = None) -> "OnnxPredictor":
    """Load a folder that `fiqa export` wrote.

    Args:
        folder: Where the files are.
        int8: Take the quality network in 8 bits.
        threads: How many a network may use; all processors unless given.

    Raises:
        CheckpointError: A file is missing or damaged.
        SettingError: ONNX Runtime is not installed.
    """
    return OnnxPredictor(Path(folder), int8=int8, threads=threads)


class OnnxPredictor(PhotoScorer):
    """Scores photos with the networks of a folder, on the processor; can be pickled."""

    def __init__(self, folder: Path, *, int8: bool = False, threads: int | None = None) -> None:
        card = read_card(folder)
        spec = read_spec(folder, name=card.checkpoint)
        self._made_of = (folder, int8, threads)
        opened = partial(Network, threads=threads)
        looks = OnnxLandmarkNetworks(opened(folder / FIRST_LOOK), opened(folder / SECOND_LOOK))
        finder = BundledFaceFinder(FaceDetector(OnnxDetectorMaps(opened(folder / DETECTOR))), LandmarkPredictor(looks))
        batch = max(1, BATCH_PX // card.crop_px**2)
        super().__init__(spec, finder, crop_px=card.crop_px, batch=batch, student_t=card.student_t)
        self._quality = opened(folder / (QUALITY_INT8 if int8 else QUALITY))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the files are; whoever unpickles opens them again."""
        folder, int8, threads = self._made_of
        return partial(OnnxPredictor, int8=int8, threads=threads), (folder,)

    def crop_scores(self, faces: Sequence[FaceCrops]) -> NDArray[np.float64]:
        """Return the score of every crop: (faces, K)."""
        at_once = max(1, self.batch // self.spec.preprocessing.crops)
        scores = [self._scores(faces[start : start + at_once]) for start in range(0, len(faces), at_once)]
        together = np.concatenate(scores).astype(np.float64)
        if not np.isfinite(together).all():
            raise CheckpointError(f"{self.spec.name} gives no finite score for this photo: choose another checkpoint.")
        return together

    def _scores(self, faces: Sequence[FaceCrops]) -> NDArray[np.float32]:
        views = as_input(np.stack([face.view.image for face in faces]))
        unknown = np.full((68, 2), np.nan, np.float32)
        known = [unknown if face.landmarks is None else face.landmarks for face in faces]
        (scores,) = self._quality.run(views=views, face_landmarks=np.stack(known).astype(np.float32))
        return scores


class Network:
    """One ONNX file, opened."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise SettingError("ONNX Runtime is not installed: run `pip install onnxruntime`.") from error
        if not path.is_file():
            raise CheckpointError(f"{path} is missing: write the folder again with `fiqa export`.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors, which are raised anyway
        options.intra_op_num_threads = threads or 0
        options.enable_cpu_mem_arena = False  # each network would keep the memory of its largest photo; no slower
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # four networks take turns
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise CheckpointError(
                f"{path} is no sound ONNX file: write the folder again with `fiqa export`."
            ) from error

    def run(self, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the outputs for inputs by name."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, inputs)
        return outputs


class OnnxDetectorMaps:
    """The face detector, see `fiqa.faces.finders.DetectorMaps`."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, photo: NDArray[np.uint8]) -> Readings:
        logits, boxes = self._network.run(photos=as_input(photo[None]))
        return logits[0], boxes[0]


class OnnxLandmarkNetworks:
    """Both looks at a face, see `fiqa.faces.landmarks.LandmarkNetworks`."""

    def __init__(self, first: Network, second: Network) -> None:
        self._first, self._second = first, second

    def first_look(self, views: NDArray[np.uint8]) -> Readings:
        """Look at the middle of views."""
        landmarks, logits = self._first.run(views=as_input(views))
        return landmarks, logits

    def second_look(self, views: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Readings:
        """Look again where rough landmarks are."""
        better, logits = self._second.run(views=as_input(views), rough_landmarks=landmarks)
        return better, logits


def as_input(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn pictures (B, H, W, 3) uint8 into (B, 3, H, W) in 0..1."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)
