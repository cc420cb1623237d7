"""Which face of a photo is asked for, as the command line, the API and the page name it.

Plain data without Pillow or torch, so that `--help` stays instant.
"""

from fiqa.errors import SettingError
from fiqa.results import Box

FaceChoice = int | str
FACE_CHOICES = ("main", "largest", "central")
"""The most prominent face, that with the largest visible box, that nearest the middle of the photo."""

ALIGNED_LAYOUTS: dict[str, Box] = {"ffhq": (0.23, 0.38, 0.77, 0.92), "gfiqa": (0.33, 0.33, 0.67, 0.67)}
"""Where the landmarks of the face lie in aligned crops, as (x0, y0, x1, y1) in shares of the sides.

"ffhq" is the layout of FFHQ, CelebA-HQ and most of face restoration: eyes at (0.375, 0.47) and (0.625, 0.47); the box
is the median of 951 faces aligned as FFHQ's script does. "gfiqa" is that of GFIQA-20k and CGFIQA-40k, a detector's box
grown by its own size on each side."""


def read_face_choice(text: str) -> FaceChoice:
    """Return the choice that a text names: a number counted from 1, or a word of `FACE_CHOICES`.

    Raises SettingError.
    """
    if text in FACE_CHOICES:
        return text
    if text.isascii() and text.isdigit() and len(text) < 7 and int(text):
        return int(text)
    raise SettingError(f"There is no face {text!r}: choose a number from 1 or one of {', '.join(FACE_CHOICES)}.")
