"""Views damaged in part: on the face alone, around it alone, or on half of the view.

A damaged view and the same view without damage are blended by a mask, so that nothing has to be rendered again. What
becomes of the label follows from the mask, because labels are about the face (training/pseudo_mos.py).

Shapes: V pixels a side of the view.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fiqa.models.landmark_encoding import face_outline

FEATHER_SHARE = 0.015
"""Standard deviation of the soft edge of a mask, as a share of the view's side."""

Mask = NDArray[np.float32]


def face_mask(landmarks: NDArray[np.float32], view_px: int) -> Mask:
    """Return 1 on the face with its forehead, 0 around it (V, V), given landmarks (68, 2) in pixels of the view."""
    canvas = Image.new("L", (view_px, view_px))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in face_outline(landmarks)], fill=255)
    return _softened(canvas, view_px)


def half_mask(angle: float, centre: NDArray[np.floating], view_px: int) -> Mask:
    """Return 1 on one side of the line through `centre` (x, y) at `angle` radians, 0 on the other (V, V)."""
    y, x = np.mgrid[:view_px, :view_px] + 0.5
    side = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle) > 0
    return _softened(Image.fromarray((255 * side).astype(np.uint8)), view_px)


def blended(clean: NDArray[np.uint8], damaged: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Return `damaged` (V, V, 3) where the mask (V, V) is 1, `clean` where it is 0."""
    share = mask[..., None]
    mixed: NDArray[np.uint8] = np.rint(clean + share * (damaged.astype(np.float32) - clean)).astype(np.uint8)
    return mixed


def _softened(canvas: Image.Image, view_px: int) -> Mask:
    soft = canvas.filter(ImageFilter.GaussianBlur(FEATHER_SHARE * view_px))
    return np.asarray(soft, dtype=np.float32) / np.float32(255)
