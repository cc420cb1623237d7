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
LEFT_EYE, RIGHT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
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
    """Return the tilt of a face (68, 2) in the photo, in degrees clockwise.

    The line through the eyes and the one from the eyes to the mouth count by their lengths: the eyes of a profile are
    too close together to say it alone.
    """
    left, right, mouth = (landmarks[part].mean(axis=0) for part in (LEFT_EYE, RIGHT_EYE, MOUTH))
    across, down = right - left, mouth - (left + right) / 2
    return float(np.degrees(np.arctan2(across[1] - down[0], across[0] + down[1])))


@dataclass(frozen=True)
class Square:
    """Where a view lies in a photo: around `centre` (x, y), `extent_px` pixels a side, turned by `angle` [rad]."""

    centre: NDArray[np.float64]
    extent_px: float
    angle: float = 0.0

    def to_photo(self, side_px: int) -> NDArray[np.float64]:
        """Return the matrix (2, 3) that takes a position in a view of `side_px` to the photo, see `View`."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        linear = self.extent_px / side_px * np.array([[cos, -sin], [sin, cos]])
        return np.column_stack([linear, self.centre - linear @ np.array([side_px / 2, side_px / 2])])

    def window(self) -> tuple[int, int, int, int]:
        """Return the whole photo pixels (left, top, right, bottom) that the square touches, beyond the border too."""
        reach = self.extent_px / 2 * (abs(np.cos(self.angle)) + abs(np.sin(self.angle)))
        left, top = np.floor(self.centre - reach).astype(int).tolist()
        right, bottom = np.ceil(self.centre + reach).astype(int).tolist()
        return left, top, right, bottom


def face_square(landmarks: Landmarks, *, margin: float) -> Square:
    """Return the upright square around a face: `margin` times the longer side of its landmarks' box."""
    roll = roll_deg(landmarks)
    angle = np.radians(roll if abs(roll) > MAX_ROLL_DEG else 0.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = landmarks @ rotation
    low, high = upright.min(axis=0), upright.max(axis=0)
    return Square(rotation @ ((low + high) / 2), float((high - low).max()) * margin, float(angle))


def central_square(height: int, width: int) -> Square:
    """Return the largest central square of a photo."""
    return Square(np.array([width / 2, height / 2]), float(min(height, width)))


def align(photo: NDArray[np.uint8], landmarks: Landmarks, *, side_px: int, margin: float) -> View:
    """Cut the square of `face_square`.

    Where the square leaves the photo the border is mirrored, because black corners would be scored too.
    """
    return cut_view(photo, face_square(landmarks, margin=margin), side_px=side_px)


def whole_view(photo: NDArray[np.uint8], *, side_px: int) -> View:
    """View the largest central square of a photo, for photos in which no face was found."""
    return cut_view(photo, central_square(*photo.shape[:2]), side_px=side_px)


def cut_view(photo: NDArray[np.uint8], square: Square, *, side_px: int) -> View:
    """Cut a square out of a photo (H, W, 3) and resize it; `fiqa.metric.resampling` does the same with gradients."""
    left, top, right, bottom = square.window()
    image = Image.fromarray(_mirrored(photo, left, top, right, bottom))
    x, y = square.centre - (left, top)
    if square.angle:
        image = image.rotate(np.degrees(square.angle), Image.Resampling.BICUBIC, center=(x, y))
    half = square.extent_px / 2
    box = (max(0.0, x - half), max(0.0, y - half), min(image.width, x + half), min(image.height, y + half))
    image = image.resize((side_px, side_px), Image.Resampling.LANCZOS, box=box)
    return View(np.asarray(image), square.to_photo(side_px))


def _mirrored(photo: NDArray[np.uint8], left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """Return photo[top:bottom, left:right], mirrored where that leaves the photo."""
    height, width = photo.shape[:2]
    inside = photo[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    pad = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)), (0, 0))
    return np.pad(inside, pad, mode="symmetric") if any(map(any, pad)) else inside
