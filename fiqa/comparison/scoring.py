"""Scores of every version of a photo, each of the same face.

Where a method hides or distorts a face, the finder may take another face of the picture, or none; its score would then
be of something else. So the face is found once: in the reference where there is one, otherwise in the version that
scores best, and every version is scored there. A version of another size shows the face at the same share of its width
and height. What cannot be scored is a version that cannot be read, one of another shape, and a photo in which no
version shows a face.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.comparison.matching import PhotoVersions
from fiqa.degradation.diagnosis import encode_faces
from fiqa.errors import FiqaError, PhotoError
from fiqa.photos.archives import PhotoFile, photo_source
from fiqa.photos.images import DecodedPhoto, decode_photo

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas
    from fiqa.degradation.diagnosis import EncodedFace
    from fiqa.faces.finders import Face
    from fiqa.photo_scorer import FaceCrops
    from fiqa.predictor import QualityPredictor

Pixels = NDArray[np.uint8]

MOST_STRETCH = 0.02
"""How much the aspect ratio of a version may differ from that of where the face was found; rounding needs less."""


@dataclass(frozen=True)
class ScoredVersions:
    """One photo in all its versions.

    `scores` has the score of every method, None where `errors` says why there is none. `face_from` names the version
    in which the face was found, "reference" for the reference; None where no version shows one. `diagnoses` has the
    likeliest degradation of every scored version, where an atlas was given; `measures` full-reference measures by
    method and name, where there is a reference (`fiqa.comparison.measures`). `landmarks` (68, 2) are those of the face
    in the reference, in its pixels; they are not reported.
    """

    name: str
    source: str
    scores: Mapping[str, float | None]
    errors: Mapping[str, str] = field(default_factory=dict)
    face_from: str | None = None
    diagnoses: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    landmarks: NDArray[np.floating] | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; scores rounded to 1e-6."""
        scores = {method: None if score is None else round(score, 6) for method, score in self.scores.items()}
        return {
            "name": self.name,
            "source": self.source,
            "scores": scores,
            "errors": dict(self.errors),
            "face_from": self.face_from,
            "diagnoses": dict(self.diagnoses),
            "measures": {
                method: {name: round(value, 6) for name, value in values.items()}
                for method, values in self.measures.items()
            },
        }


REFERENCE = "reference"


@dataclass(frozen=True)
class DecodedVersions:
    """One photo's versions as pixels (H, W, 3): of methods, of the reference if there is one, and why others are not.

    `unreadable_reference` is set where there is a reference that cannot be read.
    """

    pixels: Mapping[str, Pixels]
    errors: Mapping[str, str]
    reference: Pixels | None = None
    unreadable_reference: str | None = None


Decode = Callable[[str | bytes], DecodedPhoto]


def decode_versions(photo: PhotoVersions, decode: Decode = decode_photo) -> DecodedVersions:
    """Read all versions of a photo; raises nothing. `decode` takes a path or the bytes of a file."""
    pixels, errors = _decode_all(photo.paths, decode)
    references, reasons = _decode_all({} if photo.reference is None else {REFERENCE: photo.reference}, decode)
    return DecodedVersions(pixels, errors, references.get(REFERENCE), reasons.get(REFERENCE))


def score_decoded(
    predictor: "QualityPredictor", photo: PhotoVersions, versions: DecodedVersions, *, atlas: "Atlas | None" = None
) -> ScoredVersions:
    """Score one photo in the version of every method, at the same face.

    Args:
        predictor: scores and finds faces.
        photo: what the photo is, and its methods.
        versions: its pixels, as `decode_versions` reads them.
        atlas: names the likeliest degradation of every version where it is given.
    """
    try:
        found = _find_face(predictor, versions)
    except FiqaError as error:
        scores: dict[str, float | None] = dict.fromkeys(photo.paths)
        errors = {**dict.fromkeys(versions.pixels, str(error)), **versions.errors}
        return ScoredVersions(photo.name, photo.source, scores, errors)
    encoded = {} if found.encoded is None else {found.version: found.encoded}
    errors = dict(versions.errors)
    for method, each in versions.pixels.items():
        if not same_shape(each, found.pixels):
            errors[method] = (
                f"It is {_size(each)} and {found.version} {_size(found.pixels)}: versions must have the same shape."
            )
        elif method not in encoded:
            encoded[method] = encode_faces(predictor, [each], found.moved_to(each))[0]
    scores = {method: encoded[method].score if method in encoded else None for method in photo.paths}
    landmarks = found.face.landmarks if found.face is not None and found.version == REFERENCE else None
    diagnoses = _diagnose(atlas, encoded)
    return ScoredVersions(photo.name, photo.source, scores, errors, found.version, diagnoses, landmarks=landmarks)


def _diagnose(atlas: "Atlas | None", scored: "Mapping[str, EncodedFace]") -> dict[str, str]:
    """Return the likeliest degradation of every scored version; nothing without an atlas."""
    if atlas is None or not scored:
        return {}
    embeddings = np.stack([each.embedding for each in scored.values()])
    found = zip(scored, atlas.diagnose(embeddings), strict=True)
    return {method: diagnosis.degradations[0].type for method, diagnosis in found}


def same_face(
    predictor: "QualityPredictor", versions: DecodedVersions, methods: Sequence[str]
) -> "list[tuple[Pixels, FaceCrops]]":
    """Return pixels and crops of the same face in the versions of some methods, found as `score_decoded` finds it.

    Raises FiqaError when one of them cannot be read, or none shows a face.
    """
    if unread := [versions.errors[method] for method in methods if method in versions.errors]:
        raise PhotoError(unread[0])
    found = _find_face(predictor, versions)
    shown = [versions.pixels[method] for method in methods]
    return [(each, predictor.face_crops(each, found.moved_to(each))) for each in shown]


def _decode_all(photos: Mapping[str, PhotoFile], decode: Decode) -> tuple[dict[str, Pixels], dict[str, str]]:
    """Return the pixels (H, W, 3) of every photo that can be read, and why the others cannot."""
    pixels, errors = {}, {}
    for method, photo in photos.items():
        try:
            pixels[method] = decode(photo_source(photo)).pixels
        except FiqaError as error:
            errors[method] = str(error)
    return pixels, errors


@dataclass(frozen=True)
class _FoundFace:
    """The face to compare, the version it was found in with its pixels, and how the network sees it there.

    `encoded` is None for the reference, which gets no score.
    """

    face: "Face | None"
    version: str
    pixels: Pixels
    encoded: "EncodedFace | None" = None

    def moved_to(self, version: Pixels) -> "Face | None":
        """Return the face where it lies in another version (H, W, 3) of the photo."""
        if self.face is None or self.pixels.shape == version.shape:
            return self.face
        scale = np.array(version.shape[1::-1]) / self.pixels.shape[1::-1]
        left, top, right, bottom = (np.array(self.face.box_xyxy) * np.tile(scale, 2)).tolist()
        landmarks = (self.face.landmarks * scale).astype(self.face.landmarks.dtype)
        return replace(self.face, box_xyxy=(left, top, right, bottom), landmarks=landmarks)


def _find_face(predictor: "QualityPredictor", versions: DecodedVersions) -> _FoundFace:
    """Find the face to compare; raises FiqaError when no version shows one."""
    if versions.unreadable_reference is not None:
        raise PhotoError(versions.unreadable_reference)
    if versions.reference is not None:
        return _FoundFace(predictor.find_faces(versions.reference).face, REFERENCE, versions.reference)
    best: _FoundFace | None = None
    trouble: FiqaError = PhotoError("None of its versions can be read.")
    for method, each in versions.pixels.items():
        try:
            face = predictor.find_faces(each).face
        except FiqaError as error:
            trouble = error
            continue
        encoded = encode_faces(predictor, [each], face)[0]
        if best is None or best.encoded is None or encoded.score > best.encoded.score:
            best = _FoundFace(face, method, each, encoded)
    if best is None:
        raise trouble
    return best


def same_shape(version: Pixels, place: Pixels) -> bool:
    """Whether two pictures (H, W, 3) have the same aspect ratio, within what rounding explains."""
    (height, width), (other_height, other_width) = version.shape[:2], place.shape[:2]
    return bool(abs(width * other_height / (height * other_width) - 1) <= MOST_STRETCH)


def _size(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"
