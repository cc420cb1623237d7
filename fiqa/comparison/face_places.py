"""Where the versions of a photo show the face, so that all of them can be scored at the same place.

A version of another size shows the face at the same share of its width and height.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import FiqaError, PhotoError

if TYPE_CHECKING:
    from fiqa.faces.finders import Face
    from fiqa.photo_scorer import FaceCrops, PhotoScorer

Pixels = NDArray[np.uint8]

MOST_STRETCH = 0.02
"""How much the aspect ratio of a version may differ from that of where the face was found; rounding needs less."""
REFERENCE = "reference"


@dataclass(frozen=True)
class FacePlace:
    """A face that was found in one version of a photo, whose `pixels` are (H, W, 3); None where it is scored whole.

    `version` is the name of the method, or `REFERENCE`, which gets no score itself.
    """

    version: str
    pixels: Pixels
    face: "Face | None"
    is_reference: bool = False

    def fits(self, version: Pixels) -> bool:
        """Whether another version (H, W, 3) has the shape of this one, so that its face has a place there."""
        return same_shape(version, self.pixels)

    def crops_in(self, version: Pixels, predictor: "PhotoScorer") -> "FaceCrops":
        """Cut the face where it lies in another version (H, W, 3) of the photo."""
        return predictor.face_crops(version, self._moved_to(version))

    def _moved_to(self, version: Pixels) -> "Face | None":
        if self.face is None or self.pixels.shape == version.shape:
            return self.face
        scale = np.array(version.shape[1::-1]) / self.pixels.shape[1::-1]
        left, top, right, bottom = (np.array(self.face.box_xyxy) * np.tile(scale, 2)).tolist()
        landmarks = (self.face.landmarks * scale).astype(self.face.landmarks.dtype)
        return replace(self.face, box_xyxy=(left, top, right, bottom), landmarks=landmarks)


def find_places(predictor: "PhotoScorer", versions: Mapping[str, Pixels], reference: Pixels | None) -> list[FacePlace]:
    """Find the face in the reference where there is one, else in every version that shows one.

    Raises FiqaError when there is no place: PhotoError for no versions, NoFaceError for no face in any.
    """
    if reference is not None:
        return [FacePlace(REFERENCE, reference, predictor.find_faces(reference).face, is_reference=True)]
    places: list[FacePlace] = []
    trouble: FiqaError = PhotoError("None of its versions can be read.")
    for method, pixels in versions.items():
        try:
            places.append(FacePlace(method, pixels, predictor.find_faces(pixels).face))
        except FiqaError as error:
            trouble = error
    if not places:
        raise trouble
    return places


def same_shape(version: Pixels, place: Pixels) -> bool:
    """Whether two pictures (H, W, 3) have the same aspect ratio, within what rounding explains."""
    (height, width), (other_height, other_width) = version.shape[:2], place.shape[:2]
    return bool(abs(width * other_height / (height * other_width) - 1) <= MOST_STRETCH)
