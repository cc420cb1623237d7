"""Which faces a picture holds and which of them speaks for it, with what a user should know about them.

Works with any finder, and without torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import NoFaceError, PhotoError, SettingError
from fiqa.faces.face_choice import ALIGNED_LAYOUTS, FaceChoice
from fiqa.faces.finders import Face, FaceFinder, choose_face

SMALL_FACE_PX = 48
"""Faces smaller than this are enlarged so much that their score says little."""
CUT_SHARE = 0.95
"""A face of which less lies inside the photo is cut by its border."""
UNCLEAR_CONFIDENCE = 0.6
"""Where a crop is aligned, a face that the landmark network doubts more is scored with a notice."""
NO_FACE = "No face was found in this picture: choose a photo that shows one."
SEVERAL_NOTICE = "{count} faces were found; the photo's score is that of {which}."
SMALL_NOTICE = f"The face is smaller than {SMALL_FACE_PX} pixels, too small for a reliable score."
CUT_NOTICE = "The photo's border cuts the face, which can raise its score as well as lower it."
FAINT_NOTICE = "No face can be made out clearly; the place most like one was scored, so take the score with care."
UNCLEAR_NOTICE = "The face can hardly be made out where such a crop has it, so take the score with care."
UNPLACED_NOTICE = "No landmarks could be placed; the crop was scored as a whole, so take the score with care."
WHOLE_NOTICE = "No face was found; the middle of the photo was scored as a whole, so take the score with care."


@dataclass(frozen=True)
class FoundFaces:
    """The faces of a photo, the most prominent first; none where it is to be scored whole.

    `chosen` is the index of the one that speaks for the photo; `notices` say what a user should know about them.
    """

    faces: Sequence[Face]
    chosen: int = 0
    notices: tuple[str, ...] = ()

    @property
    def face(self) -> Face | None:
        """The face that speaks for the photo, None where it is scored whole."""
        return self.faces[self.chosen] if self.faces else None


def find_faces(
    finder: FaceFinder, pixels: NDArray[np.uint8], choice: FaceChoice = "main", *, aligned: str | None = None
) -> FoundFaces:
    """Find the faces of a photo (H, W, 3), or place the one of an aligned crop, as `predictor.score` takes choices.

    Raises NoFaceError when the picture holds nothing like a face, SettingError when there is no such face.
    """
    faces, notices = _look(finder, pixels) if aligned is None else _place(finder, pixels, aligned)
    size_px = (pixels.shape[1], pixels.shape[0])
    chosen = choose_face(faces, choice, size_px)
    about = face_notices(faces, chosen, choice) if faces else []
    return FoundFaces(faces, chosen, (*notices, *about))


def _look(finder: FaceFinder, pixels: NDArray[np.uint8]) -> tuple[list[Face], list[str]]:
    """Return the faces of a photo, and notices on how they were found."""
    if faces := finder.find(pixels):
        return faces, []
    if faint := finder.find_low_confidence(pixels):
        return [faint], [FAINT_NOTICE]
    if finder.can_reject:
        raise NoFaceError(NO_FACE)
    return [], [WHOLE_NOTICE]


def _place(finder: FaceFinder, pixels: NDArray[np.uint8], layout: str) -> tuple[list[Face], list[str]]:
    """Return the face of an aligned crop, and notices on how sure its landmarks are."""
    if layout not in ALIGNED_LAYOUTS:
        raise SettingError(f"Unknown layout {layout!r} of aligned crops: choose one of {', '.join(ALIGNED_LAYOUTS)}.")
    height, width = pixels.shape[:2]
    if height != width:
        raise PhotoError(f"An aligned crop is square and this is {width} × {height}: let the face be found instead.")
    face = finder.place(pixels, width * np.array(ALIGNED_LAYOUTS[layout]))
    if face is None:
        return [], [UNPLACED_NOTICE]
    return [face], [UNCLEAR_NOTICE] if face.confidence < UNCLEAR_CONFIDENCE else []


def face_notices(faces: Sequence[Face], chosen: int, choice: FaceChoice) -> list[str]:
    """Return what a user should know about the faces that were found and the one that was chosen."""
    notices = []
    if len(faces) > 1:
        which = {"main": "the most prominent", "largest": "the largest", "central": "the one nearest the middle"}
        named = which.get(str(choice), f"number {chosen + 1}")
        notices.append(SEVERAL_NOTICE.format(count=len(faces), which=named))
    face = faces[chosen]
    left, top, right, bottom = face.box_xyxy
    if max(right - left, bottom - top) < SMALL_FACE_PX:
        notices.append(SMALL_NOTICE)
    if face.visible_share < CUT_SHARE:
        notices.append(CUT_NOTICE)
    return notices
