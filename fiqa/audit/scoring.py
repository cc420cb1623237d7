"""Scores of every photo as it is and with each damage, its face being looked for once.

The damage is done to the view of the face that the network is given, so that a large face and a small one lose as
much: a blur of three pixels is nothing to a face of a thousand. The face is found in the photo without damage, so that
what finders miss is not mixed into the scores; photos in which none is found are counted by group instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fiqa.audit.appearance import MEASURES
from fiqa.audit.groups import GroupedPhoto
from fiqa.degradation.synthetic import degrade, find_degradation
from fiqa.errors import FiqaError, NoFaceError, SettingError
from fiqa.photos.alignment import View
from fiqa.photos.images import decode_photo
from fiqa.predictor import QualityPredictor

CLEAN = "as it is"
SEED = 0
"""The same for every photo: the same noise on every face."""
SHORT_NAMES = {"blur": "gaussian_blur", "noise": "gaussian_noise", "dark": "low_light", "bright": "high_light"}


@dataclass(frozen=True)
class Damage:
    """A degradation of `fiqa.degradation.synthetic` at a severity in 0..1."""

    kind: str
    severity: float

    @property
    def label(self) -> str:
        """What reports call it."""
        return f"{find_degradation(self.kind).label} {self.severity:g}"


@dataclass(frozen=True)
class AuditedPhoto:
    """A photo with its scores by `CLEAN` and the labels of the damages, or the reason why it has none.

    `groups` holds those of the table and those measured of the face.
    """

    path: str
    person: str
    groups: Mapping[str, str]
    scores: Mapping[str, float]
    error: str | None = None


def read_damage(text: str) -> Damage:
    """Read what `--damage` names: `blur:0.5`, or any degradation by its full name.

    Raises SettingError or DegradationError for what is no damage.
    """
    name, _, severity = text.partition(":")
    try:
        value = float(severity)
    except ValueError:
        raise SettingError(f"A damage is a name and a severity, as blur:0.5, and not {text!r}.") from None
    if not 0 < value <= 1:
        raise SettingError(f"The severity in {text!r} is {severity}: choose a number above 0, up to 1.")
    return Damage(find_degradation(SHORT_NAMES.get(name, name)).name, value)


def score_photos(
    predictor: QualityPredictor, photos: Sequence[GroupedPhoto], damages: Sequence[Damage], measured: Sequence[str]
) -> Iterator[AuditedPhoto]:
    """Yield every photo with its scores and the `measured` groups of its face; an unusable one with its error."""
    for photo in photos:
        try:
            yield _score_photo(predictor, photo, damages, measured)
        except FiqaError as error:
            yield AuditedPhoto(photo.path, photo.person, photo.groups, {}, str(error))


def _score_photo(
    predictor: QualityPredictor, photo: GroupedPhoto, damages: Sequence[Damage], measured: Sequence[str]
) -> AuditedPhoto:
    pixels = decode_photo(photo.path).pixels
    face = predictor.find_faces(pixels).face
    if face is None:
        raise NoFaceError("No face was found in this picture: choose a photo that shows one.")
    clean = predictor.face_crops(pixels, face)
    damaged = [
        replace(
            clean, view=View(degrade(clean.view.image, [(each.kind, each.severity)], seed=SEED), clean.view.to_photo)
        )
        for each in damages
    ]
    scores = predictor.crop_scores([clean, *damaged]).mean(axis=1).tolist()
    seen = {name: MEASURES[name](pixels, face.landmarks) for name in measured}
    return AuditedPhoto(
        photo.path,
        photo.person,
        {**photo.groups, **{name: value for name, value in seen.items() if value}},
        dict(zip([CLEAN, *(each.label for each in damages)], scores, strict=True)),
    )
