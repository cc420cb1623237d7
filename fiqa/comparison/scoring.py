"""Scores of every version of a photo, each of the same face.

Where a method hides or distorts a face, the finder may take another face of the picture, or none; its score would then
be of something else. So the face is found once: in the reference where there is one, otherwise in the version that
scores best, and every version is scored there. What cannot be scored is a version that cannot be read, one of another
shape, and a photo in which no version shows a face.

Photos go through the network in groups, as `score_many` does it: first every version where it shows the face itself,
then all others at the best of these places.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.ahead import made_ahead
from fiqa.comparison.face_places import REFERENCE, FacePlace, Pixels, find_places
from fiqa.comparison.matching import PhotoVersions
from fiqa.degradation.diagnosis import encode_crops
from fiqa.errors import FiqaError, PhotoError
from fiqa.photos.archives import PhotoFile, photo_source
from fiqa.photos.images import DecodedPhoto, decode_photo

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas
    from fiqa.degradation.diagnosis import EncodedFace
    from fiqa.photo_scorer import FaceCrops
    from fiqa.predictor import QualityPredictor

GROUP_PX = 2**26
"""Pixels of the photos of one group, after which it is scored however few they are: 200 MB."""


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


@dataclass(frozen=True)
class PreparedVersions:
    """One photo for which only the network's word is missing: its pixels, and the places that may show the face.

    There are no places where `trouble` says why.
    """

    photo: PhotoVersions
    versions: DecodedVersions
    places: Sequence[FacePlace] = ()
    trouble: FiqaError | None = None


def prepare_versions(
    predictor: "QualityPredictor", photo: PhotoVersions, versions: DecodedVersions
) -> PreparedVersions:
    """Find the face of one photo wherever it may be scored; raises nothing."""
    try:
        return PreparedVersions(photo, versions, _places(predictor, versions))
    except FiqaError as error:
        return PreparedVersions(photo, versions, trouble=error)


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
    return score_prepared(predictor, [prepare_versions(predictor, photo, versions)], atlas)[0]


def score_in_groups(
    predictor: "QualityPredictor", photos: Iterable[PhotoVersions], *, atlas: "Atlas | None" = None
) -> Iterator[tuple[DecodedVersions, ScoredVersions]]:
    """Yield pixels and scores of photos in order, what `score_decoded` says of each to 1e-5.

    Photos are decoded and faces found in threads while the network is at work, on several photos at a time.
    """
    threads = predictor.finding_threads()

    def prepare(photo: PhotoVersions) -> PreparedVersions:
        return prepare_versions(predictor, photo, decode_versions(photo))

    prepared = made_ahead(prepare, photos, workers=threads, ahead=2 * threads)
    for group in _grouped(prepared, predictor.batch):
        scored = score_prepared(predictor, group, atlas)
        yield from zip((each.versions for each in group), scored, strict=True)


def _grouped(prepared: Iterable[PreparedVersions], batch: int) -> Iterator[list[PreparedVersions]]:
    """Gather photos until they are large, or have versions enough for whole batches of `batch` crops."""
    group: list[PreparedVersions] = []
    versions = pixels = 0
    for photo in prepared:
        group.append(photo)
        versions += len(photo.versions.pixels)
        pixels += sum(each.shape[0] * each.shape[1] for each in photo.versions.pixels.values())
        if versions >= batch or pixels > GROUP_PX:
            yield group
            group, versions, pixels = [], 0, 0
    if group:
        yield group


def score_prepared(
    predictor: "QualityPredictor", group: Sequence[PreparedVersions], atlas: "Atlas | None"
) -> list[ScoredVersions]:
    """Score photos together; where that fails, one by one, so that each has its own error."""
    try:
        scored = iter(_score_together(predictor, [each for each in group if each.places], atlas))
        return [next(scored) if each.places else _without_scores(each, each.trouble) for each in group]
    except FiqaError as error:
        if len(group) == 1:
            return [_without_scores(group[0], error)]
    return [scored for each in group for scored in score_prepared(predictor, [each], atlas)]


def _score_together(
    predictor: "QualityPredictor", group: Sequence[PreparedVersions], atlas: "Atlas | None"
) -> list[ScoredVersions]:
    """Score photos that have places at the best of these."""
    places = [each.places for each in group]
    found = [*map(_best_place, places, _encode_places(predictor, places))]
    others = [
        {
            method: place.crops_in(pixels, predictor)
            for method, pixels in each.versions.pixels.items()
            if method not in scored and place.fits(pixels)
        }
        for each, (place, scored) in zip(group, found, strict=True)
    ]
    encoded = _encode_all(predictor, others)
    return [
        _with_scores(each, place, {**scored, **rest}, atlas)
        for each, (place, scored), rest in zip(group, found, encoded, strict=True)
    ]


Encoded = Mapping[str, "EncodedFace"]


def _encode_places(predictor: "QualityPredictor", places: Sequence[Sequence[FacePlace]]) -> list[Encoded]:
    """Return, by photo, what the network says of every version where it shows the face itself."""
    return _encode_all(
        predictor,
        [
            {place.version: place.crops_in(place.pixels, predictor) for place in of_photo if not place.is_reference}
            for of_photo in places
        ],
    )


def _encode_all(predictor: "QualityPredictor", faces: "Sequence[Mapping[str, FaceCrops]]") -> list[Encoded]:
    """Return what the network says of the faces of several photos, by version, all of them computed together."""
    encoded = iter(encode_crops(predictor, [crops for versions in faces for crops in versions.values()]))
    return [{version: next(encoded) for version in versions} for versions in faces]


def _best_place(places: Sequence[FacePlace], encoded: Encoded) -> tuple[FacePlace, Encoded]:
    """Return the place that scores best, and its version scored there; the reference, which alone has no score."""
    if not encoded:
        return places[0], {}
    best = max(places, key=lambda place: encoded[place.version].score)
    return best, {best.version: encoded[best.version]}


def _with_scores(
    prepared: PreparedVersions, place: FacePlace, encoded: Encoded, atlas: "Atlas | None"
) -> ScoredVersions:
    photo, versions = prepared.photo, prepared.versions
    misshapen = {
        method: f"It is {_size(pixels)} and {place.version} {_size(place.pixels)}: versions must have the same shape."
        for method, pixels in versions.pixels.items()
        if method not in encoded
    }
    return ScoredVersions(
        photo.name,
        photo.source,
        {method: encoded[method].score if method in encoded else None for method in photo.paths},
        {**versions.errors, **misshapen},
        place.version,
        _diagnose(atlas, encoded),
        landmarks=place.face.landmarks if place.face is not None and place.is_reference else None,
    )


def _without_scores(prepared: PreparedVersions, trouble: FiqaError | None) -> ScoredVersions:
    photo, versions = prepared.photo, prepared.versions
    errors = {**dict.fromkeys(versions.pixels, str(trouble)), **versions.errors}
    return ScoredVersions(photo.name, photo.source, dict.fromkeys(photo.paths), errors)


def _diagnose(atlas: "Atlas | None", scored: Encoded) -> dict[str, str]:
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
    places = _places(predictor, versions)
    place, _ = _best_place(places, *_encode_places(predictor, [places]))
    shown = [versions.pixels[method] for method in methods]
    return [(each, place.crops_in(each, predictor)) for each in shown]


def _places(predictor: "QualityPredictor", versions: DecodedVersions) -> list[FacePlace]:
    """Return where the face may be scored; raises FiqaError when there is no such place."""
    if versions.unreadable_reference is not None:
        raise PhotoError(versions.unreadable_reference)
    return find_places(predictor, versions.pixels, versions.reference)


def _decode_all(photos: Mapping[str, PhotoFile], decode: Decode) -> tuple[dict[str, Pixels], dict[str, str]]:
    """Return the pixels (H, W, 3) of every photo that can be read, and why the others cannot."""
    pixels, errors = {}, {}
    for method, photo in photos.items():
        try:
            pixels[method] = decode(photo_source(photo)).pixels
        except FiqaError as error:
            errors[method] = str(error)
    return pixels, errors


def _size(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"
