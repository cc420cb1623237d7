"""What can be measured of a face in its photo: skin tone, pose and size, each as a group of an audit.

Skin tone is the individual typology angle (Chardon, Cretois & Hourseau, 1991) of the cheeks,

    ITA = arctan((L* − 50) / b*) · 180 / π

of the median CIE L*a*b* (D65, sRGB decoded) of a patch on each cheek; classes after Del Bino & Bernerd (2013). It was
made for a colorimeter that lights the skin itself. In a photo the light and the white balance count as much as the
skin does: half a stop of exposure moves ITA by 10 to 25°, about as much as a class is wide. So among photos taken
under one light it orders people, and among photos from everywhere it is a figure of the picture, not of the
person. It is never a stand-in for ethnicity.

Landmarks are (68, 2) float arrays of (x, y) pixels in the iBUG order; photos (H, W, 3) uint8.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fiqa.faces.pose import estimate_pose
from fiqa.photos.alignment import Landmarks

Photo = NDArray[np.uint8]

EYE_CORNERS = (36, 45)
CHEEKS = ((36, 48, 31, 3), (45, 54, 35, 13))
"""Outer eye corner, mouth corner, nostril and jaw of each side: their mean lies on the cheek."""
PATCH_SHARE = 0.14
"""Side of the patch on a cheek over the distance of the outer eye corners."""
GREY_CHROMA = 3.0
"""Photos whose cheeks have less colour than this (b* of CIE L*a*b*) are grey, or cast blue: ITA is not defined."""
SKIN_TONES = ((55.0, "very light"), (41.0, "light"), (28.0, "intermediate"), (10.0, "tan"), (-30.0, "brown"))
DARKEST = "dark"
POSES = ((15.0, "from the front"), (35.0, "turned a little"))
"""Up to which yaw, in degrees to either side."""
SIDEWAYS = "turned"
SIZES_PX = (80, 160, 320)
ORDER = (
    *(name for _, name in SKIN_TONES), DARKEST, *(name for _, name in POSES), SIDEWAYS,
    "0 to 80 px", "80 to 160 px", "160 to 320 px", "320 px and more",
)  # fmt: skip
"""The groups of all that is measured, in the order in which they are listed."""


def skin_tone(photo: Photo, landmarks: Landmarks) -> str | None:
    """Return the class of the skin tone, very light to dark; None where the photo has no colour there."""
    angle = typology_angle_deg(photo, landmarks)
    return None if angle is None else class_of_angle(angle)


def class_of_angle(angle_deg: float) -> str:
    """Return the class of an individual typology angle, very light to dark."""
    return next((name for least, name in SKIN_TONES if angle_deg > least), DARKEST)


def pose(_photo: Photo, landmarks: Landmarks) -> str:
    """Return how far a face is turned to a side."""
    yaw = abs(estimate_pose(landmarks).yaw)
    return next((name for most, name in POSES if yaw <= most), SIDEWAYS)


def face_size(_photo: Photo, landmarks: Landmarks) -> str:
    """Return the range in which the longer side of the landmarks' box lies, in pixels of the photo."""
    side = float(np.ptp(landmarks, axis=0).max())
    edges = (0, *SIZES_PX)
    lower = max(edge for edge in edges if edge <= side)
    if lower == SIZES_PX[-1]:
        return f"{lower} px and more"
    return f"{lower} to {SIZES_PX[edges.index(lower)]} px"


MEASURES: dict[str, Callable[[Photo, Landmarks], str | None]] = {
    "skin tone": skin_tone,
    "pose": pose,
    "face size": face_size,
}
"""By the names in `fiqa.audit.MEASURED`."""


def typology_angle_deg(photo: Photo, landmarks: Landmarks) -> float | None:
    """Return the individual typology angle of the cheeks in degrees, higher is lighter; None where there is no colour.

    Of a turned face the cheek that shows more counts more: the patches have the size that the face has in the photo.
    """
    from skimage.color import rgb2lab

    pixels = cheek_pixels(photo, landmarks)
    if not len(pixels):
        return None
    lightness, _, yellow = np.median(rgb2lab(pixels[None] / 255.0)[0], axis=0)
    return None if yellow < GREY_CHROMA else float(np.degrees(np.arctan((lightness - 50) / yellow)))


def cheek_pixels(photo: Photo, landmarks: Landmarks) -> NDArray[np.uint8]:
    """Return the pixels (M, 3) of a square patch on each cheek; none where both lie outside the photo."""
    left, right = landmarks[list(EYE_CORNERS)]
    half = max(1, round(PATCH_SHARE * float(np.linalg.norm(right - left)) / 2))
    patches = []
    for points in CHEEKS:
        x, y = np.rint(landmarks[list(points)].mean(axis=0)).astype(int)
        patch = photo[max(0, y - half) : max(0, y + half + 1), max(0, x - half) : max(0, x + half + 1)]
        patches.append(patch.reshape(-1, 3))
    pixels: NDArray[np.uint8] = np.concatenate(patches)
    return pixels
