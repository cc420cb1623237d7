"""What if: what a degradation, or a repair, would do to the score of one face.

The face is found once, in the photo as it is. Then only the part of the photo that its view can depend on is degraded:
the view's square and a border wider than any filter reaches, starting on the grid of JPEG's blocks. So the score is
that of the whole photo degraded and scored at the same landmarks; only what a seed draws (noise, lost blocks, the
phase of a shrunken grid) falls elsewhere. Where the face fills more pixels than the networks were trained with, the
photo is reduced first, because blur of a few pixels would not be seen after the view is made: severities then refer
to the reduced copy.

Shapes: H, W of the part of the photo that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.degradation.diagnosis import EncodedFace, encode_faces
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import degrade
from fiqa.results import Interval

if TYPE_CHECKING:
    from fiqa.faces.finders import Face
    from fiqa.predictor import QualityPredictor

BORDER_PX, GRID_PX = 64, 16
LARGEST_VIEW_PX = 364
"""Largest side of a face's view before it is shrunk for the network; training degraded views of up to 353."""
CURVE_STEPS = 10
REPAIR_SEVERITIES = (0.2, 0.4, 0.6)
GOOD = 0.6
"""Where "good" begins, as a share of the range of scores: the five words split it evenly."""

Step = tuple[str, float]


@dataclass(frozen=True)
class Subject:
    """A face and the part of its photo that decides its score.

    `pixels` (H, W, 3) uint8; `face` has its landmarks in them, None where the photo is scored whole. `reduction` is
    how many pixels of the photo make one of these, 1 unless the photo was reduced.
    """

    pixels: NDArray[np.uint8]
    face: "Face | None"
    reduction: float

    def degraded(self, steps: Sequence[Step]) -> NDArray[np.uint8]:
        """Return the pixels with degradations applied in order."""
        return degrade(self.pixels, steps)


def find_subject(predictor: "QualityPredictor", photo: NDArray[np.uint8]) -> Subject:
    """Find the main face of a photo (H, W, 3) and what decides its score; raises NoFaceError."""
    face = predictor.find_faces(photo).face
    to_photo = predictor.face_crops(photo, face).view.to_photo
    side = predictor.spec.preprocessing.view_px
    corners = np.array([[0, 0], [0, side], [side, 0], [side, side]]) @ to_photo[:, :2].T + to_photo[:, 2]
    reduction = max(1.0, float(np.linalg.norm(to_photo[:, 0])) * side / LARGEST_VIEW_PX)
    border = 0.0 if face is None else BORDER_PX * reduction
    height, width = photo.shape[:2]
    left, top = (int(max(0, value - border)) // GRID_PX * GRID_PX for value in corners.min(axis=0))
    right, bottom = np.minimum(np.ceil(corners.max(axis=0) + border), (width, height)).astype(int)
    if face is None:  # the square in the middle must stay in the middle
        left, top, right, bottom = (round(value) for value in (*corners.min(axis=0), *corners.max(axis=0)))
    return _reduced(photo[top:bottom, left:right], face, (left, top), reduction)


def _reduced(part: NDArray[np.uint8], face: "Face | None", corner: tuple[int, int], reduction: float) -> Subject:
    """Return the subject in a part of the photo whose top left is `corner`, shrunk by `reduction`."""
    height, width = part.shape[:2]
    size = (max(1, round(width / reduction)), max(1, round(height / reduction)))
    pixels = part
    if reduction > 1:
        pixels = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.LANCZOS))
    if face is not None:
        scale = np.array(size) / (width, height)
        landmarks = ((face.landmarks - np.array(corner)) * scale).astype(np.float32)
        face = replace(face, landmarks=landmarks)
    return Subject(np.ascontiguousarray(pixels), face, reduction)


def encode_degraded(predictor: "QualityPredictor", subject: Subject, steps: Sequence[Step]) -> EncodedFace:
    """Degrade the subject and look at its face; no steps: as it is."""
    (encoded_face,) = encode_faces(predictor, [subject.degraded(steps)], subject.face)
    return encoded_face


@dataclass(frozen=True)
class ResponseCurve:
    """Score against severity of one type of degradation; `severities` and `scores` start with the photo as it is."""

    type: str
    severities: tuple[float, ...]
    scores: tuple[float, ...]

    def falls_below(self, limit: float) -> float | None:
        """Return the severity at which the score first falls below `limit`; None if it starts there or never does."""
        if self.scores[0] < limit:
            return None
        for index, score in enumerate(self.scores[1:], start=1):
            if score < limit:
                before = self.scores[index - 1]
                share = (before - limit) / (before - score)
                low, high = self.severities[index - 1], self.severities[index]
                return low + share * (high - low)
        return None


def good_from(score_range: Interval) -> float:
    """Return the score at which "good" begins."""
    return score_range[0] + GOOD * (score_range[1] - score_range[0])


def response_curve(predictor: "QualityPredictor", subject: Subject, name: str) -> ResponseCurve:
    """Score the subject under one type of degradation at growing severity, in one batch."""
    severities = tuple(np.linspace(0, 1, CURVE_STEPS + 1).round(3).tolist())
    encoded = encode_faces(predictor, [subject.degraded([(name, severity)]) for severity in severities], subject.face)
    return ResponseCurve(name, severities, tuple(encoded_face.score for encoded_face in encoded))


@dataclass(frozen=True)
class RepairEstimate:
    """What a repair of the subject would do to its score: the best of a few severities, an estimate."""

    name: str
    severity: float
    before: float
    after: float

    @property
    def gain(self) -> float:
        """How much the score would rise."""
        return self.after - self.before


def estimate_repair(
    predictor: "QualityPredictor", subject: Subject, pixels: NDArray[np.uint8], name: str
) -> RepairEstimate:
    """Try one repair of the subject's `pixels`, degraded or not, at a few severities; return the best."""
    tried = [pixels, *(REPAIRS[name](pixels, severity) for severity in REPAIR_SEVERITIES)]
    before, *after = [encoded_face.score for encoded_face in encode_faces(predictor, tried, subject.face)]
    best = int(np.argmax(after))
    return RepairEstimate(name, REPAIR_SEVERITIES[best], before, after[best])
