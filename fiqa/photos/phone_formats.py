"""HEIC and JPEG XL, which phones write and Pillow reads only with the packages of the extra `phone`.

The package for JPEG XL decodes a photo as it opens it, so the size that its header declares is read here before.
"""

from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from itertools import islice
from typing import Any

from PIL import Image

from fiqa.errors import PhotoError

EXTRA = "phone"
HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
JXL_CODESTREAM, JXL_CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def phone_format(data: bytes) -> str | None:
    """Return "HEIC" or "JPEG XL" where a file begins like one."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return "HEIC"
    return "JPEG XL" if data.startswith((JXL_CODESTREAM, JXL_CONTAINER)) else None


def open_phone_photo(data: bytes, name: str, *, max_pixels: int) -> Image.Image:
    """Open a HEIC or JPEG XL file; raises PhotoError where its package is missing, Exception where it is damaged."""
    if phone_format(data) == "HEIC":
        heif = _package("pillow_heif", "pillow-heif", "HEIC", name)
        heif.register_heif_opener()
        return Image.open(BytesIO(data), formats=("HEIF",))
    _package("pillow_jxl", "pillow-jxl-plugin", "JPEG XL", name)  # registers itself
    width, height = jxl_size(data)
    if width * height > max_pixels:
        raise PhotoError(f"{name} has more than {max_pixels // 10**6} megapixels; save it smaller.")
    try:
        image = Image.open(BytesIO(data), formats=("JXL",))
    except Exception:  # noqa: BLE001  what it says is meant for those who build the decoder
        raise PhotoError(f"{name} is a damaged JPEG XL photo: copy it again, or save it as JPEG or PNG.") from None
    if not getattr(image, "jpeg", False):
        image.info.pop("exif", None)  # the decoder has turned it upright; only a repacked JPEG is as it was stored
    return image


def jxl_size(data: bytes) -> tuple[int, int]:
    """Return the (width, height) that a JPEG XL file declares (ISO/IEC 18181-1); raises ValueError without one."""
    bits = _bits(_jxl_codestream(data)[2:20])
    small = _read(bits, 1)
    height = _jxl_side(bits, small)
    ratio = _read(bits, 3)
    if ratio:
        over, under = _RATIOS[ratio - 1]
        return height * over // under, height
    return _jxl_side(bits, small), height


def _package(module: str, package: str, kind: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise PhotoError(
            f"{name} is a {kind} photo, which needs the package {package}: "
            f'run `pip install "fiqa[{EXTRA}]"`, or save it as JPEG or PNG.'
        ) from None


def _jxl_side(bits: Iterator[int], small: int) -> int:
    if small:
        return 8 * (_read(bits, 5) + 1)
    return 1 + _read(bits, (9, 13, 18, 30)[_read(bits, 2)])


def _read(bits: Iterator[int], count: int) -> int:
    """Read an unsigned number, the lowest bit first."""
    taken = list(islice(bits, count))
    if len(taken) < count:
        raise ValueError("the header ends too early")
    return sum(bit << place for place, bit in enumerate(taken))


def _bits(data: bytes) -> Iterator[int]:
    return (byte >> place & 1 for byte in data for place in range(8))


def _jxl_codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream, which may lie in a box of a container."""
    if data.startswith(JXL_CODESTREAM):
        return data[:64]
    position = 0
    while position + 8 <= len(data):
        length, kind = int.from_bytes(data[position : position + 4]), data[position + 4 : position + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(data[position + 8 : position + 16]), 16
        if kind in (b"jxlc", b"jxlp"):
            start = position + head + (4 if kind == b"jxlp" else 0)
            return data[start : start + 64]
        if length < head:
            break
        position += length
    raise ValueError("there is no picture in it")
