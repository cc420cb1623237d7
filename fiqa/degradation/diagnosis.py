"""What is wrong with a photo: its main face, looked at through the degradation encoder and held against the atlas.

Shapes: F faces, E embedding channels, S view side in pixels.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.degradation.atlas import CLEAN, Atlas, Diagnosis, Finding, Floats, pool
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import FiqaError
from fiqa.photos.images import PhotoSource, decode_photo
from fiqa.reports import one_line
from fiqa.results import Box, Interval

if TYPE_CHECKING:
    from fiqa.faces.face_choice import FaceChoice
    from fiqa.faces.finders import Face
    from fiqa.photo_scorer import FaceCrops
    from fiqa.predictor import QualityPredictor

_UNREAD: dict[str, Any] = {"score": None, "degradations": [], "outlier": None, "position": None, "neighbours": []}


@dataclass(frozen=True)
class EncodedFace:
    """One look at a face: its score, its embedding (E,), and the view (S, S, 3) uint8 the network was given."""

    score: float
    embedding: Floats
    view: NDArray[np.uint8]


@dataclass(frozen=True)
class PhotoDiagnosis:
    """What is known about one face of a photo, `box_xyxy` in pixels of the photo.

    `embedding` (E,) is the face's, for plots of one's own; `atlas` says what the diagnosis rests on.
    """

    encoded_face: EncodedFace
    diagnosis: Diagnosis
    box_xyxy: Box
    checkpoint: str
    score_range: Interval
    atlas: str
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data as documented for the command line and the API."""
        return {
            "score": round(self.encoded_face.score, 4),
            **self.diagnosis.to_dict(),
            "box_xyxy": [round(value, 1) for value in self.box_xyxy],
            "checkpoint": self.checkpoint,
            "score_range": list(self.score_range),
            "atlas": self.atlas,
            "notices": list(self.notices),
            "error": None,
        }


@dataclass(frozen=True)
class DiagnosedPhoto:
    """One photo that was to be diagnosed: what came of it, a diagnosis or the reason why there is none."""

    path: str
    outcome: PhotoDiagnosis | FiqaError

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; `degradations` is empty where `error` is set."""
        if isinstance(self.outcome, FiqaError):
            return {"path": self.path, **_UNREAD, "error": str(self.outcome)}
        return {"path": self.path, **self.outcome.to_dict()}


def diagnose(
    predictor: "QualityPredictor",
    atlas: Atlas,
    source: PhotoSource,
    *,
    face: "FaceChoice" = "main",
    aligned: str | None = None,
) -> PhotoDiagnosis:
    """Say how a face of a photo was degraded.

    Args:
        predictor: The checkpoint whose embedding is looked up.
        atlas: The references of that checkpoint, see `fiqa.degradation.atlas_building.open_atlas`.
        source: A photo as `QualityPredictor.score` takes it.
        face: Whose face, as `QualityPredictor.score` takes it.
        aligned: Name of the layout of an aligned crop, as `QualityPredictor.score` takes it.

    Returns:
        The likeliest types with probability and severity, both 0..1, the place in the atlas, and the score.

    Raises:
        PhotoError: The photo cannot be read.
        NoFaceError: There is nothing face-like in it.
        SettingError: There is no such face or layout.
    """
    photo = decode_photo(source)
    found = predictor.find_faces(photo.pixels, face, aligned=aligned)
    (encoded_face,) = encode_faces(predictor, [photo.pixels], found.face)
    height, width = photo.pixels.shape[:2]
    return PhotoDiagnosis(
        encoded_face=encoded_face,
        diagnosis=atlas.diagnose(encoded_face.embedding[None])[0],
        box_xyxy=(0.0, 0.0, float(width), float(height)) if found.face is None else found.face.box_xyxy,
        checkpoint=predictor.spec.name,
        score_range=predictor.spec.score_range,
        atlas=atlas.origin,
        notices=(*photo.notices, *found.notices),
    )


def diagnose_many(
    predictor: "QualityPredictor",
    atlas: Atlas,
    sources: Iterable[PhotoSource],
    *,
    face: "FaceChoice" = "main",
    aligned: str | None = None,
) -> Iterator[PhotoDiagnosis | FiqaError]:
    """Diagnose photos one by one, in order, as `diagnose` does; a photo that cannot be diagnosed yields its error."""
    for source in sources:
        try:
            yield diagnose(predictor, atlas, source, face=face, aligned=aligned)
        except FiqaError as error:
            yield error


def encode_faces(
    predictor: "QualityPredictor", photos: Sequence[NDArray[np.uint8]], face: "Face | None"
) -> list[EncodedFace]:
    """Look at the same face in several versions of a photo (H, W, 3) uint8."""
    return encode_crops(predictor, [predictor.face_crops(photo, face) for photo in photos])


def encode_crops(predictor: "QualityPredictor", faces: "Sequence[FaceCrops]") -> list[EncodedFace]:
    """Look at several faces together; raises CheckpointError when a score is no finite number."""
    if not faces:
        return []
    prediction = predictor.predict(faces)
    scores = prediction.score.view(len(faces), -1).double().mean(dim=1).tolist()
    features = prediction.degradation.numpy().reshape(len(faces), -1, *prediction.degradation.shape[1:])
    return [
        EncodedFace(score, embedding, face.view.image)
        for score, embedding, face in zip(scores, pool(features), faces, strict=True)
    ]


def label_of(name: str) -> str:
    """Return the name of a type, or of clean, as people read it."""
    return "No degradation" if name == CLEAN else DEGRADATIONS[name].label


def to_json(photos: Sequence[DiagnosedPhoto]) -> str:
    """Return a list with one object a photo."""
    return json.dumps([photo.to_dict() for photo in photos], indent=1) + "\n"


def to_csv(photos: Sequence[DiagnosedPhoto]) -> str:
    """Return one line for every finding of every photo, likeliest first."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["path", "type", "probability", "severity", "outlier", "score", "error"])
    for row in (photo.to_dict() for photo in photos):
        for finding in row["degradations"] or [{}]:
            cells = [finding.get(key) for key in ("type", "probability", "severity")]
            writer.writerow([row["path"], *cells, row["outlier"], row["score"], row["error"]])
    return buffer.getvalue()


def to_table(photos: Sequence[DiagnosedPhoto]) -> str:
    """Return aligned columns: score, outlier, the likeliest degradations, photo."""
    lines = [f"{'score':>6}  {'outlier':>7}  {'likely':52}  photo"]
    for photo in photos:
        name = one_line(photo.path)
        if isinstance(photo.outcome, FiqaError):
            lines += [f"{'–':>6}  {'–':>7}  {'–':52}  {name}", f"{'':71}{one_line(str(photo.outcome))}"]
            continue
        likely = ", ".join(map(in_words, photo.outcome.diagnosis.degradations[:2]))
        lines.append(
            f"{photo.outcome.encoded_face.score:6.3f}  {photo.outcome.diagnosis.outlier:7.2f}  {likely:52}  {name}"
        )
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Sequence[DiagnosedPhoto]], str]] = {"table": to_table, "json": to_json, "csv": to_csv}


def in_words(finding: Finding) -> str:
    """Return a finding in a few words."""
    severity = "" if finding.type == CLEAN else f" at {finding.severity:.1f}"
    return f"{label_of(finding.type)}{severity} ({finding.probability:.0%})"


def embeddings_csv(photos: Sequence[DiagnosedPhoto]) -> str:
    """Return one line a photo: its path and the channels of its embedding, at full precision."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    known = [
        (photo.path, photo.outcome.encoded_face.embedding)
        for photo in photos
        if isinstance(photo.outcome, PhotoDiagnosis)
    ]
    width = len(known[0][1]) if known else 0
    writer.writerow(["path", *(f"e{channel}" for channel in range(width))])
    writer.writerows([path, *map(float, embedding)] for path, embedding in known)
    return buffer.getvalue()


def embeddings_npy(photos: Sequence[DiagnosedPhoto]) -> bytes:
    """Return the embeddings as a NumPy file: (photos, E) float32, NaN where there is none."""
    known = [photo.outcome.encoded_face.embedding for photo in photos if isinstance(photo.outcome, PhotoDiagnosis)]
    width = len(known[0]) if known else 0
    rows = [
        photo.outcome.encoded_face.embedding if isinstance(photo.outcome, PhotoDiagnosis) else np.full(width, np.nan)
        for photo in photos
    ]
    buffer = BytesIO()
    np.save(buffer, np.array(rows, dtype=np.float32).reshape(len(rows), width), allow_pickle=False)
    return buffer.getvalue()
