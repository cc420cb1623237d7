"""What is known of one photo of a folder, and how it is found out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import FiqaError
from fiqa.faces.identity import embed_face
from fiqa.faces.pose import Pose, estimate_pose
from fiqa.photos.images import decode_photo
from fiqa.results import Box, FaceResult, Interval, QualityResult

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas, Finding
    from fiqa.predictor import QualityPredictor


@dataclass(frozen=True)
class FaceFacts:
    """One face: its box in pixels of the upright photo, the longer side of that, its score and, if found, its pose."""

    box_xyxy: Box
    size_px: float
    score: float
    pose: Pose | None

    @classmethod
    def of(cls, face: FaceResult) -> "FaceFacts":
        """Return what is known of a scored face: pixels and degrees to 0.1, the score to 1e-6."""
        left, top, right, bottom = (round(value, 1) for value in face.box_xyxy)
        pose = None if face.landmarks is None else _rounded(estimate_pose(face.landmarks))
        size_px = round(max(right - left, bottom - top), 1)
        return cls((left, top, right, bottom), size_px, round(face.score, 6), pose)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        pose = None if self.pose is None else asdict(self.pose)
        return {
            "box_xyxy": list(self.box_xyxy),
            "size_px": self.size_px,
            "score": self.score,
            "pose_deg": pose,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FaceFacts":
        """Read what `to_dict` wrote; raises KeyError or TypeError for anything else."""
        pose = None if data["pose_deg"] is None else Pose(**data["pose_deg"])
        return cls(tuple(data["box_xyxy"]), data["size_px"], data["score"], pose)


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of one photo.

    `name` is its path within the folder, with slashes. `score`, its 95 % `interval` and `main` are those of the face
    that speaks for the photo, None where `error` says why there is none; `faces` holds every face. `hash` is the
    256-bit perceptual hash of the picture in hexadecimal. `degradation` is the likeliest one and `probability` (0..1)
    how likely, where the photo was diagnosed. `embedding` (128 numbers) tells the main face's person, where it was
    asked for; it is not reported.
    """

    name: str
    score: float | None = None
    interval: Interval | None = None
    main: int = 0
    faces: tuple[FaceFacts, ...] = ()
    size_px: tuple[int, int] | None = None
    hash: str | None = None
    degradation: str | None = None
    probability: float | None = None
    notices: tuple[str, ...] = ()
    error: str | None = None
    embedding: tuple[float, ...] | None = field(default=None, repr=False)

    @property
    def folder(self) -> str:
        """The folder the photo lies in, within that which is curated; "." at its top."""
        return PurePosixPath(self.name).parent.as_posix()

    @property
    def face(self) -> FaceFacts | None:
        """The face that speaks for the photo."""
        return self.faces[self.main] if self.faces else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data, from which `from_dict` makes the same again."""
        return {
            "name": self.name,
            "score": self.score,
            "interval": self.interval,
            "main": self.main,
            "faces": [face.to_dict() for face in self.faces],
            "size_px": self.size_px,
            "hash": self.hash,
            "degradation": self.degradation,
            "probability": self.probability,
            "notices": list(self.notices),
            "error": self.error,
            "embedding": self.embedding,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "PhotoFacts":
        """Read what `to_dict` wrote; raises KeyError, TypeError or ValueError for anything else."""
        faces = tuple(FaceFacts.from_dict(face) for face in data["faces"])
        listed = ("interval", "size_px", "embedding")
        pairs = {name: None if data[name] is None else tuple(data[name]) for name in listed}
        return cls(**{**data, **pairs, "faces": faces, "notices": tuple(data["notices"])})


def examine_photo(
    predictor: "QualityPredictor", path: str, name: str, *, atlas: "Atlas | None" = None, embeds: bool = False
) -> PhotoFacts:
    """Score one photo and return what is known of it; one that cannot be scored has an error instead.

    Args:
        predictor: scores the photo and finds its faces.
        path: where the photo is.
        name: what it is called within its folder.
        atlas: names the likeliest degradation where it is given.
        embeds: whether to compute what tells the person, which needs the extra `identity`.
    """
    try:
        photo = decode_photo(path)
        result = predictor.score(photo)
        finding = None if atlas is None else diagnose_face(predictor, photo.pixels, result.chosen, atlas)
    except FiqaError as error:
        return PhotoFacts(name, error=str(error))
    facts = facts_of(name, photo.pixels, result, finding)
    return with_embedding(facts, photo.pixels, result.chosen) if embeds else facts


def facts_of(
    name: str, pixels: NDArray[np.uint8], result: QualityResult, finding: "Finding | None" = None
) -> PhotoFacts:
    """Return what is known of a photo (H, W, 3) that was scored, and diagnosed where there is a finding.

    Numbers are rounded here, so that facts read back from a journal are the same.
    """
    return PhotoFacts(
        name=name,
        score=round(result.score, 6),
        interval=(round(result.interval[0], 6), round(result.interval[1], 6)),
        main=result.face - 1,
        faces=tuple(FaceFacts.of(face) for face in result.faces),
        size_px=(pixels.shape[1], pixels.shape[0]),
        hash=perceptual_hash(pixels),
        degradation=None if finding is None else finding.type,
        probability=None if finding is None else round(finding.probability, 4),
        notices=result.notices,
    )


def with_embedding(facts: PhotoFacts, pixels: NDArray[np.uint8], face: FaceResult) -> PhotoFacts:
    """Return facts with what tells the person of a face in a picture (H, W, 3), where its landmarks were found."""
    if face.landmarks is None:
        return facts
    return replace(facts, embedding=tuple(embed_face(pixels, face.landmarks).round(6).tolist()))


def _rounded(pose: Pose) -> Pose:
    return Pose(round(pose.yaw, 1), round(pose.pitch, 1), round(pose.roll, 1))


def perceptual_hash(pixels: NDArray[np.uint8]) -> str:
    """Return the 256-bit DCT hash of a picture (H, W, 3) in hexadecimal; pictures that look alike differ in few bits.

    The usual 64 bits do not tell portraits apart that were cut in the same way.
    """
    import imagehash

    return str(imagehash.phash(Image.fromarray(pixels), hash_size=16))


def diagnose_face(
    predictor: "QualityPredictor", pixels: NDArray[np.uint8], result: FaceResult, atlas: "Atlas"
) -> "Finding":
    """Return the likeliest degradation of a face that was scored."""
    from fiqa.degradation.diagnosis import encode_faces
    from fiqa.faces.finders import Face

    face = None if result.landmarks is None else Face(result.box_xyxy, result.landmarks, confidence=1.0)
    (encoded,) = encode_faces(predictor, [pixels], face)
    return atlas.diagnose(encoded.embedding[None])[0].degradations[0]
