"""Every face in a photo, with its landmarks.

Two finders do this. "bundled" needs nothing but this package: a small detector proposes boxes and the
landmark network (`fiqa.faces.landmarks`) places 68 points in each and confirms that it holds a face. "face-alignment"
is the package of that name (Bulat & Tzimiropoulos, 2017, arXiv:1703.07332), larger and slower, whose weights are
fetched when it is first used. "auto" takes the one that the checkpoint was made with.

Faces come in the order of their prominence: the area of a face inside the photo, less where the border cuts it and
less towards the corners. The first one is the main face, which speaks for the photo unless another is asked for.

torch loads when a finder that computes with it is made, not with this module.
"""

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import CheckpointError, FiqaError, SettingError
from fiqa.faces.boxes import Boxes, distinct, overlaps, rounded
from fiqa.faces.face_choice import FACE_CHOICES, FaceChoice
from fiqa.faces.landmarks import LandmarkPredictor, read_bundled, sigmoid, to_tensor
from fiqa.fetching import fetch_missing
from fiqa.models.detector_scale import BOX_UNIT_PX, LARGEST_PX, STRIDE
from fiqa.photos.alignment import Landmarks, roll_deg
from fiqa.results import Box

if TYPE_CHECKING:
    from fiqa.models.face_detector import FaceDetectorNetwork, FaceMaps

logger = logging.getLogger(__name__)

FINDERS = ("auto", "bundled", "face-alignment")
FACE_ALIGNMENT_WEIGHTS = {
    "2DFAN4-11f355bf06.pth.tar": "https://www.adrianbulat.com/downloads/python-fan/2DFAN4-11f355bf06.pth.tar",
    "s3fd-619a316812.pth": "https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",
}
"""Files that the package loads, and where it publishes them; a name holds the beginning of the SHA-256."""

BOX_STEPS = 512
"""To how many steps a side boxes are rounded, see `rounded`."""

Photo = NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True)
class Face:
    """One face.

    `box_xyxy` is that of the landmarks, brows to chin and ear to ear, kept within the photo; `landmarks` (68, 2) are
    in iBUG order, in pixels of the photo, outside it where the border cuts the face; `confidence` lies in 0..1.
    """

    box_xyxy: Box
    landmarks: Landmarks
    confidence: float

    @property
    def visible_area(self) -> float:
        """Square pixels of the face's box inside the photo."""
        left, top, right, bottom = self.box_xyxy
        return (right - left) * (bottom - top)

    @property
    def visible_share(self) -> float:
        """Share of the landmarks' box that lies inside the photo, 0..1."""
        whole = float(np.ptp(self.landmarks, axis=0).prod())
        return min(1.0, self.visible_area / whole) if whole > 0 else 0.0

    def eccentricity(self, size_px: Size) -> float:
        """Distance of the visible box's centre from that of a photo of (width, height), 0 there and 1 in a corner."""
        left, top, right, bottom = self.box_xyxy
        width, height = size_px
        return float(np.hypot(left + right - width, top + bottom - height) / np.hypot(width, height))

    def prominence(self, size_px: Size) -> float:
        """How much the face stands out in a photo of (width, height): a corner costs half of its area."""
        return self.visible_area * self.visible_share * (1 - self.eccentricity(size_px) / 2)


def by_prominence(faces: Iterable[Face], photo: Photo) -> list[Face]:
    """Return the faces of a photo (H, W, 3), the most prominent first."""
    height, width = photo.shape[:2]
    return sorted(faces, key=lambda face: -face.prominence((width, height)))


def choose_face(faces: Sequence[Face], choice: FaceChoice, size_px: Size) -> int:
    """Return the index of a face of a photo of (width, height): a number from 1, or a word of `FACE_CHOICES`.

    Raises SettingError when there is no such face; where none was found, 1 and every word stand for the whole photo.
    """
    if not faces and choice in (1, *FACE_CHOICES):
        return 0
    match choice:
        case "main":
            return 0
        case "largest":
            return max(range(len(faces)), key=lambda index: faces[index].visible_area)
        case "central":
            return min(range(len(faces)), key=lambda index: faces[index].eccentricity(size_px))
        case int() if 1 <= choice <= len(faces):
            return choice - 1
        case int():
            found = {0: "no face was", 1: "one face was"}.get(len(faces), f"{len(faces)} faces were")
            raise SettingError(f"There is no face {choice}: {found} found, counted from 1, the main one first.")
    raise SettingError(f"There is no face {choice!r}: choose a number or one of {', '.join(FACE_CHOICES)}.")


class FaceFinder(Protocol):
    """Finds faces; `name` tells a user which finder it was.

    `concurrent` says whether several threads may use it at a time, `can_reject` whether a photo in which neither method
    finds anything can be said to hold no face.
    """

    name: str
    can_reject: bool
    concurrent: bool

    def find(self, photo: Photo) -> list[Face]:
        """Return the faces of an RGB photo (H, W, 3) uint8, the most prominent first."""
        ...

    def find_low_confidence(self, photo: Photo) -> Face | None:
        """Return the most face-like place of a photo in which `find` found none; None if nothing resembles a face."""
        ...

    def place(self, photo: Photo, box: Boxes) -> Face | None:
        """Return the face that is known to lie in a box (4,) of the photo; None if its landmarks make no sense."""
        ...


def load_face_finder(kind: str = "auto", *, made_with: str = "bundled") -> FaceFinder:
    """Return a finder.

    "auto" takes the finder that the checkpoint was made with, because scores belong to the landmarks a network learnt
    from. Where that is face-alignment and it cannot be had, it takes bundled, and the log says so in one line.

    Args:
        kind: "auto", "bundled" or "face-alignment".
        made_with: What "auto" stands for: "bundled" or "face-alignment".

    Raises:
        SettingError: The kind is unknown, or the package that was asked for is missing.
        CheckpointError: The weights that were asked for can be neither found nor fetched.
    """
    if kind not in FINDERS:
        raise SettingError(f"Unknown face finder {kind!r}: choose one of {', '.join(FINDERS)}.")
    if "bundled" in (kind, made_with if kind == "auto" else ""):
        return _bundled_finder()
    try:
        return FaceAlignmentFinder()
    except FiqaError as error:
        if kind != "auto":
            raise
        logger.warning("Faces are found with the bundled finder. %s", error)
        return _bundled_finder()


@cache
def _bundled_finder() -> "BundledFaceFinder":
    """Return the finder that all checkpoints of a process share: to load it takes longer than to load `lite`."""
    return BundledFaceFinder()


def _weights_cache() -> Path:
    """Return the folder in which face-alignment looks for its weights."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


class FaceAlignmentFinder:
    """The face-alignment package: S3FD boxes and FAN landmarks, on the CPU."""

    name = "face-alignment"
    can_reject = False
    concurrent = False
    _LONGEST_PX = 1024
    """The detector's memory grows with the photo; this much shows it every face that can be scored."""

    def __init__(self) -> None:
        if find_spec("face_alignment") is None:
            raise SettingError(
                "The face finder 'face-alignment' is not installed: run `pip install face-alignment`, "
                "or choose the finder 'bundled'."
            )
        fetch_missing(FACE_ALIGNMENT_WEIGHTS, _weights_cache())
        try:
            import face_alignment
        except ImportError as error:
            raise SettingError(
                f"The face finder 'face-alignment' cannot be imported ({error}): choose the finder 'bundled'."
            ) from error
        try:
            self._aligner = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.TWO_D, device="cpu", flip_input=False, compile=False
            )
        except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
            raise CheckpointError(
                f"The weights of face-alignment cannot be loaded ({error}): "
                f"delete a damaged copy from {_weights_cache()}, or choose the finder 'bundled'."
            ) from error

    def __reduce__(self) -> tuple[type["FaceAlignmentFinder"], tuple[()]]:
        """Pickle nothing of the package: whoever unpickles the finder loads it again."""
        return FaceAlignmentFinder, ()

    def find(self, photo: Photo) -> list[Face]:
        """Return the faces of an RGB photo (H, W, 3) uint8, the most prominent first."""
        small = _shrunk(photo, self._LONGEST_PX)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns where there is no face
            found, _, boxes = self._aligner.get_landmarks_from_image(small, return_bboxes=True)
        scale = np.array(photo.shape[1::-1]) / small.shape[1::-1]
        faces = [
            _face(photo, (landmarks * scale).astype(np.float32), float(box[4]))
            for landmarks, box in zip(found or (), boxes if found else (), strict=True)
        ]
        return by_prominence(faces, photo)

    def find_low_confidence(self, photo: Photo) -> Face | None:
        """Return None: the package tells nothing about what it did not take for a face."""
        return None

    def place(self, photo: Photo, box: Boxes) -> Face | None:
        """Return the face that is known to lie in a box (4,) of the photo."""
        found = self._aligner.get_landmarks_from_image(photo, detected_faces=[box])
        return _face(photo, np.asarray(found[0], dtype=np.float32), 1.0) if found else None


@dataclass(frozen=True)
class Candidates:
    """What the detector proposes: `boxes` (N, 4) as (x0, y0, x1, y1) photo pixels, `scores` (N,) in 0..1."""

    boxes: Boxes
    scores: NDArray[np.float64]

    def take(self, kept: Sequence[int] | NDArray[np.intp]) -> "Candidates":
        """Return those with the given indices, in their order."""
        return Candidates(self.boxes[kept], self.scores[kept])


class DetectorMaps(Protocol):
    """What reads a photo (H, W, 3) uint8, whatever it is computed with."""

    def __call__(self, photo: Photo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits (h, w) and boxes (4, h, w), as `fiqa.models.face_detector.FaceMaps` describes them."""
        ...


class TorchDetectorMaps:
    """A network computed with torch on the CPU, the bundled one unless another is given."""

    def __init__(self, network: "FaceDetectorNetwork | None" = None) -> None:
        from fiqa.models.folding import folded

        self._network = network or folded(load_detector_network())

    def __call__(self, photo: Photo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            maps: FaceMaps = self._network(to_tensor(photo[None]))
        return maps.centre_logits[0].numpy(), maps.boxes[0].numpy()


class FaceDetector:
    """Boxes that may hold a face, by the bundled network or another one of its kind."""

    FINEST_SHARE, FINEST_PX = 0.6, (512, 1024)
    """Longest side of the finest copy searched, as a share of the photo's, within these bounds."""
    MOST = 400
    """Boxes that are proposed at most."""

    def __init__(self, read: "DetectorMaps | None" = None) -> None:
        self._read = read or TorchDetectorMaps()

    def propose(self, photo: Photo, *, lowest: float) -> Candidates:
        """Return the boxes of at least the score `lowest` in a photo (H, W, 3) uint8, best first."""
        found = [self._in_copy(copy, photo.shape, lowest) for copy in self._copies(photo)]
        together = Candidates(
            np.concatenate([each.boxes for each in found]), np.concatenate([each.scores for each in found])
        )
        ordered = together.take(np.argsort(-together.scores, kind="stable")[: 4 * self.MOST])
        kept = ordered.take(distinct(ordered.boxes)[: self.MOST])
        sides = (kept.boxes[:, 2:] - kept.boxes[:, :2]).max(axis=1)
        return Candidates(rounded(kept.boxes, sides, BOX_STEPS), kept.scores)

    def _copies(self, photo: Photo) -> Iterator[Photo]:
        """Yield ever smaller copies of the photo, so that each face has a size the network knows in one of them."""
        copy = _shrunk(photo, int(np.clip(self.FINEST_SHARE * max(photo.shape[:2]), *self.FINEST_PX)))
        yield copy
        while max(copy.shape[:2]) > 1.25 * LARGEST_PX:
            copy = _shrunk(copy, -(-max(copy.shape[:2]) // 4))
            yield copy

    def _in_copy(self, copy: Photo, photo_shape: tuple[int, ...], lowest: float) -> Candidates:
        """Search one copy; return boxes in pixels of the photo of shape (H, W, 3)."""
        candidates = _read_maps(*self._read(copy), lowest)
        scale = np.tile(np.array(photo_shape[1::-1]) / copy.shape[1::-1], 2)
        return Candidates(candidates.boxes * scale, candidates.scores).take(_sensible(candidates.boxes, copy))


class BundledFaceFinder:
    """The finder that comes with this package.

    A photo in which no face stands upright for certain is tried upside down and on either side.
    """

    name = "bundled"
    can_reject = True
    concurrent = True
    ACCEPTED, ACCEPTED_TURNED, FAINT = 0.62, 0.75, 0.4
    """Least confidence of a face, as the photo stands and turned, and of one that damage has made unrecognisable:
    faces at the highest severities reach 0.4 and more, none of 18 faceless pictures of scikit-image does."""

    def __init__(self, detector: FaceDetector | None = None, landmarks: LandmarkPredictor | None = None) -> None:
        """Take the bundled networks, computed with torch, unless others are given."""
        self._detector = detector or FaceDetector()
        self._landmarks = landmarks or LandmarkPredictor()

    def find(self, photo: Photo) -> list[Face]:
        """Return the faces of an RGB photo (H, W, 3) uint8, the most prominent first."""
        faces = self._upright(photo, self.ACCEPTED)
        if _highest_confidence(faces) < self.ACCEPTED_TURNED:
            turned = (self._turned(photo, quarters) for quarters in (2, 1, 3))
            faces = max((faces, *turned), key=_highest_confidence)
        return by_prominence(faces, photo)

    def find_low_confidence(self, photo: Photo) -> Face | None:
        """Return the upright place that resembles a face most, if any does at all."""
        return next(iter(self._upright(photo, self.FAINT)), None)

    def place(self, photo: Photo, box: Boxes) -> Face | None:
        """Return the face that is known to lie in a box (4,) of the photo; None if its landmarks make no sense."""
        landmarks, likely = self._landmarks.predict(photo, box[None])
        return _face(photo, landmarks[0], float(likely[0])) if _is_plausible(landmarks[0], box) else None

    def _upright(self, photo: Photo, accepted: float) -> list[Face]:
        """Return the faces of at least the confidence `accepted`, best first, each once.

        Confidence is the geometric mean of what detector and landmark network say, so that neither decides alone.
        """
        proposed = self._detector.propose(photo, lowest=accepted**2)
        landmarks, likely = self._landmarks.predict(photo, proposed.boxes)
        confidence = np.sqrt(proposed.scores * likely)
        faces = [
            _face(photo, landmarks[index], float(confidence[index]))
            for index in np.argsort(-confidence, kind="stable")
            if confidence[index] >= accepted and _is_plausible(landmarks[index], proposed.boxes[index])
        ]
        kept = distinct(np.array([_bounds(face.landmarks) for face in faces]).reshape(-1, 4))
        return [faces[index] for index in kept]

    def _turned(self, photo: Photo, quarters: int) -> list[Face]:
        """Find faces in the photo turned anticlockwise by `quarters` of a full turn, in pixels of the photo itself."""
        faces = self._upright(np.ascontiguousarray(np.rot90(photo, quarters)), self.ACCEPTED_TURNED)
        return [_face(photo, _turned_back(face.landmarks, photo, quarters), face.confidence) for face in faces]


def load_detector_network() -> "FaceDetectorNetwork":
    """Return the bundled detector network on the CPU, in evaluation mode."""
    from fiqa.models.face_detector import FaceDetectorConfig, FaceDetectorNetwork

    config, weights = read_bundled("face_detector")
    network = FaceDetectorNetwork(FaceDetectorConfig(**config))
    network.load_state_dict(weights)
    return network.eval()


def _sensible(boxes: Boxes, copy: Photo) -> NDArray[np.intp]:
    """Return the indices of boxes (N, 4) whose centre lies in the copy and that are not much larger than it."""
    size = np.array(copy.shape[1::-1])
    low, high = boxes[:, :2], boxes[:, 2:]
    centred = ((low + high > 0) & (low + high < 2 * size)).all(axis=1)
    return np.flatnonzero(centred & ((high - low).max(axis=1) < 2 * size.max()))


def _read_maps(logits: NDArray[np.float32], boxes: NDArray[np.float32], lowest: float) -> Candidates:
    """Return the boxes at the local maxima of one photo's centre map, in pixels of what the network was given."""
    scores = sigmoid(logits)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(scores, 1, constant_values=-1), (3, 3))
    y, x = np.nonzero((scores == around.max(axis=(2, 3))) & (scores >= lowest))
    offset_x, offset_y, log_width, log_height = boxes[:, y, x].astype(np.float64)
    centre = STRIDE * np.stack([x + 0.5 + offset_x, y + 0.5 + offset_y], axis=1)
    half = BOX_UNIT_PX / 2 * np.exp(np.clip(np.stack([log_width, log_height], axis=1), -3, 3))
    return Candidates(np.concatenate([centre - half, centre + half], axis=1), scores[y, x].astype(np.float64))


def _is_plausible(landmarks: Landmarks, proposed: Boxes) -> bool:
    """Tell whether landmarks lie like those of a face, and where the detector saw one.

    Turned upright, the brows must lie above the eyes, the eyes above the nose, the nose above the mouth.
    """
    angle = np.radians(roll_deg(landmarks))
    upright = landmarks @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    heights = [upright[part, 1].mean() for part in (slice(17, 27), slice(36, 48), slice(31, 36), slice(48, 68))]
    return bool(np.all(np.diff(heights) > 0)) and float(overlaps(_bounds(landmarks), proposed[None])[0]) > 0.3


def _highest_confidence(faces: Sequence[Face]) -> float:
    return max((face.confidence for face in faces), default=0.0)


def _bounds(landmarks: Landmarks) -> Boxes:
    return np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)]).astype(np.float64)


def _face(photo: Photo, landmarks: Landmarks, confidence: float) -> Face:
    """Return the face of these landmarks, its box kept within the photo."""
    height, width = photo.shape[:2]
    left, top, right, bottom = np.clip(_bounds(landmarks), 0, (width, height, width, height)).tolist()
    return Face((left, top, right, bottom), landmarks, confidence)


def _turned_back(landmarks: Landmarks, photo: Photo, quarters: int) -> Landmarks:
    """Take landmarks of `np.rot90(photo, quarters)` to the photo."""
    height, width = photo.shape[:2]
    x, y = landmarks.T
    back = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters]
    return np.stack(back, axis=1)


def _shrunk(photo: Photo, longest_px: int) -> Photo:
    """Return the photo with its longest side at most `longest_px`, antialiased."""
    longest = max(photo.shape[:2])
    if longest <= longest_px:
        return photo
    height, width = (max(1, round(side * longest_px / longest)) for side in photo.shape[:2])
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))
