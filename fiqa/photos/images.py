"""Decodes untrusted photos within limits of size, time and memory.

Anything that goes wrong is a PhotoError of one sentence. What a photo declares in its header is checked before its
pixels are decoded, so a file that unpacks to gigabytes costs no more than its header. With the limits below a
decode stays under 1.2 GB, whatever the file.

Choices that a score can depend on:

* EXIF orientation is applied: a photo is judged as people see it. Orientation in XMP alone is ignored, as browsers do;
* colours are converted to sRGB where an embedded profile says that they are others;
* transparent parts are laid over white, the usual page;
* 16-bit values are scaled (65535 is white), never clipped; where a file seems to hold fewer bits, a notice says so;
* of an animation or a document of many pages the first picture counts;
* a JPEG that lacks at most a hundredth, at its end, and a PNG with damage beside its pixels are read with a notice.
"""

import time
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin, UnidentifiedImageError

from fiqa.errors import PhotoError
from fiqa.photos.colour_profiles import to_srgb
from fiqa.photos.damaged_files import PNG_SIGNATURE, end_jpeg, lost_share, without_damaged_extras
from fiqa.photos.phone_formats import open_phone_photo, phone_format

MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000
"""Pixels that are decoded at most. A decoded copy takes 4 bytes a pixel, and a conversion needs three of them."""
MAX_JPEG_PIXELS = 120_000_000
"""A JPEG of up to this many is decoded at a half or less; a progressive one takes 8 bytes a pixel even then."""
MIN_SIDE_PX = 16
MAX_ASPECT = 20
"""Longer side over shorter side; beyond, a photo shrunk to a network's input has no height left."""
MAX_LOST_SHARE = 0.01
"""A JPEG of which less is missing at its end is read."""
TRANSPARENT_NOTICE = "Transparent parts were laid over white."
DARK_LEVEL = 64
"""A picture whose brightest 8-bit value is no higher may be one of 14 or fewer bits in a file of 16."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM")
"""Decoders of Pillow that may see a file; the others are rarely used and rarely attacked, so seldom mended."""
PHOTO_SUFFIXES = frozenset({
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg", ".jxl", ".pgm", ".png",
    ".pnm", ".ppm", ".tif", ".tiff", ".webp",
})  # fmt: skip


_READABLE = "JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF and PPM"
_BEGINNINGS = (b"\xff\xd8\xff", PNG_SIGNATURE, b"GIF87a", b"GIF89a")
_TIFF_SUBFILE_TYPE, _TIFF_REDUCED = 254, 1
_WIDE_GREY = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright that is stored with an EXIF orientation."""
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
    """Pixels ready to be judged: (H, W, 3) uint8 RGB, upright; `notices` says what was done to get there.

    `decode_ms` is how long that took, in milliseconds.
    """

    pixels: NDArray[np.uint8]
    notices: tuple[str, ...] = ()
    decode_ms: float = 0.0


class StoredPhoto(ABC):
    """A photo somewhere else, whose bytes are read when its turn has come; as text it is where it lies."""

    @abstractmethod
    def read(self) -> bytes:
        """Return the bytes of its file, of one beyond the size limit one byte more; raises PhotoError."""


PhotoSource = str | Path | bytes | Image.Image | NDArray[Any] | DecodedPhoto | StoredPhoto


def decode_photo(source: PhotoSource) -> DecodedPhoto:
    """Decode a photo, whoever made it, upright and in sRGB.

    Args:
        source: A path, the bytes of a file, a Pillow image, a photo stored elsewhere, or an array (H, W), (H, W, 1),
            (H, W, 3) or (H, W, 4), grey, RGB or RGBA, of uint8, of uint16 with 65535 as white, or of floats in 0..1.
            What was decoded before is returned as it is.

    Returns:
        Pixels (H, W, 3) uint8, with what had to be done to get them.

    Raises:
        PhotoError: It is no photo, is damaged, or is larger than the limits of this module.
    """
    if isinstance(source, DecodedPhoto):
        return source
    started = time.perf_counter()
    photo = _decode(source)
    return replace(photo, decode_ms=1000 * (time.perf_counter() - started))


def _decode(source: PhotoSource) -> DecodedPhoto:
    if isinstance(source, Image.Image):
        return _decode_image(source, "The picture")
    if isinstance(source, np.ndarray):
        return _decode_image(_from_array(source), "The array")
    if isinstance(source, bytes):
        return _decode_file(source, "The file")
    if isinstance(source, StoredPhoto):
        return _decode_file(source.read(), Path(str(source)).name)
    if isinstance(source, str | Path):
        return _decode_file(_read(Path(source)), Path(source).name)
    raise PhotoError(f"A photo is a path, bytes, a Pillow image or an array, not {type(source).__name__}.")


def source_name(source: PhotoSource) -> str | None:
    """Return the path of a photo, None for what has none."""
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "")) or None
    return str(source) if isinstance(source, str | Path | StoredPhoto) else None


def begins_like_a_photo(path: Path) -> bool:
    """Whether a file begins like a photo, whatever its name; not TIFF, as which raw files of cameras begin, too."""
    try:
        if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    known = head.startswith(_BEGINNINGS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
    return known or head[4:12] == b"ftypavif" or phone_format(head) is not None


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
        raise PhotoError(f"{path} does not exist: check its name.") from None
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
    try:
        return _decode_bytes(data, name)
    except _DamagedError as error:
        repaired = _without_damage(data, name)
        if repaired is None:
            raise PhotoError(str(error)) from None
        return repaired


class _DamagedError(PhotoError):
    """The bytes are those of a photo, and damaged."""


def _decode_bytes(data: bytes, name: str) -> DecodedPhoto:
    image = _open(data, name)
    several = image.format != "MPO" and _is_animated(image)  # the second picture of an MPO is its depth or preview
    notices = ["Only the first of its pictures was used."] if several else []
    notices += _reduce_jpeg(image, name)
    decoded = _decode_image(image, name)
    return DecodedPhoto(decoded.pixels, (*notices, *decoded.notices))


def _without_damage(data: bytes, name: str) -> DecodedPhoto | None:
    """Decode a file whose damage leaves the picture as good as whole; None for any other."""
    if data.startswith(PNG_SIGNATURE):
        whole, dropped = without_damaged_extras(data)
        if not dropped:
            return None
        return _with_notice(
            _decode_bytes(whole, name), f"Damaged parts of the file were ignored: {', '.join(dropped)}."
        )
    return _completed_jpeg(end_jpeg(data), name) if data.startswith(b"\xff\xd8\xff") else None


def _completed_jpeg(data: bytes, name: str) -> DecodedPhoto | None:
    """Decode a JPEG that was cut short; None where more than `MAX_LOST_SHARE` is missing.

    What a progressive one lacks is detail in the whole picture, which nobody can see missing: it stays refused.
    """
    image = _open(data, name)
    _reduce_jpeg(image, name)
    try:
        image.load()
    except Exception:  # noqa: BLE001  decoders fail in every way on damaged data
        return None
    lost = lost_share(image)
    if image.info.get("progressive") or lost > MAX_LOST_SHARE:
        return None
    missing = f"{lost:.2%} of the picture are grey" if lost else "nothing of the picture is missing"
    return _with_notice(_decode_bytes(data, name), f"The file lacks its end; {missing}.")


def _with_notice(photo: DecodedPhoto, notice: str) -> DecodedPhoto:
    return DecodedPhoto(photo.pixels, (notice, *photo.notices))


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header with the allowed decoders."""
    try:
        # Pillow warns of large pictures from 89 megapixels on; our own limits follow at once.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if phone_format(data) and not _is_avif(data):
                return open_phone_photo(data, name, max_pixels=MAX_PIXELS)
            image = Image.open(BytesIO(data), formats=FORMATS)
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name, MAX_PIXELS) from None
    except UnidentifiedImageError:
        if data.startswith(PNG_SIGNATURE):
            raise _DamagedError(f"{name} is a damaged PNG photo and cannot be opened.") from None
        raise PhotoError(f"{name} is {_kind(data)}; use a photo in one of the formats {_READABLE}.") from None
    except Exception as error:  # noqa: BLE001  decoders fail in every way on damaged headers
        kind = _DamagedError if data.startswith(PNG_SIGNATURE) else PhotoError
        raise kind(f"{name} is damaged and cannot be opened ({error}).") from None
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
        kind = "AVIF" if _is_avif(data) else phone_format(data)
        return f"a damaged {kind} photo" if kind else "a video"
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            return kind
    return "text" if _is_text(data[:1024]) else "of an unknown kind or damaged"


def _is_avif(data: bytes) -> bool:
    """Whether a file of the HEIF family holds AVIF, which any of its brands may say."""
    return data[4:8] == b"ftyp" and b"avif" in data[8 : int.from_bytes(data[:4])][:256]


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
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or width * height <= MAX_PIXELS:
        return []
    if width * height > MAX_JPEG_PIXELS:
        raise _too_large(name, MAX_JPEG_PIXELS)
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
        raise _DamagedError(f"{name} is truncated or damaged ({error}).") from None
    image, notices = _to_rgb(_upright(image), name)
    pixels = np.array(image)
    if (brightest := int(pixels.max())) <= DARK_LEVEL:
        notices.append(
            f"Its brightest value is {brightest} of 255: if the file has 10, 12 or 14 bits in 16, scale them up first."
        )
    return DecodedPhoto(pixels, tuple(notices))


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
    """Turn a picture as its EXIF orientation says."""
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> Any:
    """Return the EXIF orientation, 1 where there is none; browsers ignore what cannot be read, and so do we.

    Pillow's own reading falls back on XMP, which browsers do not.
    """
    try:
        if tags := getattr(image, "tag_v2", None):
            return tags.get(ExifTags.Base.Orientation, 1)
        exif = Image.Exif()
        exif.load(image.info.get("exif", b""))
        return exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  the data may be damaged in any way
        return 1


def _to_rgb(image: Image.Image, name: str) -> tuple[Image.Image, list[str]]:
    """Convert any mode to RGB with the colours of sRGB; the notices say where that was a choice."""
    if image.mode in _WIDE_GREY or image.mode == "F":
        return Image.fromarray(_to_uint8(np.asarray(image), name)).convert("RGB"), []
    image, notices = to_srgb(image)
    if image.mode == "RGB" and not image.has_transparency_data:
        return image, notices
    if image.has_transparency_data:
        opaque, more = _over_white(image.convert("RGBA"))
        return opaque, [*notices, *more]
    if image.mode == "CMYK":
        notices.append("Converted from CMYK, so colours are approximate.")
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
    return white, [TRANSPARENT_NOTICE]


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
