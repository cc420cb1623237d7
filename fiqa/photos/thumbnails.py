"""Small pictures inside a page: to recognise a face by, not to judge it."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.results import Box

THUMBNAIL_SIDE_PX = 96


def thumbnail_uri(photo: NDArray[np.uint8], box_xyxy: Box) -> str:
    """Return the square around `box_xyxy` of a photo (H, W, 3) as a small JPEG data URI."""
    height, width = photo.shape[:2]
    left, top, right, bottom = box_xyxy
    side = int(min(1.3 * max(right - left, bottom - top), height, width))
    x = int(np.clip((left + right - side) / 2, 0, width - side))
    y = int(np.clip((top + bottom - side) / 2, 0, height - side))
    image = Image.fromarray(photo[y : y + side, x : x + side])
    buffer = BytesIO()
    image.resize((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BOX).save(buffer, "JPEG", quality=85)
    return data_uri("image/jpeg", buffer.getvalue())


def data_uri(media_type: str, data: bytes) -> str:
    """Return data as a link that holds it."""
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
