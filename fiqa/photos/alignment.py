"""From a face in a photo to the square view that the networks are given.

A view is an upright square around one face, resized to the side the checkpoint was trained with.
Its size comes from the landmarks, so it does not depend on which detector drew the box. Resampling
changes the very thing we measure, so it is done once (crop and resize together, with an antialiasing
filter), and faces tilted by less than `MAX_ROLL_DEG` are left as they are: rotating them would
smooth away noise and blocks.

Landmarks are (68, 2) float arrays of (x, y) pixels in the iBUG order, of the photo unless said otherwise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Landmarks = NDArray[np.float32]
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
MAX_ROLL_DEG = 15.0


@dataclass(frozen=True)
class View:
    """A square cut-out of a photo.

    `image` is (side, side, 3) uint8; `to_photo` is the (2, 3) affine matrix that takes a position
    (x, y) in the view to the photo, with the centre of the first pixel at (0.5, 0.5) in both.
    """

    image: NDArray[np.uint8]
    to_photo: NDArray[np.float64]

    def landmarks_from_photo(self, landmarks: Landmarks) -> Landmarks:
        """Express photo landmarks (68, 2) in pixels of this view."""
        linear, offset = self.to_photo[:, :2], self.to_photo[:, 2]
        return ((landmarks - offset) @ np.linalg.inv(linear).T).astype(np.float32)

    def landmarks_to_photo(self, landmarks: Landmarks) -> Landmarks:
        """Express landmarks (68, 2) of this view in pixels of the photo."""
        return (landmarks @ self.to_photo[:, :2].T + self.to_photo[:, 2]).astype(np.float32)


def roll_deg(landmarks: Landmarks) -> float:
    """Return the tilt of the line through the eye centres, in degrees, clockwise in the photo."""
    delta = landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)
    return float(np.degrees(np.arctan2(delta[1], delta[0])))


def align(photo: NDArray[np.uint8], landmarks: Landmarks, *, side_px: int, margin: float) -> View:
    """Cut the upright square around the face: `margin` times the longer side of its landmarks' box.

    Where the square leaves the photo the border is mirrored, because black corners would be scored too.
    """
    roll = roll_deg(landmarks)
    angle = np.radians(roll if abs(roll) > MAX_ROLL_DEG else 0.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = landmarks @ rotation
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = rotation @ ((low + high) / 2)
    return cut_view(photo, centre, float((high - low).max()) * margin, angle, side_px=side_px)


def whole_view(photo: NDArray[np.uint8], *, side_px: int) -> View:
    """View the largest central square of a photo, for photos in which no face was found."""
    height, width = photo.shape[:2]
    return cut_view(photo, np.array([width / 2, height / 2]), float(min(height, width)), 0.0, side_px=side_px)


def cut_view(
    photo: NDArray[np.uint8], centre: NDArray[np.float64], extent_px: float, angle: float, *, side_px: int
) -> View:
    """Cut the square of `extent_px` photo pixels around `centre` (x, y), turned by `angle` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    reach = extent_px / 2 * (abs(cos) + abs(sin))
    left, top = np.floor(centre - reach).astype(int)
    right, bottom = np.ceil(centre + reach).astype(int)
    image = Image.fromarray(_mirrored(photo, left, top, right, bottom))
    local = centre - (left, top)
    if angle:
        image = image.rotate(np.degrees(angle), Image.Resampling.BICUBIC, center=(local[0], local[1]))
    box = (*(local - extent_px / 2), *(local + extent_px / 2))
    clipped = (max(0.0, box[0]), max(0.0, box[1]), min(image.width, box[2]), min(image.height, box[3]))
    image = image.resize((side_px, side_px), Image.Resampling.LANCZOS, box=clipped)
    scale = extent_px / side_px
    linear = scale * np.array([[cos, -sin], [sin, cos]])
    offset = centre - linear @ np.array([side_px / 2, side_px / 2])
    return View(np.asarray(image), np.column_stack([linear, offset]))


def _mirrored(photo: NDArray[np.uint8], left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """Return photo[top:bottom, left:right], mirrored where that leaves the photo."""
    height, width = photo.shape[:2]
    inside = photo[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    pad = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)), (0, 0))
    return np.pad(inside, pad, mode="symmetric") if any(map(any, pad)) else inside
