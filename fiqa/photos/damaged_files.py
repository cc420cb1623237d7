"""Files with little damage that browsers show: a JPEG without its last bytes, a PNG with damage beside its pixels."""

import zlib

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_END = b"\xff\xd9"
_MISSING_LEVEL = 128
"""The decoder fills with this grey what a sequential JPEG lacks."""


def end_jpeg(data: bytes) -> bytes:
    """Return a JPEG with the marker that ends it, so that a decoder fills up what is missing before."""
    return data + _JPEG_END


def lost_share(image: Image.Image) -> float:
    """Return which share of a decoded sequential JPEG is missing: the grey pixels of its last rows, from the right."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    ends = (pixels[:, -1] == _MISSING_LEVEL).all(axis=1)
    rows = len(ends) if ends.all() else int(np.argmin(ends[::-1]))
    missing = (pixels[len(pixels) - rows :] == _MISSING_LEVEL).all(axis=2)
    return float(missing.sum() / ends.size / image.width)


def without_damaged_extras(png: bytes) -> tuple[bytes, list[str]]:
    """Return a PNG without the ancillary chunks whose checksums are wrong, and their names."""
    kept, dropped, position = [PNG_SIGNATURE], [], len(PNG_SIGNATURE)
    while position + 12 <= len(png):
        end = position + 12 + int.from_bytes(png[position : position + 4])
        kind, chunk = png[position + 4 : position + 8], png[position:end]
        ancillary = bool(kind[0] & 0x20)
        if ancillary and zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            dropped.append(kind.decode("latin-1"))
        else:
            kept.append(chunk)
        position = end
    return b"".join(kept), dropped
