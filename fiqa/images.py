"""Decodes untrusted photos within limits of size, time and memory.

Anything that goes wrong is a PhotoError of one sentence. What a photo declares in its header is checked before its
pixels are decoded, so a file that unpacks to gigabytes costs no more than its header. With the limits below a
decode stays under 1.2 GB, whatever the file.

Choices that a score can depend on:

* EXIF orientation is applied: a photo is judged as people see it;
* transparent parts are laid over white, the usual page;
* 16-bit values are scaled (65535 is white), never clipped;
* colour profiles are ignored, as they are by the data sets that scores are trained on;
* of an animation or a document of many pages the first picture counts.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from fiqa.errors import PhotoError

MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000
"""Pixels that are decoded at most. A decoded copy takes 4 bytes a pixel, and a conversion needs three of them."""
MAX_JPEG_PIXELS = 120_000_000
"""A JPEG of up to this many is decoded at a half or less; a progressive one takes 8 bytes a pixel even then."""
MIN_SIDE_PX = 16
MAX_ASPECT = 20
"""Longer side over shorter side; beyond, a photo shrunk to a network's input has no height left."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
"""Decoders of Pillow that may see a file; the others are rarely used and rarely attacked, so seldom mended."""
PHOTO_SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

PhotoSource = str | Path | bytes | Image.Image | NDArray[Any]

_READABLE = "JPEG, PNG, WebP, AVIF, TIFF, BMP and GIF"
_TIFF_SUBFILE_TYPE, _TIFF_REDUCED = 254, 1
_WIDE_GREY = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_OTHER_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"8BPS", "a Photoshop document"),
    (b"RIFF", "a sound or a video"),
    (b"\x1aE\xdf\xa3", "a video"),
)


@dataclass(frozen=True)
class DecodedPhoto:
    """Pixels ready to be judged: (H, W, 3) uint8 RGB, upright; `notices` says what was done to get there."""

    pixels: NDArray[np.uint8]
    notices: tuple[str, ...] = ()


def decode_photo(source: PhotoSource) -> DecodedPhoto:
    """Decode a path, the bytes of a file, a Pillow image or an array.

    Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), grey, RGB or RGBA, of uint8, of uint16 with 65535 as
    white, or of floats in 0..1. Raises PhotoError.
    """
    if isinstance(source, Image.Image):
        return _decode_image(source, "The picture")
    if isinstance(source, np.ndarray):
        return _decode_image(_from_array(source), "The array")
    if isinstance(source, bytes):
        return _decode_file(source, "The file")
    if isinstance(source, str | Path):
        return _decode_file(_read(Path(source)), Path(source).name)
    raise PhotoError(f"A photo is a path, bytes, a Pillow image or an array, not {type(source).__name__}.")


def _read(path: Path) -> bytes:
    """Return the content of a regular file within the size limit."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise PhotoError(f"{path} is no file; name a photo.")
        _check_file_size(status.st_size, path.name)
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)  # the file may have grown since
    except FileNotFoundError:
        raise PhotoError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"{path} cannot be read: {reason}.") from None


def _check_file_size(size: int, name: str) -> None:
    if size == 0:
        raise PhotoError(f"{name} is empty (0 bytes).")
    if size > MAX_FILE_BYTES:
        raise PhotoError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB; save it smaller.")


def _decode_file(data: bytes, name: str) -> DecodedPhoto:
    _check_file_size(len(data), name)
    image = _open(data, name)
    several = image.format != "MPO" and _is_animated(image)  # the second picture of an MPO is its depth or preview
    notices = ["Only the first of its pictures was used."] if several else []
    if image.format in ("JPEG", "MPO"):
        notices += _reduce_jpeg(image, name)
    decoded = _decode_image(image, name)
    return DecodedPhoto(decoded.pixels, (*notices, *decoded.notices))


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header with the allowed decoders."""
    try:
        # Pillow warns of large pictures from 89 megapixels on; our own limits follow at once.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large(name, MAX_PIXELS) from None
    except UnidentifiedImageError:
        raise PhotoError(f"{name} is {_kind(data)}; use a photo in one of the formats {_READABLE}.") from None
    except Exception as error:  # noqa: BLE001  decoders fail in every way on damaged headers
        raise PhotoError(f"{name} is damaged and cannot be opened ({error}).") from None
    if image.format == "TIFF" and image.tag_v2.get(_TIFF_SUBFILE_TYPE) == _TIFF_REDUCED:  # type: ignore[attr-defined]
        raise PhotoError(f"{name} starts with a preview, as raw files of cameras do; export it as JPEG or PNG.")
    return image


def _kind(data: bytes) -> str:
    """Say in words what a file is that is no photo."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page (HTML)"
    if data[4:8] == b"ftyp":
        return "a damaged AVIF photo" if data[8:12] == b"avif" else "a HEIC photo or a video"
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            return kind
    return "text" if _is_text(data[:1024]) else "of an unknown kind or damaged"


def _is_text(head: bytes) -> bool:
    # A character may be cut in two at the end, so decode leniently there and nowhere else.
    text = head.decode("utf-8", errors="replace")[:-1]
    return "\ufffd" not in text and all(char.isprintable() or char.isspace() for char in text)


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001  damage behind the first picture does not matter
        return False


def _reduce_jpeg(image: Image.Image, name: str) -> list[str]:
    """Let the decoder shrink a huge JPEG, which costs neither the memory nor the time of its full size."""
    width, height = image.size
    if width * height > MAX_JPEG_PIXELS:
        raise _too_large(name, MAX_JPEG_PIXELS)
    if width * height <= MAX_PIXELS or not isinstance(image, JpegImagePlugin.JpegImageFile):
        return []
    image.draft(image.mode, (width // 2, height // 2))
    return [
        f"{width}×{height} pixels were reduced to {image.width}×{image.height}; boxes and landmarks refer to these."
    ]


def _decode_image(image: Image.Image, name: str) -> DecodedPhoto:
    """Check the size that the header declares, decode, turn upright and convert to RGB."""
    _check_pixels(image, name)
    try:
        image.load()
    except Exception as error:  # noqa: BLE001  decoders fail in every way on damaged data
        raise PhotoError(f"{name} is truncated or damaged ({error}).") from None
    image, notices = _to_rgb(_upright(image), name)
    return DecodedPhoto(np.array(image), tuple(notices))


def _check_pixels(image: Image.Image, name: str) -> None:
    short, long = sorted(image.size)
    size = f"{image.width}×{image.height}"
    if short < MIN_SIDE_PX:
        raise PhotoError(f"{name} is {size} pixels, too small to judge: each side needs at least {MIN_SIDE_PX}.")
    if short * long > MAX_PIXELS:
        raise _too_large(name, MAX_PIXELS)
    if long > MAX_ASPECT * short:
        raise PhotoError(f"{name} is {size} pixels, too narrow to judge: at most {MAX_ASPECT} times as long as wide.")


def _too_large(name: str, limit: int) -> PhotoError:
    return PhotoError(f"{name} has more than {limit // 10**6} megapixels; save it smaller.")


def _upright(image: Image.Image) -> Image.Image:
    """Apply EXIF orientation; browsers ignore EXIF data that cannot be read, so do we."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  the data may be damaged in any way
        return image


def _to_rgb(image: Image.Image, name: str) -> tuple[Image.Image, list[str]]:
    """Convert any mode to RGB; the notices say where that was a choice."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image, []
    if image.mode in _WIDE_GREY or image.mode == "F":
        return Image.fromarray(_to_uint8(np.asarray(image), name)).convert("RGB"), []
    if image.has_transparency_data:
        return _over_white(image.convert("RGBA"))
    notices = ["Converted from CMYK, so colours are approximate."] if image.mode == "CMYK" else []
    try:
        return image.convert("RGB"), notices
    except ValueError:
        raise PhotoError(f"{name} has colours of the kind {image.mode}; save it as RGB.") from None


def _over_white(image: Image.Image) -> tuple[Image.Image, list[str]]:
    opaque = image.getchannel("A").getextrema() == (255, 255)
    if opaque:
        return image.convert("RGB"), []
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white, ["Transparent parts were laid over white."]


def _from_array(array: NDArray[Any]) -> Image.Image:
    """Return an array as a Pillow image of mode L, RGB or RGBA."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PhotoError(f"An array of shape {array.shape} is no photo; expected (H, W), (H, W, 3) or (H, W, 4).")
    if 0 in array.shape or array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise PhotoError(f"An array of shape {array.shape} is no photo: it needs 1 to {MAX_PIXELS} pixels.")
    if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        raise PhotoError(f"An array of {array.dtype} is no photo; expected uint8, uint16 or floats in 0..1.")
    levels = _to_uint8(array, "The array")
    return Image.fromarray(levels[:, :, 0] if levels.shape[2:] == (1,) else levels)


def _to_uint8(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Scale to 0..255: floats from 0..1, integers of more than 8 bits from 0..65535."""
    if values.dtype == np.uint8:
        return values
    white = 1 if values.dtype.kind == "f" else 65535
    if not (values.min() >= 0 and values.max() <= white):  # not (…) because NaN fails every comparison
        raise PhotoError(f"{name} holds values outside 0..{white}; scale them so that {white} is white.")
    scaled: NDArray[np.float32] = np.multiply(values, 255 / white, dtype=np.float32, casting="same_kind")
    np.rint(scaled, out=scaled)
    return scaled.astype(np.uint8)
